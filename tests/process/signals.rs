//! SIGTERM and SIGINT drain; the exit code says that it was in order.

use std::{net::TcpListener, process::Stdio};

use rustix::process::{Pid, Signal, kill_process};

use crate::process::{Process, command};

#[test]
fn both_signals_end_it_in_order() {
    for signal in [Signal::TERM, Signal::INT] {
        let mut service = Process::start(&[("APP__SHUTDOWN__CLOSE_JITTER", "0s")]);
        service.signal(signal);
        let (code, log) = service.wait();
        assert_eq!(code, Some(0), "{log}");
        assert!(log.contains("draining") && log.contains("stopped"), "{log}");
    }
}

/// A database that accepts and then says nothing: the start would fail, later.
#[test]
fn a_start_that_hangs_ends_in_order_too() {
    for signal in [Signal::TERM, Signal::INT] {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("postgres://ann@{}/app", silent.local_addr().unwrap());
        let dir = tempfile::tempdir().unwrap();
        let child = command(dir.path(), &[("DATABASE_URL", &url)])
            .env("GATEWAY_BIND_ADDR", "127.0.0.1:0")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let _connection = silent.accept().unwrap();
        kill_process(Pid::from_child(&child), signal).unwrap();
        let ended = child.wait_with_output().unwrap();
        assert_eq!(ended.status.code(), Some(0), "{ended:?}");
    }
}
