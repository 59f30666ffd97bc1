//! A service that can't start says why, on one line a reason, and exits non-zero.

use std::{os::unix::fs::PermissionsExt, process::Stdio, sync::Arc};

use test_servers::Place;

use crate::process::{Process, command, output};

pub fn refused(variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let output = output(&Place::new(), variables, arguments);
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

/// The last line, and the only one about an error.
pub fn error(text: &str) -> &str {
    let errors: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(errors, [text.lines().last().unwrap()], "{text}");
    errors[0]
}

#[test]
fn production_names_everything_that_is_unsafe() {
    let text = refused(
        &[
            ("APP_PROFILE", "production"),
            ("JWT_SECRET", "supersecret"),
            ("ALLOWED_ORIGINS", "*"),
            ("APP__PASSWORDS__MEMORY_KIB", "1024"),
        ],
        &[],
    );
    for key in [
        "JWT_SECRET",
        "ALLOWED_ORIGINS",
        "passwords",
        "http.trusted_proxies",
    ] {
        assert!(text.contains(key), "{key} is not named:\n{text}");
    }
    assert!(!text.contains("supersecret"), "{text}");
}

#[test]
fn production_makes_no_key_by_itself() {
    let place = Place::new();
    let variables = [
        ("APP_PROFILE", "production"),
        ("APP__HTTP__TRUSTED_PROXIES", "[]"),
        ("GATEWAY_BIND_ADDR", "127.0.0.1:0"),
    ];
    let check = output(&place, &variables, &["config", "check"]);
    assert!(check.status.success(), "{check:?}");
    let serve = output(&place, &variables, &[]);
    assert_eq!(serve.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(serve.stderr).unwrap(),
        "error: no signing key: set JWT_SECRET (32 random bytes or more), or make a key in \
         `data/keys` with `keys new`\n"
    );
    assert!(!place.path().join("data/keys").exists());
}

#[tokio::test]
async fn keys_are_made_by_command_and_then_serve() {
    let place = Arc::new(Place::new());
    let made = output(&place, &[], &["keys", "new"]);
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let path = String::from_utf8(made.stdout).unwrap();
    let mode = std::fs::metadata(place.path().join(path.trim()))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let production = [
        ("APP_PROFILE", "production"),
        ("APP__HTTP__TRUSTED_PROXIES", "[]"),
    ];
    let service = Process::start_at(place, &production);
    assert_eq!(service.get("/readyz").await.unwrap(), 200);
}

#[test]
fn an_address_in_use_is_named() {
    let service = Process::start(&[]);
    let text = refused(&[("GATEWAY_BIND_ADDR", &service.address)], &[]);
    let line = format!(
        "error: http.bind (from GATEWAY_BIND_ADDR): can't listen on {}: ",
        service.address
    );
    assert!(error(&text).starts_with(&line), "{text}");
}

#[test]
fn a_key_that_is_none_is_named() {
    let place = Place::new();
    std::fs::create_dir_all(place.path().join("data/keys")).unwrap();
    std::fs::write(place.path().join("data/keys/refresh.key"), "A".repeat(43)).unwrap();
    std::fs::write(place.path().join("data/keys/1.pem"), "canary").unwrap();
    let output = output(&place, &[("PORT", "0")], &[]);
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("data/keys/1.pem"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn the_documents_need_no_configuration() {
    let place = Place::new();
    for (document, version) in [
        ("openapi", "\"openapi\": \"3.1"),
        ("asyncapi", "\"asyncapi\": \"3.0"),
    ] {
        let output = output(&place, &[("APP_PROFILE", "production")], &[document]);
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(version), "{text}");
    }
    assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), 0);
}

#[test]
fn a_reader_of_a_document_may_stop_early() {
    let place = Place::new();
    for document in ["openapi", "asyncapi"] {
        let mut child = command(&place, &[])
            .arg(document)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        assert!(child.wait().unwrap().success(), "{document}");
    }
}
