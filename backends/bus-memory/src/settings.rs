//! What a bus needs to know.

use std::time::Duration;

/// How far listeners may fall behind, and what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MemorySettings {
    /// How many messages a listener may fall behind; at least 1.
    pub capacity: usize,
    /// Messages of each room that are kept; 0 keeps none.
    pub history: usize,
    /// No message is kept longer than this.
    pub history_age: Duration,
    /// What may be kept of all rooms together, in bytes: the payloads, and
    /// what each message and each room costs besides. Beyond it, rooms that
    /// were silent longest give up all they have.
    pub history_bytes: u64,
}

impl Default for MemorySettings {
    /// 100 messages behind, the last 100 of each room for 24 hours, 64 MiB.
    fn default() -> Self {
        Self {
            capacity: 100,
            history: 100,
            history_age: Duration::from_secs(24 * 3600),
            history_bytes: 64 << 20,
        }
    }
}
