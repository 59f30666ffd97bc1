//! A database that isn't there, or doesn't answer.

use std::{net::TcpListener, process::Stdio, sync::Arc};

use rustix::process::{Pid, Signal, kill_process};
use test_servers::{ClosedPort, Place, Postgres, postgres::sql};

use crate::{
    legacy_users::a_table_is_taken_over,
    process::command,
    refusals::{error, refused},
    secrets::{self, everything::Everything},
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

/// A row that can't be read, and then a server that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_tells_no_secret() {
    for format in secrets::FORMATS {
        let mut server = Postgres::start();
        let database = server.database();
        let place = Arc::new(Place::new());
        let service = secrets::start(place, format, &[("DATABASE_URL", &database.url)]);
        let mut everything = Everything::of(&service);
        let refresh = everything.ann_signs_in().await;

        let hash = "$argon2id$v=19$m=64,t=1$canary-hash-in-the-store";
        let hash = everything.canaries.make("a hash that can't be read", hash);
        sql(
            &database.url,
            &format!("UPDATE accounts SET hash = '{hash}'"),
        );
        assert_eq!(everything.ask_in_vain(&refresh).await[..2], [500, 500]);

        server.kill();
        let answered = everything.ask_in_vain(&refresh).await;
        assert_eq!(answered, [503; 4]);
        #[cfg(feature = "otel")]
        let place = Arc::clone(&service.place);
        secrets::left_no_trace(service, everything);
        #[cfg(feature = "otel")]
        crate::traces::have_failures(&place);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_in_a_database_is_taken_over() {
    let database = Postgres::shared().database();
    let run = |statements: &str| test_servers::postgres::sql(&database.url, statements);
    a_table_is_taken_over(Arc::new(Place::new()), &database.url, 2_000, run).await;
}
