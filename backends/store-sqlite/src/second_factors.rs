//! The `SecondFactorStore`.

use async_trait::async_trait;
use contract::{FactorRecord, FactorSwap, SecondFactorStore, StoreError, UserId};
use sqlx_core::{query::query, query_scalar::query_scalar};
use sqlx_sqlite::SqliteQueryResult;
use uuid::Uuid;

use crate::{
    SqliteStore,
    error::failed,
    rows::{column, id},
};

#[async_trait]
impl SecondFactorStore for SqliteStore {
    async fn find_factor(&self, user: UserId) -> Result<Option<FactorRecord>, StoreError> {
        query("SELECT version, data FROM second_factors WHERE user_id = ?")
            .bind(user.0.as_bytes().as_slice())
            .fetch_optional(self.readers())
            .await
            .map_err(failed)?
            .map(|row| {
                Ok(FactorRecord {
                    version: id(&row, "second_factors.version")?,
                    data: column(&row, "second_factors.data")?,
                })
            })
            .transpose()
    }

    async fn has_factors(&self) -> Result<bool, StoreError> {
        query_scalar("SELECT EXISTS (SELECT 1 FROM second_factors)")
            .fetch_one(self.open_connection())
            .await
            .map_err(failed)
    }

    async fn add_factor(
        &self,
        user: UserId,
        record: &FactorRecord,
    ) -> Result<FactorSwap, StoreError> {
        query(
            "INSERT INTO second_factors (user_id, version, data)
             SELECT id, ?2, ?3 FROM accounts WHERE id = ?1
             ON CONFLICT (user_id) DO NOTHING",
        )
        .bind(user.0.as_bytes().as_slice())
        .bind(record.version.as_bytes().as_slice())
        .bind(record.data.as_slice())
        .execute(self.writer())
        .await
        .map(swap)
        .map_err(failed)
    }

    async fn replace_factor(
        &self,
        user: UserId,
        expected: Uuid,
        record: &FactorRecord,
    ) -> Result<FactorSwap, StoreError> {
        query(
            "UPDATE second_factors SET version = ?3, data = ?4
             WHERE user_id = ?1 AND version = ?2",
        )
        .bind(user.0.as_bytes().as_slice())
        .bind(expected.as_bytes().as_slice())
        .bind(record.version.as_bytes().as_slice())
        .bind(record.data.as_slice())
        .execute(self.writer())
        .await
        .map(swap)
        .map_err(failed)
    }

    async fn remove_factor(&self, user: UserId, expected: Uuid) -> Result<FactorSwap, StoreError> {
        query("DELETE FROM second_factors WHERE user_id = ? AND version = ?")
            .bind(user.0.as_bytes().as_slice())
            .bind(expected.as_bytes().as_slice())
            .execute(self.writer())
            .await
            .map(swap)
            .map_err(failed)
    }
}

fn swap(result: SqliteQueryResult) -> FactorSwap {
    match result.rows_affected() {
        0 => FactorSwap::Changed,
        _ => FactorSwap::Swapped,
    }
}
