//! Accounts: who may sign in, and with which password hash.

use std::fmt;

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{SessionId, StoreError, Username};

/// A user's id: random (UUIDv4), never reused, and the name of the user's own room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserId(pub Uuid);

impl UserId {
    /// A new random id.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// A password hash as stored: a PHC string. Its `Debug` hides it, and its
/// memory is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredHash(Zeroizing<String>);

impl StoredHash {
    /// Longest stored hash, in bytes; the width of the column it once had.
    pub const MAX_BYTES: usize = 255;

    /// Takes a hash as it is; whoever verifies with it parses it.
    #[must_use]
    pub fn new(phc: String) -> Self {
        Self(Zeroizing::new(phc))
    }

    /// The PHC string.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for StoredHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredHash(..)")
    }
}

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Who this is, for ever.
    pub id: UserId,
    /// The name to sign in with, unique among all accounts.
    pub username: Username,
    /// The hash of the current password.
    pub hash: StoredHash,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When the account was disabled; `None` while it may sign in.
    pub disabled_at: Option<Timestamp>,
}

/// What a list says of an account: nothing that somebody could sign in with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSummary {
    /// Who this is.
    pub id: UserId,
    /// The name to sign in with.
    pub username: Username,
    /// When the account was made.
    pub created_at: Timestamp,
    /// When the account was disabled; `None` while it may sign in.
    pub disabled_at: Option<Timestamp>,
}

/// Which accounts.
#[derive(Debug, Clone)]
pub struct AccountsQuery {
    /// Those that come after this name; it need not be anybody's.
    pub after: Option<Username>,
    /// Those that are disabled, or those that aren't; `None` is all.
    pub disabled: Option<bool>,
    /// How many at most.
    pub limit: u32,
}

/// What became of [`CredentialStore::create`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CreateOutcome {
    /// The account exists now, durably.
    Created,
    /// Somebody has that name; nothing was changed.
    NameTaken,
}

/// What became of [`CredentialStore::replace_hash`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HashSwap {
    /// The new hash is stored, durably.
    Replaced,
    /// The stored hash is not the expected one (or there is no such account);
    /// nothing was changed.
    Changed,
}

/// A password to change, by somebody who is signed in.
#[derive(Debug, Clone)]
pub struct PasswordChange {
    /// Whose.
    pub user: UserId,
    /// The hash that the current password was verified against.
    pub expected: StoredHash,
    /// The hash of the new password.
    pub new: StoredHash,
    /// The session that asks, and stays.
    pub keep: SessionId,
    /// When the user's other sessions end.
    pub now: Timestamp,
}

/// What became of [`CredentialStore::change_password`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChangeOutcome {
    /// The new hash is stored, durably, and these sessions have ended.
    Changed(Vec<SessionId>),
    /// The stored hash is not the expected one (or there is no such account);
    /// nothing was changed.
    Conflict,
}

/// How a store's connections are used just now: seen without a lock, so that
/// they need not be of quite one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Connections {
    /// Those that calls use.
    pub used: u32,
    /// Those that are open and wait for a call.
    pub idle: u32,
    /// Most of both that there may be; at least 1.
    pub max: u32,
}

/// Keeps accounts.
///
/// A confirmed write is durable: it survives `kill -9` and loss of power.
#[async_trait]
pub trait CredentialStore: Send + Sync + 'static {
    /// Makes an account unless the name is taken. Of any number of concurrent
    /// calls with one name, exactly one is `Created`.
    async fn create(&self, account: &Account) -> Result<CreateOutcome, StoreError>;

    /// The account of that name, disabled ones too.
    async fn find_by_name(&self, username: &Username) -> Result<Option<Account>, StoreError>;

    /// The account of that id, disabled ones too.
    async fn find_by_id(&self, id: UserId) -> Result<Option<Account>, StoreError>;

    /// Stores `new` only if the stored hash is still `expected`, byte for byte.
    async fn replace_hash(
        &self,
        id: UserId,
        expected: &StoredHash,
        new: &StoredHash,
    ) -> Result<HashSwap, StoreError>;

    /// Stores the new hash as [`replace_hash`](Self::replace_hash) does, and
    /// ends all sessions of the user but for `keep`, in one step.
    async fn change_password(&self, change: &PasswordChange) -> Result<ChangeOutcome, StoreError>;

    /// Disables the account and ends all its sessions, in one step. Returns
    /// the sessions that ended by it, `None` if there is no such account;
    /// disabling twice keeps the first time.
    async fn disable(
        &self,
        id: UserId,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, StoreError>;

    /// Lets a disabled account sign in again. Returns whether there is such an
    /// account; enabling one that is not disabled changes nothing.
    async fn enable(&self, id: UserId) -> Result<bool, StoreError>;

    /// Stores `new`, whatever the stored hash is, and ends all sessions of the
    /// user, in one step. Returns the sessions that ended by it, `None` if there
    /// is no such account; a disabled one stays disabled.
    async fn set_password(
        &self,
        id: UserId,
        new: &StoredHash,
        now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, StoreError>;

    /// The accounts that `query` asks for, in the order of the bytes of their
    /// names.
    async fn accounts(&self, query: &AccountsQuery) -> Result<Vec<AccountSummary>, StoreError>;

    /// Answers if the store can serve reads and writes.
    async fn ping(&self) -> Result<(), StoreError>;

    /// Of this handle and its clones, at once: nothing is asked or waited for.
    fn connections(&self) -> Connections;

    /// Waits for calls under way and lets go of the backend, for this handle
    /// and its clones. Whatever is called afterwards is
    /// [`StoreError::Unavailable`]; what was confirmed is safe without it.
    async fn close(&self);
}
