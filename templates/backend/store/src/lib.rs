//! A store, to be written. Its traits say what it promises, `tests/laws.rs` holds
//! it to that: it is done when they are green.

use std::io;

use async_trait::async_trait;
use contract::{
    Account, AccountSummary, AccountsQuery, Admission, Attempt, AttemptStore, AuditEntry, AuditLog,
    AuditQuery, AuditRecord, Begin, ChangeMember, ChangeOutcome, Connections, CreateOutcome,
    CredentialStore, DeleteOutcome, EndedSession, FactorRecord, FactorSwap, HashSwap,
    IdempotencyStore, IdempotentRequest, Member, MemberOutcome, Membership, MembershipChange,
    NewSession, OpenOutcome, PasswordChange, Pseudonym, Room, RoomName, RoomOutcome, RoomStore,
    Rotate, Rotation, SecondFactorStore, Session, SessionId, SessionStore, StoreError, StoredHash,
    Success, Timestamp, UserId, Username,
};
use uuid::Uuid;

/// Accounts, sessions, rooms, requests, attempts, second factors and the audit
/// log, kept somewhere else.
#[derive(Debug)]
pub struct MyStore;

impl MyStore {
    /// Opens it, and brings its schema up to date.
    ///
    /// # Errors
    /// If it can't be reached, or is newer than this version.
    pub async fn open() -> Result<Self, StoreError> {
        Ok(Self)
    }
}

#[async_trait]
impl CredentialStore for MyStore {
    async fn create(&self, _account: &Account) -> Result<CreateOutcome, StoreError> {
        Err(unwritten())
    }

    async fn find_by_name(&self, _username: &Username) -> Result<Option<Account>, StoreError> {
        Err(unwritten())
    }

    async fn find_by_id(&self, _id: UserId) -> Result<Option<Account>, StoreError> {
        Err(unwritten())
    }

    async fn replace_hash(
        &self,
        _id: UserId,
        _expected: &StoredHash,
        _new: &StoredHash,
    ) -> Result<HashSwap, StoreError> {
        Err(unwritten())
    }

    async fn change_password(&self, _change: &PasswordChange) -> Result<ChangeOutcome, StoreError> {
        Err(unwritten())
    }

    async fn disable(
        &self,
        _id: UserId,
        _now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        Err(unwritten())
    }

    async fn enable(&self, _id: UserId) -> Result<bool, StoreError> {
        Err(unwritten())
    }

    async fn set_password(
        &self,
        _id: UserId,
        _new: &StoredHash,
        _now: Timestamp,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        Err(unwritten())
    }

    async fn accounts(&self, _query: &AccountsQuery) -> Result<Vec<AccountSummary>, StoreError> {
        Err(unwritten())
    }

    async fn ping(&self) -> Result<(), StoreError> {
        Err(unwritten())
    }

    fn connections(&self) -> Connections {
        Connections {
            used: 0,
            idle: 0,
            max: 1,
        }
    }

    async fn close(&self) {}
}

#[async_trait]
impl SessionStore for MyStore {
    async fn open(&self, _new: &NewSession) -> Result<OpenOutcome, StoreError> {
        Err(unwritten())
    }

    async fn find(&self, _id: SessionId, _now: Timestamp) -> Result<Option<Session>, StoreError> {
        Err(unwritten())
    }

    async fn rotate(&self, _rotate: Rotate) -> Result<Rotation, StoreError> {
        Err(unwritten())
    }

    async fn revoke(
        &self,
        _user: UserId,
        _id: SessionId,
        _now: Timestamp,
    ) -> Result<bool, StoreError> {
        Err(unwritten())
    }

    async fn revoke_all(
        &self,
        _user: UserId,
        _except: Option<SessionId>,
        _now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        Err(unwritten())
    }

    async fn ended_since(&self, _since: Timestamp) -> Result<Vec<EndedSession>, StoreError> {
        Err(unwritten())
    }

    async fn list(&self, _user: UserId, _now: Timestamp) -> Result<Vec<Session>, StoreError> {
        Err(unwritten())
    }

    async fn purge(&self, _now: Timestamp, _ended_before: Timestamp) -> Result<u64, StoreError> {
        Err(unwritten())
    }
}

