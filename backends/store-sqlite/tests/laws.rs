//! The laws of a store, held by the SQLite file.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::sync::Arc;

use contract::conformance::StoreUnderTest;
use store_sqlite::SqliteStore;

async fn store() -> StoreUnderTest {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("data.db"))
        .await
        .unwrap();
    StoreUnderTest {
        credentials: Arc::new(store.clone()),
        sessions: Arc::new(store.clone()),
        rooms: Arc::new(store.clone()),
        idempotency: Arc::new(store.clone()),
        audit: Arc::new(store.clone()),
        attempts: Arc::new(store.clone()),
        second_factors: Arc::new(store),
        keep: Box::new(folder),
    }
}

contract::store_laws!(store().await);
