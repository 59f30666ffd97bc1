//! A room on this node: who sits in it, and how many publishers may be ahead
//! of its hub.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use contract::{Position, RoomName};
use parking_lot::Mutex;
use slab::Slab;
use tokio::{
    sync::{OnceCell, Semaphore, SemaphorePermit},
    task::AbortHandle,
    time::timeout,
};

use super::{
    super::{instruments::Traffic, wire::Format},
    member::Member,
    readings::Readings,
};

/// Messages that sockets of this node may have under way in a room before
/// their publishers wait for the hub. A message may still be on its way into
/// the bus when the hub gives back what it stood for, so twice this number
/// stays below the bus's bound of 100: publishers of this node never make the
/// hub miss a message, they are read more slowly instead.
pub(super) const PUBLISH_PERMITS: usize = 48;

/// How long a publisher waits for the hub to take any message of this node. A
/// bus may lose messages and tell nobody; nobody would give back what they
/// stood for.
const HUB_PATIENCE: Duration = Duration::from_secs(5);

pub(super) struct Room {
    pub(super) name: RoomName,
    /// What is counted, with that of the other rooms of its thread.
    pub(super) traffic: Arc<Traffic>,
    pub(super) members: Mutex<Members>,
    pub(super) permits: Semaphore,
    /// Permits whose messages are in the bus, or about to be: what the hub may
    /// give back. Those that were given out and not used yet are not among
    /// them, however long their publishers take to begin.
    under_way: AtomicUsize,
    /// What its seats have missed.
    pub(super) readings: Readings,
    /// Set once the hub listens; until then nobody's seat is ready.
    pub(super) hub: OnceCell<AbortHandle>,
}

/// How often messages were lost to a room.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses(u64);

#[derive(Default)]
pub(super) struct Members {
    pub(super) seats: Slab<Member>,
    /// Seats of sockets that are told in the format of `rooms.v1`.
    rooms_v1: usize,
    /// Where the room stands for its members: at the last message of the last
    /// batch that is or was being handed to them.
    pub(super) position: Option<Position>,
    losses: Losses,
    /// Whether something was lost after `position`: nobody knows where the room
    /// stands until it hears the next message.
    unsure: bool,
    /// The room has been left by its last member; whoever finds it looks again.
    pub(super) closed: bool,
}

impl Room {
    pub(super) fn new(name: &RoomName, traffic: Arc<Traffic>) -> Self {
        Self {
            name: name.clone(),
            traffic,
            members: Mutex::default(),
            permits: Semaphore::new(PUBLISH_PERMITS),
            under_way: AtomicUsize::new(0),
            readings: Readings::default(),
            hub: OnceCell::new(),
        }
    }

    /// Whether the message of that place has come to the hub, or was lost to it.
    pub(super) fn is_past(&self, place: Option<Position>) -> bool {
        let members = self.members.lock();
        match (members.position, place) {
            _ if members.unsure => true,
            (Some(stands), Some(place)) => stands.epoch == place.epoch && stands.seq >= place.seq,
            _ => false,
        }
    }

    /// Waits until one more message may be under way.
    pub(super) async fn turn(&self) -> Option<UnderWay<'_>> {
        let permit = match self.permits.try_acquire() {
            Ok(permit) => permit,
            Err(_) => self.permit().await?,
        };
        Some(UnderWay::new(self, permit))
    }

    async fn permit(&self) -> Option<SemaphorePermit<'_>> {
        loop {
            match timeout(HUB_PATIENCE, self.permits.acquire()).await {
                // Closing the semaphore is not done; an error could only mean
                // that.
                Ok(permit) => return permit.ok(),
                Err(_) => {
                    tracing::warn!(room = %self.name, "what was published is not heard");
                    self.give_back(usize::MAX);
                }
            }
        }
    }

    /// Gives back permits of messages that were under way.
    pub(super) fn give_back(&self, at_most: usize) {
        let under_way = self
            .under_way
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, |n| {
                Some(n.saturating_sub(at_most))
            })
            .unwrap_or_else(|n| n);
        self.permits.add_permits(under_way.min(at_most));
    }
}

impl Members {
    pub(super) fn insert(&mut self, member: Member) -> usize {
        self.rooms_v1 += usize::from(member.format == Format::RoomsV1);
        self.seats.insert(member)
    }

    pub(super) fn remove(&mut self, key: usize) {
        let member = self.seats.remove(key);
        self.rooms_v1 -= usize::from(member.format == Format::RoomsV1);
        self.closed = self.seats.is_empty();
    }

    /// Messages were lost to the room.
    pub(super) fn lose(&mut self) {
        self.losses.0 += 1;
        self.unsure = true;
        for (_, member) in &mut self.seats {
            member.miss(self.position);
        }
    }

    /// The room moves on to the place of a message.
    pub(super) fn move_on(&mut self, place: Option<Position>) {
        self.position = place;
        self.unsure = false;
    }

    pub(super) fn losses(&self) -> Losses {
        self.losses
    }

    /// Whether something was lost after `position`.
    pub(super) fn is_unsure(&self) -> bool {
        self.unsure
    }

    /// Whether something was lost after `position` that was not looked for yet
    /// when the room was `read` last.
    pub(super) fn is_unread(&self, read: Option<Losses>) -> bool {
        self.unsure && read != Some(self.losses)
    }

    /// Whether that place is where the room stands, or further on.
    pub(super) fn stands_at(&self, place: Position) -> bool {
        self.position
            .is_none_or(|stands| stands.epoch == place.epoch && stands.seq <= place.seq)
    }

    /// Whether anybody is told in that format.
    pub(super) fn want(&self, format: Format) -> bool {
        match format {
            Format::RoomsV1 => self.rooms_v1 > 0,
            Format::Raw => self.rooms_v1 < self.seats.len(),
        }
    }
}

/// A message that the hub hasn't taken yet. Dropped, the message was not
/// published and nobody else would give its permit back.
pub(super) struct UnderWay<'a>(&'a Room);

impl<'a> UnderWay<'a> {
    pub(super) fn new(room: &'a Room, permit: SemaphorePermit<'a>) -> Self {
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
