//! The `AttemptStore`.

use async_trait::async_trait;
use contract::{
    Admission, Attempt, AttemptStore, Attempts, MAX_SOURCES, Pseudonym, StoreError, Success,
    Timestamp,
};
use sqlx_core::{query::query, query_scalar::query_scalar};

use crate::{SqliteStore, error::failed, rows};

#[async_trait]
impl AttemptStore for SqliteStore {
    async fn admit(&self, attempt: &Attempt) -> Result<Admission, StoreError> {
        loop {
            // Whoever has to wait is told by a reader: guesses don't queue for
            // the writer.
            let (budget, kept) = self.kept(attempt).await?;
            let next = match attempt.backoff.admit(kept, attempt.now) {
                Ok(next) => next,
                Err(until) => return Ok(Admission::Delayed(until)),
            };
            if self.count(&attempt.account, &budget, kept, next).await? {
                return Ok(Admission::Admitted(budget));
            }
        }
    }

    async fn knows(
        &self,
        account: Pseudonym,
        source: Pseudonym,
        since: Timestamp,
    ) -> Result<bool, StoreError> {
        query_scalar(
            "SELECT EXISTS (
                SELECT 1 FROM login_sources WHERE account = ? AND source = ? AND signed_in_at > ?
             )",
        )
        .bind(account.0.as_slice())
        .bind(source.0.as_slice())
        .bind(since.as_millisecond())
        .fetch_one(self.readers())
        .await
        .map_err(failed)
    }

    async fn succeed(&self, success: &Success) -> Result<(), StoreError> {
        let account = success.account.0.as_slice();
        let mut transaction = self.begin().await?;
        query("DELETE FROM login_attempts WHERE account = ? AND budget = ?")
            .bind(account)
            .bind(success.budget.0.as_slice())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        if let Some(source) = &success.source {
            query(
                "INSERT INTO login_sources (account, source, signed_in_at) VALUES (?, ?, ?)
                 ON CONFLICT (account, source) DO UPDATE
                 SET signed_in_at = max(signed_in_at, excluded.signed_in_at)",
            )
            .bind(account)
            .bind(source.0.as_slice())
            .bind(success.now.as_millisecond())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
            query(
                "DELETE FROM login_sources WHERE account = ?1 AND source IN (
                    SELECT source FROM login_sources WHERE account = ?1
                    ORDER BY signed_in_at DESC, source LIMIT -1 OFFSET ?2
                )",
            )
            .bind(account)
            .bind(i64::from(MAX_SOURCES))
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        }
        transaction.commit().await.map_err(failed)
    }

    async fn purge_attempts(&self, before: Timestamp, keep: u32) -> Result<u64, StoreError> {
        // The youngest of those that are too many.
        let surplus: Option<i64> = query_scalar(
            "SELECT attempted_at FROM login_attempts ORDER BY attempted_at DESC LIMIT 1 OFFSET ?",
        )
        .bind(i64::from(keep))
        .fetch_optional(self.readers())
        .await
        .map_err(failed)?;
        let surplus = surplus.and_then(|at| Timestamp::from_millisecond(at).ok());
        self.delete_by_and_by(
            "DELETE FROM login_attempts WHERE (account, budget) IN (
                SELECT account, budget FROM login_attempts WHERE attempted_at <= ? LIMIT ?
            )",
            surplus.map_or(before, |at| at.max(before)),
        )
        .await
    }

    async fn purge_sources(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.delete_by_and_by(
            "DELETE FROM login_sources WHERE (account, source) IN (
                SELECT account, source FROM login_sources WHERE signed_in_at <= ? LIMIT ?
            )",
            before,
        )
        .await
    }
}

impl SqliteStore {
    /// The budget that an attempt is counted on, and what is kept of that.
    async fn kept(&self, attempt: &Attempt) -> Result<(Pseudonym, Option<Attempts>), StoreError> {
        let row = query(
            "SELECT known, failures, attempted_at, next_at
             FROM (SELECT EXISTS (
                SELECT 1 FROM login_sources
                WHERE account = ?1 AND source = ?2 AND signed_in_at > ?4
             ) AS known)
             LEFT JOIN login_attempts
             ON account = ?1 AND budget = CASE WHEN known THEN ?2 ELSE ?3 END",
        )
        .bind(attempt.account.0.as_slice())
        .bind(attempt.source.0.as_slice())
        .bind(attempt.strangers.0.as_slice())
        .bind(attempt.known_since.as_millisecond())
        .fetch_one(self.readers())
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
                 VALUES (?, ?, ?, ?, ?)
                 ON CONFLICT (account, budget) DO NOTHING",
            ),
            Some(_) => query(
                "UPDATE login_attempts SET failures = ?, attempted_at = ?, next_at = ?
                 WHERE account = ? AND budget = ?
                   AND failures = ? AND attempted_at = ? AND next_at = ?",
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
        let counted = counted.execute(self.writer()).await.map_err(failed)?;
        Ok(counted.rows_affected() > 0)
    }
}
