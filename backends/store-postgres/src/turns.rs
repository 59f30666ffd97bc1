//! Whose turn it is: writes that no late one may overtake.
//!
//! A call whose caller has gone may still be on its way to the server, on a
//! connection of its own, while the next one is answered already. A rotation
//! that arrives so late finds its token two numbers behind, and would end the
//! session as if the token had been stolen. So whoever writes next on this node
//! waits until the one before has arrived, or never will. It would have waited
//! for the row in any case, with a connection in its hands.

use std::{
    hash::{BuildHasher, BuildHasherDefault, DefaultHasher},
    sync::Arc,
};

use contract::{RoomName, SessionId};
use tokio::sync::{Mutex, OwnedMutexGuard};

/// How many sessions may rotate, and rooms change, at once at most; those that
/// share a turn wait for each other.
const TURNS: usize = 256;

/// A turn; over when it is dropped.
pub(crate) type Turn = OwnedMutexGuard<()>;

#[derive(Clone)]
pub(crate) struct Turns {
    sessions: Arc<[Arc<Mutex<()>>]>,
    rooms: Arc<[Arc<Mutex<()>>]>,
    accounts: Arc<Mutex<()>>,
}

impl Turns {
    pub(crate) fn new() -> Self {
        Self {
            sessions: (0..TURNS).map(|_| Arc::default()).collect(),
            rooms: (0..TURNS).map(|_| Arc::default()).collect(),
            accounts: Arc::default(),
        }
    }

    /// To rotate that session.
    pub(crate) async fn of(&self, session: SessionId) -> Turn {
        // A random id has random bytes at its end.
        let [.., last] = *session.0.as_bytes();
        Arc::clone(&self.sessions[usize::from(last) % TURNS])
            .lock_owned()
            .await
    }

    /// To change that room and who is in it.
    pub(crate) async fn of_room(&self, room: &RoomName) -> Turn {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(room);
        let [.., last] = hash.to_be_bytes();
        Arc::clone(&self.rooms[usize::from(last) % TURNS])
            .lock_owned()
            .await
    }

    /// To change an account and its sessions together. There is one, for it
    /// happens seldom.
    pub(crate) async fn of_accounts(&self) -> Turn {
        Arc::clone(&self.accounts).lock_owned().await
    }
}
