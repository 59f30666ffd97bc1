//! A store in a database.

use crate::program::{FILE, Setup, is_refused, random_secret};

const URL: &str = "postgres://localhost/accounts";

#[test]
fn a_url_names_the_database() {
    for url in [URL, "postgresql://localhost/accounts"] {
        let setup = Setup::new().var("DATABASE_URL", url);
        for (key, line) in [
            ("store.kind", "store.kind = \"postgres\"  # <- DATABASE_URL"),
            ("store.url", "# store.url = (hidden)  # <- DATABASE_URL"),
        ] {
            assert_eq!(setup.shown(key), line);
        }
    }
}

#[test]
fn what_is_no_url_is_refused_wherever_it_stands() {
    const SHAPE: &str = "not a URL like postgres://user:password@host:5432/database";
    const ESCAPES: &str = "in a user's name or password write `%` as %25, `@` as %40, `:` as %3A, \
                           `/` as %2F, `?` as %3F and `#` as %23";
    for (url, reason) in [
        (
            "postgres://ann:canary@/app",
            &*format!("{SHAPE}: empty host"),
        ),
        ("postgres:canary", &format!("{SHAPE}: the host is missing")),
        (
            "postgresql://ann:12/canary@db/app",
            &format!("{SHAPE}: {ESCAPES}"),
        ),
        (
            "postgres://db/app?sslmode=canary",
            "the value of `sslmode` is not valid",
        ),
    ] {
        let refusal = |source: &str| format!("store.url: {reason} (from {source})");
        Setup::new()
            .var("DATABASE_URL", url)
            .refuses(&[&refusal("DATABASE_URL")])
            .never_says("canary");
        let table = "[default.store]\nkind = \"postgres\"\n";
        Setup::new()
            .write(FILE, format!("{table}url = \"{url}\"\n"))
            .refuses(&[&refusal(FILE)])
            .never_says("canary");
        Setup::new()
            .write(FILE, table)
            .write("url", url)
            .var("APP__STORE__URL_FILE", "url")
            .refuses(&[&refusal("APP__STORE__URL_FILE")])
            .never_says("canary");
    }
}

#[test]
fn the_url_is_a_secret() {
    let url = "postgres://canary:canary@localhost/accounts";
    let file = "[default.store]\nkind = \"postgres\"\n";
    for name in ["DATABASE_URL", "APP__STORE__URL"] {
        let plain = Setup::new().write(FILE, file).var(name, url);
        let from_file = Setup::new()
            .write(FILE, file)
            .write("url", format!("{url}\n"))
            .var(&format!("{name}_FILE"), "url");
        for (setup, suffix) in [(plain, ""), (from_file, "_FILE")] {
            let outcome = setup.run(&["config", "show"]);
            assert_eq!((outcome.code, &*outcome.stderr), (0, ""));
            outcome.never_says("canary");
            assert_eq!(
                setup.shown("store.url"),
                format!("# store.url = (hidden)  # <- {name}{suffix}")
            );
        }
        let outcome = Setup::new()
            .write(FILE, file)
            .write("url", url)
            .var(name, url)
            .var(&format!("{name}_FILE"), "url")
            .check();
        let refusal = format!("{name}: {name}_FILE is set too; only one may be");
        assert_eq!(outcome.stderr.lines().next(), Some(&*refusal));
        assert_eq!(outcome.code, 1);
        outcome.never_says("canary");
    }
    for value in ["4242", "[\"canary\"]", "{ canary = \"canary\" }"] {
        let outcome = Setup::new()
            .write(FILE, format!("{file}url = {value}\n"))
            .check();
        assert_eq!(outcome.code, 1);
        assert!(
            outcome
                .stderr
                .starts_with("store.url: expected text, found "),
            "{}",
            outcome.stderr
        );
        outcome.never_says("canary").never_says("4242");
    }
}

#[test]
fn production_is_told_where_the_database_is() {
    Setup::new()
        .production()
        .var("APP__STORE__URL", "")
        .var("APP__STORE__KIND", "postgres")
        .refuses(&["store.url: is missing (from APP__STORE__KIND)"]);
}

#[test]
fn a_database_elsewhere_is_warned_about_in_any_profile() {
    for setup in [Setup::new(), Setup::new().production()] {
        let setup = setup.var("DATABASE_URL", "postgres://ann:canary@db.example/accounts");
        let outcome = setup.check();
        assert_eq!((outcome.code, &*outcome.stdout), (0, "ok\n"));
        let lines: Vec<&str> = outcome.stderr.lines().collect();
        assert!(
            matches!(lines[..], [store]
                if store.starts_with("warning: store.url: ")
                    && store.ends_with("add `sslmode=verify-full` (from DATABASE_URL)")),
            "{lines:?}"
        );
        outcome.never_says("canary");
        let outcome = setup
            .var(
                "DATABASE_URL",
                "postgres://ann:canary@db.example/accounts?sslmode=verify-full",
            )
            .check();
        assert_eq!((outcome.code, &*outcome.stderr), (0, ""));
    }
}

/// What somebody could do to a database is no doubt about a node that never
/// connects to it, though its platform gives it the URL.
#[test]
fn a_gateway_alone_does_not_doubt_the_network_to_the_store() {
    for url in [
        "postgres://db/accounts",
        "postgres://db/accounts?sslmode=canary",
    ] {
        let setup = Setup::new()
            .var("APP__ROLES", "gateway")
            .var("JWT_SECRET", random_secret())
            .var("DATABASE_URL", url);
        let outcome = setup.check();
        assert_eq!(outcome.code, 0, "{}", outcome.stderr);
        assert!(!outcome.stderr.contains("store"), "{}", outcome.stderr);
        let auth = setup.var("APP__ROLES", "auth").check();
        assert!(auth.stderr.contains("store.url: "), "{}", auth.stderr);
    }
}

#[test]
fn connections_are_bounded() {
    for count in ["0", "1001", "-1"] {
        let setup = Setup::new().var("DATABASE_URL", URL);
        let variable = "APP__STORE__MAX_CONNECTIONS";
        is_refused(setup, variable, count, "store.max_connections");
    }
}
