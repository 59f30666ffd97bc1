//! The bus of a single node: rooms inside one process, nothing to run beside it.

use std::sync::Arc;

use async_trait::async_trait;
use contract::{
    BusError, Fanout, History, Message, Position, Published, Recovery, RoomBus, RoomName,
    Subscription,
};

/// Rooms inside one process; see [`Fanout`].
#[derive(Debug, Clone)]
pub struct MemoryBus {
    fanout: Arc<Fanout>,
}

impl MemoryBus {
    /// A bus on which a listener may fall `capacity` messages behind.
    #[must_use]
    pub fn new(capacity: usize) -> Self {
        Self {
            fanout: Fanout::new(capacity),
        }
    }
}

#[async_trait]
impl RoomBus for MemoryBus {
    async fn publish(&self, room: &RoomName, message: Message) -> Result<Published, BusError> {
        Ok(Published {
            position: self.fanout.publish(room, message),
        })
    }

    async fn subscribe(
        &self,
        room: &RoomName,
        since: Option<Position>,
    ) -> Result<Subscription, BusError> {
        let subscription = self.fanout.subscribe(room);
        Ok(match since {
            None => subscription,
            // Nothing said is kept, so a listener has missed nothing only if
            // nothing was said.
            Some(since) if subscription.position() == Some(since) => {
                subscription.recovered(Recovery::Complete, since, Vec::new())
            }
            Some(since) => subscription.recovered(Recovery::Impossible, since, Vec::new()),
        })
    }

    async fn history(&self, room: &RoomName, since: Option<Position>) -> Result<History, BusError> {
        let subscription = self.subscribe(room, since).await?;
        Ok(History {
            recovery: subscription.recovery(),
            messages: Vec::new(),
            position: subscription.position(),
        })
    }

    async fn ping(&self) -> Result<(), BusError> {
        Ok(())
    }

    fn rooms(&self) -> usize {
        self.fanout.rooms()
    }
}
