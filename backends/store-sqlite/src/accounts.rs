//! The `CredentialStore`.

use async_trait::async_trait;
use contract::{
    Account, CreateOutcome, CredentialStore, HashSwap, StoreError, StoredHash, Timestamp, UserId,
    Username,
};

use crate::{SqliteStore, error::failed, rows};

#[async_trait]
impl CredentialStore for SqliteStore {
    async fn create(&self, account: &Account) -> Result<CreateOutcome, StoreError> {
        let created = sqlx::query(
            "INSERT INTO accounts (id, username, hash, created_at, disabled_at)
             VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (username) DO NOTHING",
        )
        .bind(account.id.0.as_bytes().as_slice())
        .bind(account.username.as_str())
        .bind(account.hash.as_str())
        .bind(account.created_at.as_millisecond())
        .bind(account.disabled_at.map(Timestamp::as_millisecond))
        .execute(self.writer())
        .await
        .map_err(failed)?;
        Ok(match created.rows_affected() {
            0 => CreateOutcome::NameTaken,
            _ => CreateOutcome::Created,
        })
    }

    async fn find_by_name(&self, username: &Username) -> Result<Option<Account>, StoreError> {
        sqlx::query(
            "SELECT id, username, hash, created_at, disabled_at FROM accounts WHERE username = ?",
        )
        .bind(username.as_str())
        .fetch_optional(self.readers())
        .await
        .map_err(failed)?
        .as_ref()
        .map(rows::account)
        .transpose()
    }

    async fn find_by_id(&self, id: UserId) -> Result<Option<Account>, StoreError> {
        sqlx::query("SELECT id, username, hash, created_at, disabled_at FROM accounts WHERE id = ?")
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
        let replaced = sqlx::query("UPDATE accounts SET hash = ? WHERE id = ? AND hash = ?")
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

    async fn disable(&self, id: UserId, now: Timestamp) -> Result<bool, StoreError> {
        let id = id.0.as_bytes().as_slice();
        let mut transaction = self.begin().await?;
        let disabled =
            sqlx::query("UPDATE accounts SET disabled_at = coalesce(disabled_at, ?) WHERE id = ?")
                .bind(now.as_millisecond())
                .bind(id)
                .execute(&mut *transaction)
                .await
                .map_err(failed)?;
        sqlx::query("DELETE FROM sessions WHERE user_id = ?")
            .bind(id)
            .execute(&mut *transaction)
            .await
            .map_err(failed)?;
        transaction.commit().await.map_err(failed)?;
        Ok(disabled.rows_affected() > 0)
    }

    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT EXISTS (SELECT 1 FROM accounts)")
            .fetch_all(self.readers())
            .await
            .map_err(failed)?;
        // Takes the write lock, and changes nothing.
        let transaction = self.begin().await?;
        transaction.rollback().await.map_err(failed)
    }
}
