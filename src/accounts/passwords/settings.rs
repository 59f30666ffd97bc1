//! What a password must be, and how much work a hash is.

use std::time::Duration;

use super::phc::Cost;

/// How passwords are judged and hashed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordSettings {
    /// Memory of one hash, in KiB: 8 for each of `parallelism`, to 1 GiB.
    pub memory_kib: u32,
    /// Passes over that memory: 1 to 20.
    pub iterations: u32,
    /// Lanes of one hash: 1 to 16. They are filled one after the other on one
    /// thread; the threads are for hashes of different people.
    pub parallelism: u32,
    /// Shortest new password, in bytes of its normalised form; at least 1. It
    /// does not bind at login, where the password was chosen long ago.
    pub min_bytes: usize,
    /// Longest password, in bytes of its normalised form. It binds at login
    /// too: lowering it locks out who has a longer one.
    pub max_bytes: usize,
    /// Least zxcvbn score of a new password: 0 (anything) to 4.
    pub min_score: u8,
    /// Words that count for nothing in a new password, whoever chooses it. Each
    /// is looked for in every new password.
    pub context_words: Vec<String>,
    /// Hashing threads, each with an arena of `memory_kib`; 0 means as many
    /// as the process has cores.
    pub threads: usize,
    /// How long a caller may have to wait for its turn. What would wait longer
    /// is refused at once; two places a thread there are always.
    pub queue: Duration,
    /// How long a thread without work keeps its arena.
    pub arena_idle: Duration,
    /// What computes hashes. With [`KernelChoice::Simd`] a thread has
    /// [`hash_simd::Hasher::WIDTH`] arenas, for as many hashes at once.
    pub kernel: KernelChoice,
}

/// What computes hashes; all compute the same ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KernelChoice {
    /// The `argon2` crate.
    Argon2,
    /// `hash-simd`; `argon2` where the machine has neither AVX2 nor AVX-512, or
    /// where the self-test at the start fails.
    Simd,
}

impl PasswordSettings {
    /// 48 MiB, 3 passes, one lane: two and a half times the memory, and once
    /// more the passes, of OWASP's least (19 MiB, 2 passes). 8 to 1024 bytes
    /// of zxcvbn score 3 or 4: OWASP ASVS 5, 6.2.
    #[must_use]
    pub fn recommended() -> Self {
        Self {
            memory_kib: 48 * 1024,
            iterations: 3,
            parallelism: 1,
            min_bytes: 8,
            max_bytes: 1024,
            min_score: 3,
            context_words: Vec::new(),
            threads: 0,
            queue: Duration::from_millis(1_500),
            arena_idle: Duration::from_secs(30),
            kernel: KernelChoice::Argon2,
        }
    }

    /// For tests alone: a hash of 64 KiB and one pass, which protects nobody.
    /// Passwords are judged as [`recommended`](Self::recommended) has it.
    #[must_use]
    pub fn cheap() -> Self {
        Self {
            memory_kib: 64,
            iterations: 1,
            ..Self::recommended()
        }
    }

    /// The cost of a hash, if everything here is within its bounds.
    pub(super) fn check(&self) -> Result<Cost, SettingsError> {
        if self.min_bytes == 0 || self.min_bytes > self.max_bytes {
            return Err(SettingsError::Lengths);
        }
        if self.max_bytes > Self::MAX_BYTES {
            return Err(SettingsError::TooLong);
        }
        if self.min_score > 4 {
            return Err(SettingsError::Score);
        }
        if self.threads > Self::MAX_THREADS {
            return Err(SettingsError::Threads);
        }
        Cost::new(self.memory_kib, self.iterations, self.parallelism).ok_or(SettingsError::Cost)
    }

    /// Most that `max_bytes` may be: 16 KiB, which no person types, and what a
    /// place in the queue may weigh.
    pub const MAX_BYTES: usize = 16 * 1024;

    /// Most hashing threads: 1024.
    pub const MAX_THREADS: usize = 1024;
}

/// Why settings are refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// No hash has this cost.
    #[error(
        "a password hash takes 8 KiB of memory a lane to 1 GiB, 1 to 20 iterations and 1 to 16 lanes"
    )]
    Cost,
    /// No password could be of these lengths.
    #[error("the shortest password has at least 1 byte and is not longer than the longest")]
    Lengths,
    /// A longest password that is out of all reason.
    #[error("the longest password has at most {max} bytes", max = PasswordSettings::MAX_BYTES)]
    TooLong,
    /// zxcvbn has no such score.
    #[error("a zxcvbn score is 0 to 4")]
    Score,
    /// More threads than any machine has cores.
    #[error("there are at most {max} hashing threads", max = PasswordSettings::MAX_THREADS)]
    Threads,
}
