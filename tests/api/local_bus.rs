//! A bus inside this process that keeps nothing: what a test puts something in
//! front of.

use std::{collections::HashMap, sync::Arc};

use contract::{
    BusError, Delivery, Envelope, History, Message, Position, Published, Recovery, RoomBus,
    RoomName, Subscription,
    fanout::{Fanout, Feed},
};
use parking_lot::Mutex;

pub struct LocalBus {
    fanout: Arc<Fanout>,
    feeds: Mutex<HashMap<RoomName, Feed>>,
}

impl LocalBus {
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            fanout: Fanout::new(100),
            feeds: Mutex::default(),
        })
    }
}

#[async_trait::async_trait]
impl RoomBus for LocalBus {
    async fn publish(&self, room: &RoomName, message: Message) -> Result<Published, BusError> {
        if let Some(feed) = self.feeds.lock().get(room) {
            feed.deliver(Delivery::Message(Arc::new(Envelope {
                message,
                position: None,
            })));
        }
        Ok(Published { position: None })
    }

    async fn subscribe(
        &self,
        room: &RoomName,
        _: Option<Position>,
    ) -> Result<Subscription, BusError> {
        let open = async |feed: Feed| {
            self.feeds.lock().insert(room.clone(), feed);
            Ok(Box::new(()) as _)
        };
        self.fanout.subscribe(room, open).await
    }

    async fn history(&self, _: &RoomName, _: Option<Position>) -> Result<History, BusError> {
        Ok(History {
            recovery: Recovery::Impossible,
            messages: Vec::new(),
            position: None,
        })
    }

    async fn ping(&self) -> Result<(), BusError> {
        Ok(())
    }

    fn rooms(&self) -> usize {
        self.fanout.rooms()
    }
}
