//! The `SecondFactorStore`.

use async_trait::async_trait;
use contract::{FactorRecord, FactorSwap, SecondFactorStore, StoreError, UserId};
use sqlx_core::{query::query, query_scalar::query_scalar};
use sqlx_postgres::PgQueryResult;
use uuid::Uuid;

use crate::{PostgresStore, error::failed, rows::column, store::bounded};

#[async_trait]
impl SecondFactorStore for PostgresStore {
    async fn find_factor(&self, user: UserId) -> Result<Option<FactorRecord>, StoreError> {
        let row = bounded(async {
            query("SELECT version, data FROM second_factors WHERE user_id = $1")
                .bind(user.0)
                .fetch_optional(&mut *self.lease().await?)
                .await
                .map_err(failed)
        })
        .await?;
        row.map(|row| {
            Ok(FactorRecord {
                version: column(&row, "second_factors.version")?,
                data: column(&row, "second_factors.data")?,
            })
        })
        .transpose()
    }

    async fn has_factors(&self) -> Result<bool, StoreError> {
        bounded(async {
            query_scalar("SELECT EXISTS (SELECT 1 FROM second_factors)")
                .fetch_one(&mut *self.lease().await?)
                .await
                .map_err(failed)
        })
        .await
    }

    async fn add_factor(
        &self,
        user: UserId,
        record: &FactorRecord,
    ) -> Result<FactorSwap, StoreError> {
        bounded(async {
            query(
                "INSERT INTO second_factors (user_id, version, data)
                 SELECT id, $2, $3 FROM accounts WHERE id = $1
                 ON CONFLICT (user_id) DO NOTHING",
            )
            .bind(user.0)
            .bind(record.version)
            .bind(record.data.as_slice())
            .execute(&mut *self.lease().await?)
            .await
            .map(swap)
            .map_err(failed)
        })
        .await
    }

    async fn replace_factor(
        &self,
        user: UserId,
        expected: Uuid,
        record: &FactorRecord,
    ) -> Result<FactorSwap, StoreError> {
        bounded(async {
            query(
                "UPDATE second_factors SET version = $3, data = $4
                 WHERE user_id = $1 AND version = $2",
            )
            .bind(user.0)
            .bind(expected)
            .bind(record.version)
            .bind(record.data.as_slice())
            .execute(&mut *self.lease().await?)
            .await
            .map(swap)
            .map_err(failed)
        })
        .await
    }

    async fn remove_factor(&self, user: UserId, expected: Uuid) -> Result<FactorSwap, StoreError> {
        bounded(async {
            query("DELETE FROM second_factors WHERE user_id = $1 AND version = $2")
                .bind(user.0)
                .bind(expected)
                .execute(&mut *self.lease().await?)
                .await
                .map(swap)
                .map_err(failed)
        })
        .await
    }
}

fn swap(result: PgQueryResult) -> FactorSwap {
    match result.rows_affected() {
        0 => FactorSwap::Changed,
        _ => FactorSwap::Swapped,
    }
}
