//! What a second factor keeps of an account, and the [`SecondFactorStore`].

use std::fmt;

use async_trait::async_trait;
use uuid::Uuid;

use crate::{StoreError, UserId};

/// What a second factor keeps of one account: a secret, the keys of an
/// authenticator, how often they were used. The store doesn't look into it.
#[derive(Clone, PartialEq, Eq)]
pub struct FactorRecord {
    /// Another one each time that a record is written, and never the same again:
    /// what was read before somebody else wrote replaces nothing.
    pub version: Uuid,
    /// At most [`FactorRecord::MAX_BYTES`]. Whoever can read the database can
    /// read it, unless it is sealed.
    pub data: Vec<u8>,
}

impl FactorRecord {
    /// Enough for 50 passkeys.
    pub const MAX_BYTES: usize = 64 * 1024;

    /// A record that was not written before.
    #[must_use]
    pub fn new(data: Vec<u8>) -> Self {
        Self {
            version: Uuid::new_v4(),
            data,
        }
    }
}

impl fmt::Debug for FactorRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FactorRecord")
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// What became of a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FactorSwap {
    /// It is done.
    Swapped,
    /// Nothing was written: there is another record, or none, or no such
    /// account.
    Changed,
}

/// Keeps a record for each account that has a second factor.
///
/// A confirmed write is durable: it survives `kill -9` and loss of power. Of any
/// number of concurrent writes that expect the same, one is done. A record goes
/// with its account.
#[async_trait]
pub trait SecondFactorStore: Send + Sync + 'static {
    /// What is kept of an account.
    async fn find_factor(&self, user: UserId) -> Result<Option<FactorRecord>, StoreError>;

    /// Whether any account has a record.
    async fn has_factors(&self) -> Result<bool, StoreError>;

    /// Keeps the first record of an account.
    async fn add_factor(
        &self,
        user: UserId,
        record: &FactorRecord,
    ) -> Result<FactorSwap, StoreError>;

    /// Keeps a record in the place of the one of that version.
    async fn replace_factor(
        &self,
        user: UserId,
        expected: Uuid,
        record: &FactorRecord,
    ) -> Result<FactorSwap, StoreError>;

    /// Forgets the record of that version.
    async fn remove_factor(&self, user: UserId, expected: Uuid) -> Result<FactorSwap, StoreError>;
}
