//! The rooms of which anything is known: saying, coming back, forgetting.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use contract::{
    Envelope, Epoch, History, Message, Position, Recovery, RoomName,
    fanout::{Feed, Source},
};
use dashmap::{DashMap, Entry};
use parking_lot::MutexGuard;
use tokio::time::Instant;

use crate::{
    InMemory, MemorySettings,
    ledger::Ledger,
    room::{Book, Listed, Listened, Room},
};

/// Locks are taken in this order: the ledger's, one of the map's, a room's.
pub(crate) struct Rooms {
    map: DashMap<RoomName, Arc<Room>>,
    settings: MemorySettings,
    ledger: Ledger,
    epoch: Epoch,
    /// The number of the newest message of all.
    last: AtomicU64,
    /// Whatever was said up to this number, in rooms that are not in the map,
    /// is gone.
    forgotten: AtomicU64,
}

impl Rooms {
    pub(crate) fn new(settings: MemorySettings) -> Self {
        Self {
            map: DashMap::new(),
            settings,
            ledger: Ledger::new(settings.history_bytes, settings.history_age),
            epoch: Epoch::random(),
            last: AtomicU64::new(0),
            forgotten: AtomicU64::new(0),
        }
    }

    pub(crate) fn in_memory(&self) -> InMemory {
        InMemory {
            rooms: self.map.len(),
            bytes: self.ledger.bytes(),
        }
    }

    /// Says a message, unless it was said already. Returns its place; `None`
    /// if nobody heard it and nothing is kept.
    pub(crate) fn publish(&self, name: &RoomName, mut message: Message) -> Option<Position> {
        let keeps = self.settings.history > 0 && !name.is_internal();
        if keeps {
            // It may be a part of what a socket has read, all of which would
            // stay as long as this does.
            message.data = Bytes::copy_from_slice(&message.data);
        }
        let now = Instant::now();
        let position = loop {
            let room = match self.find(name) {
                Some(room) => room,
                None if keeps => self.find_or_make(name),
                None if self.is_lost(name) => return None,
                None => continue,
            };
            let book = room.book.lock();
            if !book.gone {
                break self.say(&room, book, message, now);
            }
        };
        self.tend_at(now);
        position
    }

    fn say(
        &self,
        room: &Arc<Room>,
        mut book: MutexGuard<'_, Book>,
        message: Message,
        now: Instant,
    ) -> Option<Position> {
        if room.name.is_internal() {
            let envelope = Envelope {
                message,
                position: None,
            };
            let held = book.deliver(Arc::new(envelope));
            drop(book);
            drop(held);
            return None;
        }
        let before = book.ring.bytes();
        book.ring.expire(now, self.settings.history_age);
        if let Some(seq) = message.key.and_then(|key| book.ring.said(key)) {
            self.ledger.changed(before, book.ring.bytes());
            return Some(self.position(seq));
        }
        let seq = self.next();
        let position = Some(self.position(seq));
        let envelope = Arc::new(Envelope { message, position });
        book.ring.push(seq, now, &envelope, self.settings.history);
        self.ledger.changed(before, book.ring.bytes());
        let mut unlisted = None;
        if book.listed.is_none() && !book.ring.is_empty() {
            book.listed = Some(Listed {
                oldest: seq,
                newest: seq,
            });
            unlisted = book.listed;
        }
        let held = book.deliver(envelope);
        drop(book);
        // Not before: if it is the last one, the room's lock is wanted.
        drop(held);
        if let Some(listed) = unlisted {
            self.ledger.list(room, listed, now);
        }
        position
    }

    /// Whether a message is said to nobody, and nothing kept of it. It has a
    /// number all the same, so that nobody who comes back takes it for heard.
    fn is_lost(&self, name: &RoomName) -> bool {
        if name.is_internal() {
            return true;
        }
        match self.map.entry(name.clone()) {
            Entry::Vacant(_nobody) => {
                self.forgotten.fetch_max(self.next(), Ordering::AcqRel);
                true
            }
            Entry::Occupied(_) => false,
        }
    }