#[async_trait]
impl RoomStore for MyStore {
    async fn create_room(
        &self,
        _room: &Room,
        _owner: UserId,
        _max_owned: u32,
    ) -> Result<RoomOutcome, StoreError> {
        Err(unwritten())
    }

    async fn membership(
        &self,
        _room: &RoomName,
        _user: UserId,
    ) -> Result<Option<Membership>, StoreError> {
        Err(unwritten())
    }

    async fn memberships(
        &self,
        _user: UserId,
        _after: Option<&RoomName>,
        _limit: u32,
    ) -> Result<Vec<Membership>, StoreError> {
        Err(unwritten())
    }

    async fn members(
        &self,
        _room: &RoomName,
        _after: Option<&Username>,
        _limit: u32,
    ) -> Result<Vec<Member>, StoreError> {
        Err(unwritten())
    }

    async fn change_member(&self, _change: &ChangeMember) -> Result<MemberOutcome, StoreError> {
        Err(unwritten())
    }

    async fn delete_room(
        &self,
        _room: &RoomName,
        _by: UserId,
        _now: Timestamp,
    ) -> Result<DeleteOutcome, StoreError> {
        Err(unwritten())
    }

    async fn membership_changes_since(
        &self,
        _since: Timestamp,
    ) -> Result<Vec<MembershipChange>, StoreError> {
        Err(unwritten())
    }

    async fn purge_membership_changes(&self, _before: Timestamp) -> Result<u64, StoreError> {
        Err(unwritten())
    }
}

#[async_trait]
impl IdempotencyStore for MyStore {
    async fn begin(&self, _request: &IdempotentRequest) -> Result<Begin, StoreError> {
        Err(unwritten())
    }

    async fn finish(&self, _request: &IdempotentRequest, _answer: &str) -> Result<(), StoreError> {
        Err(unwritten())
    }

    async fn abandon(&self, _request: &IdempotentRequest) -> Result<(), StoreError> {
        Err(unwritten())
    }

    async fn purge_requests(&self, _before: Timestamp) -> Result<u64, StoreError> {
        Err(unwritten())
    }
}

#[async_trait]
impl AuditLog for MyStore {
    async fn record(&self, _records: &[AuditRecord]) -> Result<(), StoreError> {
        Err(unwritten())
    }

    async fn audit(&self, _query: &AuditQuery) -> Result<Vec<AuditEntry>, StoreError> {
        Err(unwritten())
    }

    async fn purge_audit(&self, _before: Timestamp) -> Result<u64, StoreError> {
        Err(unwritten())
    }
}

#[async_trait]
impl AttemptStore for MyStore {
    async fn admit(&self, _attempt: &Attempt) -> Result<Admission, StoreError> {
        Err(unwritten())
    }

    async fn knows(
        &self,
        _account: Pseudonym,
        _source: Pseudonym,
        _since: Timestamp,
    ) -> Result<bool, StoreError> {
        Err(unwritten())
    }

    async fn succeed(&self, _success: &Success) -> Result<(), StoreError> {
        Err(unwritten())
    }

    async fn purge_attempts(&self, _before: Timestamp, _keep: u32) -> Result<u64, StoreError> {
        Err(unwritten())
    }

    async fn purge_sources(&self, _before: Timestamp) -> Result<u64, StoreError> {
        Err(unwritten())
    }
}

#[async_trait]
impl SecondFactorStore for MyStore {
    async fn find_factor(&self, _user: UserId) -> Result<Option<FactorRecord>, StoreError> {
        Err(unwritten())
    }

    async fn has_factors(&self) -> Result<bool, StoreError> {
        Err(unwritten())
    }

    async fn add_factor(
        &self,
        _user: UserId,
        _record: &FactorRecord,
    ) -> Result<FactorSwap, StoreError> {
        Err(unwritten())
    }

    async fn replace_factor(
        &self,
        _user: UserId,
        _expected: Uuid,
        _record: &FactorRecord,
    ) -> Result<FactorSwap, StoreError> {
        Err(unwritten())
    }

    async fn remove_factor(
        &self,
        _user: UserId,
        _expected: Uuid,
    ) -> Result<FactorSwap, StoreError> {
        Err(unwritten())
    }
}

fn unwritten() -> StoreError {
    StoreError::Failed(io::Error::other("not written yet").into())
}
