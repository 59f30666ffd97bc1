//! The in-process part of every bus: a room is a tokio broadcast channel in a
//! `DashMap`, made by its first listener and dropped with its last.

use std::sync::Arc;

use dashmap::DashMap;
use parking_lot::Mutex;
use tokio::sync::broadcast;

use crate::{Delivery, Envelope, Epoch, Message, Position, RoomName, Subscription};

/// Rooms of one process.
#[derive(Debug)]
pub struct Fanout {
    rooms: DashMap<RoomName, Arc<Channel>>,
    capacity: usize,
}

#[derive(Debug)]
struct Channel {
    sender: broadcast::Sender<Delivery>,
    epoch: Epoch,
    /// The last sequence number given out. The lock is held across the send:
    /// numbers and deliveries are in one order.
    last: Mutex<u64>,
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

    /// Listens to a room, making it if nobody does yet.
    #[must_use]
    pub fn subscribe(self: &Arc<Self>, room: &RoomName) -> Subscription {
        // The entry's lock is held until the receiver exists, so that a guard
        // that is just being dropped can't take the room away in between.
        let entry = self.rooms.entry(room.clone()).or_insert_with(|| {
            Arc::new(Channel {
                sender: broadcast::Sender::new(self.capacity),
                epoch: Epoch::random(),
                last: Mutex::new(0),
            })
        });
        let channel = Arc::clone(&entry);
        let last = channel.last.lock();
        let receiver = channel.sender.subscribe();
        let position = Position {
            epoch: channel.epoch,
            seq: *last,
        };
        drop(last);
        drop(entry);
        let guard = RoomGuard {
            fanout: Arc::clone(self),
            room: room.clone(),
            channel,
        };
        Subscription::new(receiver, Some(position), guard)
    }

    /// Gives `message` the room's next number and delivers it. `None` if
    /// nobody listens.
    pub fn publish(&self, room: &RoomName, message: Message) -> Option<Position> {
        let channel = Arc::clone(&*self.rooms.get(room)?);
        let mut last = channel.last.lock();
        let position = Position {
            epoch: channel.epoch,
            seq: *last + 1,
        };
        let envelope = Envelope {
            message,
            position: Some(position),
        };
        channel
            .sender
            .send(Delivery::Message(Arc::new(envelope)))
            .ok()?;
        *last += 1;
        Some(position)
    }

    /// How many rooms have a listener.
    #[must_use]
    pub fn rooms(&self) -> usize {
        self.rooms.len()
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
        self.fanout.rooms.remove_if(&self.room, |_, channel| {
            Arc::ptr_eq(channel, &self.channel) && channel.sender.receiver_count() == 0
        });
    }
}
