//! The way in: start the threads, take a place, present a password.

use std::{fmt, io, sync::Arc, time::Duration};

use contract::StoredHash;

use super::{
    instruments::Timings,
    kernel::Kernel,
    permit::{HashError, Permit},
    phc::{Cost, UnreadableHash},
    policy::Presented,
    pool::{Pool, PoolSettings, Stats},
    settings::{PasswordSettings, SettingsError},
    stored::Stored,
};

/// Hashes and verifies passwords on threads of its own. A clone is a handle to
/// the same threads; they end with the last handle and [`Permit`].
#[derive(Clone)]
pub struct PasswordService {
    pool: Pool,
    shared: Arc<Shared>,
}

struct Shared {
    settings: PasswordSettings,
    cost: Cost,
}

impl PasswordService {
    /// Time to write a block of 1 KiB once, in nanoseconds: 54 ms for the
    /// 147,456 of a hash of 48 MiB and 3 iterations. It is a first guess, for
    /// the length of the queue until some hashes have been measured.
    const NANOSECONDS_PER_BLOCK: u64 = 366;

    /// Starts the threads. No password is hashed, no arena is mapped and no
    /// random byte is drawn (the first costs the CSPRNG 30 ms) until somebody
    /// comes: starting takes no time, and the self-test of
    /// [`KernelChoice::Simd`](super::KernelChoice::Simd) less than a millisecond.
    ///
    /// # Errors
    /// [`StartError`].
    pub fn start(settings: PasswordSettings) -> Result<Self, StartError> {
        let cost = settings.check()?;
        let threads = match settings.threads {
            0 => std::thread::available_parallelism().map_or(1, usize::from),
            threads => threads,
        };
        let pool = Pool::start(&PoolSettings {
            threads,
            queue: settings.queue,
            arena_idle: settings.arena_idle,
            arena_bytes: cost.bytes(),
            kernel: Kernel::new(settings.kernel),
            usual_blocks: cost.blocks_written(),
            expected: Duration::from_nanos(cost.blocks_written() * Self::NANOSECONDS_PER_BLOCK),
        })
        .map_err(StartError::Thread)?;
        let shared = Arc::new(Shared { settings, cost });
        Ok(Self { pool, shared })
    }

    /// Takes a place in the queue, before anything else is touched for a
    /// request.
    ///
    /// # Errors
    /// [`HashError::Busy`], at once, if there is none.
    pub fn reserve(&self) -> Result<Permit, HashError> {
        Ok(Permit::new(self.pool.reserve()?, self.clone()))
    }

    /// The same for anybody at all. A quarter of the places stays free for
    /// those of whom something is known, so that strangers, however many, keep
    /// nobody out whom [`reserve`](Self::reserve) is for.
    ///
    /// # Errors
    /// [`HashError::Busy`], at once, if there is none.
    pub fn reserve_for_stranger(&self) -> Result<Permit, HashError> {
        Ok(Permit::new(self.pool.reserve_for_stranger()?, self.clone()))
    }

    /// Takes what a person typed to sign in. Whether it can be a password at
    /// all shows only in the verdict.
    #[must_use]
    pub fn present(&self, typed: &str) -> Presented {
        Presented::new(typed, self.settings())
    }

    /// Whether a stored hash can be verified at all, without any work.
    ///
    /// # Errors
    /// [`UnreadableHash`]
    pub fn check(stored: &StoredHash) -> Result<(), UnreadableHash> {
        Stored::parse(stored).map(drop)
    }

    /// What the threads do, and have done.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.pool.stats()
    }

    pub(super) fn timings(&self) -> &Timings {
        self.pool.timings()
    }

    pub(super) fn settings(&self) -> &PasswordSettings {
        &self.shared.settings
    }

    /// How much work a hash made today is.
    pub(super) fn cost(&self) -> Cost {
        self.shared.cost
    }
}

impl fmt::Debug for PasswordService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordService")
            .field("settings", self.settings())
            .field("stats", &self.stats())
            .finish()
    }
}

/// Why passwords can't be hashed at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The settings are out of bounds.
    #[error("the settings for passwords are out of bounds")]
    Settings(#[from] SettingsError),
    /// The system refuses a hashing thread.
    #[error("a hashing thread can't be started")]
    Thread(#[source] io::Error),
}
