//! A service that can't start says why, on one line a reason, and exits non-zero.

use std::{os::unix::fs::PermissionsExt, process::Stdio, sync::Arc};

use crate::process::{Process, command, output};

fn refused(variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let dir = tempfile::tempdir().unwrap();
    let output = output(dir.path(), variables, arguments);
    assert!(!output.status.success());
    String::from_utf8(output.stderr).unwrap()
}

/// The last line, and the only one about an error.
fn error(text: &str) -> &str {
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
    let dir = tempfile::tempdir().unwrap();
    let variables = [
        ("APP_PROFILE", "production"),
        ("APP__HTTP__TRUSTED_PROXIES", "[]"),
        ("GATEWAY_BIND_ADDR", "127.0.0.1:0"),
    ];
    let check = output(dir.path(), &variables, &["config", "check"]);
    assert!(check.status.success(), "{check:?}");
    let serve = output(dir.path(), &variables, &[]);
    assert_eq!(serve.status.code(), Some(1));
    assert_eq!(
        String::from_utf8(serve.stderr).unwrap(),
        "error: no signing key: set JWT_SECRET (32 random bytes or more), or make a key in \
         `data/keys` with `keys new`\n"
    );
    assert!(!dir.path().join("data/keys").exists());
}

#[tokio::test]
async fn keys_are_made_by_command_and_then_serve() {
    let dir = Arc::new(tempfile::tempdir().unwrap());
    let made = output(dir.path(), &[], &["keys", "new"]);
    assert!(
        made.status.success(),
        "{}",
        String::from_utf8_lossy(&made.stderr)
    );
    let path = String::from_utf8(made.stdout).unwrap();
    let mode = std::fs::metadata(dir.path().join(path.trim()))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let production = [
        ("APP_PROFILE", "production"),
        ("APP__HTTP__TRUSTED_PROXIES", "[]"),
    ];
    let service = Process::start_in(dir, &production);
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
fn a_store_that_cannot_be_opened_is_named() {
    let text = refused(
        &[("DATABASE_URL", "sqlite:/proc/accounts.db"), ("PORT", "0")],
        &[],
    );
    let line = "error: store.path (from DATABASE_URL): can't make `/proc/accounts.db`: ";
    assert!(error(&text).starts_with(line), "{text}");
}

/// Whichever command needs the store, and wherever its path was set.
#[test]
fn the_source_of_a_setting_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("roomkey.toml"),
        "[default.store]\npath = \"/proc/accounts.db\"\n",
    )
    .unwrap();
    for arguments in [&["serve"][..], &["user", "disable", "ann"]] {
        let output = output(dir.path(), &[("PORT", "0")], arguments);
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).unwrap();
        let line = "error: store.path (from roomkey.toml): can't make `/proc/accounts.db`: ";
        assert!(error(&text).starts_with(line), "{text}");
    }
}

#[test]
fn a_key_that_is_none_is_named() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(dir.path().join("data/keys")).unwrap();
    std::fs::write(dir.path().join("data/keys/refresh.key"), "A".repeat(43)).unwrap();
    std::fs::write(dir.path().join("data/keys/1.pem"), "canary").unwrap();
    let output = output(dir.path(), &[("PORT", "0")], &[]);
    assert!(!output.status.success());
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(text.contains("data/keys/1.pem"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

#[test]
fn the_documents_need_no_configuration() {
    let dir = tempfile::tempdir().unwrap();
    for (document, version) in [
        ("openapi", "\"openapi\": \"3.1"),
        ("asyncapi", "\"asyncapi\": \"3.0"),
    ] {
        let output = output(dir.path(), &[("APP_PROFILE", "production")], &[document]);
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.contains(version), "{text}");
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
}

#[test]
fn a_reader_of_a_document_may_stop_early() {
    let dir = tempfile::tempdir().unwrap();
    for document in ["openapi", "asyncapi"] {
        let mut child = command(dir.path(), &[])
            .arg(document)
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        assert!(child.wait().unwrap().success(), "{document}");
    }
}

/// A port that nobody listens on, and nobody else can take.
struct ClosedPort(socket2::Socket);

impl ClosedPort {
    fn new() -> Self {
        let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
        let socket = socket.unwrap();
        let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
        socket.bind(&any.into()).unwrap();
        Self(socket)
    }

    fn address(&self) -> String {
        let address = self.0.local_addr().unwrap().as_socket().unwrap();
        address.to_string()
    }
}

#[test]
fn a_database_that_is_not_there_is_named() {
    let port = ClosedPort::new();
    let address = port.address();
    let url = format!("postgres://ann:canary@{address}/accounts");
    for arguments in [&["serve"][..], &["user", "disable", "ann"]] {
        let text = refused(&[("DATABASE_URL", &url), ("PORT", "0")], arguments);
        let line = "error: store.url (from DATABASE_URL): can't connect to ";
        assert!(error(&text).starts_with(line), "{text}");
        assert!(error(&text).contains(&address), "{text}");
        assert!(error(&text).contains("accounts"), "{text}");
        assert!(error(&text).contains("Connection refused"), "{text}");
        assert!(!text.contains("canary"), "{text}");
    }
}

#[test]
fn a_bus_that_is_not_there_is_named() {
    let ports = [ClosedPort::new(), ClosedPort::new()];
    let [one, two] = ports.each_ref().map(ClosedPort::address);
    let url = format!("nats://ann:canary@{one},nats://ann:canary@{two}");
    let text = refused(&[("NATS_URL", &url), ("PORT", "0")], &[]);
    let line = format!("error: bus.url (from NATS_URL): can't reach NATS at {one}, {two}: ");
    assert!(error(&text).starts_with(&line), "{text}");
    assert!(error(&text).contains("Connection refused"), "{text}");
    assert!(!text.contains("canary"), "{text}");
}

/// Credentials are read before anybody is asked to take them.
#[test]
fn credentials_that_are_not_there_are_named() {
    let port = ClosedPort::new();
    let url = format!("nats://{}", port.address());
    let text = refused(
        &[
            ("NATS_URL", &url),
            ("APP__BUS__CREDENTIALS_FILE", "no/such.creds"),
            ("PORT", "0"),
        ],
        &[],
    );
    let line = "error: bus.credentials_file (from APP__BUS__CREDENTIALS_FILE): ";
    assert!(error(&text).starts_with(line), "{text}");
    assert!(error(&text).contains("No such file"), "{text}");
}
