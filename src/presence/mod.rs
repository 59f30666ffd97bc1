//! Who is in a room, on all nodes together.
//!
//! | file | what it holds |
//! |---|---|
//! | `mod` | [`Presence`]: the rooms of this node that tell who is there |
//! | [`roster`] | what a node knows of one room: pure |
//! | `tracker` | keeps a roster true: speaks and listens in the room's presence room |
//! | [`event`] | what nodes tell each other there |
//! | `observer` | asks the others, from a node with nobody in the room |
//!
//! Nodes tell each other what changed, and beat every [`BEAT`] while somebody
//! is there. Whoever missed something finds out by the next beat, and asks for
//! all of it. A node that isn't heard for [`SILENCE`] is taken for dead: who
//! was in the room by it alone has left, [`BOUND`] after its death at most.

pub mod event;
mod observer;
pub mod roster;
mod tracker;

use std::{sync::Arc, time::Duration};

use contract::{BusError, RoomBus, RoomName, UserId};
use dashmap::{DashMap, mapref::entry::Entry};
use parking_lot::Mutex;
use tokio::sync::{Notify, mpsc};

use self::roster::Roster;

/// How often a node says that it is there.
pub const BEAT: Duration = Duration::from_secs(4);

/// A node that isn't heard for so long is taken for dead.
pub const SILENCE: Duration = Duration::from_secs(12);

/// After so long at most, those who were in a room by a dead node have left.
pub const BOUND: Duration = Duration::from_secs(15);

/// News that may wait for the sockets of this node.
const NEWS: usize = 256;

/// What changed of who is in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// The room.
    pub room: RoomName,
    /// Who came.
    pub joined: Vec<UserId>,
    /// Who went.
    pub left: Vec<UserId>,
}

/// The rooms of this node that tell who is there.
pub struct Presence {
    bus: Arc<dyn RoomBus>,
    rooms: DashMap<RoomName, Arc<Tracked>>,
    news: mpsc::Sender<News>,
}

/// A room that somebody is in by this node.
struct Tracked {
    room: RoomName,
    roster: Mutex<Roster>,
    /// The roster changed, or the last one has left.
    changed: Notify,
}

impl Presence {
    /// Presence over `bus`; what changes in rooms that somebody is in by this
    /// node comes out of the receiver.
    #[must_use]
    pub fn new(bus: Arc<dyn RoomBus>) -> (Arc<Self>, mpsc::Receiver<News>) {
        let (news, received) = mpsc::channel(NEWS);
        let presence = Arc::new(Self {
            bus,
            rooms: DashMap::new(),
            news,
        });
        (presence, received)
    }

    /// Somebody is in a room by a socket of this node, until the attendance is
    /// dropped.
    #[must_use]
    pub fn enter(self: &Arc<Self>, room: &RoomName, user: UserId) -> Attendance {
        let tracked = match self.rooms.entry(room.clone()) {
            Entry::Occupied(entry) if entry.get().roster.lock().enter(user) => {
                Arc::clone(entry.get())
            }
            entry => {
                let mut roster = Roster::new();
                // A new one takes everybody.
                let _ = roster.enter(user);
                let tracked = Arc::new(Tracked {
                    room: room.clone(),
                    roster: Mutex::new(roster),
                    changed: Notify::new(),
                });
                match entry {
                    // Its last one has just left, and its task is ending.
                    Entry::Occupied(mut ending) => {
                        ending.insert(Arc::clone(&tracked));
                    }
                    Entry::Vacant(vacant) => {
                        vacant.insert(Arc::clone(&tracked));
                    }
                }
                tokio::spawn(tracker::run(Arc::clone(self), Arc::clone(&tracked)));
                tracked
            }
        };
        tracked.changed.notify_one();
        Attendance { tracked, user }
    }

    /// Who is in a room, in the order of their ids, for one who is in it by a
    /// socket of this node: as those sockets were told, so that the news which
    /// follow are what changes of it.
    #[must_use]
    pub fn known(&self, room: &RoomName, asks: UserId) -> Vec<UserId> {
        let tracked = self.rooms.get(room).map(|tracked| Arc::clone(&tracked));
        let mut users = vec![asks];
        if let Some(tracked) = tracked {
            let roster = tracked.roster.lock();
            users.extend(roster.shown().iter().filter(|&&user| user != asks));
        }
        users.sort_unstable();
        users
    }

    /// Who is in a room. A node that nobody is in the room by asks the others,
    /// and waits a moment for their answers.
    ///
    /// # Errors
    /// The bus's.
    pub async fn users(&self, room: &RoomName) -> Result<Vec<UserId>, BusError> {
        let tracked = self.rooms.get(room).map(|tracked| Arc::clone(&tracked));
        match tracked {
            Some(tracked) if tracked.roster.lock().is_settled() => {
                Ok(tracked.roster.lock().users())
            }
            _ => observer::ask(&*self.bus, room).await,
        }
    }

    fn forget(&self, tracked: &Arc<Tracked>) {
        self.rooms
            .remove_if(&tracked.room, |_, found| Arc::ptr_eq(found, tracked));
    }
}

impl std::fmt::Debug for Presence {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Presence")
            .field("rooms", &self.rooms.len())
            .finish_non_exhaustive()
    }
}

/// Somebody is in a room, by one socket.
pub struct Attendance {
    tracked: Arc<Tracked>,
    user: UserId,
}

impl Drop for Attendance {
    fn drop(&mut self) {
        self.tracked.roster.lock().leave(self.user);
        self.tracked.changed.notify_one();
    }
}

impl std::fmt::Debug for Attendance {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Attendance")
            .field("room", &self.tracked.room)
            .finish_non_exhaustive()
    }
}
