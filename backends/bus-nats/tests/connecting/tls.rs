//! TLS, with an authority of one's own, and with a certificate on each side.

use std::{path::Path, process::Command};

use bus_nats::{ConnectError, NatsSettings, Tls};
use test_servers::Nats;

use crate::{refused, settings, works};

fn openssl(folder: &Path, arguments: &str) {
    let done = Command::new("openssl")
        .current_dir(folder)
        .args(arguments.split(' '))
        .output()
        .expect("openssl is installed");
    assert!(done.status.success(), "openssl {arguments}: {done:?}");
}

/// An authority `<name>.pem`, and a certificate of it for `127.0.0.1`.
fn certificates(folder: &Path, name: &str) {
    openssl(
        folder,
        &format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
             -subj /CN={name} -keyout {name}.key -out {name}.pem"
        )
        .replace("  ", " "),
    );
    openssl(
        folder,
        &format!(
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 \
             -subj /CN=leaf -addext subjectAltName=IP:127.0.0.1 \
             -addext basicConstraints=critical,CA:FALSE -CA {name}.pem -CAkey {name}.key \
             -keyout {name}-leaf.key -out {name}-leaf.pem"
        ),
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_is_trusted_by_its_authority_and_may_ask_for_ours() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    certificates(folder, "ours");
    certificates(folder, "theirs");
    let path = |name: &str| folder.join(name);
    let server = Nats::start_with(&format!(
        "tls {{ cert_file: {:?}, key_file: {:?}, ca_file: {:?}, verify: true }}",
        path("ours-leaf.pem"),
        path("ours-leaf.key"),
        path("ours.pem"),
    ));
    let with = |ca: &str, own: Option<&str>| NatsSettings {
        tls: Tls {
            ca_file: Some(path(ca)),
            cert_file: own.map(|own| path(&format!("{own}.pem"))),
            key_file: own.map(|own| path(&format!("{own}.key"))),
        },
        ..settings(server.url().replace("nats:", "tls:"))
    };
    works(&with("ours.pem", Some("ours-leaf"))).await;

    for wrong in [
        with("theirs.pem", Some("ours-leaf")),
        // The system's authorities know nothing of this one.
        settings(server.url().replace("nats:", "tls:")),
    ] {
        let (error, text) = refused(&wrong).await;
        assert!(matches!(error, ConnectError::Tls { .. }), "{text}");
        assert_eq!(error.setting(), "url");
    }
    // The server hangs up on whoever has no certificate, or another's.
    refused(&with("ours.pem", None)).await;
    refused(&with("ours.pem", Some("theirs-leaf"))).await;
    let (error, text) = refused(&with("absent.pem", None)).await;
    assert!(matches!(error, ConnectError::File { .. }), "{text}");
    assert_eq!(error.setting(), "ca_file");
}
