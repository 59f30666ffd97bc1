//! The laws of taking over another application's accounts, held by PostgreSQL.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use contract::conformance::LegacyUnderTest;
use sqlx_core::{connection::Connection, raw_sql::raw_sql};
use sqlx_postgres::PgConnection;
use store_postgres::{PostgresSettings, PostgresStore};
use test_servers::Postgres;

async fn store() -> LegacyUnderTest {
    let database = Postgres::shared().database();
    let url = database.url.clone();
    let settings = PostgresSettings {
        url: url.clone(),
        max_connections: 4,
    };
    let store = PostgresStore::connect(&settings).await.unwrap();
    LegacyUnderTest {
        credentials: Arc::new(store.clone()),
        legacy: Arc::new(store),
        sql: Box::new(move |sql| Box::pin(run(url.clone(), sql))),
        keep: Box::new(database),
    }
}

async fn run(url: String, sql: &'static str) {
    let mut connection = PgConnection::connect(&url).await.unwrap();
    raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

contract::legacy_laws!(store().await);
