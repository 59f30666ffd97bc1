use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    bounds::Bounds,
    duration,
    history::{self, check_capacity, check_history},
    kind::{Kind, Settings},
};

/// A bus inside this process.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Messages that a listener may fall behind before it misses some;
    /// 1 to 65,536. A room costs about 70 bytes for each.
    pub capacity: usize,
    /// Messages of each room that are kept for listeners who come back; at
    /// most 10,000, 0 keeps none.
    #[serde(default = "history")]
    pub history: usize,
    /// No message is kept longer than this; 1 min to 365 days.
    #[serde(with = "duration", default = "history::age")]
    pub history_age: Duration,
    /// Bytes that may be kept of all rooms together; 1 MiB to 1 TiB. Beyond
    /// it, rooms that were silent longest give up all that is kept of them.
    #[serde(default = "history_bytes")]
    pub history_bytes: u64,
}

pub(super) const KIND: Kind = Kind::of::<Memory>(
    "bus",
    "memory",
    &["capacity", "history", "history_age", "history_bytes"],
);

// Not set in `defaults.toml`: what is set there holds for every kind that has
// the key, and the default of another kind may be another.
const fn history() -> usize {
    100
}

const fn history_bytes() -> u64 {
    64 << 20
}

impl Settings for Memory {
    fn check(&self, bounds: &mut Bounds) {
        check_capacity(self.capacity, bounds);
        check_history(self.history, self.history_age, bounds);
        bounds.number("bus.history_bytes", self.history_bytes, 1 << 20..=1 << 40);
    }
}
