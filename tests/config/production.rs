//! What production refuses and development warns about.

use crate::program::{FILE, Setup, random_secret};

#[test]
fn production_names_everything_that_is_unsafe() {
    let setup = Setup::new()
        .production()
        .var("APP__HTTP__TRUSTED_PROXIES", "")
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
            .production()
            .var("JWT_SECRET", &secret)
            .var("ALLOWED_ORIGINS", "https://app.example.com")
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
