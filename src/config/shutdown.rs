use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    bounds::{Bounds, mins, secs},
    duration,
};

/// The way from SIGTERM to the end. The three are at most 10 min each, and
/// `drain_delay` and `close_jitter` together fit into `deadline`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shutdown {
    /// From failing readiness to closing the listener.
    #[serde(with = "duration")]
    pub drain_delay: Duration,
    /// Sockets are closed spread over this.
    #[serde(with = "duration")]
    pub close_jitter: Duration,
    /// Everything is over after this, counted from the signal; at least 1 s.
    #[serde(with = "duration")]
    pub deadline: Duration,
}

impl Shutdown {
    pub(super) fn check(&self, bounds: &mut Bounds) {
        let longest = mins(10);
        bounds.duration("shutdown.drain_delay", self.drain_delay, secs(0)..=longest);
        bounds.duration(
            "shutdown.close_jitter",
            self.close_jitter,
            secs(0)..=longest,
        );
        bounds.duration("shutdown.deadline", self.deadline, secs(1)..=longest);
        bounds.together(
            "shutdown.deadline",
            &["shutdown.drain_delay", "shutdown.close_jitter"],
            self.drain_delay.saturating_add(self.close_jitter) <= self.deadline,
            "is shorter than the sum of",
        );
    }
}
