//! The laws of taking over another application's accounts, held by the SQLite
//! file.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{path::PathBuf, sync::Arc};

use contract::conformance::LegacyUnderTest;
use sqlx_core::{
    connection::{ConnectOptions, Connection},
    raw_sql::raw_sql,
};
use sqlx_sqlite::SqliteConnectOptions;
use store_sqlite::SqliteStore;

async fn store() -> LegacyUnderTest {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("data.db");
    let store = SqliteStore::open(&path).await.unwrap();
    LegacyUnderTest {
        credentials: Arc::new(store.clone()),
        legacy: Arc::new(store),
        sql: Box::new(move |sql| Box::pin(run(path.clone(), sql))),
        keep: Box::new(folder),
    }
}

async fn run(path: PathBuf, sql: &'static str) {
    let options = SqliteConnectOptions::new().filename(path);
    let mut connection = options.connect().await.unwrap();
    raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

contract::legacy_laws!(store().await);
