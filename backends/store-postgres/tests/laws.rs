//! The laws of a store, held by PostgreSQL.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use contract::conformance::StoreUnderTest;
use store_postgres::{PostgresSettings, PostgresStore};
use test_servers::Postgres;

async fn store() -> StoreUnderTest {
    let database = Postgres::shared().database();
    let settings = PostgresSettings {
        url: database.url.clone(),
        max_connections: 4,
    };
    let store = PostgresStore::connect(&settings).await.unwrap();
    StoreUnderTest {
        credentials: Arc::new(store.clone()),
        sessions: Arc::new(store.clone()),
        rooms: Arc::new(store.clone()),
        idempotency: Arc::new(store.clone()),
        audit: Arc::new(store.clone()),
        attempts: Arc::new(store.clone()),
        second_factors: Arc::new(store),
        keep: Box::new(database),
    }
}

contract::store_laws!(store().await);
