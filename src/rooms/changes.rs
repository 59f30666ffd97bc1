//! Memberships that changed before the tokens do that were minted under them.
//!
//! A room token is valid by itself, so a member who was removed could go on
//! using it until it expires. Every node remembers a change for as long as a
//! token from before it can still be valid.

use std::time::Duration;

use contract::{MembershipChange, RoomName, Timestamp, UserId};
use dashmap::{DashMap, mapref::entry::Entry};
use jiff::SignedDuration;

use crate::accounts::tokens::{AccessToken, Grant};

/// Remembers memberships that changed lately.
#[derive(Debug)]
pub struct MembershipChanges {
    of: DashMap<(RoomName, UserId), Known>,
    memory: SignedDuration,
}

#[derive(Debug)]
struct Known {
    grant: Option<Grant>,
    revision: u64,
    until: Timestamp,
}

impl MembershipChanges {
    /// Remembers for `memory`: an access token's life plus twice the leeway,
    /// for the clock that minted it and the one that verifies.
    #[must_use]
    pub fn new(memory: Duration) -> Self {
        let memory = SignedDuration::try_from(memory).unwrap_or(SignedDuration::MAX);
        Self {
            of: DashMap::new(),
            memory,
        }
    }

    /// Remembers a change, unless a later one is known; returns whether it is
    /// news.
    pub fn insert(&self, change: &MembershipChange, now: Timestamp) -> bool {
        let known = Known {
            grant: change.role.map(Grant::from),
            revision: change.revision,
            until: now.saturating_add(self.memory).unwrap_or(Timestamp::MAX),
        };
        match self.of.entry((change.room.clone(), change.user)) {
            Entry::Occupied(entry) if entry.get().revision >= known.revision => false,
            Entry::Occupied(mut entry) => {
                entry.insert(known);
                true
            }
            Entry::Vacant(entry) => {
                entry.insert(known);
                true
            }
        }
    }

    /// Whether a change, or a later one of that membership, is known.
    #[must_use]
    pub fn knows(&self, change: &MembershipChange) -> bool {
        self.of
            .get(&(change.room.clone(), change.user))
            .is_some_and(|known| known.revision >= change.revision)
    }

    /// What a token still allows in its room: no more than the latest change
    /// does; `None` is nothing at all.
    #[must_use]
    pub fn grant(&self, token: &AccessToken, now: Timestamp) -> Option<Grant> {
        let known = self.of.get(&(token.room.clone(), token.user));
        match known {
            Some(known) if now < known.until => known.grant.map(|grant| grant.min(token.grant)),
            _ => Some(token.grant),
        }
    }

    /// The earliest change that still matters at `now`.
    #[must_use]
    pub fn horizon(&self, now: Timestamp) -> Timestamp {
        now.saturating_sub(self.memory).unwrap_or(Timestamp::MIN)
    }

    /// Forgets what no longer matters.
    pub fn sweep(&self, now: Timestamp) {
        self.of.retain(|_, known| now < known.until);
    }
}
