//! The `CredentialStore`.

use async_trait::async_trait;
use contract::{
    Account, AccountSummary, AccountsQuery, ChangeOutcome, Connections, CreateOutcome,
    CredentialStore, HashSwap, PasswordChange, SessionId, StoreError, StoredHash, Timestamp,
    UserId, Username,
};
use sqlx_core::query::{Query, query};
use sqlx_sqlite::{Sqlite, SqliteArguments};

use crate::{SqliteStore, error::failed, rows, sessions};

/// Makes an account, of no row if the name is taken.
pub(crate) fn insert(account: &Account) -> Query<'_, Sqlite, SqliteArguments> {
    query(
        "INSERT INTO accounts (id, username, hash, created_at, disabled_at)
         VALUES (?, ?, ?, ?, ?)
         ON CONFLICT (username) DO NOTHING",
    )
    .bind(account.id.0.as_bytes().as_slice())
    .bind(account.username.as_str())
    .bind(account.hash.as_str())
    .bind(account.created_at.as_millisecond())
    .bind(account.disabled_at.map(Timestamp::as_millisecond))
}

#[async_trait]
impl CredentialStore for SqliteStore {
    async fn create(&self, account: &Account) -> Result<CreateOutcome, StoreError> {
        let created = insert(account)
            .execute(self.writer())
            .await
            .map_err(failed)?;
        Ok(match created.rows_affected() {
            0 => CreateOutcome::NameTaken,
            _ => CreateOutcome::Created,
        })
    }

    async fn find_by_name(&self, username: &Username) -> Result<Option<Account>, StoreError> {
        query("SELECT id, username, hash, created_at, disabled_at FROM accounts WHERE username = ?")
            .bind(username.as_str())
            .fetch_optional(self.readers())
            .await
            .map_err(failed)?
            .as_ref()
            .map(rows::account)
            .transpose()
    }

    async fn find_by_id(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        query("SELECT id, username, hash, created_at, disabled_at FROM accounts WHERE id = ?")
            .bind(id.0.as_bytes().as_slice())
            .fetch_optional(self.readers())
            .await
            .map_err(failed)?
            .as_ref()
            .map(rows::account)
            .transpose()
    }

    async fn replace_hash(
        &self,
        id: UserId,
        expected: &StoredHash,
        new: &StoredHash,
    ) -> Result<HashSwap, StoreError> {
        let replaced = query("UPDATE accounts SET hash = ? WHERE id = ? AND hash = ?")
            .bind(new.as_str())
            .bind(id.0.as_bytes().as_slice())
            .bind(expected.as_str())
            .execute(self.writer())
            .await
            .map_err(failed)?;
        Ok(match replaced.rows_affected() {
            0 => HashSwap::Changed,
            _ => HashSwap::Replaced,
        })
    }

    async fn change_password(&self, change: &PasswordChange) -> Result<ChangeOutcome, StoreError> {
        let mut transaction = self.begin().await?;
        let replaced = query("UPDATE accounts SET hash = ? WHERE id = ? AND hash = ?")
            .bind(change.new.as_str())
            .bind(change.user.0.as_bytes().as_slice())
            .bind(change.expected.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        if replaced.rows_affected() == 0 {
            transaction.rollback().await.map_err(failed)?;
            return Ok(ChangeOutcome::Conflict);
        }
        let keep = Some(change.keep);
        let ended = sessions::end_all(&mut *transaction, change.user, keep, change.now).await?;
        transaction.commit().await.map_err(failed)?;
        Ok(ChangeOutcome::Changed(ended))
    }

    async fn disable(
        &self,
        id: UserId,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let mut transaction = self.begin().await?;
        let disabled =
            query("UPDATE accounts SET disabled_at = coalesce(disabled_at, ?) WHERE id = ?")
                .bind(now.as_millisecond())
                .bind(id.0.as_bytes().as_slice())
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        let ended = sessions::end_all(&mut *transaction, id, None, now).await?;
        transaction.commit().await.map_err(failed)?;
        Ok((disabled.rows_affected() > 0).then_some(ended))
    }

    async fn enable(&self, id: UserId) -> Result<bool, StoreError> {
        let enabled = query("UPDATE accounts SET disabled_at = NULL WHERE id = ?")
            .bind(id.0.as_bytes().as_slice())
            .execute(self.writer())
            .await
            .map_err(failed)?;
        Ok(enabled.rows_affected() > 0)
    }

    async fn set_password(
        &self,
        id: UserId,
        new: &StoredHash,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        let mut transaction = self.begin().await?;
        let set = query("UPDATE accounts SET hash = ? WHERE id = ?")
            .bind(new.as_str())
            .bind(id.0.as_bytes().as_slice())
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        let ended = sessions::end_all(&mut *transaction, id, None, now).await?;
        transaction.commit().await.map_err(failed)?;
        Ok((set.rows_affected() > 0).then_some(ended))
    }

    async fn accounts(&self, asked: &AccountsQuery) -> Result<Vec<AccountSummary>, StoreError> {
        query(
            "SELECT id, username, created_at, disabled_at FROM accounts
             WHERE username > ?1 AND coalesce((disabled_at IS NOT NULL) = ?2, TRUE)
             ORDER BY username LIMIT ?3",
        )
        .bind(asked.after.as_ref().map_or("", Username::as_str))
        .bind(asked.disabled)
        .bind(i64::from(asked.limit))
        .fetch_all(self.readers())
        .await
        .map_err(failed)?
        .iter()
        .map(rows::account_summary)
        .collect()
    }

    async fn ping(&self) -> Result<(), StoreError> {
        query("SELECT EXISTS (SELECT 1 FROM accounts)")
            .fetch_all(self.readers())
            .await
            .map_err(failed)?;
        // Takes the write lock, and changes nothing.
        let transaction = self.begin().await?;
        transaction.rollback().await.map_err(failed)
    }

    fn connections(&self) -> Connections {
        self.pools()
    }

    async fn close(&self) {
        self.readers().close().await;
        self.writer().close().await;
    }
}
