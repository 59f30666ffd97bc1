//! The `AttemptStore`.

use async_trait::async_trait;
use contract::{
    Admission, Attempt, AttemptStore, Attempts, MAX_SOURCES, Pseudonym, StoreError, Success,
    Timestamp,
};
use sqlx_core::{query::query, query_scalar::query_scalar};

use crate::{PostgresStore, error::failed, rows, store::bounded};

/// The parts see the table as it was before: what is one source too many is
/// none that was just written.
const SUCCEED: &str = "
    WITH forgiven AS (
        DELETE FROM login_attempts WHERE account = $1 AND budget = $2
    ), remembered AS (
        INSERT INTO login_sources AS kept (account, source, signed_in_at)
        SELECT $1, $3, $4 WHERE $3 IS NOT NULL
        ON CONFLICT (account, source) DO UPDATE
        SET signed_in_at = greatest(kept.signed_in_at, excluded.signed_in_at)
    )
    DELETE FROM login_sources WHERE account = $1 AND source IN (
        SELECT source FROM login_sources WHERE account = $1 AND source <> $3
        ORDER BY signed_in_at DESC, source OFFSET $5 - 1
    )";

#[async_trait]
impl AttemptStore for PostgresStore {
    async fn admit(&self, attempt: &Attempt) -> Result<Admission, StoreError> {
        bounded(async {
            loop {
                // Whoever has to wait is told without a write, or a lock on the
                // row that all who guess would wait for.
                let (budget, kept) = self.kept(attempt).await?;
                let next = match attempt.backoff.admit(kept, attempt.now) {
                    Ok(next) => next,
                    Err(until) => return Ok(Admission::Delayed(until)),
                };
                if self.count(&attempt.account, &budget, kept, next).await? {
                    return Ok(Admission::Admitted(budget));
                }
            }
        })
        .await
    }

    async fn knows(
        &self,
        account: Pseudonym,
        source: Pseudonym,
        since: Timestamp,
    ) -> Result<bool, StoreError> {
        bounded(async {
            query_scalar(
                "SELECT EXISTS (
                SELECT 1 FROM login_sources WHERE account = $1 AND source = $2 AND signed_in_at > $3
             )",
            )
            .bind(account.0.as_slice())
            .bind(source.0.as_slice())
            .bind(since.as_millisecond())
            .fetch_one(&mut *self.lease().await?)
            .await
            .map_err(failed)
        })
        .await
    }

    async fn succeed(&self, success: &Success) -> Result<(), StoreError> {
        bounded(async {
            query(SUCCEED)
                .bind(success.account.0.as_slice())
                .bind(success.budget.0.as_slice())
                .bind(success.source.as_ref().map(|source| source.0.as_slice()))
                .bind(success.now.as_millisecond())
                .bind(i64::from(MAX_SOURCES))
                .execute(&mut *self.lease().await?)
                .await
                .map(drop)
                .map_err(failed)
        })
        .await
    }

    async fn purge_attempts(&self, before: Timestamp, keep: u32) -> Result<u64, StoreError> {
        // The youngest of those that are too many.
        let surplus: Option<i64> = bounded(async {
            query_scalar(
                "SELECT attempted_at FROM login_attempts
                 ORDER BY attempted_at DESC LIMIT 1 OFFSET $1",
            )
            .bind(i64::from(keep))
            .fetch_optional(&mut *self.lease().await?)
            .await
            .map_err(failed)
        })
        .await?;
        let surplus = surplus.and_then(|at| Timestamp::from_millisecond(at).ok());
        self.delete_by_and_by(
            "WITH over AS MATERIALIZED (
                SELECT account, budget FROM login_attempts
                WHERE attempted_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
            )
            DELETE FROM login_attempts AS kept USING over
            WHERE kept.account = over.account AND kept.budget = over.budget",
            surplus.map_or(before, |at| at.max(before)),
        )
        .await
    }

    async fn purge_sources(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.delete_by_and_by(
            "WITH over AS MATERIALIZED (
                SELECT account, source FROM login_sources
                WHERE signed_in_at <= $1 LIMIT $2 FOR UPDATE SKIP LOCKED
            )
            DELETE FROM login_sources AS kept USING over
            WHERE kept.account = over.account AND kept.source = over.source",
            before,
        )
        .await
    }
}

impl PostgresStore {
    /// The budget that an attempt is counted on, and what is kept of that.
    async fn kept(&self, attempt: &Attempt) -> Result<(Pseudonym, Option<Attempts>), StoreError> {
        let row = query(
            "SELECT known, failures, attempted_at, next_at
             FROM (SELECT EXISTS (
                SELECT FROM login_sources
                WHERE account = $1 AND source = $2 AND signed_in_at > $4
             ) AS known) AS asked
             LEFT JOIN login_attempts
             ON account = $1 AND budget = CASE WHEN known THEN $2 ELSE $3 END",
        )
        .bind(attempt.account.0.as_slice())
        .bind(attempt.source.0.as_slice())
        .bind(attempt.strangers.0.as_slice())
        .bind(attempt.known_since.as_millisecond())
        .fetch_one(&mut *self.lease().await?)
        .await
        .map_err(failed)?;
        rows::attempts(&row).map(|(known, kept)| {
            let budget = if known {
                attempt.source
            } else {
                attempt.strangers
            };
            (budget, kept)
        })
    }

    /// Keeps `next` in place of `kept`, if that is what there is.
    async fn count(
        &self,
        account: &Pseudonym,
        budget: &Pseudonym,
        kept: Option<Attempts>,
        next: Attempts,
    ) -> Result<bool, StoreError> {
        let counted = match kept {
            None => query(
                "INSERT INTO login_attempts (failures, attempted_at, next_at, account, budget)
                 VALUES ($1, $2, $3, $4, $5)
                 ON CONFLICT (account, budget) DO NOTHING",
            ),
            Some(_) => query(
                "UPDATE login_attempts SET failures = $1, attempted_at = $2, next_at = $3
                 WHERE account = $4 AND budget = $5
                   AND failures = $6 AND attempted_at = $7 AND next_at = $8",
            ),
        };
        let mut counted = counted
            .bind(i64::from(next.failures))
            .bind(next.last.as_millisecond())
            .bind(next.next.as_millisecond())
            .bind(account.0.as_slice())
            .bind(budget.0.as_slice());
        if let Some(kept) = kept {
            counted = counted
                .bind(i64::from(kept.failures))
                .bind(kept.last.as_millisecond())
                .bind(kept.next.as_millisecond());
        }
        let counted = counted
            .execute(&mut *self.lease().await?)
            .await
            .map_err(failed)?;
        Ok(counted.rows_affected() > 0)
    }
}
