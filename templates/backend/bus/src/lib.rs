//! A bus, to be written. [`RoomBus`] says what it promises, `tests/laws.rs`
//! holds it to that: it is done when they are green.

use std::{io, sync::Arc};

use async_trait::async_trait;
use contract::{
    BusError, Fanout, History, Message, Position, Published, RoomBus, RoomName, Subscription,
};

/// What it needs to know.
#[derive(Debug, Clone, Copy)]
pub struct MySettings {
    /// Messages that a listener may fall behind before it misses some.
    pub capacity: usize,
}

/// Rooms over something else. Clones share the rooms.
#[derive(Debug, Clone)]
pub struct MyBus {
    /// Who listens in this process; each room has a source, which is opened for
    /// its first listener and dropped with its last.
    fanout: Arc<Fanout>,
}

impl MyBus {
    /// Connects.
    ///
    /// # Errors
    /// If there is nothing to connect to.
    pub async fn connect(settings: MySettings) -> Result<Self, BusError> {
        Ok(Self {
            fanout: Fanout::new(settings.capacity),
        })
    }
}

#[async_trait]
impl RoomBus for MyBus {
    async fn publish(&self, _room: &RoomName, _message: Message) -> Result<Published, BusError> {
        Err(unwritten())
    }

    async fn subscribe(
        &self,
        room: &RoomName,
        _since: Option<Position>,
    ) -> Result<Subscription, BusError> {
        // What the source hears it hands to `feed.deliver`; a bus that hears
        // all rooms in one place has `fanout.deliver` for that.
        self.fanout
            .subscribe(room, |_feed| async { Err(unwritten()) })
            .await
    }

    async fn history(
        &self,
        _room: &RoomName,
        _since: Option<Position>,
    ) -> Result<History, BusError> {
        Err(unwritten())
    }

    async fn ping(&self) -> Result<(), BusError> {
        Err(unwritten())
    }

    fn rooms(&self) -> usize {
        self.fanout.rooms()
    }
}

fn unwritten() -> BusError {
    BusError::Failed(io::Error::other("not written yet").into())
}
