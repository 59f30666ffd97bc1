//! What production refuses and development warns about.

use crate::program::{FILE, Setup, random_secret};

#[test]
fn production_names_everything_that_is_unsafe() {
    let setup = Setup::new()
        .var("APP_PROFILE", "production")
        .var("JWT_SECRET", "supersecret")
        .var("ALLOWED_ORIGINS", "*")
        .var("APP__PASSWORDS__MEMORY_KIB", "19455")
        .var("APP__PASSWORDS__ITERATIONS", "2")
        .var("APP__BUS__CAPACITY", "0");
    let outcome = setup.check();
    let keys: Vec<&str> = outcome
        .stderr
        .lines()
        .map(|line| line.split_once(": ").unwrap().0)
        .collect();
    assert_eq!(
        keys,
        [
            "bus.capacity",
            "tokens.secret",
            "http.allowed_origins",
            "passwords.memory_kib",
            "http.trusted_proxies"
        ]
    );
    assert_eq!(outcome.code, 1);
    let secret = outcome.stderr.lines().nth(1).unwrap();
    for reason in ["published example", "32 bytes", "(from JWT_SECRET)"] {
        assert!(secret.contains(reason), "{secret}");
    }
    outcome.never_says("supersecret");
    for arguments in [&[][..], &["serve"], &["config", "show"]] {
        let other = setup.run(arguments);
        assert_eq!((other.code, &other.stderr), (1, &outcome.stderr));
        assert_eq!(other.stdout, "");
    }
}

#[test]
fn production_refuses_secrets_that_can_be_guessed() {
    for secret in [
        "a-string-secret-at-least-256-bits-long",
        "a-secret-of-tests-9f2c61d07be84a53",
        "a-secret-of-tests-77aa02cd914fb6e0",
        "another secret of 32 bytes or so...",
        "supersecretsupersecretsupersecret",
        "0123456789abcdef0123456789abcdef",
        &random_secret()[..31],
    ] {
        for variable in ["JWT_SECRET", "APP__TOKENS__SECRET"] {
            let outcome = Setup::new().production().var(variable, secret).check();
            assert_eq!(outcome.code, 1, "{secret}");
            assert!(outcome.stderr.starts_with("tokens.secret: "));
            outcome.never_says(secret);
        }
    }
    let file = "[production.tokens]\nsecret = \"supersecret\"\n";
    let outcome = Setup::new().production().write(FILE, file).check();
    assert!(outcome.stderr.contains(&format!("(from {FILE})")));
    outcome.never_says("supersecret");
}

/// As a platform would set it: nothing to say, and no file.
#[test]
fn a_good_production_passes() {
    let secret = random_secret();
    let good = |proxies: &str| {
        Setup::new()
            .var("APP_PROFILE", "production")
            .var("JWT_SECRET", &secret)
            .var("ALLOWED_ORIGINS", "https://app.example.com")
            .var("DATABASE_URL", "sqlite:/var/lib/accounts.db")
            .var("PORT", "8080")
            .var("APP__HTTP__TRUSTED_PROXIES", proxies)
    };
    for (proxies, shown) in [
        ("[]", "[]"),
        (
            "10.0.0.0/8, 192.0.2.1",
            "[\"10.0.0.0/8\", \"192.0.2.1/32\"]",
        ),
    ] {
        let setup = good(proxies);
        let outcome = setup.check();
        assert_eq!(
            (outcome.code, &*outcome.stdout, &*outcome.stderr),
            (0, "ok\n", "")
        );
        assert_eq!(
            setup.shown("http.trusted_proxies"),
            format!("http.trusted_proxies = {shown}  # <- APP__HTTP__TRUSTED_PROXIES")
        );
        assert_eq!(setup.shown("http.docs"), "http.docs = false  # <- default");
    }
    // An empty variable is one that isn't set, so it decides nothing.
    let outcome = good("").check();
    assert_eq!(outcome.code, 1);
    assert!(
        outcome.stderr.starts_with("http.trusted_proxies: ")
            && outcome.stderr.ends_with("(from default)\n")
            && outcome.stderr.lines().count() == 1,
        "{}",
        outcome.stderr
    );
}

#[test]
fn production_takes_what_is_safe() {
    for (memory_kib, iterations, taken) in [
        ("47104", "1", true),
        ("47103", "1", false),
        ("19456", "2", true),
        ("12288", "3", true),
        ("12287", "3", false),
        ("9216", "4", true),
        ("7168", "5", true),
        ("7167", "20", false),
        ("1048576", "1", true),
    ] {
        let outcome = Setup::new()
            .production()
            .var("JWT_SECRET", random_secret())
            .var("APP__PASSWORDS__MEMORY_KIB", memory_kib)
            .var("APP__PASSWORDS__ITERATIONS", iterations)
            .check();
        assert_eq!(outcome.code == 0, taken, "{memory_kib} x {iterations}");
        let named = outcome.stderr.starts_with("passwords.memory_kib: ")
            && outcome
                .stderr
                .ends_with("(from APP__PASSWORDS__ITERATIONS, APP__PASSWORDS__MEMORY_KIB)\n");
        assert_eq!(named, !taken, "{}", outcome.stderr);
    }
}

