use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    bounds::{Bounds, hours},
    duration,
};

/// The audit log.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Audit {
    /// How long records are kept in the store; zero keeps none there, else 1 h
    /// to 3,650 days.
    #[serde(with = "duration")]
    pub retention: Duration,
    /// Refusals that a node records one by one in a minute; 1 to 100,000.
    pub refusals_per_minute: u32,
}

impl Audit {
    pub(super) fn check(&self, bounds: &mut Bounds) {
        if !self.retention.is_zero() {
            bounds.duration(
                "audit.retention",
                self.retention,
                hours(1)..=hours(24 * 3650),
            );
        }
        bounds.number(
            "audit.refusals_per_minute",
            self.refusals_per_minute,
            1..=100_000,
        );
    }
}
