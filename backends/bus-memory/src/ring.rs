//! The messages of a room that are kept.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::Duration,
};

use contract::{Envelope, Message, MessageKey};
use tokio::time::Instant;

/// What a message costs beside its payload: the envelope, the allocations, and
/// its share of the ring. Measured, and rounded up.
const MESSAGE: u64 = 256;

/// What the key of a message costs.
const KEY: u64 = 64;

/// What a room costs of which something is kept.
const ROOM: u64 = 512;

/// The last messages of a room, the oldest first.
pub(crate) struct Ring {
    kept: VecDeque<Kept>,
    /// The numbers of those that have a key.
    keys: HashMap<MessageKey, u64>,
    /// What they all cost.
    bytes: u64,
    /// Whatever was said up to this number, and is not among `kept`, is gone.
    dropped: u64,
}

struct Kept {
    seq: u64,
    at: Instant,
    envelope: Arc<Envelope>,
}

fn cost(message: &Message) -> u64 {
    let payload = u64::try_from(message.data.len()).unwrap_or(u64::MAX);
    let key = if message.key.is_some() { KEY } else { 0 };
    payload.saturating_add(MESSAGE + key)
}

impl Ring {
    /// Of a room in which whatever was said up to that number is gone.
    pub(crate) fn new(dropped: u64) -> Self {
        Self {
            kept: VecDeque::new(),
            keys: HashMap::new(),
            bytes: 0,
            dropped,
        }
    }

    /// What it costs to keep this.
    pub(crate) fn bytes(&self) -> u64 {
        if self.kept.is_empty() {
            0
        } else {
            self.bytes + ROOM
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// The number of the oldest, and when it was said.
    pub(crate) fn oldest(&self) -> Option<(u64, Instant)> {
        self.kept.front().map(|kept| (kept.seq, kept.at))
    }

    /// The number of the newest.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.kept.back().map(|kept| kept.seq)
    }

    /// The number of the message with that key.
    pub(crate) fn said(&self, key: MessageKey) -> Option<u64> {
        self.keys.get(&key).copied()
    }

    /// Keeps a message, as one of the last `most`.
    pub(crate) fn push(&mut self, seq: u64, at: Instant, envelope: &Arc<Envelope>, most: usize) {
        if most == 0 {
            self.dropped = seq;
            return;
        }
        while self.kept.len() >= most {
            self.drop_oldest();
        }
        self.bytes += cost(&envelope.message);
        if let Some(key) = envelope.message.key {
            self.keys.insert(key, seq);
        }
        self.kept.push_back(Kept {
            seq,
            at,
            envelope: Arc::clone(envelope),
        });
    }

    pub(crate) fn drop_oldest(&mut self) {
        let Some(Kept { seq, envelope, .. }) = self.kept.pop_front() else {
            return;
        };
        self.dropped = seq;
        self.bytes -= cost(&envelope.message);
        if let Some(key) = envelope.message.key {
            self.keys.remove(&key);
        }
        if self.kept.is_empty() {
            // The allocations too.
            *self = Self::new(seq);
        }
    }

    /// Drops what is as old as `age`.
    pub(crate) fn expire(&mut self, now: Instant, age: Duration) {
        while self
            .oldest()
            .is_some_and(|(_, at)| now.duration_since(at) >= age)
        {
            self.drop_oldest();
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::new(self.newest().unwrap_or(self.dropped));
    }

    /// Everything that was said after that number; `None` if not all of it is
    /// kept.
    pub(crate) fn since(&self, seq: u64) -> Option<Vec<Arc<Envelope>>> {
        (self.dropped <= seq).then(|| self.from(self.kept.partition_point(|kept| kept.seq <= seq)))
    }

    pub(crate) fn all(&self) -> Vec<Arc<Envelope>> {
        self.from(0)
    }

    fn from(&self, first: usize) -> Vec<Arc<Envelope>> {
        self.kept
            .range(first..)
            .map(|kept| Arc::clone(&kept.envelope))
            .collect()
    }
}
