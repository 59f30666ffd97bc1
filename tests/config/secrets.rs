//! Secrets are taken as they are, and never repeated.

use crate::program::{FILE, Setup, random_secret};

#[test]
fn a_secret_that_looks_like_something_else_is_a_secret() {
    for secret in [
        "12345",
        "true",
        "[1, 2]",
        "{canary = 1}",
        "\"canary\"",
        "1e9",
        "a,b",
    ] {
        for variable in ["JWT_SECRET", "APP__TOKENS__SECRET"] {
            let setup = Setup::new().var(variable, secret);
            let outcome = setup.check();
            assert_eq!((outcome.code, &*outcome.stdout), (0, "ok\n"), "{secret}");
            let warning = format!("(from {variable})");
            assert!(outcome.stderr.contains(&warning), "{}", outcome.stderr);
            outcome.never_says(secret);
            assert_eq!(
                setup.shown("tokens.secret"),
                format!("# tokens.secret = (hidden)  # <- {variable}")
            );
        }
    }
}

#[test]
fn a_secret_may_stand_in_a_file() {
    for name in ["JWT_SECRET", "APP__TOKENS__SECRET"] {
        let file = format!("{name}_FILE");
        let secret = random_secret();
        let setup = Setup::new()
            .production()
            .write("secret", format!("{secret}\r\n"))
            .var(&file, "secret");
        let outcome = setup.check();
        assert_eq!((outcome.code, &*outcome.stderr), (0, ""));
        assert_eq!(
            setup.shown("tokens.secret"),
            format!("# tokens.secret = (hidden)  # <- {file}")
        );
        setup.run(&["config", "show"]).never_says(&secret);

        // An empty variable is one that isn't set.
        assert_eq!(setup.var(name, "").check().code, 0);

        let outcome = Setup::new()
            .write("secret", &secret)
            .var(name, &secret)
            .var(&file, "secret")
            .refuses(&[&format!("{name}: {file} is set too; only one may be")]);
        outcome.never_says(&secret);

        Setup::new().var(&file, "no/such/file").refuses(&[&format!(
            "{file}: can't read no/such/file: No such file or directory (os error 2)"
        )]);
        Setup::new()
            .write("secret", "\n")
            .var(&file, "secret")
            .refuses(&[&format!("{file}: secret is empty")]);
        Setup::new()
            .write("secret", "canary".repeat(11_000))
            .var(&file, "secret")
            .refuses(&[&format!(
                "{file}: can't read secret: it is larger than 64 KiB"
            )])
            .never_says("canary");
    }
}

#[test]
fn every_secret_is_hidden_and_may_stand_in_a_file() {
    for (key, names) in [
        ("tokens.secret", ["JWT_SECRET", "APP__TOKENS__SECRET"]),
        (
            "tokens.previous_secret",
            ["JWT_SECRET_PREVIOUS", "APP__TOKENS__PREVIOUS_SECRET"],
        ),
        (
            "second_factor.totp_key",
            ["TOTP_KEY", "APP__SECOND_FACTOR__TOTP_KEY"],
        ),
    ] {
        for name in names {
            let secret = random_secret();
            let file = format!("{name}_FILE");
            for (variable, value) in [(name, &*secret), (&*file, "secret")] {
                let mut setup = Setup::new().write("secret", &secret);
                if key == "tokens.previous_secret" {
                    // There is none before it.
                    setup = setup.var("JWT_SECRET", random_secret());
                }
                let setup = setup.var(variable, value);
                let shown = format!("# {key} = (hidden)  # <- {variable}");
                assert_eq!(setup.shown(key), shown);
                setup.run(&["config", "show"]).never_says(&secret);
            }
        }
    }
}

