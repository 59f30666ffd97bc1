//! One hub per active room on this node: it listens on the bus once, encodes
//! each message once, and writes batches straight to its sockets' outboxes.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

use contract::{
    BusError, ConnectionId, Delivery, Message, Published, RoomBus, RoomName, Subscription, UserId,
};
use dashmap::DashMap;
use parking_lot::Mutex;
use slab::Slab;
use tokio::{
    sync::{OnceCell, Semaphore, SemaphorePermit},
    task::AbortHandle,
};

use super::{
    close::Close,
    outbox::Outbox,
    wire::{Batch, BatchEncoder},
};
use crate::accounts::tokens::Grant;

/// Messages that sockets of this node may have under way in a room before
/// their publishers wait for the hub. A message may still be on its way into
/// the bus when the hub gives back what it stood for, so twice this number
/// stays below the bus's bound of 100: publishers of this node never make the
/// hub miss a message, they are read more slowly instead.
const PUBLISH_PERMITS: usize = 48;

/// Bytes after which a batch is written, so that its memory stays bounded.
const BATCH_BYTES: usize = 256 * 1024;

/// Writes under one lock of the room, some 4 µs each: how long a socket may
/// wait to come in or go.
const SWEEP_STEP: usize = 64;

/// Writes, of however many batches, before the other tasks of this core get
/// their turn.
const SWEEP_TURN: usize = 1024;

/// Bytes that the kernel copies in the time of one small write.
const WRITE_BYTES: usize = 16 * 1024;

/// The rooms that sockets of this node sit in.
pub struct Hubs {
    bus: Arc<dyn RoomBus>,
    echo: bool,
    rooms: DashMap<RoomName, Arc<Room>>,
}

struct Room {
    name: RoomName,
    members: Mutex<Members>,
    permits: Semaphore,
    /// Permits whose messages are in the bus, or about to be: what the hub may
    /// give back. Those that were given out and not used yet are not among
    /// them, however long their publishers take to begin.
    under_way: AtomicUsize,
    /// Set once the hub listens; until then nobody's seat is ready.
    hub: OnceCell<AbortHandle>,
    /// The hub ended because the bus did; the next to join makes a new room.
    dead: AtomicBool,
}

#[derive(Default)]
struct Members {
    seats: Slab<Member>,
    /// The room has been left by its last member; whoever finds it looks again.
    closed: bool,
}

struct Member {
    connection: ConnectionId,
    user: UserId,
    grant: Grant,
    outbox: Arc<Outbox>,
}

impl Hubs {
    /// Rooms on `bus`. With `echo`, a sender hears its own messages.
    #[must_use]
    pub fn new(bus: Arc<dyn RoomBus>, echo: bool) -> Arc<Self> {
        Arc::new(Self {
            bus,
            echo,
            rooms: DashMap::new(),
        })
    }

    /// How many rooms have a socket of this node in them.
    #[must_use]
    pub fn rooms(&self) -> usize {
        self.rooms.len()
    }

    /// Takes a seat in a room: from when this returns, whatever is said there
    /// reaches `outbox`, until the seat is dropped.
    ///
    /// # Errors
    /// The bus's, if this is the first member and the room can't be listened to.
    pub async fn join(
        self: &Arc<Self>,
        name: &RoomName,
        who: Occupant,
        outbox: &Arc<Outbox>,
    ) -> Result<Seat, BusError> {
        let seat = loop {
            let room = Arc::clone(&*self.rooms.entry(name.clone()).or_insert_with(|| {
                Arc::new(Room {
                    name: name.clone(),
                    members: Mutex::default(),
                    permits: Semaphore::new(PUBLISH_PERMITS),
                    under_way: AtomicUsize::new(0),
                    hub: OnceCell::new(),
                    dead: AtomicBool::new(false),
                })
            }));
            let mut members = room.members.lock();
            if members.closed || room.dead.load(Ordering::Acquire) {
                drop(members);
                self.forget(&room);
                continue;
            }
            let key = members.seats.insert(Member {
                connection: who.connection,
                user: who.user,
                grant: who.grant,
                outbox: Arc::clone(outbox),
            });
            drop(members);
            break Seat {
                hubs: Arc::clone(self),
                room,
                key,
                connection: who.connection,
            };
        };
        let room = &seat.room;
        room.hub
            .get_or_try_init(|| async {
                let subscription = self.bus.subscribe(&room.name, None).await?;
                let hub = tokio::spawn(run(Arc::clone(room), subscription, self.echo));
                Ok(hub.abort_handle())
            })
            .await?;
        Ok(seat)
    }

    /// Closes the sockets of a member who may not do any more what they were
    /// let in for.
    pub fn narrow(&self, name: &RoomName, user: UserId, grant: Option<Grant>) {
        let Some(room) = self.rooms.get(name).map(|room| Arc::clone(&room)) else {
            return;
        };
        for (_, member) in &room.members.lock().seats {
            if member.user == user && grant.is_none_or(|grant| grant < member.grant) {
                member.outbox.close(Close::NotPermitted);
            }
        }
    }

    fn forget(&self, room: &Arc<Room>) {
        self.rooms
            .remove_if(&room.name, |_, found| Arc::ptr_eq(found, room));
    }
}

