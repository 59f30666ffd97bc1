//! `user import`: lines of JSON become accounts.

use std::{
    io::Write,
    process::{Output, Stdio},
    sync::Arc,
};

use test_servers::Place;

use crate::process::{Process, command};

const PASSWORD: &str = "correct horse battery staple";

/// Of that password, by Python's bcrypt.
const BCRYPT: &str = "$2a$04$82c3NtAISZDEPSZ9sqqBCug/oTlC5hpebWhwxUUkW3YNeb4hg5OtO";

/// Of `Grüße`, by argon2-cffi.
const ARGON2I: &str =
    "$argon2i$v=19$m=64,t=3,p=1$ZWlnaHQgYnk$l/4seiuIUJzR+FBIgzRZmHL7PyuQm/6voAO48qN6TPA";

/// Of `s@lt!y` and that password, by coreutils.
const SHA256: &str = "da59aa877e5d650d0c1651c0c0d228c0c0ae942445323106c74fa67f485ead17";

fn import(place: &Place, lines: &str, more: &[&str]) -> Output {
    let mut importing = command(place, &[("APP__PASSWORDS__MEMORY_KIB", "64")])
        .args([&["user", "import", "-"], more].concat())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = importing.stdin.take().unwrap();
    stdin.write_all(lines.as_bytes()).unwrap();
    drop(stdin);
    importing.wait_with_output().unwrap()
}

fn said(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn good() -> String {
    format!(
        r#"{{"username": "Ann", "hash": "{BCRYPT}"}}
{{"username": "bob", "hash": "{ARGON2I}", "created_at": "2019-04-01T12:00:00Z"}}

{{"username": "eve", "digest": "{SHA256}", "algorithm": "sha256", "order": "salt-password", "salt": "s@lt!y"}}
{{"username": "dan", "hash": "{BCRYPT}", "disabled": true}}
"#
    )
}

#[tokio::test]
async fn people_sign_in_with_the_passwords_that_they_had() {
    let place = Arc::new(Place::new());
    let dry = import(&place, &good(), &["--dry-run"]);
    assert!(dry.status.success(), "{dry:?}");
    let imported = import(&place, &good(), &[]);
    assert!(imported.status.success(), "{imported:?}");
    assert!(
        said(imported.stderr)
            .ends_with("4 accounts are imported, 0 were before, 0 lines refused\n")
    );
    assert!(!place.accounts().contains(SHA256));

    let service = Process::start_at(Arc::clone(&place), &[]);
    let login = async |username: &str, password: &str| {
        let body = serde_json::json!({"username": username, "password": password});
        service.post("/auth/login", body).await.unwrap().0
    };
    for (username, password) in [("ann", PASSWORD), ("bob", "Grüße"), ("eve", PASSWORD)] {
        assert_eq!(login(username, "wrong").await, 401, "{username}");
        for _ in 0..2 {
            assert_eq!(login(username, password).await, 200, "{username}");
        }
    }
    assert_eq!(login("eve", SHA256).await, 401);
    assert_eq!(login("dan", PASSWORD).await, 401);
}

/// What was imported before is there, whatever cut the first run short.
#[test]
fn the_same_lines_again_change_nothing() {
    let place = Place::new();
    let lines: String = good()
        .lines()
        .take(2)
        .map(|line| format!("{line}\n"))
        .collect();
    assert!(import(&place, &lines, &[]).status.success());
    let before = place.accounts();
    let again = import(&place, &lines, &[]);
    assert!(again.status.success(), "{again:?}");
    assert!(
        said(again.stderr).ends_with("0 accounts are imported, 2 were before, 0 lines refused\n")
    );
    assert_eq!(place.accounts(), before);
}

#[test]
fn lines_that_are_no_accounts_are_named_and_the_others_are_imported() {
    let place = Place::new();
    let bad = [
        ("{", "it is not an object"),
        (r#"{"username": "a"}"#, "it has one of `hash` and `digest`"),
        (
            r#"{"username": "a b", "hash": "x"}"#,
            "a username has letters",
        ),
        (
            r#"{"username": "a", "hash": "canary"}"#,
            "its hash can't be verified",
        ),
        (
            r#"{"username": "a", "hash": "$argon2id$v=19$m=9999999,t=3,p=1$c2FsdHNhbHQ$aaaaaaaaaaaaaaaaaaaaaa"}"#,
            "its hash can't be verified",
        ),
        (
            r#"{"username": "a", "digest": "abcd"}"#,
            "`algorithm`, `order` and `salt` go",
        ),
        (
            r#"{"username": "a", "digest": "canary", "algorithm": "sha256", "order": "salt-password"}"#,
            "its digest is not one of",
        ),
        (
            r#"{"username": "a", "hash": "x", "pasword": "canary"}"#,
            "it is not an object",
        ),
    ];
    let lines: Vec<&str> = bad.iter().map(|(line, _)| *line).collect();
    let all = format!("{}\n{}", lines.join("\n"), good());
    let refused = import(&place, &all, &[]);
    assert_eq!(refused.status.code(), Some(1));
    let (out, err) = (said(refused.stdout), said(refused.stderr));
    let mut out_lines = out.lines();
    for (i, (_, reason)) in bad.iter().enumerate() {
        let line = out_lines.next().unwrap();
        let begin = format!("line {}: {reason}", i + 1);
        assert!(line.starts_with(&begin), "{line}");
    }
    assert_eq!(out_lines.next(), None);
    assert!(
        err.contains("4 accounts are imported, 0 were before, 8 lines refused\n"),
        "{err}"
    );
    assert!(!format!("{out}{err}").contains("canary"), "{out}{err}");
}

/// An account that is there keeps its hash.
#[test]
fn a_name_that_is_taken_is_refused() {
    let place = Place::new();
    assert!(import(&place, &good(), &[]).status.success());
    let line = format!(r#"{{"username": "ANN", "hash": "{ARGON2I}"}}"#);
    let refused = import(&place, &line, &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert_eq!(said(refused.stdout), "line 1: its username is taken\n");
}
