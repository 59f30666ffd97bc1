//! What happened on any node holds on this one: access tokens of a session
//! that ended are void and its sockets close; a member who was removed from a
//! room, or made its reader, hears and says no more than that.
//!
//! | file | what it holds |
//! |---|---|
//! | here | news taken to heart |
//! | [`listening`] | news heard over the bus, and asked for |
//! | `looking` | news found in the store, and told to those who ask |
//!
//! The bus brings the news at once. What it loses is made up for: a node with
//! a store looks there, twice a second, which also finds what the command line
//! did; a node without one asks the others, now and then and whenever it may
//! have missed something, until it is answered. It can't know of news that was
//! never spoken, so nodes with a store tell what they alone may know: what they
//! find there unheard, and, after a start or a cut, all that matters still.

pub mod listening;
mod looking;

use std::{sync::Arc, time::Duration};

use contract::{BusError, RoomBus, RoomStore, SessionStore, StoreError, Timestamp};
use jiff::SignedDuration;

pub use self::listening::Listening;
use crate::{
    accounts::tokens::EndedSessions,
    news::News,
    rooms::MembershipChanges,
    telemetry::metrics::Counter,
    ws::{Gateway, close::Close},
};

/// How often a node with a store looks for news, and one without repeats a
/// question that nobody answered.
const INTERVAL: Duration = Duration::from_millis(500);

/// A look into the store begins so far before the last one: what happened
/// bears the time at which its request came, by another node's clock.
const OVERLAP: SignedDuration = SignedDuration::from_secs(90);

/// What this node does about news.
#[derive(Clone)]
pub struct Control {
    /// What brings it.
    pub bus: Arc<dyn RoomBus>,
    /// The sessions that this node knows to have ended.
    pub ended: Arc<EndedSessions>,
    /// The memberships that this node knows to have changed.
    pub memberships: Arc<MembershipChanges>,
    /// Where both are kept; `None` on a node without a store.
    pub archive: Option<Archive>,
    /// Whose sockets it is about; `None` on a node without sockets.
    pub gateway: Option<Arc<Gateway>>,
    /// How often the bus could not be heard for a while.
    pub interruptions: Counter,
}

/// Where ended sessions and changed memberships are kept.
#[derive(Clone)]
pub struct Archive {
    /// Ended sessions.
    pub sessions: Arc<dyn SessionStore>,
    /// Changed memberships.
    pub rooms: Arc<dyn RoomStore>,
}

/// Why a node can't learn what happened.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The bus can't be listened to.
    #[error(transparent)]
    Bus(#[from] BusError),
    /// The store can't be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Control {
    /// Makes news hold on this node.
    fn take(&self, news: News) {
        let now = Timestamp::now();
        for session in news.sessions {
            // Remembered first: a socket that registers after this looks there.
            self.ended.insert(session, now);
            let Some(gateway) = &self.gateway else {
                continue;
            };
            let closed = gateway.sockets().close_session(session, Close::Revoked);
            if closed > 0 {
                tracing::info!(%session, closed, "sockets of an ended session closed");
            }
        }
        for change in news.memberships {
            // Remembered first, as above.
            if self.memberships.insert(&change, now)
                && let Some(gateway) = &self.gateway
            {
                gateway.membership_changed(&change);
            }
        }
    }

    /// What of it this node has not heard of.
    fn unheard(&self, mut news: News, now: Timestamp) -> News {
        news.sessions
            .retain(|session| !self.ended.contains(*session, now));
        news.memberships
            .retain(|change| !self.memberships.knows(change));
        news
    }

    /// The earliest time from which anything still matters at `now`.
    fn horizon(&self, now: Timestamp) -> Timestamp {
        self.ended.horizon(now).min(self.memberships.horizon(now))
    }
}
