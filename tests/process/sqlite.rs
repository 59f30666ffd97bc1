//! A file that can't be opened is named.

use std::{path::PathBuf, sync::Arc};

use sqlx_core::{
    connection::{ConnectOptions, Connection},
    raw_sql::raw_sql,
    row::Row,
    sql_str::AssertSqlSafe,
};
use sqlx_sqlite::{SqliteConnectOptions, SqliteRow};
use test_servers::Place;
use tokio::{runtime::Handle, task::block_in_place};

use crate::{
    legacy_users::a_table_is_taken_over,
    process::{FILE, SOON, bare_output},
    refusals::{error, refused},
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