/// Who takes a seat.
#[derive(Debug, Clone, Copy)]
pub struct Occupant {
    /// The socket.
    pub connection: ConnectionId,
    /// Whose it is.
    pub user: UserId,
    /// What its token allows in the room.
    pub grant: Grant,
}

/// A socket's place in a room.
pub struct Seat {
    hubs: Arc<Hubs>,
    room: Arc<Room>,
    key: usize,
    connection: ConnectionId,
}

impl Seat {
    /// Says something in the room, waiting while the room's hub is behind.
    ///
    /// # Errors
    /// The bus's: the message may not have been heard by anybody.
    pub async fn publish(&self, message: Message) -> Result<Published, BusError> {
        // Closing the semaphore is not done; an error could only mean that.
        let permit = self.room.permits.acquire().await.ok();
        let under_way = permit.map(|permit| UnderWay::new(&self.room, permit));
        let published = self.hubs.bus.publish(&self.room.name, message).await?;
        // The hub gives the permit back when it has the message.
        std::mem::forget(under_way);
        Ok(published)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut members = self.room.members.lock();
        members.seats.remove(self.key);
        if members.seats.is_empty() {
            members.closed = true;
            drop(members);
            if let Some(hub) = self.room.hub.get() {
                hub.abort();
            }
            self.hubs.forget(&self.room);
        }
    }
}

impl std::fmt::Debug for Seat {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Seat")
            .field("room", &self.room.name)
            .field("connection", &self.connection)
            .finish_non_exhaustive()
    }
}

impl Room {
    /// Gives back permits of messages that were under way.
    fn give_back(&self, at_most: usize) {
        let under_way = self
            .under_way
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| {
                Some(n.saturating_sub(at_most))
            })
            .unwrap_or_else(|n| n);
        self.permits.add_permits(under_way.min(at_most));
    }
}

/// A message that the hub hasn't taken yet. Dropped, the message was not
/// published and nobody else would give its permit back.
struct UnderWay<'a>(&'a Room);

impl<'a> UnderWay<'a> {
    fn new(room: &'a Room, permit: SemaphorePermit<'a>) -> Self {
        permit.forget();
        // Before the bus has it: the hub may take it, and fall silent, at once.
        room.under_way.fetch_add(1, Ordering::AcqRel);
        Self(room)
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        self.0.give_back(1);
    }
}

/// The hub: takes all that is pending, encodes it, hands it to every member.
async fn run(room: Arc<Room>, mut subscription: Subscription, echo: bool) {
    let mut encoder = BatchEncoder::default();
    let mut writes = 0;
    loop {
        let Some(mut delivery) = subscription.recv().await else {
            room.dead.store(true, Ordering::Release);
            close_all(&room, Close::StateLost);
            return;
        };
        let mut taken = 0_usize;
        let drained = loop {
            match delivery {
                Delivery::Message(envelope) => {
                    encoder.push(&envelope);
                    taken = taken.saturating_add(1);
                }
                Delivery::Missed(missed) => {
                    // In raw mode nothing can tell a client that messages are
                    // missing but the end of the socket.
                    tracing::warn!(room = %room.name, missed, "room lost messages; its sockets are closed");
                    close_all(&room, Close::StateLost);
                    taken =
                        taken.saturating_add(usize::try_from(missed).unwrap_or(PUBLISH_PERMITS));
                }
                Delivery::CutOff => {
                    tracing::warn!(room = %room.name, "room was cut off from the bus; its sockets are closed");
                    close_all(&room, Close::StateLost);
                    // Whatever was under way is not on its way any more.
                    taken = usize::MAX;
                }
            }
            if encoder.len() >= BATCH_BYTES {
                break false;
            }
            match subscription.try_recv() {
                Some(next) => delivery = next,
                None => break true,
            }
        };
        // Whatever they stood for has been taken from the bus.
        room.give_back(if drained { usize::MAX } else { taken });
        if !encoder.is_empty() {
            let (batch, origins) = encoder.finish();
            sweep(&room, &batch, &origins, echo, &mut writes).await;
        }
    }
}

/// Hands a batch to every member, in steps, so that a large room or a busy one
/// doesn't keep a core from the others: `writes` counts those since the last
/// pause. Whoever joins meanwhile may hear the batch or not: it was said before.
async fn sweep(
    room: &Room,
    batch: &Batch,
    origins: &[Option<ConnectionId>],
    echo: bool,
    writes: &mut usize,
) {
    let cost = 1 + batch.bytes.len() / WRITE_BYTES;
    let step = (SWEEP_STEP / cost).max(1);
    let mut next = 0;
    loop {
        let last = {
            let members = room.members.lock();
            let end = members.seats.capacity().min(next + step);
            for key in next..end {
                let Some(member) = members.seats.get(key) else {
                    continue;
                };
                *writes += cost;
                if echo || !origins.contains(&Some(member.connection)) {
                    member.outbox.send(batch);
                } else if let Some(rest) = batch.without(origins, member.connection) {
                    member.outbox.send(&rest);
                }
            }
            next = end;
            end >= members.seats.capacity()
        };
        if *writes >= SWEEP_TURN {
            *writes = 0;
            tokio::task::yield_now().await;
        }
        if last {
            return;
        }
    }
}

fn close_all(room: &Room, close: Close) {
    for (_, member) in &room.members.lock().seats {
        member.outbox.close(close);
    }
}
