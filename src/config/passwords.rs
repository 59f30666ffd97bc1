use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    bounds::{Bounds, hours, millis, secs},
    duration,
};

/// New passwords, and what hashing one costs.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Passwords {
    /// Argon2id's memory, in KiB; 8 for each lane (RFC 9106) to 1 GiB.
    pub memory_kib: u32,
    /// Argon2id's passes; 1 to 20.
    pub iterations: u32,
    /// Argon2id's lanes; 1 to 16.
    pub parallelism: u32,
    /// Shortest new password, in bytes of UTF-8; 1 to `max_bytes`.
    pub min_bytes: usize,
    /// Longest password, in bytes of UTF-8; 64 (ASVS 5, 6.2.9) to 4,096.
    pub max_bytes: usize,
    /// Least zxcvbn score of a new password; 0 to 4.
    pub min_score: u8,
    /// Words that count for nothing in a new password, as its owner's name does
    /// (ASVS 5, 6.2.11); at most 100, of 1 to 64 bytes.
    pub context_words: Vec<String>,
    /// Hashing threads, at most 1,024; 0 is one for each core.
    pub threads: usize,
    /// Work that may wait, by how long it takes; 10 ms to 60 s.
    #[serde(with = "duration")]
    pub queue: Duration,
    /// After how long without work a thread frees its memory; 1 s to 1 day.
    #[serde(with = "duration")]
    pub arena_idle: Duration,
    /// What computes hashes.
    pub kernel: HashKernel,
}

/// What computes hashes; all compute the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HashKernel {
    /// The `argon2` crate.
    Argon2,
    /// Vector instructions, several hashes at once; `argon2` where there are
    /// none.
    Simd,
}

impl Passwords {
    pub(super) fn check(&self, bounds: &mut Bounds) {
        bounds.number("passwords.parallelism", self.parallelism, 1..=16);
        let least_kib = 8 * self.parallelism.clamp(1, 16);
        bounds.number(
            "passwords.memory_kib",
            self.memory_kib,
            least_kib..=1024 * 1024,
        );
        bounds.number("passwords.iterations", self.iterations, 1..=20);
        bounds.number("passwords.max_bytes", self.max_bytes, 64..=4096);
        bounds.number("passwords.min_bytes", self.min_bytes, 1..=4096);
        bounds.together(
            "passwords.min_bytes",
            &["passwords.max_bytes"],
            self.min_bytes <= self.max_bytes,
            "is more than",
        );
        bounds.number("passwords.min_score", self.min_score, 0..=4);
        bounds.require(
            "passwords.context_words",
            self.context_words.len() <= 100
                && self
                    .context_words
                    .iter()
                    .all(|word| (1..=64).contains(&word.len())),
            "expected at most 100 words of 1 to 64 bytes",
        );
        bounds.number("passwords.threads", self.threads, 0..=1024);
        bounds.duration("passwords.queue", self.queue, millis(10)..=secs(60));
        bounds.duration("passwords.arena_idle", self.arena_idle, secs(1)..=hours(24));
    }
}
