use std::sync::Arc;

use store_sqlite::SqliteStore;

use super::{Stores, WiringError};
use crate::config::Sqlite;

pub(super) fn describe(sqlite: &Sqlite) -> String {
    format!("sqlite ({})", sqlite.path.display())
}

pub(super) async fn open(sqlite: &Sqlite) -> Result<Stores, WiringError> {
    SqliteStore::open(&sqlite.path)
        .await
        .map(|store| Stores {
            legacy: Some(Arc::new(store.clone())),
            ..Stores::of(store)
        })
        .map_err(|error| WiringError::of_store("store.path", error))
}
