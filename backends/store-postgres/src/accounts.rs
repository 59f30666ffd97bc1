//! The `CredentialStore`.

use async_trait::async_trait;
use contract::{
    Account, AccountSummary, AccountsQuery, ChangeOutcome, Connections, CreateOutcome,
    CredentialStore, HashSwap, PasswordChange, SessionId, StoreError, StoredHash, Timestamp,
    UserId, Username,
};
use sqlx_core::{
    query::{Query, query},
    query_scalar::query_scalar,
};
use sqlx_postgres::{PgArguments, Postgres};

use crate::{
    PostgresStore,
    error::{Cause, failed},
    rows, sessions,
    store::bounded,
};

/// Makes an account, of no row if the name is taken.
pub(crate) fn insert(account: &Account) -> Query<'_, Postgres, PgArguments> {
    query(
        "INSERT INTO accounts (id, username, hash, created_at, disabled_at)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (username) DO NOTHING",
    )
    .bind(account.id.0)
    .bind(account.username.as_str())
    .bind(account.hash.as_str())
    .bind(account.created_at.as_millisecond())
    .bind(account.disabled_at.map(Timestamp::as_millisecond))
}

#[async_trait]
impl CredentialStore for PostgresStore {
    async fn create(&self, account: &Account) -> Result<CreateOutcome, StoreError> {
        let created = bounded(async {
            insert(account)
                .execute(&mut *self.lease().await?)
                .await
                .map_err(failed)
        });
        Ok(match created.await?.rows_affected() {
            0 => CreateOutcome::NameTaken,
            _ => CreateOutcome::Created,
        })
    }

    async fn find_by_name(&self, username: &Username) -> Result<Option<Account>, StoreError> {
        let found = bounded(async {
            query(
                "SELECT id, username, hash, created_at, disabled_at
                 FROM accounts WHERE username = $1",
            )
            .bind(username.as_str())
            .fetch_optional(&mut *self.lease().await?)
            .await
            .map_err(failed)
        });
        found.await?.as_ref().map(rows::account).transpose()
    }

    async fn find_by_id(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        let found = bounded(async {
            query(
                "SELECT id, username, hash, created_at, disabled_at
                 FROM accounts WHERE id = $1",
            )
            .bind(id.0)
            .fetch_optional(&mut *self.lease().await?)
            .await
            .map_err(failed)
        });
        found.await?.as_ref().map(rows::account).transpose()
    }

    async fn replace_hash(
        &self,
        id: UserId,
        expected: &StoredHash,
        new: &StoredHash,
    ) -> Result<HashSwap, StoreError> {
        let replaced = bounded(async {
            query("UPDATE accounts SET hash = $1 WHERE id = $2 AND hash = $3")
                .bind(new.as_str())
                .bind(id.0)
                .bind(expected.as_str())
                .execute(&mut *self.lease().await?)
                .await
                .map_err(failed)
        });
        Ok(match replaced.await?.rows_affected() {
            0 => HashSwap::Changed,
            _ => HashSwap::Replaced,
        })
    }

    async fn change_password(&self, change: &PasswordChange) -> Result<ChangeOutcome, StoreError> {
        bounded(async {
            let mut transaction = self.begin().await?;
            let replaced = query("UPDATE accounts SET hash = $1 WHERE id = $2 AND hash = $3")
                .bind(change.new.as_str())
                .bind(change.user.0)
                .bind(change.expected.as_str())
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
            if replaced.rows_affected() == 0 {
                return Ok(ChangeOutcome::Conflict);
            }
            // A statement of its own, so that it sees the sessions of sign-ins
            // that the first one has waited for.
            let keep = Some(change.keep);
            let ended = sessions::end_all(&mut transaction, change.user, keep, change.now).await?;
            transaction.commit().await?;
            Ok(ChangeOutcome::Changed(ended))
        })
        .await
    }

    async fn disable(
        &self,
        id: UserId,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        bounded(async {
            let mut transaction = self.begin().await?;
            let disabled =
                query("UPDATE accounts SET disabled_at = coalesce(disabled_at, $1) WHERE id = $2")
                    .bind(now.as_millisecond())
                    .bind(id.0)
                    .execute(&mut *transaction)
                    .await
                    .map_err(failed)?;
            if disabled.rows_affected() == 0 {
                return Ok(None);
            }
            // As in `change_password`.
            let ended = sessions::end_all(&mut transaction, id, None, now).await?;
            transaction.commit().await?;
            Ok(Some(ended))
        })
        .await
    }

    async fn enable(&self, id: UserId) -> Result<bool, StoreError> {
        bounded(async {
            // In its turn, so that no late call that disables overtakes it.
            let mut transaction = self.begin().await?;
            let enabled = query("UPDATE accounts SET disabled_at = NULL WHERE id = $1")
                .bind(id.0)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
            transaction.commit().await?;
            Ok(enabled.rows_affected() > 0)
        })
        .await
    }

    async fn set_password(
        &self,
        id: UserId,
        new: &StoredHash,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        bounded(async {
            let mut transaction = self.begin().await?;
            let set = query("UPDATE accounts SET hash = $1 WHERE id = $2")
                .bind(new.as_str())
                .bind(id.0)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
            if set.rows_affected() == 0 {
                return Ok(None);
            }
            // As in `change_password`.
            let ended = sessions::end_all(&mut transaction, id, None, now).await?;
            transaction.commit().await?;
            Ok(Some(ended))
        })
        .await
    }

    async fn accounts(&self, asked: &AccountsQuery) -> Result<Vec<AccountSummary>, StoreError> {
        let found = bounded(async {
            query(
                "SELECT id, username, created_at, disabled_at FROM accounts
                 WHERE username > $1 AND coalesce((disabled_at IS NOT NULL) = $2, TRUE)
                 ORDER BY username LIMIT $3",
            )
            .bind(asked.after.as_ref().map_or("", Username::as_str))
            .bind(asked.disabled)
            .bind(i64::from(asked.limit))
            .fetch_all(&mut *self.lease().await?)
            .await
            .map_err(failed)
        });
        found.await?.iter().map(rows::account_summary).collect()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        let read_only: bool = bounded(async {
            query_scalar(
                "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean
                 FROM (SELECT EXISTS (SELECT FROM accounts), EXISTS (SELECT FROM sessions),
                     EXISTS (SELECT FROM rooms), EXISTS (SELECT FROM memberships),
                     EXISTS (SELECT FROM idempotent_requests), EXISTS (SELECT FROM audit_log),
                     EXISTS (SELECT FROM login_attempts), EXISTS (SELECT FROM login_sources)) AS there",
            )
            .fetch_one(&mut *self.lease().await?)
            .await
            .map_err(failed)
        })
        .await?;
        if read_only {
            return Err(failed(Cause::ReadOnly));
        }
        Ok(())
    }

    fn connections(&self) -> Connections {
        self.pool()
    }

    async fn close(&self) {
        self.close_pool().await;
    }
}
