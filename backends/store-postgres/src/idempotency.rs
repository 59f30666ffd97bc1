//! The `IdempotencyStore`.

use async_trait::async_trait;
use contract::{Begin, IdempotencyStore, IdempotentRequest, StoreError, Timestamp};
use sqlx_core::{query::query, query_as::query_as};

use crate::{PostgresStore, error::failed, rows, store::bounded};

/// Begins a request that nobody is at: it is new, or whoever began it is taken
/// for dead. It is never begun twice at one time, so that the time tells the
/// one who is at it from all who were.
const BEGIN: &str = "
    INSERT INTO idempotent_requests AS kept (user_id, key, fingerprint, begun_at)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (user_id, key) DO UPDATE SET begun_at = excluded.begun_at
    WHERE kept.answer IS NULL AND kept.fingerprint = excluded.fingerprint
      AND kept.begun_at < excluded.begun_at AND kept.begun_at <= $5";

#[async_trait]
impl IdempotencyStore for PostgresStore {
    async fn begin(&self, request: &IdempotentRequest) -> Result<Begin, StoreError> {
        bounded(async {
            loop {
                if self.begun(request).await? {
                    return Ok(Begin::Begun);
                }
                // Given up or forgotten in between, it can be begun again.
                if let Some(begin) = self.standing(request).await? {
                    return Ok(begin);
                }
            }
        })
        .await
    }

    async fn finish(&self, request: &IdempotentRequest, answer: &str) -> Result<(), StoreError> {
        bounded(async {
            query(
                "UPDATE idempotent_requests SET answer = $4
                 WHERE user_id = $1 AND key = $2 AND begun_at = $3 AND answer IS NULL",
            )
            .bind(request.user.0)
            .bind(request.key.as_str())
            .bind(request.now.as_millisecond())
            .bind(answer)
            .execute(&mut *self.lease().await?)
            .await
            .map(drop)
            .map_err(failed)
        })
        .await
    }

    async fn abandon(&self, request: &IdempotentRequest) -> Result<(), StoreError> {
        bounded(async {
            query(
                "DELETE FROM idempotent_requests
                 WHERE user_id = $1 AND key = $2 AND begun_at = $3 AND answer IS NULL",
            )
            .bind(request.user.0)
            .bind(request.key.as_str())
            .bind(request.now.as_millisecond())
            .execute(&mut *self.lease().await?)
            .await
            .map(drop)
            .map_err(failed)
        })
        .await
    }

    async fn purge_requests(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.delete_by_and_by(
            "WITH over AS MATERIALIZED (
                SELECT user_id, key FROM idempotent_requests
                WHERE begun_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
            )
            DELETE FROM idempotent_requests AS kept USING over
            WHERE kept.user_id = over.user_id AND kept.key = over.key",
            before,
        )
        .await
    }
}

impl PostgresStore {
    async fn begun(&self, request: &IdempotentRequest) -> Result<bool, StoreError> {
        let now = request.now.as_millisecond();
        let begun = query(BEGIN)
            .bind(request.user.0)
            .bind(request.key.as_str())
            .bind(request.fingerprint.as_slice())
            .bind(now)
            .bind(now.saturating_sub(rows::millis(request.abandoned_after)))
            .execute(&mut *self.lease().await?)
            .await
            .map_err(failed)?;
        Ok(begun.rows_affected() > 0)
    }

    /// What has become of the request that has the key.
    async fn standing(&self, request: &IdempotentRequest) -> Result<Option<Begin>, StoreError> {
        let found: Option<(bool, Option<String>)> = query_as(
            "SELECT fingerprint = $3, answer FROM idempotent_requests
             WHERE user_id = $1 AND key = $2",
        )
        .bind(request.user.0)
        .bind(request.key.as_str())
        .bind(request.fingerprint.as_slice())
        .fetch_optional(&mut *self.lease().await?)
        .await
        .map_err(failed)?;
        Ok(found.map(|found| match found {
            (false, _) => Begin::Differs,
            (true, Some(answer)) => Begin::Finished(answer),
            (true, None) => Begin::InProgress,
        }))
    }
}