#[test]
fn development_warns_and_goes_on() {
    let outcome = Setup::new()
        .var("JWT_SECRET", "supersecret")
        .var("ALLOWED_ORIGINS", "*,http://shop.example")
        .var("APP__HTTP__TRUSTED_PROXIES", "0.0.0.0/0")
        .check();
    assert_eq!((outcome.code, &*outcome.stdout), (0, "ok\n"));
    let mut keys: Vec<&str> = outcome
        .stderr
        .lines()
        .map(|line| line.strip_prefix("warning: ").unwrap())
        .map(|line| line.split_once(": ").unwrap().0)
        .collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        [
            "http.allowed_origins",
            "http.allowed_origins",
            "http.trusted_proxies",
            "tokens.secret"
        ]
    );
    outcome.never_says("supersecret");
}

#[test]
fn several_nodes_want_one_database() {
    let nats = ("NATS_URL", "nats://localhost");
    let refusal = "store: several nodes, each with a SQLite file of its own, don't know each \
                   other's accounts: with NATS, name one database in DATABASE_URL";
    Setup::new()
        .production()
        .var(nats.0, nats.1)
        .refuses(&[&format!("{refusal} (from NATS_URL)")]);
    let sqlite = "sqlite:data/accounts.db";
    Setup::new()
        .production()
        .var(nats.0, nats.1)
        .var("DATABASE_URL", sqlite)
        .refuses(&[&format!("{refusal} (from DATABASE_URL, NATS_URL)")]);
    let outcome = Setup::new().var(nats.0, nats.1).check();
    assert_eq!(
        (outcome.code, &*outcome.stderr),
        (
            0,
            &*format!("warning: {refusal}; production refuses it (from NATS_URL)\n")
        )
    );
    let cluster = Setup::new()
        .production()
        .var(nats.0, nats.1)
        .var("DATABASE_URL", "postgres://localhost/accounts")
        .check();
    assert_eq!((cluster.code, &*cluster.stderr), (0, ""));
    // Nor is it said of what stands in for a store that is refused.
    Setup::new()
        .production()
        .var(nats.0, nats.1)
        .var("APP__STORE__KIND", "postgres")
        .refuses(&["store.url: is missing (from APP__STORE__KIND)"]);
}

#[test]
fn servers_elsewhere_are_warned_about_in_any_profile() {
    for setup in [Setup::new(), Setup::new().production()] {
        let setup = setup
            .var("DATABASE_URL", "postgres://ann:canary@db.example/accounts")
            .var("NATS_URL", "nats://bus.example");
        let outcome = setup.check();
        assert_eq!((outcome.code, &*outcome.stdout), (0, "ok\n"));
        let lines: Vec<&str> = outcome.stderr.lines().collect();
        assert!(
            matches!(lines[..], [store, bus]
                if store.starts_with("warning: store.url: ")
                    && store.ends_with("add `sslmode=verify-full` (from DATABASE_URL)")
                    && bus.starts_with("warning: bus.url: ")
                    && bus.ends_with("(from NATS_URL)")),
            "{lines:?}"
        );
        outcome.never_says("canary");
        let outcome = setup
            .var(
                "DATABASE_URL",
                "postgres://ann:canary@db.example/accounts?sslmode=verify-full",
            )
            .var("NATS_URL", "tls://ann:canary@bus.example")
            .check();
        assert_eq!((outcome.code, &*outcome.stderr), (0, ""));
    }
}

#[test]
fn the_page_is_for_development_unless_it_is_asked_for() {
    let shown = |setup: Setup| setup.shown("http.page");
    assert_eq!(shown(Setup::new()), "http.page = true  # <- default");
    let production = || Setup::new().production();
    assert_eq!(shown(production()), "http.page = false  # <- default");
    assert_eq!(
        shown(production().var("APP__HTTP__PAGE", "true")),
        "http.page = true  # <- APP__HTTP__PAGE"
    );
    assert_eq!(
        shown(production().write(FILE, "[production.http]\npage = true\n")),
        format!("http.page = true  # <- {FILE}")
    );
    assert_eq!(
        shown(Setup::new().var("APP__HTTP__PAGE", "false")),
        "http.page = false  # <- APP__HTTP__PAGE"
    );
    Setup::new()
        .var("APP__HTTP__PAGE", "yes")
        .refuses(&["http.page: expected `true` or `false` (from APP__HTTP__PAGE)"]);
}

/// Wherever the file is, it is on a disk that goes away.
#[test]
fn a_platform_without_a_disk_is_no_place_for_a_file() {
    for (variable, name) in [
        ("K_SERVICE", "Cloud Run"),
        ("CONTAINER_APP_NAME", "Azure Container Apps"),
        ("DYNO", "Heroku"),
    ] {
        let warning = |origin: &str| {
            format!(
                "warning: store: the disk of an instance of {name} ({variable} is set) ends with \
                 it: accounts will be lost, and no two instances have the same; name a database \
                 server in DATABASE_URL (from {origin})\n"
            )
        };
        for setup in [Setup::new, || Setup::new().production()] {
            let setup = || setup().var(variable, "rooms");
            let outcome = setup().check();
            assert_eq!((outcome.code, outcome.stderr), (0, warning("default")));
            let outcome = setup().var("DATABASE_URL", "sqlite:/data/a.db").check();
            assert_eq!((outcome.code, outcome.stderr), (0, warning("DATABASE_URL")));
            for fitting in [
                setup().var("DATABASE_URL", "postgres://localhost/accounts"),
                setup()
                    .var("APP__ROLES", "gateway")
                    .var("NATS_URL", "nats://localhost"),
                setup().var(variable, ""),
            ] {
                let outcome = fitting.check();
                assert_eq!((outcome.code, &*outcome.stderr), (0, ""));
            }
        }
    }
}
