//! Attempts to give a password, counted so that guessing is slow, and the
//! [`AttemptStore`].

use std::{fmt, time::Duration};

use async_trait::async_trait;
use jiff::{SignedDuration, Timestamp};

use crate::StoreError;

/// A keyed hash of a name, an address or a session: the same for the same, and
/// it tells nobody without the key of what. People type passwords where names
/// belong, so no name is kept as it was typed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Pseudonym(pub [u8; 32]);

impl fmt::Debug for Pseudonym {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pseudonym(..)")
    }
}

/// How failures delay the next attempt: not at all while they are few, then
/// each twice as long as the one before, up to a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// Attempts in a row that nothing delays; at least 1.
    pub free: u32,
    /// The delay after the last of them.
    pub first: Duration,
    /// No delay is longer.
    pub longest: Duration,
    /// So long after the last attempt nothing is left of it.
    pub forgotten_after: Duration,
}

/// What is kept of the attempts on one budget.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempts {
    /// How many failed, or are under way.
    pub failures: u32,
    /// When the last one was admitted.
    pub last: Timestamp,
    /// When the next one is.
    pub next: Timestamp,
}

impl Backoff {
    /// How long no further attempt is admitted after so many failures.
    #[must_use]
    pub fn delay(&self, failures: u32) -> Duration {
        let Some(doublings) = failures.checked_sub(self.free) else {
            return Duration::ZERO;
        };
        let factor = 1u32.checked_shl(doublings).unwrap_or(u32::MAX);
        self.first.saturating_mul(factor).min(self.longest)
    }

    /// What there is to keep once an attempt at `now` is admitted. It is counted
    /// as failed before it is made, so that none is ever made that isn't counted.
    ///
    /// # Errors
    /// When it will be admitted, if not now.
    pub fn admit(&self, kept: Option<Attempts>, now: Timestamp) -> Result<Attempts, Timestamp> {
        let after = |since: Timestamp, time: Duration| {
            let time = SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX);
            since.checked_add(time).unwrap_or(NEVER)
        };
        let kept = kept.filter(|kept| now < after(kept.last, self.forgotten_after));
        // Calls at once may come in another order than their times: only what
        // delays anything is held against one that is a moment older.
        if let Some(kept) = kept
            && !self.delay(kept.failures).is_zero()
            && now < kept.next
            // Or whoever counted it had a clock that was far ahead.
            && kept.next <= after(now, self.longest.saturating_mul(2))
        {
            return Err(kept.next);
        }
        let failures = kept.map_or(0, |kept| kept.failures).saturating_add(1);
        Ok(Attempts {
            failures,
            last: kept.map_or(now, |kept| kept.last.max(now)),
            next: after(now, self.delay(failures)),
        })
    }
}

/// The last second of time, which stores can keep.
const NEVER: Timestamp = Timestamp::constant(253_402_207_200, 0);

/// Somebody is about to give a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// Whose password it is to be.
    pub account: Pseudonym,
    /// Where it comes from. If the account signed in from there lately, this is
    /// the budget that the attempt is counted on.
    pub source: Pseudonym,
    /// The budget otherwise, which strangers share.
    pub strangers: Pseudonym,
    /// Sign-ins after this are "lately".
    pub known_since: Timestamp,
    /// How failures delay what comes after them.
    pub backoff: Backoff,
    /// The time of the attempt.
    pub now: Timestamp,
}

/// What became of [`AttemptStore::admit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It may be made, and is counted as failed, on this budget.
    Admitted(Pseudonym),
    /// It may not be made before that time, and is not counted.
    Delayed(Timestamp),
}

/// An attempt that was admitted has succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Success {
    /// Whose password it was.
    pub account: Pseudonym,
    /// What it was counted on.
    pub budget: Pseudonym,
    /// From where the account is known to sign in from now on, if from anywhere.
    pub source: Option<Pseudonym>,
    /// The time of the sign-in.
    pub now: Timestamp,
}

/// Counts attempts to give a password, for all nodes together.
///
/// It knows neither names nor addresses, and so not whether there is such an
/// account. A confirmed write is durable: it survives `kill -9` and loss of power.
#[async_trait]
pub trait AttemptStore: Send + Sync + 'static {
    /// Counts an attempt, or says when to come back, as [`Backoff::admit`] has
    /// it. Of any number of concurrent calls, no more are admitted than would be
    /// one after the other.
    async fn admit(&self, attempt: &Attempt) -> Result<Admission, StoreError>;

    /// Whether the account signed in from that source after `since`.
    async fn knows(
        &self,
        account: Pseudonym,
        source: Pseudonym,
        since: Timestamp,
    ) -> Result<bool, StoreError>;

    /// Forgets what was counted on the budget, and remembers the source. Of an
    /// account's sources the last [`MAX_SOURCES`] are remembered.
    async fn succeed(&self, success: &Success) -> Result<(), StoreError>;

    /// Forgets budgets whose last attempt was at or before `before`, and the
    /// oldest of those that are more than `keep`; returns how many.
    async fn purge_attempts(&self, before: Timestamp, keep: u32) -> Result<u64, StoreError>;

    /// Forgets sources of the last sign-in at or before `before`; returns how many.
    async fn purge_sources(&self, before: Timestamp) -> Result<u64, StoreError>;
}

/// From how many places an account is known to sign in.
pub const MAX_SOURCES: u32 = 32;