    /// Tells a feed from now on what is said, until the source is dropped.
    pub(crate) fn listen(self: &Arc<Self>, name: &RoomName, feed: Feed) -> Source {
        loop {
            let room = self.find_or_make(name);
            let mut book = room.book.lock();
            if book.gone {
                continue;
            }
            if !name.is_internal() {
                feed.stands_at(self.position(self.newest()));
            }
            book.feed = Some(feed);
            drop(book);
            return Box::new(Listened {
                rooms: Arc::clone(self),
                room,
            });
        }
    }

    /// What is kept of a room.
    pub(crate) fn history(&self, name: &RoomName, since: Option<Position>) -> History {
        let now = Instant::now();
        let (kept, stands) = if name.is_internal() {
            (since.is_none().then(Vec::new), None)
        } else {
            let (kept, stands) = self.kept(name, since, now);
            (kept, Some(self.position(stands)))
        };
        self.tend_at(now);
        History {
            recovery: match (since, &kept) {
                (None, _) => Recovery::NotAsked,
                (Some(_), Some(_)) => Recovery::Complete,
                (Some(_), None) => Recovery::Impossible,
            },
            messages: kept.unwrap_or_default(),
            position: stands,
        }
    }

    /// What is kept of a room, `None` if that is not all since that place; and
    /// the number of the newest message that was looked for.
    fn kept(
        &self,
        name: &RoomName,
        since: Option<Position>,
        now: Instant,
    ) -> (Option<Vec<Arc<Envelope>>>, u64) {
        loop {
            // Before the room is looked for: what is said meanwhile is after it.
            let stands = self.newest();
            let Some(room) = self.find(name) else {
                let forgotten = self.forgotten.load(Ordering::Acquire);
                let complete = since
                    .is_none_or(|since| self.is_reached(since, stands) && since.seq >= forgotten);
                return (complete.then(Vec::new), stands);
            };
            let mut book = room.book.lock();
            if book.gone {
                continue;
            }
            let before = book.ring.bytes();
            book.ring.expire(now, self.settings.history_age);
            self.ledger.changed(before, book.ring.bytes());
            let stands = self.newest();
            let kept = match since {
                None => Some(book.ring.all()),
                Some(since) if self.is_reached(since, stands) => book.ring.since(since.seq),
                Some(_) => None,
            };
            return (kept, stands);
        }
    }

    fn is_reached(&self, since: Position, stands: u64) -> bool {
        since.epoch == self.epoch && since.seq <= stands
    }

    /// Gives back the memory of what is kept no longer.
    pub(crate) fn tend(&self) {
        self.tend_at(Instant::now());
    }

    fn tend_at(&self, now: Instant) {
        if self.ledger.is_due(now) {
            for room in self.ledger.expire(now) {
                self.forget_if_idle(&room);
            }
        }
        if self.ledger.is_over() {
            for room in self.ledger.evict() {
                self.forget_if_idle(&room);
            }
        }
    }

    /// Forgets a room that nobody listens to and of which nothing is kept.
    pub(crate) fn forget_if_idle(&self, room: &Arc<Room>) {
        self.map.remove_if(&room.name, |_, known| {
            if !Arc::ptr_eq(known, room) {
                return false;
            }
            let mut book = room.book.lock();
            if book.feed.as_ref().is_some_and(Feed::is_over) {
                book.feed = None;
            }
            if book.feed.is_some() || !book.ring.is_empty() {
                return false;
            }
            book.gone = true;
            self.forgotten
                .fetch_max(book.ring.dropped(), Ordering::AcqRel);
            true
        });
    }

    fn find(&self, name: &RoomName) -> Option<Arc<Room>> {
        self.map.get(name).map(|room| Arc::clone(&room))
    }

    fn find_or_make(&self, name: &RoomName) -> Arc<Room> {
        let room = self.map.entry(name.clone()).or_insert_with(|| {
            let forgotten = self.forgotten.load(Ordering::Acquire);
            Room::new(name.clone(), forgotten)
        });
        Arc::clone(&room)
    }

    fn position(&self, seq: u64) -> Position {
        Position {
            epoch: self.epoch,
            seq,
        }
    }

    fn newest(&self) -> u64 {
        self.last.load(Ordering::Acquire)
    }

    fn next(&self) -> u64 {
        self.last.fetch_add(1, Ordering::AcqRel) + 1
    }
}

impl fmt::Debug for Rooms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rooms")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
