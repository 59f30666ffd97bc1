//! What a file may have to say: one that can't be opened is named, and one that
//! fails tells nothing.

use std::{path::PathBuf, sync::Arc};

use rustix::process::Signal;
use sqlx_core::{
    connection::{ConnectOptions, Connection},
    query::query,
    raw_sql::raw_sql,
    row::Row,
    sql_str::AssertSqlSafe,
};
use sqlx_sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use test_servers::Place;
use tokio::{runtime::Handle, task::block_in_place};

use crate::{
    legacy_users::a_table_is_taken_over,
    process::{FILE, Process, SOON, bare_output, output},
    refusals::{error, refused},
    secrets::{self, everything::Everything},
};

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
    let file = "[default.store]\nkind = \"sqlite\"\npath = \"/proc/accounts.db\"\n";
    std::fs::write(dir.path().join(FILE), file).unwrap();
    for arguments in [&["serve"][..], &["user", "disable", "ann"]] {
        let output = bare_output(dir.path(), &[("PORT", "0")], arguments);
        assert_eq!(output.status.code(), Some(1));
        let text = String::from_utf8(output.stderr).unwrap();
        let line = format!("error: store.path (from {FILE}): can't make `/proc/accounts.db`: ");
        assert!(error(&text).starts_with(&line), "{text}");
    }
}

/// A row that can't be read, and then a file that somebody else has locked.
#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_tells_no_secret() {
    for format in secrets::FORMATS {
        let place = Arc::new(Place::new());
        let path = place.path().join("failing.db");
        let url = format!("sqlite:{}", path.display());
        let service = secrets::start(place, format, &[("DATABASE_URL", &url)]);
        let mut everything = Everything::of(&service);
        let refresh = everything.ann_signs_in().await;

        let options = SqliteConnectOptions::new().filename(&path);
        let mut file = SqliteConnection::connect_with(&options).await.unwrap();
        let hash = "$argon2id$v=19$m=64,t=1$canary-hash-in-the-store";
        let hash = everything.canaries.make("a hash that can't be read", hash);
        let broken = query("UPDATE accounts SET hash = ?").bind(hash);
        broken.execute(&mut file).await.unwrap();
        assert_eq!(everything.ask_in_vain(&refresh).await[..2], [500, 500]);

        raw_sql("BEGIN EXCLUSIVE").execute(&mut file).await.unwrap();
        let answered = everything.ask_in_vain(&refresh).await;
        assert!(answered.contains(&503), "{answered:?}");
        raw_sql("ROLLBACK").execute(&mut file).await.unwrap();
        #[cfg(feature = "otel")]
        let place = Arc::clone(&service.place);
        secrets::left_no_trace(service, everything);
        #[cfg(feature = "otel")]
        crate::traces::have_failures(&place);
    }
}

/// Whoever copies the file of a service that was stopped has everything in it.
#[tokio::test]
async fn what_has_stopped_leaves_one_whole_file() {
    let place = Arc::new(Place::new());
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("accounts.db").display());
    let variables = [
        ("DATABASE_URL", &*url),
        ("APP__SHUTDOWN__CLOSE_JITTER", "0s"),
    ];
    let left = || {
        let files = std::fs::read_dir(folder.path()).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        names.collect::<Vec<_>>()
    };

    let mut service = Process::start_at(Arc::clone(&place), &variables);
    for path in ["/auth/register", "/auth/login"] {
        service.credentials(path, "ann").await.unwrap();
    }
    service.signal(Signal::TERM);
    let (code, log) = service.wait();
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(left(), ["accounts.db"]);

    for (command, succeeds) in [("disable", true), ("enable", true), ("revoke", false)] {
        let name = if succeeds { "ann" } else { "nobody" };
        let done = output(&place, &variables, &["user", command, name]);
        assert_eq!(done.status.success(), succeeds, "{done:?}");
        assert_eq!(left(), ["accounts.db"], "after `user {command}`");
    }
}

/// What was done is done, whether or not it can be recorded; the log says both.
#[tokio::test]
async fn a_change_stands_when_it_cannot_be_recorded() {
    let place = Arc::new(Place::new());
    let file = place.path().join("audited.db");
    let url = format!("sqlite:{}", file.display());
    let mut service = Process::start_at(place, &[("DATABASE_URL", &url)]);
    let options = SqliteConnectOptions::new().filename(&file);
    let mut file = SqliteConnection::connect_with(&options).await.unwrap();
    query("DROP TABLE audit_log")
        .execute(&mut file)
        .await
        .unwrap();

    let (status, _) = service.credentials("/auth/register", "ann").await.unwrap();
    assert_eq!(status, 201);
    let (status, _) = service.credentials("/auth/login", "ann").await.unwrap();
    assert_eq!(status, 200);
    let disabled = output(
        &service.place,
        &[("DATABASE_URL", &url)],
        &["user", "disable", "ann"],
    );
    assert!(disabled.status.success(), "{disabled:?}");
    let (status, _) = service.credentials("/auth/login", "ann").await.unwrap();
    assert_eq!(status, 401);
    service.signal(Signal::TERM);
    let (_, log) = service.wait();
    let error = "the audit log could not be written";
    assert_eq!(log.matches(error).count(), 3, "{log}");
    for event in ["registration", "login"] {
        assert!(log.contains(&format!("event=\"{event}\"")), "{log}");
    }
    let text = String::from_utf8(disabled.stderr).unwrap();
    assert!(text.contains(error), "{text}");
}

/// What the last of some statements finds, as text.
async fn sql(path: PathBuf, statements: String) -> String {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(SOON);
    let mut connection = options.connect().await.unwrap();
    let rows = raw_sql(AssertSqlSafe(statements))
        .fetch_all(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
    let text = |row: &SqliteRow| {
        let columns = (0..row.len()).map(|i| {
            let value: Option<String> = row.try_get_unchecked(i).unwrap();
            value.unwrap_or_default()
        });
        columns.collect::<Vec<_>>().join("|")
    };
    rows.iter().map(text).collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_table_in_a_file_is_taken_over() {
    let place = Arc::new(Place::new());
    let path = place.path().join("accounts.db");
    let run = |statements: &str| {
        let statements = sql(path.clone(), statements.to_owned());
        block_in_place(|| Handle::current().block_on(statements))
    };
    let url = format!("sqlite:{}", path.display());
    a_table_is_taken_over(Arc::clone(&place), &url, 10_000, run).await;
}
