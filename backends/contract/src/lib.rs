//! The ports of the service: what a store and a bus promise to it.
//!
//! A backend implements these traits and depends on this crate alone. The
//! service holds backends as `Arc<dyn …>` and knows none of them by name.
//!
//! | file | what it holds |
//! |---|---|
//! | [`names`] | `Username`, `RoomName`: validated once, canonical from then on |
//! | [`account`] | `Account`, `StoredHash` and the [`CredentialStore`] |
//! | [`attempts`] | `Attempt`, `Backoff` and the [`AttemptStore`] |
//! | [`second_factor`] | what is kept of an account beside its password, and the [`SecondFactorStore`] |
//! | [`session`] | `Session`, `Rotation` and the [`SessionStore`] |
//! | [`room`] | `Room`, `Role`, `Membership` and the [`RoomStore`] |
//! | [`standing`] | who may change which membership: the one rule, for every store |
//! | [`idempotency`] | requests that may be repeated, and the [`IdempotencyStore`] |
//! | [`audit`] | `AuditRecord`, what happened, and the [`AuditLog`] |
//! | [`legacy`] | another application's accounts, and [`LegacyAccounts`] |
//! | [`bus`] | `Message`, `Delivery` and the [`RoomBus`] |
//! | [`fanout`] | room → its listeners; the in-process part of every bus |
//! | `inbox` | what one listener has not taken yet, and the bound of it |
//! | [`error`] | `StoreError`, `BusError` |
//! | `conformance` | the laws, one named test each (feature `conformance`) |
//!
//! Rules that hold for every port:
//! - Time is an argument (`now`), in whole milliseconds; no backend reads a
//!   clock, so expiry can be tested without waiting.
//! - Absence is an `Option`, an expected outcome is an enum. `Err` means that
//!   the backend failed, and it keeps its source.
//! - A future that is dropped half-way leaves either the old state or the new.

pub mod account;
pub mod attempts;
pub mod audit;
pub mod bus;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod error;
pub mod fanout;
pub mod idempotency;
mod inbox;
pub mod legacy;
pub mod names;
pub mod room;
pub mod second_factor;
pub mod session;
pub mod standing;

pub use account::{
    Account, AccountSummary, AccountsQuery, ChangeOutcome, Connections, CreateOutcome,
    CredentialStore, HashSwap, PasswordChange, StoredHash, UserId,
};
pub use attempts::{
    Admission, Attempt, AttemptStore, Attempts, Backoff, MAX_SOURCES, Pseudonym, Success,
};
pub use audit::{
    Actor, AuditEntry, AuditEvent, AuditLog, AuditOutcome, AuditQuery, AuditReason, AuditRecord,
};
pub use bus::{
    ConnectionId, Delivery, Envelope, Epoch, History, Kind, Message, MessageKey, Position,
    Published, Recovery, RoomBus, Subscription,
};
pub use error::{BoxError, BusError, StoreError};
pub use fanout::Fanout;
pub use idempotency::{Begin, IdempotencyStore, IdempotentRequest};
pub use jiff::Timestamp;
pub use legacy::{
    DropSalt, LegacyAccounts, LegacyCount, LegacyDigest, LegacyRow, LegacyTable, TakeOver,
};
pub use names::{NameError, RoomName, Username};
pub use room::{
    ChangeMember, DeleteOutcome, Member, MemberOutcome, Membership, MembershipChange, Role, Room,
    RoomOutcome, RoomStore,
};
pub use second_factor::{FactorRecord, FactorSwap, SecondFactorStore};
pub use session::{
    EndedSession, NewSession, OpenOutcome, Rotate, Rotation, Seed, Session, SessionId, SessionStore,
};
pub use standing::Standing;
