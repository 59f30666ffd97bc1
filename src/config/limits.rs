use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    bounds::{Bounds, hours, millis, secs},
    duration,
};

/// What one client, or one account, may ask for.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// Logins a minute from one address; 0, none, to 1,000,000.
    pub logins_per_minute: u32,
    /// Registrations a minute from one address; 0, none, to 1,000,000.
    pub registrations_per_minute: u32,
    /// Refreshes a minute from one address; 0, none, to 1,000,000.
    pub refreshes_per_minute: u32,
    /// Sockets asked for a minute from one address; 0, none, to 1,000,000.
    pub connects_per_minute: u32,
    /// Refreshes a minute of one user; 0, none, to 1,000,000.
    pub user_refreshes_per_minute: u32,
    /// Sockets asked for a minute by one user; 0, none, to 1,000,000.
    pub user_connects_per_minute: u32,
    /// Wrong passwords in a row that nothing delays; 1 to 1,000.
    pub free_failures: u32,
    /// The delay after the last of them; zero, none, to 1 h.
    #[serde(with = "duration")]
    pub failure_delay: Duration,
    /// The longest delay; `failure_delay` to 24 h.
    #[serde(with = "duration")]
    pub max_failure_delay: Duration,
    /// After how long without an attempt failures are forgotten;
    /// `max_failure_delay` to 90 days.
    #[serde(with = "duration")]
    pub failures_forgotten: Duration,
    /// How long an address is known since the last sign-in from there; zero,
    /// none is, to 365 days.
    #[serde(with = "duration")]
    pub known_address: Duration,
}

impl Limits {
    pub(super) fn check(&self, bounds: &mut Bounds) {
        for (key, rate) in [
            ("limits.logins_per_minute", self.logins_per_minute),
            (
                "limits.registrations_per_minute",
                self.registrations_per_minute,
            ),
            ("limits.refreshes_per_minute", self.refreshes_per_minute),
            ("limits.connects_per_minute", self.connects_per_minute),
            (
                "limits.user_refreshes_per_minute",
                self.user_refreshes_per_minute,
            ),
            (
                "limits.user_connects_per_minute",
                self.user_connects_per_minute,
            ),
        ] {
            bounds.number(key, rate, 0..=1_000_000);
        }
        bounds.number("limits.free_failures", self.free_failures, 1..=1000);
        bounds.duration(
            "limits.failure_delay",
            self.failure_delay,
            secs(0)..=hours(1),
        );
        bounds.duration(
            "limits.max_failure_delay",
            self.max_failure_delay,
            millis(1)..=hours(24),
        );
        bounds.together(
            "limits.max_failure_delay",
            &["limits.failure_delay"],
            self.max_failure_delay >= self.failure_delay,
            "is shorter than",
        );
        bounds.duration(
            "limits.failures_forgotten",
            self.failures_forgotten,
            millis(1)..=hours(24 * 90),
        );
        // Or waiting for it were quicker than the delay.
        bounds.together(
            "limits.failures_forgotten",
            &["limits.max_failure_delay"],
            self.failures_forgotten >= self.max_failure_delay,
            "is shorter than",
        );
        bounds.duration(
            "limits.known_address",
            self.known_address,
            secs(0)..=hours(24 * 365),
        );
    }
}
