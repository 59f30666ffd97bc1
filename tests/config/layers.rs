//! What overrides what.

use crate::program::{FILE, Setup, overrides, random_secret};

#[test]
fn without_anything_the_defaults_hold() {
    let setup = Setup::new();
    let outcome = setup.check();
    assert_eq!(
        (outcome.code, &*outcome.stdout, &*outcome.stderr),
        (0, "ok\n", "")
    );
    for (key, line) in [
        ("http.bind", "http.bind = \"0.0.0.0:9000\"  # <- default"),
        ("roles", "roles = [\"auth\", \"gateway\"]  # <- default"),
        ("ws.echo", "ws.echo = true  # <- default"),
        (
            "tokens.access_ttl",
            "tokens.access_ttl = \"10m\"  # <- default",
        ),
        (
            "tokens.refresh_absolute_ttl",
            "tokens.refresh_absolute_ttl = \"90d\"  # <- default",
        ),
        ("tokens.secret", "# tokens.secret is not set  # <- default"),
        ("log.format", "log.format = \"pretty\"  # <- default"),
    ] {
        assert_eq!(setup.shown(key), line);
    }
}

#[test]
fn what_is_shown_can_be_loaded_again() {
    let secret = random_secret();
    let first = Setup::new()
        .var("JWT_SECRET", &secret)
        .var("APP__TOKENS__ISSUER", "odd \"name\"\\\u{7f}")
        .var("APP__HTTP__TRUSTED_PROXIES", "10.0.0.0/8,192.0.2.1");
    let shown = first.run(&["config", "show"]);
    assert_eq!(shown.code, 0);
    let second = Setup::new().write("again.toml", &shown.stdout);
    let again = second.run(&["--config", "again.toml", "config", "show"]);
    let values = |text: &str| -> Vec<String> {
        text.lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| Some(line.split_once("  # <-")?.0.to_owned()))
            .collect()
    };
    assert_eq!(values(&shown.stdout), values(&again.stdout));
    assert!(values(&again.stdout).len() > 40);
    // What is not said in it is what has no value to say.
    for line in again.stdout.lines() {
        let unsaid = line.ends_with("<- default");
        assert_eq!(
            unsaid,
            line.contains("is not set") || line.contains("(hidden)  # <- default"),
            "{line}"
        );
    }
}

#[test]
fn each_layer_overrides_the_one_before() {
    let file = "[default.http]\nbind = \"127.0.0.1:1001\"\n\
                [production.http]\nbind = \"127.0.0.1:1002\"\ntrusted_proxies = []\n";
    let bound = |setup: &Setup| setup.shown("http.bind");

    let setup = Setup::new().write(FILE, file);
    let line = format!("http.bind = \"127.0.0.1:1001\"  # <- {FILE}");
    assert_eq!(bound(&setup), line);

    let setup = setup.production();
    let line = format!("http.bind = \"127.0.0.1:1002\"  # <- {FILE}");
    assert_eq!(bound(&setup), line);

    let setup = setup.var("APP__HTTP__BIND", "127.0.0.1:1003");
    assert_eq!(
        bound(&setup),
        "http.bind = \"127.0.0.1:1003\"  # <- APP__HTTP__BIND"
    );

    let setup = setup.var("PORT", "1004");
    assert_eq!(bound(&setup), "http.bind = \"0.0.0.0:1004\"  # <- PORT");

    let setup = setup.var("GATEWAY_BIND_ADDR", "127.0.0.1:1004");
    assert_eq!(
        bound(&setup),
        "http.bind = \"127.0.0.1:1004\"  # <- GATEWAY_BIND_ADDR"
    );
}

#[test]
fn a_file_wins_over_a_profile_of_the_defaults() {
    let setup = Setup::new().production();
    assert_eq!(
        setup.shown("log.format"),
        "log.format = \"json\"  # <- default"
    );
    let setup = setup.write(FILE, "[default.log]\nformat = \"pretty\"\n");
    assert_eq!(
        setup.shown("log.format"),
        format!("log.format = \"pretty\"  # <- {FILE}")
    );
}

