//! One part of the service alone: what it asks for, and what it doesn't.

use crate::program::{Setup, random_secret};

const KEYS: &str = "https://auth.example.com/.well-known/jwks.json";

/// Accounts are none of a gateway's business: neither where they are, nor how
/// well their passwords are hashed.
#[test]
fn a_gateway_alone_does_not_judge_the_store() {
    for (variable, value) in [
        ("DATABASE_URL", "nothing that is a store"),
        ("DATABASE_URL", "mysql://db/accounts"),
        ("APP__STORE__KIND", "clay"),
        ("APP__PASSWORDS__MEMORY_KIB", "64"),
    ] {
        let setup = Setup::new()
            .var("APP__ROLES", "gateway")
            .var("JWT_SECRET", random_secret())
            .var(variable, value);
        let outcome = setup.check();
        assert_eq!(outcome.code, 0, "{variable}={value}: {}", outcome.stderr);
        let judged = |line: &str| !line.starts_with("warning: roles: ");
        assert!(!outcome.stderr.lines().any(judged), "{}", outcome.stderr);
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
