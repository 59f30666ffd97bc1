//! The bus of a single node: rooms inside one process, nothing to run beside it.
//!
//! | file | what it holds |
//! |---|---|
//! | `settings` | what a bus needs to know |
//! | `rooms` | the rooms of which anything is known: saying, coming back, forgetting |
//! | `room` | one room: who is told, what is kept |
//! | `ring` | the messages of a room that are kept |
//! | `ledger` | what all rooms keep together, and which of them has to give it up |
//!
//! All rooms share one order: an epoch for each life of the process, and one
//! count of messages, of which each room has some. So a room of which nothing
//! is kept needs no memory of its own to be told from one that is new: that
//! something was said there which is gone now is one number for all of them.

mod ledger;
mod ring;
mod room;
mod rooms;
mod settings;

use std::{future::ready, sync::Arc};

use async_trait::async_trait;
use contract::{
    BusError, Fanout, History, Message, Position, Published, RoomBus, RoomName, Subscription,
};

pub use settings::MemorySettings;

use crate::rooms::Rooms;

/// Rooms inside one process, and the last messages of each.
///
/// Clones share the rooms.
#[derive(Debug, Clone)]
pub struct MemoryBus {
    fanout: Arc<Fanout>,
    rooms: Arc<Rooms>,
}

/// What a bus has in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InMemory {
    /// Rooms that somebody listens to, or of which something is kept.
    pub rooms: usize,
    /// What is kept, as [`MemorySettings::history_bytes`] counts it.
    pub bytes: u64,
}

impl MemoryBus {
    /// A bus in which nobody has said anything yet.
    #[must_use]
    pub fn new(settings: MemorySettings) -> Self {
        Self {
            fanout: Fanout::new(settings.capacity),
            rooms: Arc::new(Rooms::new(settings)),
        }
    }

    /// What it has in memory just now.
    #[must_use]
    pub fn in_memory(&self) -> InMemory {
        self.rooms.in_memory()
    }
}

#[async_trait]
impl RoomBus for MemoryBus {
    async fn publish(&self, room: &RoomName, message: Message) -> Result<Published, BusError> {
        Ok(Published {
            position: self.rooms.publish(room, message),
        })
    }

    async fn subscribe(
        &self,
        room: &RoomName,
        since: Option<Position>,
    ) -> Result<Subscription, BusError> {
        // The live receiver first: what is said while the ring is read is in
        // both, and delivered once.
        let subscription = self
            .fanout
            .subscribe(room, |feed| ready(Ok(self.rooms.listen(room, feed))))
            .await?;
        let Some(since) = since else {
            return Ok(subscription);
        };
        let missed = self.rooms.history(room, Some(since));
        Ok(subscription.recovered(missed.recovery, since, missed.messages))
    }

    async fn history(&self, room: &RoomName, since: Option<Position>) -> Result<History, BusError> {
        Ok(self.rooms.history(room, since))
    }

    async fn ping(&self) -> Result<(), BusError> {
        // Asked for as long as the process runs, also when all rooms are silent.
        self.rooms.tend();
        Ok(())
    }

    fn rooms(&self) -> usize {
        self.fanout.rooms()
    }
}
