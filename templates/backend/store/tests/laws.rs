//! The laws of a store.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use contract::conformance::StoreUnderTest;
use store_mine::MyStore;

async fn store() -> StoreUnderTest {
    // New, empty, and nobody else's.
    let store = Arc::new(MyStore::open().await.unwrap());
    StoreUnderTest {
        credentials: store.clone(),
        sessions: store.clone(),
        rooms: store.clone(),
        idempotency: store.clone(),
        audit: store.clone(),
        attempts: store.clone(),
        second_factors: store,
        keep: Box::new(()),
    }
}

contract::store_laws!(store().await);
