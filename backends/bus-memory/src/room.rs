//! One room: who is told, what is kept.

use std::sync::Arc;

use contract::{
    Delivery, Envelope, RoomName,
    fanout::{Feed, HeldFeed},
};
use parking_lot::Mutex;

use crate::{ring::Ring, rooms::Rooms};

/// A room that somebody listens to, or of which something is kept.
pub(crate) struct Room {
    pub(crate) name: RoomName,
    /// Held while a message is numbered, kept and delivered: all in one order.
    pub(crate) book: Mutex<Book>,
}

/// What is known of a room.
pub(crate) struct Book {
    /// Whoever listens.
    pub(crate) feed: Option<Feed>,
    pub(crate) ring: Ring,
    /// Where the ledger has it, if anything of it is kept.
    pub(crate) listed: Option<Listed>,
    /// It is none of the rooms any more: whoever still has it looks there again.
    pub(crate) gone: bool,
}

/// The numbers under which the ledger has a room. Those of its oldest and its
/// newest message have grown since, perhaps; the ledger finds that out when it
/// comes to them.
#[derive(Clone, Copy)]
pub(crate) struct Listed {
    pub(crate) oldest: u64,
    pub(crate) newest: u64,
}

impl Room {
    /// A room in which whatever was said up to that number is gone.
    pub(crate) fn new(name: RoomName, dropped: u64) -> Arc<Self> {
        Arc::new(Self {
            name,
            book: Mutex::new(Book {
                feed: None,
                ring: Ring::new(dropped),
                listed: None,
                gone: false,
            }),
        })
    }
}

impl Book {
    /// Tells whoever listens. What is returned must not be dropped before the
    /// book's lock is released.
    #[must_use]
    pub(crate) fn deliver(&self, envelope: Arc<Envelope>) -> Option<HeldFeed> {
        let held = self.feed.as_ref()?.hold()?;
        held.deliver(Delivery::Message(envelope));
        Some(held)
    }
}

/// A room as long as somebody listens to it: the source of its feed.
pub(crate) struct Listened {
    pub(crate) rooms: Arc<Rooms>,
    pub(crate) room: Arc<Room>,
}

impl Drop for Listened {
    fn drop(&mut self) {
        self.rooms.forget_if_idle(&self.room);
    }
}
