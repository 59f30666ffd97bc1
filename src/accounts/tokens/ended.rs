//! Sessions that ended before their access tokens do.
//!
//! An access token is valid by itself, so logging out would leave it usable
//! until it expires. Every node remembers a session that ended for as long as
//! an access token of it can still be valid.

use std::time::Duration;

use contract::{SessionId, Timestamp};
use dashmap::DashMap;
use jiff::SignedDuration;

/// Remembers sessions that ended lately.
#[derive(Debug)]
pub struct EndedSessions {
    until: DashMap<SessionId, Timestamp>,
    memory: SignedDuration,
}

impl EndedSessions {
    /// Remembers for `memory`: an access token's life plus twice the leeway,
    /// for the clock that minted it and the one that verifies.
    #[must_use]
    pub fn new(memory: Duration) -> Self {
        let memory = SignedDuration::try_from(memory).unwrap_or(SignedDuration::MAX);
        Self {
            until: DashMap::new(),
            memory,
        }
    }

    /// Remembers that a session ended; returns whether that is news.
    pub fn insert(&self, session: SessionId, now: Timestamp) -> bool {
        let until = now.saturating_add(self.memory).unwrap_or(Timestamp::MAX);
        self.until.insert(session, until).is_none()
    }

    /// The earliest end of a session that still matters at `now`.
    #[must_use]
    pub fn horizon(&self, now: Timestamp) -> Timestamp {
        now.saturating_sub(self.memory).unwrap_or(Timestamp::MIN)
    }

    /// Whether a session is known to have ended.
    #[must_use]
    pub fn contains(&self, session: SessionId, now: Timestamp) -> bool {
        self.until.get(&session).is_some_and(|until| now < *until)
    }

    /// Forgets what no longer matters.
    pub fn sweep(&self, now: Timestamp) {
        self.until.retain(|_, until| now < *until);
    }
}
