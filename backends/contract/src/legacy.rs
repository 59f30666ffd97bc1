//! Another application's accounts, in a table beside the store's own.

use std::fmt;

use async_trait::async_trait;
use zeroize::Zeroizing;

use crate::{Account, StoreError};

/// What the table is called, and its columns. Names are taken as they are, so
/// they may have spaces and capital letters; of a table's name, what is before
/// a `.` is its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LegacyTable {
    /// The table.
    pub table: String,
    /// A column that tells rows apart and has an order: the primary key.
    pub key: String,
    /// What people sign in with.
    pub username: String,
    /// The digest of the password.
    pub digest: String,
    /// The salt; `None` if there is none.
    pub salt: Option<String>,
    /// What says how the digest was made; `None` if all were made in one way.
    pub recipe: Option<String>,
}

impl LegacyTable {
    /// What stands in the place of the digest of a row that was taken over.
    pub const TAKEN: &'static str = "$taken$";
    /// What stands in the place of the digest of a row that could not be.
    pub const SET_ASIDE: &'static str = "$aside$";
}

/// A digest as another application stored it. Its `Debug` hides it, and its
/// memory is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct LegacyDigest(Zeroizing<String>);

impl LegacyDigest {
    /// Takes a digest as it is; whoever takes it over parses it.
    #[must_use]
    pub fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for LegacyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LegacyDigest(..)")
    }
}

/// A row of another application. What it has is text, or binary data in
/// hexadecimal digits, after `\x` where the database writes it so.
#[derive(Clone, PartialEq, Eq)]
pub struct LegacyRow {
    /// Which row.
    pub key: String,
    /// What somebody signs in with.
    pub username: Option<String>,
    /// The digest.
    pub digest: Option<LegacyDigest>,
    /// The salt.
    pub salt: Option<String>,
    /// How the digest was made, in the other application's words.
    pub recipe: Option<String>,
}

impl fmt::Debug for LegacyRow {
    /// Without the digest and the salt.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacyRow")
            .field("key", &self.key)
            .finish_non_exhaustive()
    }
}

/// What a table has, row by row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LegacyCount {
    /// Rows with a digest that was not taken over, or without any.
    pub left: u64,
    /// Rows that were taken over.
    pub taken: u64,
    /// Rows that were set aside.
    pub set_aside: u64,
}

/// What became of [`LegacyAccounts::take_over`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TakeOver {
    /// The account exists now, and the digest and the salt do not, durably.
    Taken,
    /// Somebody has that name; nothing was changed.
    NameTaken,
    /// The row is not as it was read, or was taken over meanwhile; nothing was
    /// changed.
    Changed,
}

/// What became of [`LegacyAccounts::drop_salt`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DropSalt {
    /// The column is gone.
    Dropped,
    /// So many rows are left, and the column stays.
    Left(u64),
}

/// Takes over accounts from a table that another application made in the same
/// database. It is asked by an administrator, not by requests.
///
/// A store that has no such tables goes without. A table or a column that isn't there is [`StoreError::Failed`], with what the
/// database says.
#[async_trait]
pub trait LegacyAccounts: Send + Sync + 'static {
    /// How far it is.
    async fn legacy_count(&self, table: &LegacyTable) -> Result<LegacyCount, StoreError>;

    /// The rows that are left, in the order of their keys, `limit` at most,
    /// beginning behind `after`.
    async fn legacy_rows(
        &self,
        table: &LegacyTable,
        after: Option<&str>,
        limit: u32,
    ) -> Result<Vec<LegacyRow>, StoreError>;

    /// Makes the account and wipes the digest and the salt of the row, in one
    /// step, if the row still has the digest and the salt that were read.
    async fn take_over(
        &self,
        table: &LegacyTable,
        row: &LegacyRow,
        account: &Account,
    ) -> Result<TakeOver, StoreError>;

    /// Wipes the digest and the salt of a row that nobody can sign in with, if
    /// it still has them. `account`, if there is one, keeps its name. Returns
    /// whether it did.
    async fn set_aside(
        &self,
        table: &LegacyTable,
        row: &LegacyRow,
        account: Option<&Account>,
    ) -> Result<TakeOver, StoreError>;

    /// Drops the salt's column, unless rows are left. Without such a column
    /// nothing is to be done, and it is `Dropped`.
    async fn drop_salt(&self, table: &LegacyTable) -> Result<DropSalt, StoreError>;
}
