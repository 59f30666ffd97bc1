//! Row after row becomes an account.
//!
//! A row is taken over in one step with its account, so that a run which is
//! killed leaves every row either as it was or taken over; the next run goes on
//! with those that are left.

use std::{num::NonZero, sync::Arc, thread::available_parallelism};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD as BASE64};
use contract::{
    Account, DropSalt, LegacyAccounts, LegacyCount, LegacyRow, LegacyTable, StoreError, StoredHash,
    TakeOver, Timestamp, UserId, Username,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use zeroize::Zeroizing;

use super::{
    description::Description,
    row::{Readable, RowRefused, username},
};
use crate::accounts::passwords::{HashError, NewPasswordError, PasswordService, SaltedDigest};

/// Rows that are read at a time.
const PAGE: u32 = 256;

/// Takes a table over.
pub struct TakingOver {
    store: Arc<dyn LegacyAccounts>,
    passwords: PasswordService,
    description: Description,
    table: LegacyTable,
    /// The last key that was looked at.
    after: Option<String>,
}

/// What is done with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// It is only looked at.
    DryRun,
    /// It is taken over if it can be.
    TakeOver,
    /// The same; if it can't be, its digest and its salt are wiped, and an
    /// account that has no password keeps the name, if it is one.
    TakeOverOrSetAside,
}

/// What became of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is an account, or would be one.
    Taken,
    /// It can't be, and is left as it is.
    Refused(Refused),
    /// It can't be, and was set aside.
    SetAside(Refused),
}

/// A row, and why it can't be taken over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The row's key.
    pub key: String,
    /// Why.
    pub reason: RowRefused,
}

/// Why a table is not taken over any further.
#[derive(Debug, thiserror::Error)]
pub enum TakeOverError {
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Hashing failed.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// There are no random bytes.
    #[error("there are no random bytes")]
    Random,
    /// A random password is not taken by the policy.
    #[error("no password can be made")]
    Password(#[source] NewPasswordError),
}

impl TakingOver {
    /// Begins with the first row that is left.
    #[must_use]
    pub fn new(
        store: Arc<dyn LegacyAccounts>,
        passwords: PasswordService,
        description: Description,
    ) -> Self {
        let table = description.table();
        Self {
            store,
            passwords,
            description,
            table,
            after: None,
        }
    }

    /// How far it is.
    ///
    /// # Errors
    /// The store's.
    pub async fn count(&self) -> Result<LegacyCount, StoreError> {
        self.store.legacy_count(&self.table).await
    }

    /// Drops the salt's column, unless rows are left.
    ///
    /// # Errors
    /// The store's.
    pub async fn drop_salt(&self) -> Result<DropSalt, StoreError> {
        self.store.drop_salt(&self.table).await
    }

    /// The next rows that are left, some hundreds at most, as they are.
    ///
    /// # Errors
    /// The store's.
    pub async fn rows(&mut self) -> Result<Vec<LegacyRow>, StoreError> {
        let after = self.after.as_deref();
        let rows = self.store.legacy_rows(&self.table, after, PAGE).await?;
        if let Some(last) = rows.last() {
            self.after = Some(last.key.clone());
        }
        Ok(rows)
    }

    /// Goes through some rows, two at a time for each core: while one is hashed,
    /// another is written. What was done before an error stays done.
    ///
    /// # Errors
    /// [`TakeOverError`]
    pub async fn take(
        &self,
        rows: &[LegacyRow],
        mode: Mode,
        now: Timestamp,
    ) -> Result<Vec<Outcome>, TakeOverError> {
        let at_a_time = 2 * available_parallelism().map_or(1, NonZero::get);
        stream::iter(rows)
            .map(|row| self.take_one(row, mode, now))
            .buffered(at_a_time)
            .try_collect()
            .await
    }

    async fn take_one(
        &self,
        row: &LegacyRow,
        mode: Mode,
        now: Timestamp,
    ) -> Result<Outcome, TakeOverError> {
        let reason = match Readable::of(row, &self.description) {
            Ok(_) if mode == Mode::DryRun => return Ok(Outcome::Taken),
            Ok(readable) => {
                let hash = self.wrap(readable.made, readable.digest).await?;
                let account = account(readable.username, hash, now);
                match self.store.take_over(&self.table, row, &account).await? {
                    TakeOver::Taken => return Ok(Outcome::Taken),
                    TakeOver::NameTaken => RowRefused::NameTaken,
                    TakeOver::Changed => RowRefused::Changed,
                }
            }
            Err(reason) => reason,
        };
        let key = row.key.clone();
        let refused = Refused { key, reason };
        if mode != Mode::TakeOverOrSetAside || reason == RowRefused::Changed {
            return Ok(Outcome::Refused(refused));
        }
        let keeper = match username(row) {
            Ok(username) if reason != RowRefused::NameTaken => {
                Some(account(username, self.nobodys().await?, now))
            }
            _ => None,
        };
        let set_aside = self.store.set_aside(&self.table, row, keeper.as_ref());
        let set_aside = match set_aside.await? {
            // The name is kept by another account already.
            TakeOver::NameTaken => self.store.set_aside(&self.table, row, None).await?,
            set_aside => set_aside,
        };
        Ok(match set_aside {
            TakeOver::Taken => Outcome::SetAside(refused),
            TakeOver::NameTaken | TakeOver::Changed => Outcome::Refused(refused),
        })
    }

    async fn wrap(
        &self,
        made: SaltedDigest,
        digest: Zeroizing<Vec<u8>>,
    ) -> Result<StoredHash, HashError> {
        self.passwords.reserve()?.wrap(made, digest).await
    }

    /// The hash of a password that nobody knows.
    async fn nobodys(&self) -> Result<StoredHash, TakeOverError> {
        let mut bytes = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(&mut *bytes).map_err(|_| TakeOverError::Random)?;
        let password = Zeroizing::new(BASE64.encode(*bytes));
        let permit = self.passwords.reserve()?;
        match permit.hash_new(&password, &[]).await {
            Ok(hash) => Ok(hash),
            Err(NewPasswordError::Hash(error)) => Err(error.into()),
            Err(refused) => Err(TakeOverError::Password(refused)),
        }
    }
}

fn account(username: Username, hash: StoredHash, now: Timestamp) -> Account {
    Account {
        id: UserId::random(),
        username,
        hash,
        created_at: now,
        disabled_at: None,
    }
}
