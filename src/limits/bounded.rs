//! Counts of clients, in bounded memory.
//!
//! Whoever has a large network could have each of its addresses counted, and so
//! fill the memory. So only so many are counted by themselves; while there are
//! more, newcomers are counted by the crowd: together with their neighbours.

use std::hash::{BuildHasher, RandomState};

use governor::{
    nanos::Nanos,
    state::{
        StateStore,
        keyed::{DashMapStateStore, ShrinkableKeyedStateStore},
    },
};

use super::Client;

/// Clients that are counted by themselves: 10 MiB of each limit at most.
const CLIENTS: usize = 100_000;

/// Crowds there are. Which one a client is in nobody knows outside of this
/// process, and it is another after a restart.
const CROWDS: u64 = 4096;

/// Counts by client, or by crowd.
pub(super) struct Bounded<K: Client> {
    clients: DashMapStateStore<K>,
    crowds: DashMapStateStore<u64>,
    most: usize,
    hasher: RandomState,
}

impl<K: Client> Bounded<K> {
    pub(super) fn new() -> Self {
        Self::with(CLIENTS)
    }

    fn with(most: usize) -> Self {
        Self {
            clients: DashMapStateStore::default(),
            crowds: DashMapStateStore::default(),
            most,
            hasher: RandomState::new(),
        }
    }
}

impl<K: Client> StateStore for Bounded<K> {
    type Key = K;

    fn measure_and_replace<T, F, E>(&self, client: &K, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        if self.clients.contains_key(client) || self.clients.len() < self.most {
            return self.clients.measure_and_replace(client, f);
        }
        let crowd = self.hasher.hash_one(client.crowd()) % CROWDS;
        self.crowds.measure_and_replace(&crowd, f)
    }
}

impl<K: Client> ShrinkableKeyedStateStore<K> for Bounded<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        self.clients.retain_recent(drop_below);
        self.crowds.retain_recent(drop_below);
    }

    fn shrink_to_fit(&self) {
        self.clients.shrink_to_fit();
    }

    fn len(&self) -> usize {
        self.clients.len() + self.crowds.len()
    }

    fn is_empty(&self) -> bool {
        self.clients.is_empty() && self.crowds.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use std::{num::NonZeroU32, time::Duration};

    use governor::{Quota, RateLimiter, clock::FakeRelativeClock, middleware::NoOpMiddleware};

    use super::{super::Network, *};

    fn client(number: u32) -> Network {
        let [a, b, c, d] = number.to_be_bytes();
        Network::of([10 + a, b, c, d].into())
    }

    #[test]
    fn whoever_comes_when_it_is_full_is_counted_with_the_neighbours() {
        let clock = FakeRelativeClock::default();
        let quota = Quota::per_minute(NonZeroU32::new(2).unwrap());
        let limiter: RateLimiter<_, _, _, NoOpMiddleware<Nanos>> =
            RateLimiter::new(quota, Bounded::with(10), clock.clone());
        for number in 0..10 {
            limiter.check_key(&client(number)).unwrap();
        }
        // Two of a crowd may, whichever they are.
        assert!(limiter.check_key(&client(100)).is_ok());
        assert!(limiter.check_key(&client(101)).is_ok());
        for number in 102..1000 {
            assert!(limiter.check_key(&client(number)).is_err());
        }
        assert_eq!(limiter.len(), 11);
        // Whoever was there before is still counted alone.
        assert!(limiter.check_key(&client(5)).is_ok());
        assert!(limiter.check_key(&client(5)).is_err());

        // Once they are as good as new they are forgotten.
        limiter.retain_recent();
        assert_eq!(limiter.len(), 11);
        clock.advance(Duration::from_secs(120));
        limiter.retain_recent();
        assert_eq!(limiter.len(), 0);
        assert!(limiter.check_key(&client(1000)).is_ok());
        assert_eq!(limiter.len(), 1);
    }
}