#[test]
fn a_file_that_cannot_be_understood_is_not_quoted() {
    for (file, expected) in [
        ("[default.tokens]\nsecret = \"canary\n", "line 2: "),
        ("[default.tokens]\nsecret = canary\n", "line 2: "),
        (
            "[default.tokens]\nsecret = \"canary\"\nsecret = \"canary\"\n",
            "line 3: ",
        ),
        (
            "tokens.secret = \"canary\"\n",
            "`tokens` is not a profile's section",
        ),
        (
            "[prod.tokens]\nsecret = \"canary\"\n",
            "`prod` is not a profile's section",
        ),
        (
            "default = \"canary\"\n",
            "`default` is not a profile's section",
        ),
    ] {
        // The file may well say what production asks for: nobody knows.
        let outcome = Setup::new()
            .production()
            .var("APP__HTTP__TRUSTED_PROXIES", "")
            .write(FILE, file)
            .check();
        let lines: Vec<&str> = outcome.stderr.lines().collect();
        assert!(
            matches!(lines[..], [line] if line.starts_with(&format!("{FILE}: {expected}"))),
            "{lines:?}"
        );
        assert_eq!(outcome.code, 1);
        outcome.never_says("canary");
    }
}

#[test]
fn a_secret_of_the_wrong_type_is_not_repeated() {
    for value in [
        "4242424242",
        "true",
        "4242.4242",
        "[\"canary\"]",
        "{ canary = \"canary\" }",
    ] {
        let file = format!("[default.tokens]\nsecret = {value}\n");
        let outcome = Setup::new().write(FILE, &file).check();
        assert_eq!(outcome.code, 1);
        assert!(
            outcome
                .stderr
                .starts_with("tokens.secret: expected text, found ")
        );
        outcome.never_says("canary").never_says("4242");
    }
    for (variable, value) in [
        ("APP__TOKENS", "{secret=\"canary\"}"),
        ("APP__TOKENS", "canary"),
        ("APP__TOKENS__SECRET__KEY", "canary"),
        ("APP__TOKENS__SECRETS", "canary"),
        ("APP__STORE__KIND", "db://user:canary@db"),
    ] {
        let outcome = Setup::new().var(variable, value).check();
        assert_eq!(outcome.code, 1, "{variable}");
        assert!(
            outcome.stderr.contains(&format!("(from {variable})")),
            "{}",
            outcome.stderr
        );
        outcome.never_says("canary");
    }
}

/// Two secrets are two, and the second is nothing alone.
#[test]
fn a_previous_secret_stands_beside_another() {
    let (current, previous) = (random_secret(), random_secret());
    let production = || Setup::new().production().var("JWT_SECRET", &current);
    let setup = production().var("JWT_SECRET_PREVIOUS", &previous);
    let outcome = setup.check();
    assert_eq!((outcome.code, &*outcome.stderr), (0, ""));
    assert_eq!(
        setup.shown("tokens.previous_secret"),
        "# tokens.previous_secret = (hidden)  # <- JWT_SECRET_PREVIOUS"
    );
    setup.run(&["config", "show"]).never_says(&previous);
    let file = production()
        .write("secret", format!("{previous}\n"))
        .var("JWT_SECRET_PREVIOUS_FILE", "secret");
    assert_eq!(file.check().code, 0);

    production()
        .var("JWT_SECRET_PREVIOUS", &current)
        .refuses(&[
            "tokens.previous_secret: is another secret, or left out; it is the same as \
             tokens.secret (from JWT_SECRET, JWT_SECRET_PREVIOUS)",
        ])
        .never_says(&current);
    Setup::new()
        .var("JWT_SECRET_PREVIOUS", &previous)
        .refuses(&[
            "tokens.previous_secret: verifies beside another secret, and signs nothing: set \
             tokens.secret (from JWT_SECRET_PREVIOUS)",
        ])
        .never_says(&previous);
    let weak = production()
        .var("JWT_SECRET_PREVIOUS", "supersecret")
        .check();
    assert_eq!(weak.code, 1);
    assert!(
        weak.stderr.starts_with(
            "tokens.previous_secret: whoever guesses it can sign in as anybody: it is a \
             published example"
        ),
        "{}",
        weak.stderr
    );
}
