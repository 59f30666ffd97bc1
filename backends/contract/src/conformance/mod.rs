//! The laws that every backend holds, one named test each.
//!
//! | file | what it holds |
//! |---|---|
//! | [`accounts`] | laws of the `CredentialStore` |
//! | [`sessions`] | laws of the `SessionStore`: open, find, list, end, purge |
//! | [`rotation`] | laws of `SessionStore::rotate` |
//! | [`interleavings`] | the law of all that happens to sessions, in any order and at once |
//! | [`rooms`] | laws of the `RoomStore`: create, find, list, delete |
//! | [`members`] | laws of `RoomStore::change_member` |
//! | [`changes`] | laws of the `RoomStore`: what is told of changes, and for how long |
//! | [`idempotency`] | laws of the `IdempotencyStore` |
//! | [`administration`] | laws of the `CredentialStore`: what operators do, and lists |
//! | [`audit`] | laws of the `AuditLog` |
//! | [`attempts`] | laws of the `AttemptStore` |
//! | [`second_factor`] | laws of the `SecondFactorStore` |
//! | [`legacy`] | laws of the `LegacyAccounts`, which not every store has |
//! | [`bus`] | laws of the `RoomBus`: who hears what, falling behind, cleaning up |
//! | [`positions`] | laws of the `RoomBus`: order numbers and coming back |
//! | [`history`] | laws of the `RoomBus`: what is kept, and keys of messages |
//! | [`steps`] | sequences of steps that are made up |
//! | `samples` | the accounts, sessions, rooms and messages that the laws use |
//!
//! A backend's `tests/laws.rs` is one function that makes the thing under test
//! and one line:
//!
//! ```text
//! contract::store_laws!(store().await);
//! ```
//!
//! The macro writes a `#[tokio::test]` for each law, so a law that is added
//! here is a test of every backend from then on.

// A law fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{any::Any, fmt, pin::Pin, sync::Arc};

use crate::{
    AttemptStore, AuditLog, CredentialStore, IdempotencyStore, LegacyAccounts, RoomBus, RoomStore,
    SecondFactorStore, SessionStore,
};

/// A store to judge: new, empty and nobody else's.
pub struct StoreUnderTest {
    /// Its accounts.
    pub credentials: Arc<dyn CredentialStore>,
    /// Its sessions, of the same accounts.
    pub sessions: Arc<dyn SessionStore>,
    /// Its rooms, of the same accounts.
    pub rooms: Arc<dyn RoomStore>,
    /// Its requests that may be repeated, of the same accounts.
    pub idempotency: Arc<dyn IdempotencyStore>,
    /// Its audit log.
    pub audit: Arc<dyn AuditLog>,
    /// Its counts of attempts to give a password.
    pub attempts: Arc<dyn AttemptStore>,
    /// What second factors keep, of the same accounts.
    pub second_factors: Arc<dyn SecondFactorStore>,
    /// What has to live as long as the store: a folder, a server.
    pub keep: Box<dyn Any + Send>,
}

impl fmt::Debug for StoreUnderTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoreUnderTest").finish_non_exhaustive()
    }
}

/// Runs statements, which are separated by semicolons.
pub type Sql = Box<dyn Fn(&'static str) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;

/// A store to judge, in whose database another application may have a table.
pub struct LegacyUnderTest {
    /// The store's accounts.
    pub credentials: Arc<dyn CredentialStore>,
    /// What takes over those of another application.
    pub legacy: Arc<dyn LegacyAccounts>,
    /// Does what another application would, in the same database.
    pub sql: Sql,
    /// What has to live as long as the store: a folder, a server.
    pub keep: Box<dyn Any + Send>,
}

impl fmt::Debug for LegacyUnderTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LegacyUnderTest").finish_non_exhaustive()
    }
}

/// A bus to judge. Nobody listens on either handle yet; rooms are named at
/// random, so a server may be shared by several tests.
pub struct BusUnderTest {
    /// A handle on the bus.
    pub bus: Arc<dyn RoomBus>,
    /// A second handle on the same bus: another connection, another node.
    pub other: Arc<dyn RoomBus>,
    /// How many messages a listener may fall behind on either handle; at
    /// least 16. The bus may allow up to twice as many.
    pub capacity: usize,
    /// How many messages of a room it keeps; 0 if it keeps none, else at least
    /// 16. What the laws say goes beyond none of its other bounds.
    pub history: usize,
    /// What has to live as long as the bus: a server.
    pub keep: Box<dyn Any + Send>,
}

impl fmt::Debug for BusUnderTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BusUnderTest")
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}

/// Writes each law once: as a function here, and as a test in the macro
/// `$export`, which a backend calls with an expression that makes its subject.
macro_rules! laws {
    (
        $module:ident => $export:ident($d:tt), $subject:ty;
        $( $(#[doc = $doc:literal])+ async fn $law:ident($under_test:ident) $body:block )+
    ) => {
        $( $(#[doc = $doc])+ pub async fn $law($under_test: $subject) $body )+

        /// One test for each law of this file.
        #[macro_export]
        #[doc(hidden)]
        macro_rules! $export {
            ($d under_test:expr) => {
                $(
                    #[::tokio::test(flavor = "multi_thread", worker_threads = 2)]
                    async fn $law() {
                        $crate::conformance::$module::$law($d under_test).await;
                    }
                )+
            };
        }
    };
}

pub mod accounts;
pub mod administration;
pub mod attempts;
pub mod audit;
pub mod bus;
pub mod changes;
pub mod history;
pub mod idempotency;
pub mod interleavings;
pub mod legacy;
pub mod members;
pub mod positions;
pub mod rooms;
pub mod rotation;
mod samples;
pub mod second_factor;
pub mod sessions;
pub mod steps;

/// Writes one test for each law of a store. Takes an expression, evaluated in
/// every (async) test, that makes a [`StoreUnderTest`].
#[macro_export]
macro_rules! store_laws {
    ($under_test:expr) => {
        $crate::account_laws!($under_test);
        $crate::session_laws!($under_test);
        $crate::rotation_laws!($under_test);
        $crate::interleaving_laws!($under_test);
        $crate::room_laws!($under_test);
        $crate::member_laws!($under_test);
        $crate::change_laws!($under_test);
        $crate::idempotency_laws!($under_test);
        $crate::administration_laws!($under_test);
        $crate::audit_laws!($under_test);
        $crate::attempt_laws!($under_test);
        $crate::second_factor_laws!($under_test);
    };
}

/// Writes one test for each law of a bus. Takes an expression, evaluated in
/// every (async) test, that makes a [`BusUnderTest`].
#[macro_export]
macro_rules! bus_laws {
    ($under_test:expr) => {
        $crate::delivery_laws!($under_test);
        $crate::position_laws!($under_test);
        $crate::history_laws!($under_test);
    };
}
