//! Accounts and sessions in PostgreSQL.

use std::fmt;

use async_trait::async_trait;
use contract::{
    Account, ChangeOutcome, CreateOutcome, CredentialStore, EndedSession, HashSwap, NewSession,
    OpenOutcome, PasswordChange, Rotate, Rotation, Session, SessionId, SessionStore, StoreError,
    StoredHash, Timestamp, UserId, Username,
};

/// Where the database is, and how much of it this process takes.
#[derive(Clone)]
pub struct PostgresSettings {
    /// `postgres://user:password@host:port/database?sslmode=verify-full&sslrootcert=…`
    pub url: String,
    /// Connections that are open at most; 1 to 1,000.
    pub max_connections: u32,
}

impl fmt::Debug for PostgresSettings {
    /// Without the URL, in which a password may stand.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresSettings")
            .field("max_connections", &self.max_connections)
            .finish_non_exhaustive()
    }
}

/// Accounts and sessions in PostgreSQL.
#[derive(Debug, Clone)]
pub enum PostgresStore {}

impl PostgresStore {
    /// Connects.
    ///
    /// # Errors
    /// [`StoreError`]
    pub async fn connect(_: &PostgresSettings) -> Result<Self, StoreError> {
        Err(StoreError::Unavailable("no store is here yet".into()))
    }
}

#[async_trait]
impl CredentialStore for PostgresStore {
    async fn create(&self, _: &Account) -> Result<CreateOutcome, StoreError> {
        match *self {}
    }

    async fn find_by_name(&self, _: &Username) -> Result<Option<Account>, StoreError> {
        match *self {}
    }

    async fn find_by_id(&self, _: UserId) -> Result<Option<Account>, StoreError> {
        match *self {}
    }

    async fn replace_hash(
        &self,
        _: UserId,
        _: &StoredHash,
        _: &StoredHash,
    ) -> Result<HashSwap, StoreError> {
        match *self {}
    }

    async fn change_password(&self, _: &PasswordChange) -> Result<ChangeOutcome, StoreError> {
        match *self {}
    }

    async fn disable(&self, _: UserId, _: Timestamp) -> Result<Option<Vec<SessionId>>, StoreError> {
        match *self {}
    }

    async fn ping(&self) -> Result<(), StoreError> {
        match *self {}
    }
}

#[async_trait]
impl SessionStore for PostgresStore {
    async fn open(&self, _: &NewSession) -> Result<OpenOutcome, StoreError> {
        match *self {}
    }

    async fn find(&self, _: SessionId, _: Timestamp) -> Result<Option<Session>, StoreError> {
        match *self {}
    }

    async fn rotate(&self, _: Rotate) -> Result<Rotation, StoreError> {
        match *self {}
    }

    async fn revoke(&self, _: UserId, _: SessionId, _: Timestamp) -> Result<bool, StoreError> {
        match *self {}
    }

    async fn revoke_all(
        &self,
        _: UserId,
        _: Option<SessionId>,
        _: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        match *self {}
    }

    async fn ended_since(&self, _: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        match *self {}
    }

    async fn list(&self, _: UserId, _: Timestamp) -> Result<Vec<Session>, StoreError> {
        match *self {}
    }

    async fn purge(&self, _: Timestamp, _: Timestamp) -> Result<u64, StoreError> {
        match *self {}
    }
}
