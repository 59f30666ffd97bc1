//! What is counted and measured of the hashing threads.

use std::time::Duration;

use super::{PasswordService, Stats};
use crate::telemetry::metrics::{Histogram, Registry, counter, gauge};

/// Bounds of the times of hashes and of waiting for them, in seconds: a hash of
/// 48 MiB takes some 50 ms, and who would wait 1.5 s is refused.
const SECONDS: [f64; 9] = [0.005, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56];

/// How long hashes take, and how long they wait for their turn.
#[derive(Debug, Clone)]
pub(super) struct Timings {
    waited: Histogram,
    took: Histogram,
}

impl Default for Timings {
    fn default() -> Self {
        Self {
            waited: Histogram::new(SECONDS),
            took: Histogram::new(SECONDS),
        }
    }
}

impl Timings {
    pub(super) fn waited(&self, time: Duration) {
        self.waited.observe(time.as_secs_f64());
    }

    pub(super) fn took(&self, time: Duration) {
        self.took.observe(time.as_secs_f64());
    }
}

impl PasswordService {
    /// Makes known what is counted and measured of the threads.
    pub fn register(&self, registry: &mut Registry) {
        let timings = self.timings();
        registry.register(
            "password_hash_duration_seconds",
            "What a hash took a hashing thread, with the judging of a new password",
            timings.took.clone(),
        );
        registry.register(
            "password_queue_wait_seconds",
            "From when a hash was asked for to when a hashing thread took it up",
            timings.waited.clone(),
        );
        let mut register = |name, help, look: fn(&Stats) -> usize| {
            let passwords = self.clone();
            registry.register(
                name,
                help,
                gauge(move || Some(look(&passwords.stats()) as f64)),
            );
        };
        register("password_threads", "Hashing threads", |stats| stats.threads);
        register(
            "password_threads_busy",
            "Hashing threads that hash",
            |stats| stats.busy,
        );
        register(
            "password_queue_places",
            "Places in the hashing queue, from how long hashes take of late",
            |stats| stats.places,
        );
        register(
            "password_queue_taken",
            "Places that are taken: reserved, waiting, or being hashed",
            |stats| stats.taken,
        );
        register(
            "password_queue_waiting",
            "Hashes that wait for a thread",
            |stats| stats.waiting,
        );
        register(
            "password_arena_bytes",
            "Memory that hashing threads hold",
            |stats| stats.arena_bytes,
        );
        let mut register = |name, help, look: fn(&Stats) -> u64| {
            let passwords = self.clone();
            registry.register(name, help, counter(move || look(&passwords.stats()) as f64));
        };
        register(
            "password_jobs_done",
            "Hashes that were made or verified, and new passwords that were refused",
            |stats| stats.done,
        );
        register(
            "password_jobs_skipped",
            "Hashes that were not begun, because whoever asked had gone",
            |stats| stats.skipped,
        );
        register(
            "password_queue_refused",
            "Requests that found no place in the hashing queue, and were told to come back",
            |stats| stats.refused,
        );
    }
}
