//! Sessions: one row for each sign-in, whatever the number of its tokens.

use std::{fmt, time::Duration};

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::{StoreError, StoredHash, UserId};

/// A session's id: random (UUIDv4), never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SessionId(pub Uuid);

impl SessionId {
    /// A new random id.
    #[must_use]
    pub fn random() -> Self {
        Self(Uuid::new_v4())
    }
}

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// 256 random bits, from which a session's refresh tokens are derived together
/// with the server's secret. Hidden in `Debug`, wiped on drop.
#[derive(Clone, PartialEq, Eq)]
pub struct Seed(Zeroizing<[u8; 32]>);

impl Seed {
    /// Takes 32 bytes from a CSPRNG, or from the store.
    #[must_use]
    pub fn new(bytes: [u8; 32]) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Seed(..)")
    }
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Which session.
    pub id: SessionId,
    /// Whose.
    pub user: UserId,
    /// What its refresh tokens are derived from.
    pub seed: Seed,
    /// The number of the one refresh token that is current; 0 at sign-in.
    pub counter: u32,
    /// The client's `User-Agent` at sign-in, cut to 256 bytes; shown to its owner.
    pub user_agent: Option<String>,
    /// When the user signed in.
    pub created_at: Timestamp,
    /// When the counter last moved; `created_at` before the first refresh.
    pub rotated_at: Timestamp,
    /// When the session ends unless it is refreshed; never after `expires_at`.
    pub idle_expires_at: Timestamp,
    /// When the session ends, refreshed or not.
    pub expires_at: Timestamp,
}

impl Session {
    /// Whether the session's time has not come yet.
    #[must_use]
    pub fn is_live(&self, now: Timestamp) -> bool {
        now < self.idle_expires_at && now < self.expires_at
    }
}

/// A session to open.
#[derive(Debug, Clone)]
pub struct NewSession {
    /// The row to write; its `counter` is 0.
    pub session: Session,
    /// The hash that the user's password was verified against.
    pub verified: StoredHash,
}

/// What became of [`SessionStore::open`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenOutcome {
    /// The session exists now, durably.
    Opened,
    /// Since the password was verified, it was changed, or the account was
    /// disabled or is gone; nothing was written.
    AccountChanged,
}

/// A refresh token, already authenticated, is presented.
#[derive(Debug, Clone, Copy)]
pub struct Rotate {
    /// The token's session.
    pub session: SessionId,
    /// The token's number.
    pub presented: u32,
    /// How long after a rotation the previous token still gets the same child;
    /// zero means never.
    pub grace: Duration,
    /// How far from `now` the idle expiry is moved.
    pub idle_ttl: Duration,
    /// The time of the request.
    pub now: Timestamp,
}

/// What became of [`SessionStore::rotate`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rotation {
    /// The token was current; the row, as it is now, has the next number.
    Rotated(Session),
    /// The token was the previous one, within the grace: the row as it is,
    /// unchanged, so the caller gets the same child again.
    Repeated(Session),
    /// The token was older, came later than the grace, or is not yet given
    /// out: somebody else has it. The session was ended by this call; the row
    /// as it was.
    Reused(Session),
    /// No such session: never opened, ended or expired.
    Ended,
}

/// A session that was ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EndedSession {
    /// Which.
    pub session: SessionId,
    /// The `now` of the call that ended it.
    pub at: Timestamp,
}

/// Keeps sessions. An ended session is as absent as one that never was, but
/// for [`SessionStore::ended_since`].
///
/// A confirmed write is durable: it survives `kill -9` and loss of power.
#[async_trait]
pub trait SessionStore: Send + Sync + 'static {
    /// Opens a session if the account is enabled and its hash is still the one
    /// that was verified, so that a sign-in can't slip past a password change.
    async fn open(&self, new: &NewSession) -> Result<OpenOutcome, StoreError>;

    /// The session, if it is live at `now`.
    async fn find(&self, id: SessionId, now: Timestamp) -> Result<Option<Session>, StoreError>;

    /// Moves the session on to its next refresh token, atomically: of any
    /// number of concurrent calls with one `presented`, one changes the row
    /// and is `Rotated`, the rest are `Repeated` with the same row (with a
    /// grace of zero, one of them is `Reused` and ends it for the others). A rotation that races with the end of
    /// the session never brings it back.
    async fn rotate(&self, rotate: Rotate) -> Result<Rotation, StoreError>;

    /// Ends one session of that user. Returns whether there was one; another
    /// user's session is as absent as one that never was.
    async fn revoke(&self, user: UserId, id: SessionId, now: Timestamp)
    -> Result<bool, StoreError>;

    /// Ends all sessions of that user, but for `except`; returns which.
    async fn revoke_all(
        &self,
        user: UserId,
        except: Option<SessionId>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError>;

    /// The sessions that any call ended (not time) at or after `since`, unless
    /// they are purged already: an access token is valid by itself, so whoever
    /// verifies them has to know.
    async fn ended_since(&self, since: Timestamp) -> Result<Vec<EndedSession>, StoreError>;

    /// That user's sessions that are live at `now`, the latest rotated first,
    /// 100 at most.
    async fn list(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, StoreError>;

    /// Removes what is left of sessions that ended by time at or before `now`,
    /// and of those that were ended at or before `ended_before`; returns how
    /// many.
    async fn purge(&self, now: Timestamp, ended_before: Timestamp) -> Result<u64, StoreError>;
}

/// How many sessions [`SessionStore::list`] returns at most.
pub const LIST_LIMIT: usize = 100;
