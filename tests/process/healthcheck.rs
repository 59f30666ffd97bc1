//! `healthcheck`: what an image with nothing but the binary is watched with.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    process::Output,
    thread,
};

use rustix::process::Signal;

use crate::process::{Process, bare_output};

fn healthcheck(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    let dir = tempfile::tempdir().unwrap();
    bare_output(
        dir.path(),
        variables,
        &[&["healthcheck"], arguments].concat(),
    )
}

/// Exit code, standard output, standard error.
fn said(output: &Output) -> (Option<i32>, &str, &str) {
    let text = |bytes| std::str::from_utf8(bytes).unwrap();
    (
        output.status.code(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn port_of(address: &str) -> u16 {
    address.parse::<SocketAddr>().unwrap().port()
}

/// However its address is said; and no proxy comes in between.
#[test]
fn a_node_that_serves_is_healthy() {
    let service = Process::start(&[]);
    let port = port_of(&service.address).to_string();
    for (name, address) in [("GATEWAY_BIND_ADDR", &service.address), ("PORT", &port)] {
        for arguments in [&[][..], &["--live"]] {
            let proxy = ("http_proxy", "http://127.0.0.1:1");
            let asked = healthcheck(&[(name, address), proxy], arguments);
            assert_eq!(said(&asked), (Some(0), "ok\n", ""));
        }
    }
}

#[test]
fn a_node_that_drains_lives_and_is_not_ready() {
    let service = Process::start(&[
        ("APP__SHUTDOWN__DRAIN_DELAY", "60s"),
        ("APP__SHUTDOWN__DEADLINE", "90s"),
    ]);
    let address = [("GATEWAY_BIND_ADDR", &*service.address)];
    service.signal(Signal::TERM);
    let asked = loop {
        let asked = healthcheck(&address, &[]);
        if asked.status.code() != Some(0) {
            break asked;
        }
    };
    let refusal = format!(
        "error: http.bind (from GATEWAY_BIND_ADDR): http://{}/readyz says 503: \
         {{\"status\":\"draining\",\"store\":\"ok\",\"bus\":\"ok\"}}\n",
        service.address
    );
    assert_eq!(said(&asked), (Some(1), "", &*refusal));
    let asked = healthcheck(&address, &["--live"]);
    assert_eq!(said(&asked), (Some(0), "ok\n", ""));
}

#[test]
fn nobody_there_is_not_healthy() {
    let service = Process::start(&[]);
    let address = service.address.clone();
    drop(service);
    let asked = healthcheck(&[("GATEWAY_BIND_ADDR", &address)], &[]);
    let (code, stdout, stderr) = said(&asked);
    assert_eq!((code, stdout), (Some(1), ""));
    let line =
        format!("error: http.bind (from GATEWAY_BIND_ADDR): can't ask http://{address}/readyz: ");
    assert!(stderr.starts_with(&line), "{stderr}");
    assert!(stderr.contains("Connection refused"), "{stderr}");
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

/// Somebody else may have taken the port: one that says nothing, one that never
/// stops, and one that would write to the terminal.
#[test]
fn it_ends_whoever_answers() {
    let without_end = "HTTP/1.1 500 No\r\n\r\n".to_owned() + &"x".repeat(10_000);
    let escapes = "HTTP/1.1 404 No\r\nconnection: close\r\n\r\n\u{1b}[2J\nerror: none";
    for (answer, expected) in [
        ("", "can't ask"),
        (&*without_end, "says 500: xxx"),
        (escapes, "says 404: \\u{1b}[2J\\nerror: none"),
    ] {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let answer = answer.to_owned();
        let other = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let _ = stream.read(&mut [0; 1024]);
            let _ = stream.write_all(answer.as_bytes());
            if !answer.contains("connection: close") {
                // Until the one who asked has had enough.
                let _ = stream.read_to_end(&mut Vec::new());
            }
        });
        let asked = healthcheck(&[("GATEWAY_BIND_ADDR", &address)], &[]);
        let (code, stdout, stderr) = said(&asked);
        assert_eq!((code, stdout), (Some(1), ""));
        assert!(stderr.contains(expected), "{stderr}");
        assert!(stderr.len() < 2048, "{}", stderr.len());
        assert_eq!(stderr.lines().count(), 1, "{stderr}");
        other.join().unwrap();
    }
}

#[test]
fn a_configuration_that_names_no_node_is_refused() {
    let asked = healthcheck(&[("PORT", "0")], &[]);
    let refusal = "error: http.bind (from PORT): port 0 is chosen by the system at the start, so \
                   it can't be asked; name a port\n";
    assert_eq!(said(&asked), (Some(1), "", refusal));
    let asked = healthcheck(&[("PORT", "many")], &[]);
    let refusal = "http.bind: expected a port, 0 to 65535 (from PORT)\n";
    assert_eq!(said(&asked), (Some(1), "", refusal));
}
