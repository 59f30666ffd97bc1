//! What was confirmed, what was heard, and what should not have been.
//!
//! All readers of a room hear the same messages in the same order, so that the
//! first who hears one writes it down and the others compare. In the end
//! everything that was confirmed must stand there, once.

use std::{
    collections::{BTreeMap, HashSet},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
};

use parking_lot::Mutex;

/// Broken promises that are kept in words; the others are counted.
const WORDS: usize = 50;

/// Milliseconds after which a message is late: a node may be cut off for a
/// while, and comes back then.
const LATE: u64 = 20_000;

/// A message: its number in the room, and its own.
type Entry = (u64, u64);

/// What is known of all rooms.
pub(crate) struct Ledger {
    rooms: Vec<Mutex<Room>>,
    broken: Mutex<Vec<String>>,
    /// How much there was of everything.
    pub(crate) counts: Counts,
}

/// How much there was of everything.
#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) said: AtomicU64,
    pub(crate) confirmed: AtomicU64,
    pub(crate) said_again: AtomicU64,
    pub(crate) heard: AtomicU64,
    pub(crate) came_back: AtomicU64,
    pub(crate) cuts: AtomicU64,
    pub(crate) visits: AtomicU64,
    pub(crate) slow_visits: AtomicU64,
    pub(crate) told_gaps: AtomicU64,
    pub(crate) logins: AtomicU64,
    pub(crate) refreshes: AtomicU64,
    pub(crate) refused: AtomicU64,
    /// The longest that a reader that stays waited for what was said.
    pub(crate) longest_wait_ms: AtomicU64,
    pub(crate) broken: AtomicU64,
}

/// Counts one more.
pub(crate) fn count(of: &AtomicU64) {
    of.fetch_add(1, Relaxed);
}

#[derive(Default)]
struct Room {
    heard: Vec<Entry>,
    confirmed: Vec<Entry>,
    /// How much of `heard` each reader has heard.
    places: BTreeMap<usize, usize>,
}

impl Ledger {
    pub(crate) fn new(rooms: usize) -> Self {
        Self {
            rooms: (0..rooms).map(|_| Mutex::default()).collect(),
            broken: Mutex::default(),
            counts: Counts::default(),
        }
    }

    /// A promise was broken.
    pub(crate) fn broken(&self, words: String) {
        count(&self.counts.broken);
        let mut broken = self.broken.lock();
        if broken.len() < WORDS {
            println!("BROKEN: {words}");
            broken.push(words);
        }
    }

    /// What was broken, in words.
    pub(crate) fn complaints(&self) -> Vec<String> {
        self.broken.lock().clone()
    }

    /// A node was cut off from NATS.
    pub(crate) fn cut_off(&self) {
        count(&self.counts.cuts);
    }

    /// A reader sits in a room in which nothing has been said yet.
    pub(crate) fn seat(&self, room: usize, reader: usize) {
        self.rooms[room].lock().places.entry(reader).or_default();
    }

    /// Readers that sit in all their rooms.
    pub(crate) fn seated(&self) -> usize {
        let seats: usize = self.rooms.iter().map(|room| room.lock().places.len()).sum();
        seats / crate::settings::SEATS
    }

    pub(crate) fn confirm(&self, room: usize, seq: u64, id: u64) {
        count(&self.counts.confirmed);
        self.rooms[room].lock().confirmed.push((seq, id));
    }

    pub(crate) fn confirmed(&self) -> u64 {
        self.counts.confirmed.load(Relaxed)
    }

    /// Messages that were said and are not confirmed yet.
    pub(crate) fn unconfirmed(&self) -> u64 {
        self.counts.said.load(Relaxed) - self.confirmed()
    }

    /// A reader that stays has heard something.
    pub(crate) fn hear(&self, room: usize, reader: usize, seq: u64, id: u64) {
        count(&self.counts.heard);
        let complaint = {
            let mut guard = self.rooms[room].lock();
            let Room { heard, places, .. } = &mut *guard;
            let place = places.entry(reader).or_default();
            let complaint = match heard.get(*place) {
                None if heard.last().is_some_and(|(last, _)| *last >= seq) => {
                    Some(format!("{seq} after {:?}", heard.last()))
                }
                None => {
                    heard.push((seq, id));
                    None
                }
                Some(expected) if *expected == (seq, id) => None,
                Some(expected) => {
                    let expected = *expected;
                    // On from there, if it is a place.
                    if let Ok(found) = heard.binary_search(&(seq, id)) {
                        *place = found;
                    }
                    Some(format!("{seq} where others heard {expected:?}"))
                }
            };
            *place += 1;
            complaint
        };
        if let Some(complaint) = complaint {
            self.broken(format!("reader {reader} heard in room {room} {complaint}"));
        }
    }

    /// A reader that stays heard something so long after it was said.
    pub(crate) fn waited(&self, room: usize, reader: usize, seq: u64, time: jiff::SignedDuration) {
        let ms = u64::try_from(time.as_millis()).unwrap_or(0);
        self.counts.longest_wait_ms.fetch_max(ms, Relaxed);
        if ms > LATE {
            self.broken(format!(
                "reader {reader} heard {seq} in room {room} {ms} ms after it was said"
            ));
        }
    }

    /// Whether all `hearers` of each room have heard all that was confirmed.
    pub(crate) fn all_heard(&self, hearers: usize) -> bool {
        self.rooms.iter().all(|room| {
            let room = room.lock();
            let last = room.confirmed.iter().max();
            room.places.len() == hearers
                && room.places.values().all(|place| *place == room.heard.len())
                && last.is_none_or(|last| room.heard.last() >= Some(last))
        })
    }

    /// Looks whether everything that was confirmed was heard, and once.
    pub(crate) fn close(&self) {
        for (number, room) in self.rooms.iter().enumerate() {
            let room = room.lock();
            let all = room.heard.len();
            for (reader, place) in room.places.iter().filter(|(_, place)| **place < all) {
                self.broken(format!(
                    "room {number}: reader {reader} has heard {place} of {all}"
                ));
            }
            let mut ids = HashSet::new();
            for (seq, id) in &room.heard {
                if !ids.insert(id) {
                    self.broken(format!(
                        "room {number}: {id:x} was said twice, again at {seq}"
                    ));
                }
            }
            for entry in &room.confirmed {
                if room.heard.binary_search(entry).is_err() {
                    self.broken(format!(
                        "room {number}: {entry:?} was confirmed, and not heard"
                    ));
                }
            }
        }
    }
}
