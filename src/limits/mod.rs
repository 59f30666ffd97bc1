//! How often one address may ask, and one user. In this process alone: with
//! several nodes behind a load balancer it is as often at each of them.
//!
//! | file | what it holds |
//! |---|---|
//! | [`network`] | what of an address tells clients apart |
//! | `bounded` | the counts, in bounded memory |

mod bounded;
pub mod network;

use std::{fmt, hash::Hash, net::IpAddr, num::NonZeroU32, time::Duration};

use contract::UserId;
use governor::{
    Quota, RateLimiter,
    clock::{Clock, DefaultClock},
};

use self::bounded::Bounded;
pub use self::network::Network;

/// What is limited, each by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// A name and a password are sent to sign in.
    Login,
    /// An account is to be made.
    Register,
    /// A refresh token is sent.
    Refresh,
    /// A socket is asked for.
    Connect,
}

/// Requests a minute; 0 is no limit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Rates {
    /// [`Action::Login`], of one address.
    pub logins: u32,
    /// [`Action::Register`], of one address.
    pub registrations: u32,
    /// [`Action::Refresh`], of one address.
    pub refreshes: u32,
    /// [`Action::Connect`], of one address.
    pub connects: u32,
    /// [`Action::Refresh`] with valid tokens, of one user.
    pub user_refreshes: u32,
    /// [`Action::Connect`] with valid tokens, of one user.
    pub user_connects: u32,
}

/// Too many requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many requests")]
pub struct TooMany {
    /// When the next one is taken.
    pub retry_after: Duration,
}

/// How often one address may ask, and one user.
pub struct Limits {
    logins: Limit<Network>,
    registrations: Limit<Network>,
    refreshes: Limit<Network>,
    connects: Limit<Network>,
    user_refreshes: Limit<UserId>,
    user_connects: Limit<UserId>,
}

impl Limits {
    /// Nobody has asked for anything yet.
    #[must_use]
    pub fn new(rates: Rates) -> Self {
        Self {
            logins: Limit::new(rates.logins),
            registrations: Limit::new(rates.registrations),
            refreshes: Limit::new(rates.refreshes),
            connects: Limit::new(rates.connects),
            user_refreshes: Limit::new(rates.user_refreshes),
            user_connects: Limit::new(rates.user_connects),
        }
    }

    /// Counts a request of a client. Where nobody knows its address, as on a
    /// Unix socket, it isn't limited.
    ///
    /// # Errors
    /// [`TooMany`], and then it isn't counted.
    pub fn of_address(&self, action: Action, address: Option<IpAddr>) -> Result<(), TooMany> {
        let Some(address) = address else {
            return Ok(());
        };
        let limit = match action {
            Action::Login => &self.logins,
            Action::Register => &self.registrations,
            Action::Refresh => &self.refreshes,
            Action::Connect => &self.connects,
        };
        limit.check(&Network::of(address))
    }

    /// Counts a refresh by somebody whose token is authentic.
    ///
    /// # Errors
    /// [`TooMany`], and then it isn't counted.
    pub fn refresh_of(&self, user: UserId) -> Result<(), TooMany> {
        self.user_refreshes.check(&user)
    }

    /// Counts a socket that the bearer of a valid token asks for.
    ///
    /// # Errors
    /// [`TooMany`], and then it isn't counted.
    pub fn connect_of(&self, user: UserId) -> Result<(), TooMany> {
        self.user_connects.check(&user)
    }

    /// Forgets who has asked for nothing lately. It is to be called every
    /// minute or so.
    pub fn sweep(&self) {
        self.logins.sweep();
        self.registrations.sweep();
        self.refreshes.sweep();
        self.connects.sweep();
        self.user_refreshes.sweep();
        self.user_connects.sweep();
    }
}

impl fmt::Debug for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Limits").finish_non_exhaustive()
    }
}

/// Something whose requests are counted.
trait Client: Clone + Eq + Hash {
    /// What is counted together once there are too many to count each.
    fn crowd(&self) -> impl Hash;
}

impl Client for Network {
    fn crowd(&self) -> impl Hash {
        self.neighbourhood()
    }
}

impl Client for UserId {
    fn crowd(&self) -> impl Hash {
        *self
    }
}

/// One limit; `None` is none.
struct Limit<K: Client>(Option<RateLimiter<K, Bounded<K>, DefaultClock>>);

impl<K: Client> Limit<K> {
    /// So many at once, and then so many a minute, evenly spread.
    fn new(per_minute: u32) -> Self {
        let rate = NonZeroU32::new(per_minute).map(Quota::per_minute);
        Self(rate.map(|rate| RateLimiter::new(rate, Bounded::new(), DefaultClock::default())))
    }

    fn check(&self, client: &K) -> Result<(), TooMany> {
        let Some(limiter) = &self.0 else {
            return Ok(());
        };
        limiter.check_key(client).map_err(|until| TooMany {
            retry_after: until.wait_time_from(DefaultClock::default().now()),
        })
    }

    fn sweep(&self) {
        if let Some(limiter) = &self.0 {
            limiter.retain_recent();
            limiter.shrink_to_fit();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rates() -> Rates {
        Rates {
            logins: 3,
            connects: 2,
            user_refreshes: 2,
            ..Rates::default()
        }
    }

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn each_address_and_each_action_is_counted_by_itself() {
        let limits = Limits::new(rates());
        for _ in 0..3 {
            limits
                .of_address(Action::Login, address("192.0.2.1"))
                .unwrap();
        }
        let refused = limits.of_address(Action::Login, address("::ffff:192.0.2.1"));
        let wait = refused.unwrap_err().retry_after;
        assert!(
            wait > Duration::ZERO && wait <= Duration::from_secs(20),
            "{wait:?}"
        );
        limits
            .of_address(Action::Login, address("192.0.2.2"))
            .unwrap();
        for _ in 0..2 {
            limits
                .of_address(Action::Connect, address("192.0.2.1"))
                .unwrap();
        }
        assert!(
            limits
                .of_address(Action::Connect, address("192.0.2.1"))
                .is_err()
        );
        // Without a limit, and without an address.
        for _ in 0..1000 {
            limits
                .of_address(Action::Refresh, address("192.0.2.1"))
                .unwrap();
            limits.of_address(Action::Login, None).unwrap();
        }
    }

    #[test]
    fn of_ipv6_it_is_the_network_that_counts() {
        let limits = Limits::new(rates());
        for host in 1..=3 {
            let host = format!("2001:db8:0:1::{host}");
            limits.of_address(Action::Login, address(&host)).unwrap();
        }
        let same = address("2001:db8:0:1:ffff::");
        assert!(limits.of_address(Action::Login, same).is_err());
        let next = address("2001:db8:0:2::1");
        limits.of_address(Action::Login, next).unwrap();
    }

    #[test]
    fn each_user_is_counted() {
        let limits = Limits::new(rates());
        let (ann, bob) = (UserId::random(), UserId::random());
        for _ in 0..2 {
            limits.refresh_of(ann).unwrap();
        }
        assert!(limits.refresh_of(ann).is_err());
        limits.refresh_of(bob).unwrap();
        limits.connect_of(ann).unwrap();
    }

    #[test]
    fn a_sweep_keeps_whoever_still_counts() {
        let limits = Limits::new(rates());
        for _ in 0..3 {
            limits
                .of_address(Action::Login, address("192.0.2.1"))
                .unwrap();
        }
        limits.sweep();
        assert!(
            limits
                .of_address(Action::Login, address("192.0.2.1"))
                .is_err()
        );
    }
}
