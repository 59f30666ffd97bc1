//! The in-process part of every bus: a room is a tokio broadcast channel in a
//! `DashMap`, made by its first listener and dropped with its last.
//!
//! A bus gives each room a source, which is made for the room's first listener
//! and dropped with its last: the subscription on a server, or what a bus
//! inside the process remembers of the room. What the source hears it delivers
//! through a [`Feed`].

use std::{
    any::Any,
    fmt,
    sync::{Arc, Weak},
};

use dashmap::DashMap;
use parking_lot::Mutex;
use tokio::sync::{OnceCell, broadcast};

use crate::{BusError, Delivery, Position, RoomName, Subscription};

/// Rooms of one process.
#[derive(Debug)]
pub struct Fanout {
    rooms: DashMap<RoomName, Arc<Channel>>,
    capacity: usize,
}

struct Channel {
    sender: broadcast::Sender<Delivery>,
    /// Where the room stands. The lock is held across the send: places and
    /// deliveries are in one order.
    last: Mutex<Option<Position>>,
    /// What speaks into the room.
    source: OnceCell<Source>,
}

impl fmt::Debug for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Channel").finish_non_exhaustive()
    }
}

/// Ends, when it is dropped, whatever feeds a room: a subscription, a task.
pub type Source = Box<dyn Any + Send + Sync>;

/// A room as its source sees it. Holds the room without keeping it.
#[derive(Debug, Clone)]
pub struct Feed(Weak<Channel>);

/// A room that is kept as long as this is. Whoever drops it may be the last
/// one, and then drops the room's source too.
#[derive(Debug)]
pub struct HeldFeed(Arc<Channel>);

impl Feed {
    /// Hands a delivery to all listeners of the room, at once and without
    /// waiting for any of them.
    pub fn deliver(&self, delivery: Delivery) {
        if let Some(held) = self.hold() {
            held.deliver(delivery);
        }
    }

    /// Says where the room stands, before its first message.
    pub fn stands_at(&self, position: Position) {
        if let Some(HeldFeed(channel)) = self.hold() {
            *channel.last.lock() = Some(position);
        }
    }

    /// The room, if it is there still; for a source that delivers under a lock
    /// which its own end takes too.
    #[must_use]
    pub fn hold(&self) -> Option<HeldFeed> {
        self.0.upgrade().map(HeldFeed)
    }

    /// Whether the room's last listener has gone.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.0.strong_count() == 0
    }
}

impl HeldFeed {
    /// As [`Feed::deliver`].
    pub fn deliver(&self, delivery: Delivery) {
        let Self(channel) = self;
        let position = match &delivery {
            Delivery::Message(envelope) => envelope.position,
            Delivery::Missed(_) | Delivery::CutOff => None,
        };
        // Without a place there is no order to keep with one.
        let _last = position.map(|position| {
            let mut last = channel.last.lock();
            *last = Some(position);
            last
        });
        // Nobody listens any more: the room is just being given up.
        let _ = channel.sender.send(delivery);
    }
}

impl Fanout {
    /// Rooms in which a listener may fall `capacity` messages behind (at least
    /// 1; rounded up to a power of two by tokio) before it misses some.
    #[must_use]
    pub fn new(capacity: usize) -> Arc<Self> {
        Arc::new(Self {
            rooms: DashMap::new(),
            capacity: capacity.max(1),
        })
    }

    /// Listens to a room whose source `open` starts, if nobody has done so
    /// yet. What the source delivers after `open` returned is heard; others
    /// who come meanwhile wait for it too.
    ///
    /// # Errors
    /// Those of `open`; whoever comes next tries again.
    pub async fn subscribe<F>(
        self: &Arc<Self>,
        room: &RoomName,
        open: impl FnOnce(Feed) -> F,
    ) -> Result<Subscription, BusError>
    where
        F: Future<Output = Result<Source, BusError>>,
    {
        let listener = self.listen(room);
        let feed = Feed(Arc::downgrade(&listener.guard.channel));
        listener
            .guard
            .channel
            .source
            .get_or_try_init(|| open(feed))
            .await?;
        // A new receiver, since what came before the source was ready is not
        // after the place that is told; the first one kept the room meanwhile.
        Ok(listener.resubscribed().subscription())
    }

    /// Hands a delivery to all listeners of a room, if it has any; for a bus that
    /// hears all rooms in one place.
    pub fn deliver(&self, room: &RoomName, delivery: Delivery) {
        // The entry's lock ends first: the room's source may end with this.
        let channel = self.rooms.get(room).map(|channel| Arc::clone(&channel));
        if let Some(channel) = channel {
            HeldFeed(channel).deliver(delivery);
        }
    }

    fn listen(self: &Arc<Self>, room: &RoomName) -> Listener {
        // The entry's lock is held until the receiver exists, so that a guard
        // that is just being dropped can't take the room away in between.
        let entry = self.rooms.entry(room.clone()).or_insert_with(|| {
            Arc::new(Channel {
                sender: broadcast::Sender::new(self.capacity),
                last: Mutex::new(None),
                source: OnceCell::new(),
            })
        });
        let channel = Arc::clone(&entry);
        let (receiver, position) = channel.join();
        drop(entry);
        Listener {
            receiver,
            position,
            guard: RoomGuard {
                fanout: Arc::clone(self),
                room: room.clone(),
                channel,
            },
        }
    }

    /// How many rooms have a listener.
    #[must_use]
    pub fn rooms(&self) -> usize {
        self.rooms.len()
    }
}

impl Channel {
    fn join(&self) -> (broadcast::Receiver<Delivery>, Option<Position>) {
        let last = self.last.lock();
        (self.sender.subscribe(), *last)
    }
}

/// A receiver, and what keeps its room.
struct Listener {
    // Field order is drop order, as in `Subscription`.
    receiver: broadcast::Receiver<Delivery>,
    position: Option<Position>,
    guard: RoomGuard,
}

impl Listener {
    fn resubscribed(mut self) -> Self {
        (self.receiver, self.position) = self.guard.channel.join();
        self
    }

    fn subscription(self) -> Subscription {
        Subscription::new(self.receiver, self.position, self.guard)
    }
}

/// Takes the room away with its last listener.
#[derive(Debug)]
pub(crate) struct RoomGuard {
    fanout: Arc<Fanout>,
    room: RoomName,
    channel: Arc<Channel>,
}

impl Drop for RoomGuard {
    fn drop(&mut self) {
        // The room's source ends with the channel, of which this is the last
        // owner if it was the last listener.
        self.fanout.rooms.remove_if(&self.room, |_, channel| {
            Arc::ptr_eq(channel, &self.channel) && channel.sender.receiver_count() == 0
        });
    }
}
