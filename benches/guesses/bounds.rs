//! How many guesses the limits let through at most.

use std::time::Duration;

use service::{accounts::guesses::SHARES, config::Limits};

/// Guesses that may be hashed in that time: of each account what its strangers'
/// shares let through, and of each address what it may send.
pub(crate) fn hashed_at_most(
    limits: &Limits,
    time: Duration,
    accounts: u32,
    addresses: u32,
) -> u64 {
    let of_accounts = of_share(limits, time) * u64::from(SHARES) * u64::from(accounts);
    let per_minute = u64::from(limits.logins_per_minute);
    // So many at once, and one more for each part of a minute that is over.
    let later = u64::try_from(time.as_millis()).unwrap_or(u64::MAX) * per_minute / 60_000;
    of_accounts.min((per_minute + later) * u64::from(addresses))
}

/// Of one share: those that are free, and then one after each delay.
fn of_share(limits: &Limits, time: Duration) -> u64 {
    let mut guesses = u64::from(limits.free_failures);
    let mut delay = limits.failure_delay;
    let mut next = delay;
    while next <= time {
        guesses += 1;
        delay = (delay * 2).min(limits.max_failure_delay);
        next += delay;
    }
    guesses
}
