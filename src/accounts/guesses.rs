//! Guessing passwords is slow: each attempt on an account is counted, before it
//! is made, in the store that all nodes share.
//!
//! An account has several budgets, and each has its own delay:
//! - one for each address from which it signed in lately, so that whoever
//!   guesses elsewhere keeps no owner out;
//! - one for each of its sessions, in which the current password is given to
//!   change it;
//! - [`SHARES`] that all other addresses share. Which one an address has is
//!   told by a keyed hash of the account and the neighbourhood (IPv4 /16, IPv6
//!   /32), so whoever guesses from one provider takes one share of the account's
//!   strangers, and nobody knows whose.
//!
//! Names that nobody has are counted like the others. Disabling an account
//! changes nothing here.

use std::{fmt, sync::Arc, time::Duration};

use aws_lc_rs::hmac;
use contract::{
    Admission, Attempt, AttemptStore, Backoff, Pseudonym, SessionId, StoreError, Success,
    Timestamp, Username,
};
use jiff::SignedDuration;
use tokio::sync::Semaphore;

use super::{AccountsError, Caller};
use crate::limits::Network;

/// How many budgets the addresses of an account have that it doesn't know.
pub const SHARES: u8 = 8;

/// How many may be asked for at once whether they are known.
const LOOKUPS: usize = 4;

/// How attempts are counted.
#[derive(Debug, Clone, Copy)]
pub struct GuessSettings {
    /// How failures delay the next attempt; `first` zero is not at all, and
    /// nothing is counted.
    pub backoff: Backoff,
    /// How long an address is known since the last sign-in from there.
    pub known_address: Duration,
}

/// Counts attempts to give a password.
pub struct Guesses {
    store: Arc<dyn AttemptStore>,
    key: hmac::Key,
    settings: GuessSettings,
    lookups: Semaphore,
}

/// An attempt that may be made, and counts as failed until it has succeeded.
#[must_use = "an attempt that succeeds is to be told so"]
pub struct Counted(Option<Success>);

impl Guesses {
    /// Counts in `store`, under names that only `key` makes.
    #[must_use]
    pub fn new(store: Arc<dyn AttemptStore>, key: hmac::Key, settings: GuessSettings) -> Self {
        Self {
            store,
            key,
            settings,
            lookups: Semaphore::new(LOOKUPS),
        }
    }

    /// Somebody is about to sign in.
    ///
    /// # Errors
    /// `TooManyAttempts`, or a failure.
    pub async fn login(
        &self,
        name: &Username,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Counted, AccountsError> {
        let network = caller.address.map(Network::of);
        let near = network.map(Network::neighbourhood).map(Network::octets);
        let near = self.pseudonym("share", name, &near.unwrap_or_default());
        let strangers = self.pseudonym("strangers", name, &[near.0[0] % SHARES]);
        let known = network.map(|network| self.address(name, network));
        let source = known.unwrap_or(strangers);
        self.admit(name, source, strangers, known, now).await
    }

    /// Whether the account signed in lately from where somebody is. Asked where
    /// nothing else is done for strangers any more, so it costs the store little
    /// however many ask: whoever is one too many is unknown.
    ///
    /// # Errors
    /// A failure.
    pub async fn knows(
        &self,
        name: &Username,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<bool, StoreError> {
        let since = before(now, self.settings.known_address);
        let (Some(address), Ok(_lookup)) = (caller.address, self.lookups.try_acquire()) else {
            return Ok(false);
        };
        let source = self.address(name, Network::of(address));
        self.store.knows(self.account(name), source, since).await
    }

    /// Somebody who is signed in is about to give the current password.
    ///
    /// # Errors
    /// `TooManyAttempts`, or a failure.
    pub async fn in_session(
        &self,
        name: &Username,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Counted, AccountsError> {
        let budget = self.pseudonym("session", name, session.0.as_bytes());
        self.admit(name, budget, budget, None, now).await
    }

    /// The password was right.
    ///
    /// # Errors
    /// A failure.
    pub async fn succeeded(&self, counted: Counted, now: Timestamp) -> Result<(), StoreError> {
        match counted.0 {
            Some(success) => self.store.succeed(&Success { now, ..success }).await,
            None => Ok(()),
        }
    }

    /// Forgets what no longer matters, and the oldest of what is too much;
    /// returns how much that was.
    ///
    /// # Errors
    /// A failure.
    pub async fn purge(&self, now: Timestamp) -> Result<u64, StoreError> {
        let attempts = before(now, self.settings.backoff.forgotten_after);
        let attempts = self.store.purge_attempts(attempts, MAX_BUDGETS).await?;
        let sources = before(now, self.settings.known_address);
        Ok(attempts + self.store.purge_sources(sources).await?)
    }

    async fn admit(
        &self,
        name: &Username,
        source: Pseudonym,
        strangers: Pseudonym,
        known: Option<Pseudonym>,
        now: Timestamp,
    ) -> Result<Counted, AccountsError> {
        let GuessSettings {
            backoff,
            known_address,
        } = self.settings;
        if backoff.first.is_zero() {
            return Ok(Counted(None));
        }
        let attempt = Attempt {
            account: self.account(name),
            source,
            strangers,
            known_since: before(now, known_address),
            backoff,
            now,
        };
        match self.store.admit(&attempt).await? {
            Admission::Admitted(budget) => Ok(Counted(Some(Success {
                account: attempt.account,
                budget,
                source: known.filter(|_| !known_address.is_zero()),
                now,
            }))),
            Admission::Delayed(until) => {
                let retry_after = until.duration_since(now);
                let retry_after = Duration::try_from(retry_after).unwrap_or_default();
                tracing::info!(
                    seconds = retry_after.as_secs(),
                    "too many wrong passwords: an attempt was refused"
                );
                Err(AccountsError::TooManyAttempts { retry_after })
            }
        }
    }

    fn account(&self, name: &Username) -> Pseudonym {
        self.pseudonym("account", name, &[])
    }

    fn address(&self, name: &Username, network: Network) -> Pseudonym {
        self.pseudonym("address", name, &network.octets())
    }

    fn pseudonym(&self, what: &str, name: &Username, more: &[u8]) -> Pseudonym {
        let mut context = hmac::Context::with_key(&self.key);
        // A name has no control characters: nothing runs into what follows.
        for part in [
            what.as_bytes(),
            b"\0",
            name.as_str().as_bytes(),
            b"\0",
            more,
        ] {
            context.update(part);
        }
        let mut pseudonym = [0; 32];
        pseudonym.copy_from_slice(context.sign().as_ref());
        Pseudonym(pseudonym)
    }
}

/// Budgets that are kept: 100 to 200 MB of a store. What comes between two
/// purges is bounded by what the nodes can hash, since whatever is counted anew
/// is hashed.
const MAX_BUDGETS: u32 = 1_000_000;

fn before(now: Timestamp, time: Duration) -> Timestamp {
    SignedDuration::try_from(time)
        .ok()
        .and_then(|time| now.checked_sub(time).ok())
        .unwrap_or(Timestamp::MIN)
}

impl fmt::Debug for Guesses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guesses")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
