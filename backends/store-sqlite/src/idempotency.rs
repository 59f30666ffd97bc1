//! The `IdempotencyStore`.

use async_trait::async_trait;
use contract::{Begin, IdempotencyStore, IdempotentRequest, StoreError, Timestamp};
use sqlx_core::{query::query, query_as::query_as};
use sqlx_sqlite::SqliteConnection;

use crate::{SqliteStore, error::failed, rows};

#[async_trait]
impl IdempotencyStore for SqliteStore {
    async fn begin(&self, request: &IdempotentRequest) -> Result<Begin, StoreError> {
        let mut transaction = self.begin().await?;
        let begin = match begun(&mut transaction, request).await? {
            true => Begin::Begun,
            false => standing(&mut transaction, request).await?,
        };
        transaction.commit().await.map_err(failed)?;
        Ok(begin)
    }

    async fn finish(&self, request: &IdempotentRequest, answer: &str) -> Result<(), StoreError> {
        query(
            "UPDATE idempotent_requests SET answer = ?
             WHERE user_id = ? AND key = ? AND begun_at = ? AND answer IS NULL",
        )
        .bind(answer)
        .bind(request.user.0.as_bytes().as_slice())
        .bind(request.key.as_str())
        .bind(request.now.as_millisecond())
        .execute(self.writer())
        .await
        .map(drop)
        .map_err(failed)
    }

    async fn abandon(&self, request: &IdempotentRequest) -> Result<(), StoreError> {
        query(
            "DELETE FROM idempotent_requests
             WHERE user_id = ? AND key = ? AND begun_at = ? AND answer IS NULL",
        )
        .bind(request.user.0.as_bytes().as_slice())
        .bind(request.key.as_str())
        .bind(request.now.as_millisecond())
        .execute(self.writer())
        .await
        .map(drop)
        .map_err(failed)
    }

    async fn purge_requests(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.delete_by_and_by(
            "DELETE FROM idempotent_requests WHERE (user_id, key) IN (
                SELECT user_id, key FROM idempotent_requests WHERE begun_at <= ? LIMIT ?
            )",
            before,
        )
        .await
    }
}

/// Begins a request that nobody is at: it is new, or whoever began it is taken
/// for dead. It is never begun twice at one time, so that the time tells the
/// one who is at it from all who were.
async fn begun(
    writer: &mut SqliteConnection,
    request: &IdempotentRequest,
) -> Result<bool, StoreError> {
    let now = request.now.as_millisecond();
    let begun = query(
        "INSERT INTO idempotent_requests (user_id, key, fingerprint, begun_at)
         VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (user_id, key) DO UPDATE SET begun_at = excluded.begun_at
         WHERE answer IS NULL AND fingerprint = excluded.fingerprint
           AND begun_at < excluded.begun_at AND begun_at <= ?5",
    )
    .bind(request.user.0.as_bytes().as_slice())
    .bind(request.key.as_str())
    .bind(request.fingerprint.as_slice())
    .bind(now)
    .bind(now.saturating_sub(rows::millis(request.abandoned_after)))
    .execute(writer)
    .await
    .map_err(failed)?;
    Ok(begun.rows_affected() > 0)
}

/// What has become of the request that has the key.
async fn standing(
    writer: &mut SqliteConnection,
    request: &IdempotentRequest,
) -> Result<Begin, StoreError> {
    let (is_same, answer): (bool, Option<String>) = query_as(
        "SELECT fingerprint = ?, answer FROM idempotent_requests WHERE user_id = ? AND key = ?",
    )
    .bind(request.fingerprint.as_slice())
    .bind(request.user.0.as_bytes().as_slice())
    .bind(request.key.as_str())
    .fetch_one(writer)
    .await
    .map_err(failed)?;
    Ok(match answer {
        _ if !is_same => Begin::Differs,
        Some(answer) => Begin::Finished(answer),
        None => Begin::InProgress,
    })
}
