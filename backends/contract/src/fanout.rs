//! The in-process part of every bus: a room is a broadcast channel in a
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
    task::{Context, Poll},
};

use dashmap::DashMap;
use parking_lot::Mutex;
use slab::Slab;
use tokio::sync::OnceCell;

use crate::{BusError, Delivery, Position, RoomName, Subscription, inbox::Inbox};

/// Rooms of one process.
#[derive(Debug)]
pub struct Fanout {
    rooms: DashMap<RoomName, Arc<Channel>>,
    capacity: usize,
}

struct Channel {
    /// One lock: places and deliveries are in one order.
    listening: Mutex<Listening>,
    /// Deliveries that a listener may have pending.
    bound: usize,
    /// What speaks into the room.
    source: OnceCell<Source>,
}

/// Who listens to a room.
struct Listening {
    inboxes: Slab<Inbox>,
    /// Where the room stands.
    last: Option<Position>,
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
            channel.listening.lock().last = Some(position);
        }
    }

    /// The room, if it is there still; for a source that delivers under a lock
    /// which its own end takes too.
    #[must_use]
    pub fn hold(&self) -> Option<HeldFeed> {
        self.0.upgrade().map(HeldFeed)
    }

    /// How many messages every listener can take without missing any; 0 as
    /// long as one has more than half of its bound pending. For a source that
    /// has many messages at once, and can wait.
    #[must_use]
    pub fn space(&self) -> usize {
        let Some(HeldFeed(channel)) = self.hold() else {
            return usize::MAX;
        };
        let listening = channel.listening.lock();
        let pending = listening.inboxes.iter().map(|(_, inbox)| inbox.len()).max();
        let space = channel.bound.saturating_sub(pending.unwrap_or(0));
        if space < channel.bound.div_ceil(2) {
            0
        } else {
            space
        }
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
        let mut listening = channel.listening.lock();
        if let Delivery::Message(envelope) = &delivery
            && envelope.position.is_some()
        {
            listening.last = envelope.position;
        }
        for (_, inbox) in &mut listening.inboxes {
            // Under the lock: that is a push to a queue of the runtime's.
            if let Some(listener) = inbox.push(delivery.clone(), channel.bound) {
                listener.wake();
            }
        }
    }
}

impl Fanout {
    /// Rooms in which a listener may fall `capacity` messages behind (at least
    /// 1) before it misses some.
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
        let feed = Feed(Arc::downgrade(&listener.channel));
        listener
            .channel
            .source
            .get_or_try_init(|| open(feed))
            .await?;
        // What came before the source was ready is not after the place that is
        // told.
        Ok(Subscription::new(listener.renewed()))
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
        // The entry's lock is held until the listener is there, so that one that
        // is just being dropped can't take the room away in between.
        let entry = self.rooms.entry(room.clone()).or_insert_with(|| {
            Arc::new(Channel {
                listening: Mutex::new(Listening {
                    // Mostly there is one: the room's hub.
                    inboxes: Slab::with_capacity(1),
                    last: None,
                }),
                bound: self.capacity,
                source: OnceCell::new(),
            })
        });
        let channel = Arc::clone(&entry);
        let (key, position) = channel.join();
        drop(entry);
        Listener {
            key,
            position,
            fanout: Arc::clone(self),
            room: room.clone(),
            channel,
        }
    }

    /// How many rooms have a listener.
    #[must_use]
    pub fn rooms(&self) -> usize {
        self.rooms.len()
    }
}

impl Channel {
    /// The key of a new inbox, and the place of whatever is not put there.
    fn join(&self) -> (usize, Option<Position>) {
        let mut listening = self.listening.lock();
        (listening.inboxes.insert(Inbox::default()), listening.last)
    }
}

/// One listener of a room. The last one takes the room away.
pub(crate) struct Listener {
    fanout: Arc<Fanout>,
    room: RoomName,
    channel: Arc<Channel>,
    key: usize,
    position: Option<Position>,
}

impl Listener {
    /// Where the room stood when it came.
    pub(crate) fn position(&self) -> Option<Position> {
        self.position
    }

    /// The next delivery if one is pending.
    pub(crate) fn take(&self) -> Option<Delivery> {
        self.channel
            .listening
            .lock()
            .inboxes
            .get_mut(self.key)?
            .take()
    }

    /// The next delivery.
    pub(crate) fn poll_take(&self, cx: &Context<'_>) -> Poll<Delivery> {
        match self.channel.listening.lock().inboxes.get_mut(self.key) {
            Some(inbox) => inbox.poll_take(cx),
            // Only its own drop takes it away.
            None => Poll::Pending,
        }
    }

    /// What has come so far is forgotten.
    fn renewed(mut self) -> Self {
        let mut listening = self.channel.listening.lock();
        if let Some(inbox) = listening.inboxes.get_mut(self.key) {
            *inbox = Inbox::default();
        }
        self.position = listening.last;
        drop(listening);
        self
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener")
            .field("room", &self.room)
            .finish_non_exhaustive()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let inbox = self.channel.listening.lock().inboxes.try_remove(self.key);
        // Not under the lock: what is pending may be the last of its kind.
        drop(inbox);
        // The room's source ends with the channel, of which this is the last
        // owner if it was the last listener.
        self.fanout.rooms.remove_if(&self.room, |_, channel| {
            Arc::ptr_eq(channel, &self.channel) && channel.listening.lock().inboxes.is_empty()
        });
    }
}
