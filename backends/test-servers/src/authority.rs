//! A certificate authority of a server's own.

use std::{path::Path, process::Command};

use crate::process::program;

/// Makes an authority, `authority.pem` in `folder`, and a certificate of it for
/// `localhost`, `server.crt` and `server.key` in `server`.
pub(crate) fn certify(folder: &Path, server: &Path) {
    let authority = folder.join("authority.pem");
    let authority_key = folder.join("authority.key");
    run(request("an authority", &authority, &authority_key)
        .args(["-addext", "keyUsage=critical,keyCertSign"]));
    run(request(
        "localhost",
        &server.join("server.crt"),
        &server.join("server.key"),
    )
    .arg("-CA")
    .arg(&authority)
    .arg("-CAkey")
    .arg(&authority_key)
    .args(["-addext", "basicConstraints=critical,CA:FALSE"])
    .args(["-addext", "subjectAltName=DNS:localhost"]));
}

fn request(name: &str, certificate: &Path, key: &Path) -> Command {
    let mut command = Command::new(program("openssl", "openssl", &[]));
    command
        .args(["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"])
        .args(["-pkeyopt", "ec_paramgen_curve:P-256"])
        .args(["-subj", &format!("/CN={name}")])
        .arg("-out")
        .arg(certificate)
        .arg("-keyout")
        .arg(key);
    command
}

fn run(command: &mut Command) {
    let done = command.output().expect("openssl runs");
    assert!(done.status.success(), "{command:?}: {done:?}");
}