#[test]
fn flat_names_override_their_structured_ones() {
    let secret = random_secret();
    for (flat, structured, key, line) in [
        (
            ("GATEWAY_BIND_ADDR", "127.0.0.1:8000"),
            ("APP__HTTP__BIND", "127.0.0.1:1"),
            "http.bind",
            "http.bind = \"127.0.0.1:8000\"",
        ),
        (
            ("JWT_SECRET", &*secret),
            ("APP__TOKENS__SECRET", "other"),
            "tokens.secret",
            "# tokens.secret = (hidden)",
        ),
        (
            (
                "ALLOWED_ORIGINS",
                "https://b.example, https://a.example:443 ,",
            ),
            ("APP__HTTP__ALLOWED_ORIGINS", "https://c.example"),
            "http.allowed_origins",
            "http.allowed_origins = [\"https://a.example\", \"https://b.example\"]",
        ),
        (
            ("RUST_LOG", "debug,hyper=warn"),
            ("APP__LOG__FILTER", "trace"),
            "log.filter",
            "log.filter = \"debug,hyper=warn\"",
        ),
    ] {
        overrides(flat, structured, key, line);
        let shown = Setup::new().var(structured.0, structured.1).shown(key);
        assert!(
            shown.ends_with(&format!("  # <- {}", structured.0)),
            "{shown}"
        );
    }
}

#[test]
fn structured_names_reach_every_type() {
    for (variable, value, key, line) in [
        (
            "APP__HTTP__BODY_LIMIT",
            "1024",
            "http.body_limit",
            "http.body_limit = 1024",
        ),
        ("APP__WS__ECHO", "false", "ws.echo", "ws.echo = false"),
        (
            "APP__TOKENS__ACCESS_TTL",
            "90s",
            "tokens.access_ttl",
            "tokens.access_ttl = \"1m 30s\"",
        ),
        (
            "APP__TOKENS__ISSUER",
            "12345",
            "tokens.issuer",
            "tokens.issuer = \"12345\"",
        ),
        (
            "APP__ROLES",
            "gateway, auth",
            "roles",
            "roles = [\"gateway\", \"auth\"]",
        ),
        (
            "APP__HTTP__ALLOWED_ORIGINS",
            "[\"https://a.example\"]",
            "http.allowed_origins",
            "http.allowed_origins = [\"https://a.example\"]",
        ),
        (
            "APP__HTTP__TRUSTED_PROXIES",
            "10.0.0.1,fd00::/8",
            "http.trusted_proxies",
            "http.trusted_proxies = [\"10.0.0.1/32\", \"fd00::/8\"]",
        ),
        (
            "APP__HTTP__TRUSTED_PROXIES",
            "[]",
            "http.trusted_proxies",
            "http.trusted_proxies = []",
        ),
        (
            "APP__PASSWORDS__CONTEXT_WORDS",
            "acme,roadrunner",
            "passwords.context_words",
            "passwords.context_words = [\"acme\", \"roadrunner\"]",
        ),
        (
            "APP__LOG__FORMAT",
            "json",
            "log.format",
            "log.format = \"json\"",
        ),
    ] {
        let shown = Setup::new().var(variable, value).shown(key);
        assert_eq!(shown, format!("{line}  # <- {variable}"));
    }
}

#[test]
fn a_profile_is_one_of_two() {
    for profile in ["prod", "Production", "default", " production"] {
        Setup::new()
            .var("APP_PROFILE", profile)
            .refuses(&["APP_PROFILE: is not `development` or `production`"]);
    }
    for profile in ["", "development"] {
        assert_eq!(Setup::new().var("APP_PROFILE", profile).check().code, 0);
    }
}

#[test]
fn a_named_file_is_there_and_stands_for_the_usual_one() {
    let setup = Setup::new()
        .write(FILE, "[default.log]\nfilter = \"warn\"\n")
        .write("other.toml", "[default.ws]\necho = false\n");
    let outcome = setup.run(&["config", "show", "--config", "other.toml"]);
    assert_eq!(outcome.code, 0);
    for line in [
        "ws.echo = false  # <- other.toml\n",
        "log.filter = \"info\"  # <- default\n",
    ] {
        assert!(outcome.stdout.contains(line), "{}", outcome.stdout);
    }
    let outcome = setup.run(&["--config", "none.toml", "config", "check"]);
    assert_eq!(
        (outcome.code, &*outcome.stderr),
        (
            1,
            "--config: can't read none.toml: No such file or directory (os error 2)\n"
        )
    );
}
