//! Servers that aren't there.

use test_servers::ClosedPort;

use crate::{
    process::{Process, output},
    refusals::{error, refused},
};

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

#[tokio::test]
async fn whoever_is_disabled_is_out_though_nobody_can_be_told() {
    let service = Process::start(&[]);
    service.credentials("/auth/register", "ann").await.unwrap();
    let closed_port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let nats = format!("nats://ann:canary@{closed_port}");
    let disabled = output(
        &service.place,
        &[("NATS_URL", &nats)],
        &["user", "disable", "ann"],
    );
    assert!(disabled.status.success(), "{disabled:?}");
    let warning = String::from_utf8(disabled.stderr).unwrap();
    assert!(warning.contains("the nodes were not told"), "{warning}");
    assert!(warning.contains("bus.url (from NATS_URL)"), "{warning}");
    assert!(!warning.contains("canary"), "{warning}");
    let (status, _) = service.credentials("/auth/login", "ann").await.unwrap();
    assert_eq!(status, 401);
}
