//! A database that isn't there, or doesn't answer.

use std::{net::TcpListener, process::Stdio, sync::Arc};

use rustix::process::{Pid, Signal, kill_process};
use test_servers::{ClosedPort, Place, Postgres};

use crate::{
    legacy_users::a_table_is_taken_over,
    process::command,
    refusals::{error, refused},
};

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

/// A database that accepts and then says nothing: the start would fail, later.
#[test]
fn a_start_that_hangs_ends_in_order_too() {
    for signal in [Signal::TERM, Signal::INT] {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("postgres://ann@{}/app", silent.local_addr().unwrap());
        let place = Place::new();
        let child = command(&place, &[("DATABASE_URL", &url)])
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

#[tokio::test(flavor = "multi_thread")]
async fn a_table_in_a_database_is_taken_over() {
    let database = Postgres::shared().database();
    let run = |statements: &str| test_servers::postgres::sql(&database.url, statements);
    a_table_is_taken_over(Arc::new(Place::new()), &database.url, 2_000, run).await;
}
