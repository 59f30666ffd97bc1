//! One part of the service alone: what it asks for, and what it doesn't.

use crate::program::{Setup, random_secret};

const KEYS: &str = "https://auth.example.com/.well-known/jwks.json";

#[test]
fn a_role_alone_does_not_live_on_the_memory_bus() {
    for role in ["auth", "gateway"] {
        let reason = format!(
            "roles: {role} alone has to hear from the other nodes which sessions ended, and the \
             memory bus ends with this process"
        );
        let setup = Setup::new()
            .var("APP__ROLES", role)
            .var("JWT_SECRET", random_secret());
        let outcome = setup.check();
        assert_eq!((outcome.code, &*outcome.stdout), (0, "ok\n"));
        assert_eq!(
            outcome.stderr,
            format!("warning: {reason}; production refuses it (from APP__ROLES)\n")
        );
        setup
            .production()
            .refuses(&[&format!("{reason} (from APP__ROLES)")]);
    }
    let setup = Setup::new()
        .production()
        .var("JWT_SECRET", random_secret())
        .var("APP__ROLES", "auth")
        .var("APP__BUS__CAPACITY", "50");
    let outcome = setup.check();
    assert!(
        outcome
            .stderr
            .ends_with("(from APP__BUS__CAPACITY, APP__ROLES)\n"),
        "{}",
        outcome.stderr
    );
}

/// Accounts are none of a gateway's business: neither where they are, nor how
/// well their passwords are hashed.
#[test]
fn a_gateway_alone_does_not_judge_the_store() {
    for (variable, value) in [
        ("DATABASE_URL", "nothing that is a store"),
        ("DATABASE_URL", "mysql://db/accounts"),
        ("DATABASE_URL", "postgres://db/accounts?sslmode=canary"),
        ("APP__STORE__KIND", "clay"),
        ("APP__PASSWORDS__MEMORY_KIB", "64"),
    ] {
        let setup = Setup::new()
            .var("APP__ROLES", "gateway")
            .var("JWT_SECRET", random_secret())
            .var(variable, value);
        let outcome = setup.check();
        assert_eq!(outcome.code, 0, "{variable}={value}: {}", outcome.stderr);
        assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
        let auth = setup.var("APP__ROLES", "auth").production().check();
        assert_eq!(auth.code, 1, "{variable}={value}");
        let key = variable.to_lowercase();
        let section = key.split("__").nth(1).unwrap_or("store");
        assert!(
            auth.stderr.lines().any(|line| line.starts_with(section)),
            "{variable}={value}: {}",
            auth.stderr
        );
    }
}

/// What somebody could do to a database is no doubt about a node that never
/// connects to it, though its platform gives it the URL.
#[test]
fn a_gateway_alone_does_not_doubt_the_network_to_the_store() {
    let setup = Setup::new()
        .var("APP__ROLES", "gateway")
        .var("JWT_SECRET", random_secret())
        .var("NATS_URL", "nats://localhost")
        .var("DATABASE_URL", "postgres://db/accounts");
    let outcome = setup.check();
    assert_eq!((outcome.code, &*outcome.stderr), (0, ""));
    let auth = setup.var("APP__ROLES", "auth").check();
    assert!(
        auth.stderr.starts_with("warning: store.url: whoever sits"),
        "{}",
        auth.stderr
    );
}

#[test]
fn keys_of_others_are_for_a_gateway_alone() {
    let gateway = Setup::new()
        .var("APP__ROLES", "gateway")
        .var("APP__TOKENS__JWKS_URL", KEYS);
    assert_eq!(gateway.check().code, 0);
    assert_eq!(
        gateway.shown("tokens.jwks_url"),
        format!("tokens.jwks_url = \"{KEYS}\"  # <- APP__TOKENS__JWKS_URL")
    );
    Setup::new().var("APP__TOKENS__JWKS_URL", KEYS).refuses(&[
        "tokens.jwks_url: is for a gateway alone: a node with auth has its own keys, and auth \
             is among the roles (from APP__TOKENS__JWKS_URL)",
    ]);
    Setup::new()
        .var("APP__ROLES", "gateway")
        .var(
            "APP__TOKENS__JWKS_URL",
            "https://ann:canary@auth.example/keys",
        )
        .refuses(&[
            "tokens.jwks_url: a URL of public keys has no user name and password \
             (from APP__TOKENS__JWKS_URL)",
        ])
        .never_says("canary");
}

#[test]
fn keys_that_somebody_could_replace_are_warned_about() {
    for (url, doubtful) in [
        ("http://auth.example.com/keys", true),
        ("http://10.0.0.7:9000/keys", true),
        ("http://[2001:db8::1]/keys", true),
        ("http://localhost.example.com/keys", true),
        ("http://127.0.0.1:9000/keys", false),
        ("http://[::1]:9000/keys", false),
        ("http://localhost:9000/keys", false),
        ("file:///run/keys/jwks.json", false),
        (KEYS, false),
    ] {
        let outcome = Setup::new()
            .var("APP__ROLES", "gateway")
            .var("APP__TOKENS__JWKS_URL", url)
            .check();
        assert_eq!(outcome.code, 0, "{url}: {}", outcome.stderr);
        let warned = outcome.stderr.contains(&format!(
            "warning: tokens.jwks_url: whoever sits on the network can replace keys that come \
             without TLS, and so sign in as anybody: {url} (from APP__TOKENS__JWKS_URL)\n"
        ));
        assert_eq!(warned, doubtful, "{url}: {}", outcome.stderr);
    }
    let outcome = Setup::new()
        .var("APP__ROLES", "gateway")
        .var("APP__TOKENS__JWKS_URL", KEYS)
        .var("JWT_SECRET", random_secret())
        .check();
    assert!(
        outcome.stderr.contains(
            "warning: tokens.jwks_url: is not used: tokens.secret is set, and verifies alone \
             (from APP__TOKENS__JWKS_URL, JWT_SECRET)\n"
        ),
        "{}",
        outcome.stderr
    );
}
