//! What all rooms keep together, and which of them has to give it up.
//!
//! Rooms are listed by their oldest message, which is the next to be too old,
//! and by their newest, which says for how long they have been silent. A room
//! is listed when something of it is kept, and not again with each message:
//! its places are then too low, and put right when they come up. So a message
//! costs nothing here but the count of bytes, and what has to be put right is
//! never more than what was said.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::room::{Listed, Room};

/// How often, at most, it is looked whether anything is too old.
const TICK: Duration = Duration::from_secs(1);

/// `due`, if nothing is kept.
const NEVER: u64 = u64::MAX;

pub(crate) struct Ledger {
    bytes: AtomicU64,
    limit: u64,
    age: Duration,
    started: Instant,
    /// When something may be too old, in milliseconds since `started`.
    due: AtomicU64,
    /// Taken before the lock of any room.
    order: Mutex<Order>,
}

#[derive(Default)]
struct Order {
    /// With the time of that message.
    by_oldest: BTreeMap<u64, (Instant, Arc<Room>)>,
    by_newest: BTreeMap<u64, Arc<Room>>,
}

impl Ledger {
    pub(crate) fn new(limit: u64, age: Duration) -> Self {
        Self {
            bytes: AtomicU64::new(0),
            limit,
            age,
            started: Instant::now(),
            due: AtomicU64::new(NEVER),
            order: Mutex::default(),
        }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::Relaxed)
    }

    /// What a room keeps changed by so much.
    pub(crate) fn changed(&self, before: u64, after: u64) {
        if after > before {
            self.bytes.fetch_add(after - before, Ordering::Relaxed);
        } else if after < before {
            self.bytes.fetch_sub(before - after, Ordering::Relaxed);
        }
    }

    /// Lists a room of which the first message is kept.
    pub(crate) fn list(&self, room: &Arc<Room>, listed: Listed, at: Instant) {
        let mut order = self.order.lock();
        order.by_newest.insert(listed.newest, Arc::clone(room));
        order
            .by_oldest
            .insert(listed.oldest, (at, Arc::clone(room)));
        if self.due.load(Ordering::Relaxed) == NEVER {
            self.due.store(self.end_of(at), Ordering::Relaxed);
        }
    }

    pub(crate) fn is_over(&self) -> bool {
        self.bytes() > self.limit
    }

    pub(crate) fn is_due(&self, now: Instant) -> bool {
        self.millis(now) >= self.due.load(Ordering::Relaxed)
    }

    /// Takes all that is kept of the rooms that were silent longest, until the
    /// rest is within the limit; the last one keeps what fits. Returns the
    /// rooms of which nothing is kept any more.
    pub(crate) fn evict(&self) -> Vec<Arc<Room>> {
        let mut emptied = Vec::new();
        let mut order = self.order.lock();
        while self.is_over() {
            let Some((place, room)) = order.by_newest.pop_first() else {
                break;
            };
            let mut book = room.book.lock();
            let before = book.ring.bytes();
            if book.ring.newest() == Some(place) {
                if order.by_newest.is_empty() {
                    let excess = self.bytes().saturating_sub(self.limit);
                    while !book.ring.is_empty() && before - book.ring.bytes() < excess {
                        book.ring.drop_oldest();
                    }
                } else {
                    book.ring.clear();
                }
                self.changed(before, book.ring.bytes());
            }
            let newest = book.ring.newest();
            match (&mut book.listed, newest) {
                (Some(listed), Some(newest)) => {
                    listed.newest = newest;
                    order.by_newest.insert(newest, Arc::clone(&room));
                }
                (listed, _) => {
                    if let Some(Listed { oldest, .. }) = listed.take() {
                        order.by_oldest.remove(&oldest);
                    }
                    drop(book);
                    emptied.push(room);
                }
            }
        }
        emptied
    }

    /// Takes whatever is too old. Returns the rooms of which nothing is kept
    /// any more.
    pub(crate) fn expire(&self, now: Instant) -> Vec<Arc<Room>> {
        let mut emptied = Vec::new();
        let mut order = self.order.lock();
        while let Some(entry) = order.by_oldest.first_entry() {
            if now.duration_since(entry.get().0) < self.age {
                break;
            }
            let (_, room) = entry.remove();
            let mut book = room.book.lock();
            let before = book.ring.bytes();
            book.ring.expire(now, self.age);
            self.changed(before, book.ring.bytes());
            let oldest = book.ring.oldest();
            match (&mut book.listed, oldest) {
                (Some(listed), Some((oldest, at))) => {
                    listed.oldest = oldest;
                    order.by_oldest.insert(oldest, (at, Arc::clone(&room)));
                }
                (listed, _) => {
                    if let Some(Listed { newest, .. }) = listed.take() {
                        order.by_newest.remove(&newest);
                    }
                    drop(book);
                    emptied.push(room);
                }
            }
        }
        let due = match order.by_oldest.values().next() {
            Some((at, _)) => self.end_of(*at).max(self.millis(now + TICK)),
            None => NEVER,
        };
        self.due.store(due, Ordering::Relaxed);
        emptied
    }

    /// When what was said then will be too old.
    fn end_of(&self, at: Instant) -> u64 {
        let age = u64::try_from(self.age.as_millis()).unwrap_or(NEVER);
        self.millis(at).saturating_add(age)
    }

    fn millis(&self, at: Instant) -> u64 {
        u64::try_from(at.duration_since(self.started).as_millis()).unwrap_or(NEVER)
    }
}
