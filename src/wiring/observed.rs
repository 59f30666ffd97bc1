//! Stores whose calls are measured, and traced where a request is. The backends
//! themselves know nothing of it.

use std::{sync::Arc, time::Instant};

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
use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{MetricType, family::Family},
};
use uuid::Uuid;

use super::Stores;
use crate::telemetry::{
    metrics::{Counted, Histogram, Label, Registry, SECONDS, by_label, gauge, label::label},
    traces,
};

label! {
    /// How a call failed.
    pub(crate) FailureKind, "kind" {
        /// The store can't be reached, or has too much to do.
        Unavailable = "unavailable",
        /// It answered, and could not do it.
        Failed = "failed",
        /// It holds what can't be read.
        Corrupt = "corrupt",
    }
}

impl From<&StoreError> for FailureKind {
    fn from(error: &StoreError) -> Self {
        match error {
            StoreError::Unavailable(_) => Self::Unavailable,
            StoreError::Failed(_) => Self::Failed,
            StoreError::Corrupt { .. } => Self::Corrupt,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Call {
    operation: &'static str,
}

/// What is counted of calls. A clone counts in the same ones.
#[derive(Debug, Clone)]
pub(crate) struct StoreInstruments {
    took: Family<Call, Histogram>,
    failed: Counted<FailureKind>,
}

impl Default for StoreInstruments {
    fn default() -> Self {
        Self {
            took: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            failed: Counted::default(),
        }
    }
}

impl StoreInstruments {
    async fn observe<T>(
        &self,
        operation: &'static str,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let begun = Instant::now();
        let result = traces::child(operation, call, |result| {
            let error = result.as_ref().err()?;
            Some(FailureKind::from(error).value())
        })
        .await;
        let took = self.took.get_or_create_owned(&Call { operation });
        took.observe(begun.elapsed().as_secs_f64());
        if let Err(error) = &result {
            self.failed.count(error.into());
        }
        result
    }
}

/// A store whose calls are measured.
struct Observed<S: ?Sized> {
    store: Arc<S>,
    instruments: StoreInstruments,
}

impl Stores {
    /// The same stores, whose calls are measured; and what is known of their
    /// connections is made known.
    #[must_use]
    pub(crate) fn observed(self, instruments: &StoreInstruments) -> Self {
        Self {
            credentials: Arc::new(Observed {
                store: self.credentials,
                instruments: instruments.clone(),
            }),
            sessions: Arc::new(Observed {
                store: self.sessions,
                instruments: instruments.clone(),
            }),
            rooms: Arc::new(Observed {
                store: self.rooms,
                instruments: instruments.clone(),
            }),
            idempotency: Arc::new(Observed {
                store: self.idempotency,
                instruments: instruments.clone(),
            }),
            audit: Arc::new(Observed {
                store: self.audit,
                instruments: instruments.clone(),
            }),
            attempts: Arc::new(Observed {
                store: self.attempts,
                instruments: instruments.clone(),
            }),
            second_factors: Arc::new(Observed {
                store: self.second_factors,
                instruments: instruments.clone(),
            }),
            // Only commands use it.
            legacy: self.legacy,
        }
    }

    /// Makes known what is counted of calls, and how connections are used.
    pub(crate) fn register(&self, instruments: &StoreInstruments, registry: &mut Registry) {
        registry.register(
            "store_operation_duration_seconds",
            "Calls of the store, by operation",
            instruments.took.clone(),
        );
        registry.register(
            "store_errors",
            "Calls of the store that failed",
            instruments.failed.clone(),
        );
        let store = Arc::clone(&self.credentials);
        let look = move || {
            let Connections { used, idle, .. } = store.connections();
            vec![("used", f64::from(used)), ("idle", f64::from(idle))]
        };
        registry.register(
            "store_connections",
            "Open connections of the store",
            by_label(MetricType::Gauge, "state", look),
        );
        let store = Arc::clone(&self.credentials);
        registry.register(
            "store_connections_max",
            "Connections of the store that there may be",
            gauge(move || Some(f64::from(store.connections().max))),
        );
    }
}

/// Writes a trait of stores for [`Observed`]: its calls, each under its name.
macro_rules! observed {
    (
        $trait:ident, $name:literal:
        $( $call:ident($($arg:ident: $of:ty),*) -> $answer:ty; )+
        $( = $at_once:ident() -> $value:ty; )?
        $( - $end:ident(); )?
    ) => {
        #[async_trait]
        impl $trait for Observed<dyn $trait> {
            $(
                async fn $call(&self, $($arg: $of),*) -> Result<$answer, StoreError> {
                    const OPERATION: &str = concat!($name, ".", stringify!($call));
                    self.instruments.observe(OPERATION, self.store.$call($($arg),*)).await
                }
            )+

            $( fn $at_once(&self) -> $value {
                self.store.$at_once()
            } )?

            $( async fn $end(&self) {
                self.store.$end().await;
            } )?
        }
    };
}

observed! { CredentialStore, "accounts":
    create(account: &Account) -> CreateOutcome;
    find_by_name(username: &Username) -> Option<Account>;
    find_by_id(id: UserId) -> Option<Account>;
    replace_hash(id: UserId, expected: &StoredHash, new: &StoredHash) -> HashSwap;
    change_password(change: &PasswordChange) -> ChangeOutcome;
    disable(id: UserId, now: Timestamp) -> Option<Vec<SessionId>>;
    enable(id: UserId) -> bool;
    set_password(id: UserId, new: &StoredHash, now: Timestamp) -> Option<Vec<SessionId>>;
    accounts(query: &AccountsQuery) -> Vec<AccountSummary>;
    ping() -> ();
    = connections() -> Connections;
    - close();
}

observed! { SessionStore, "sessions":
    open(new: &NewSession) -> OpenOutcome;
    find(id: SessionId, now: Timestamp) -> Option<Session>;
    rotate(rotate: Rotate) -> Rotation;
    revoke(user: UserId, id: SessionId, now: Timestamp) -> bool;
    revoke_all(user: UserId, except: Option<SessionId>, now: Timestamp) -> Vec<SessionId>;
    ended_since(since: Timestamp) -> Vec<EndedSession>;
    list(user: UserId, now: Timestamp) -> Vec<Session>;
    purge(now: Timestamp, ended_before: Timestamp) -> u64;
}

observed! { RoomStore, "rooms":
    create_room(room: &Room, owner: UserId, max_owned: u32) -> RoomOutcome;
    membership(room: &RoomName, user: UserId) -> Option<Membership>;
    memberships(user: UserId, after: Option<&RoomName>, limit: u32) -> Vec<Membership>;
    members(room: &RoomName, after: Option<&Username>, limit: u32) -> Vec<Member>;
    change_member(change: &ChangeMember) -> MemberOutcome;
    delete_room(room: &RoomName, by: UserId, now: Timestamp) -> DeleteOutcome;
    membership_changes_since(since: Timestamp) -> Vec<MembershipChange>;
    purge_membership_changes(before: Timestamp) -> u64;
}

observed! { IdempotencyStore, "requests":
    begin(request: &IdempotentRequest) -> Begin;
    finish(request: &IdempotentRequest, answer: &str) -> ();
    abandon(request: &IdempotentRequest) -> ();
    purge_requests(before: Timestamp) -> u64;
}

observed! { AuditLog, "audit":
    record(records: &[AuditRecord]) -> ();
    audit(query: &AuditQuery) -> Vec<AuditEntry>;
    purge_audit(before: Timestamp) -> u64;
}

observed! { AttemptStore, "attempts":
    admit(attempt: &Attempt) -> Admission;
    knows(account: Pseudonym, source: Pseudonym, since: Timestamp) -> bool;
    succeed(success: &Success) -> ();
    purge_attempts(before: Timestamp, keep: u32) -> u64;
    purge_sources(before: Timestamp) -> u64;
}

observed! { SecondFactorStore, "second_factors":
    find_factor(user: UserId) -> Option<FactorRecord>;
    has_factors() -> bool;
    add_factor(user: UserId, record: &FactorRecord) -> FactorSwap;
    replace_factor(user: UserId, expected: Uuid, record: &FactorRecord) -> FactorSwap;
    remove_factor(user: UserId, expected: Uuid) -> FactorSwap;
}
