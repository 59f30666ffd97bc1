//! Laws of the [`AttemptStore`](crate::AttemptStore).

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use jiff::Timestamp;
use tokio::spawn;

use super::{
    StoreUnderTest,
    samples::{abandoned, millis, time},
};
use crate::{Admission, Attempt, Backoff, MAX_SOURCES, Pseudonym, Success};

/// Delays of the samples, in milliseconds.
const FIRST: i64 = 1_000;
const LONGEST: i64 = 60_000;
/// How long a sample is remembered, in milliseconds.
const FORGOTTEN: i64 = 3_600_000;

fn name(number: u8) -> Pseudonym {
    Pseudonym([number; 32])
}

/// An attempt on an account, from a place, `offset` milliseconds on.
fn attempt(account: u8, source: u8, offset: i64) -> Attempt {
    Attempt {
        account: name(account),
        source: name(source),
        strangers: name(200),
        known_since: time(-1),
        backoff: Backoff {
            free: 3,
            first: millis(FIRST),
            longest: millis(LONGEST),
            forgotten_after: millis(FORGOTTEN),
        },
        now: time(offset),
    }
}

async fn admit(store: &StoreUnderTest, attempt: Attempt) -> Admission {
    store.attempts.admit(&attempt).await.unwrap()
}

/// The attempt is admitted; the budget that it was counted on.
async fn admitted(store: &StoreUnderTest, attempt: Attempt) -> Pseudonym {
    match admit(store, attempt).await {
        Admission::Admitted(budget) => budget,
        Admission::Delayed(until) => panic!("{attempt:?} is delayed until {until}"),
    }
}

/// The attempt is delayed until that time.
async fn delayed(store: &StoreUnderTest, attempt: Attempt, until: i64) {
    let admission = admit(store, attempt).await;
    assert_eq!(admission, Admission::Delayed(time(until)), "{attempt:?}");
}

/// The account signs in from a place, `offset` milliseconds on.
async fn succeed(store: &StoreUnderTest, account: u8, budget: Pseudonym, source: u8, offset: i64) {
    let success = Success {
        account: name(account),
        budget,
        source: Some(name(source)),
        now: time(offset),
    };
    store.attempts.succeed(&success).await.unwrap();
}

/// How many of 30 attempts at once are admitted; the rest is told the same time.
async fn admitted_at_once(store: &StoreUnderTest, attempt: Attempt, until: i64) -> usize {
    let calls = (0..30).map(|_| {
        let attempts = Arc::clone(&store.attempts);
        spawn(async move { attempts.admit(&attempt).await.unwrap() })
    });
    let mut admitted = 0;
    for call in join_all(calls.collect::<Vec<_>>()).await {
        match call.unwrap() {
            Admission::Admitted(_) => admitted += 1,
            Admission::Delayed(time_) => assert_eq!(time_, time(until)),
        }
    }
    admitted
}

laws! {
    attempts => attempt_laws($), StoreUnderTest;

    /// Some attempts are free; then each waits twice as long as the one before,
    /// from the one before on, up to the longest delay, for ever.
    async fn delays_double_up_to_a_bound(store) {
        for offset in [0, 0, 5] {
            assert_eq!(admitted(&store, attempt(1, 2, offset)).await, name(200));
        }
        let mut now = 5;
        for delay in [1, 2, 4, 8, 16, 32, 60, 60, 60] {
            let next = now + delay * 1000;
            delayed(&store, attempt(1, 2, now), next).await;
            delayed(&store, attempt(1, 3, next - 1), next).await;
            admitted(&store, attempt(1, 2, next)).await;
            now = next;
        }
    }

    /// Whoever is told to wait is not counted.
    async fn a_delayed_attempt_costs_nothing(store) {
        for _ in 0..3 {
            admitted(&store, attempt(1, 2, 0)).await;
        }
        for offset in 0..50 {
            delayed(&store, attempt(1, 2, offset), FIRST).await;
        }
        admitted(&store, attempt(1, 2, FIRST)).await;
        delayed(&store, attempt(1, 2, FIRST), 3 * FIRST).await;
    }

    /// Of attempts at once no more are admitted than of attempts in a row.
    async fn attempts_at_once_are_no_way_around(store) {
        assert_eq!(admitted_at_once(&store, attempt(1, 2, 0), FIRST).await, 3);
        assert_eq!(admitted_at_once(&store, attempt(1, 3, 0), FIRST).await, 0);
        let mut now = 0;
        for delay in [1, 2, 4, 8] {
            now += delay * 1000;
            let until = now + 2 * delay * 1000;
            assert_eq!(admitted_at_once(&store, attempt(1, 2, now), until).await, 1);
        }
    }

    /// Accounts, and budgets of strangers, are counted apart.
    async fn accounts_and_budgets_are_counted_apart(store) {
        let elsewhere = |offset| Attempt { strangers: name(201), ..attempt(1, 2, offset) };
        for _ in 0..3 {
            admitted(&store, attempt(1, 2, 0)).await;
        }
        delayed(&store, attempt(1, 2, 0), FIRST).await;
        for _ in 0..3 {
            assert_eq!(admitted(&store, elsewhere(0)).await, name(201));
            admitted(&store, attempt(2, 2, 0)).await;
        }
        delayed(&store, elsewhere(0), FIRST).await;
        delayed(&store, attempt(2, 2, 0), FIRST).await;
    }

    /// A success forgets what was counted on its budget, and on no other.
    async fn a_success_forgives(store) {
        let elsewhere = Attempt { strangers: name(201), ..attempt(1, 3, 0) };
        for _ in 0..3 {
            admitted(&store, elsewhere).await;
        }
        for _ in 0..2 {
            admitted(&store, attempt(1, 2, 0)).await;
        }
        let budget = admitted(&store, attempt(1, 2, 0)).await;
        delayed(&store, attempt(1, 2, 0), FIRST).await;
        let forgiven = Success { account: name(1), budget, source: None, now: time(0) };
        store.attempts.succeed(&forgiven).await.unwrap();
        for _ in 0..3 {
            admitted(&store, attempt(1, 2, 0)).await;
        }
        delayed(&store, attempt(1, 2, 0), FIRST).await;
        delayed(&store, elsewhere, FIRST).await;
        // As often as it is said.
        store.attempts.succeed(&forgiven).await.unwrap();
        store.attempts.succeed(&forgiven).await.unwrap();
        admitted(&store, attempt(1, 2, 0)).await;
    }

    /// From where an account signed in lately it has a budget of its own, which
    /// strangers' failures don't touch, nor it theirs.
    async fn a_known_source_has_a_budget_of_its_own(store) {
        let budget = admitted(&store, attempt(1, 2, 0)).await;
        succeed(&store, 1, budget, 2, 0).await;
        for _ in 0..3 {
            assert_eq!(admitted(&store, attempt(1, 3, 0)).await, name(200));
        }
        delayed(&store, attempt(1, 3, 0), FIRST).await;
        for _ in 0..3 {
            assert_eq!(admitted(&store, attempt(1, 2, 0)).await, name(2));
        }
        delayed(&store, attempt(1, 2, 0), FIRST).await;
        succeed(&store, 1, name(2), 2, 0).await;
        admitted(&store, attempt(1, 2, 0)).await;
        delayed(&store, attempt(1, 3, 0), FIRST).await;
        // It is known to this account alone.
        assert_eq!(admitted(&store, attempt(2, 2, 0)).await, name(200));
    }

    /// A source is known for as long as the caller says, since its last sign-in.
    async fn a_source_is_known_since_its_last_sign_in(store) {
        let since = |offset| Attempt { known_since: time(offset), ..attempt(1, 2, 0) };
        succeed(&store, 1, name(200), 2, 10).await;
        assert_eq!(admitted(&store, since(9)).await, name(2));
        assert_eq!(admitted(&store, since(10)).await, name(200));
        succeed(&store, 1, name(200), 2, 20).await;
        // One that comes late takes nothing away.
        succeed(&store, 1, name(200), 2, 5).await;
        assert_eq!(admitted(&store, since(19)).await, name(2));
        for (account, source, since, known) in [
            (1, 2, 19, true),
            (1, 2, 20, false),
            (1, 3, 0, false),
            (2, 2, 0, false),
        ] {
            let knows = store.attempts.knows(name(account), name(source), time(since));
            assert_eq!(knows.await.unwrap(), known, "{account} {source} {since}");
        }
        let never = Attempt { known_since: Timestamp::MAX, ..attempt(1, 2, 0) };
        assert_eq!(admitted(&store, never).await, name(200));
    }

    /// Only the last sources are remembered, and those of other accounts are
    /// not among the ones that are forgotten.
    async fn so_many_sources_are_remembered(store) {
        succeed(&store, 2, name(200), 1, 0).await;
        let sources = u8::try_from(MAX_SOURCES).unwrap() + 2;
        for source in 1..=sources {
            succeed(&store, 1, name(200), source, i64::from(source)).await;
        }
        for (source, budget) in [(1, 200), (2, 200), (3, 3), (sources, sources)] {
            let budget_of = admitted(&store, attempt(1, source, 100)).await;
            assert_eq!(budget_of, name(budget), "{source}");
            succeed(&store, 1, budget_of, sources, 100).await;
        }
        assert_eq!(admitted(&store, attempt(2, 1, 100)).await, name(1));
    }

    /// So long after the last attempt nothing is left of it.
    async fn failures_are_forgotten_after_a_time(store) {
        for _ in 0..3 {
            admitted(&store, attempt(1, 2, 0)).await;
        }
        admitted(&store, attempt(1, 2, FORGOTTEN - 1)).await;
        delayed(&store, attempt(1, 2, FORGOTTEN - 1), FORGOTTEN - 1 + 2 * FIRST).await;
        for _ in 0..3 {
            admitted(&store, attempt(1, 2, 2 * FORGOTTEN)).await;
        }
        delayed(&store, attempt(1, 2, 2 * FORGOTTEN), 2 * FORGOTTEN + FIRST).await;
    }

    /// Calls come in another order than their times: what is free stays so, and
    /// nothing more is.
    async fn attempts_may_come_late(store) {
        for offset in [2, 1, 0] {
            admitted(&store, attempt(1, 2, offset)).await;
        }
        for offset in [-1, 0, 1, 2] {
            delayed(&store, attempt(1, 2, offset), FIRST).await;
        }
        let longest = |offset| {
            let mut attempt = attempt(1, 3, offset);
            attempt.strangers = name(201);
            attempt.backoff = Backoff { free: 1, first: millis(LONGEST), ..attempt.backoff };
            attempt
        };
        admitted(&store, longest(2)).await;
        for offset in [-1000, 0, 2] {
            delayed(&store, longest(offset), 2 + LONGEST).await;
        }
    }

    /// A clock that was far ahead keeps nobody out for longer than twice the
    /// longest delay.
    async fn a_clock_that_goes_back_keeps_nobody_out(store) {
        for _ in 0..3 {
            admitted(&store, attempt(1, 2, 2 * LONGEST)).await;
        }
        delayed(&store, attempt(1, 2, FIRST), 2 * LONGEST + FIRST).await;
        admitted(&store, attempt(1, 2, FIRST - 1)).await;
    }

    /// Whatever the bounds, counting goes on.
    async fn bounds_may_be_extreme(store) {
        let backoff = Backoff {
            free: 1,
            first: Duration::MAX,
            longest: Duration::MAX,
            forgotten_after: Duration::MAX,
        };
        let attempt = Attempt { backoff, ..attempt(1, 2, 0) };
        admitted(&store, attempt).await;
        assert_eq!(admit(&store, attempt).await, Admission::Delayed(last()));
        let none = Backoff { first: Duration::ZERO, forgotten_after: Duration::ZERO, ..backoff };
        for _ in 0..100 {
            admitted(&store, Attempt { backoff: none, ..attempt }).await;
        }
    }

    /// A purge forgets attempts up to its time, counts them, and touches no other.
    async fn a_purge_forgets_exactly_the_old_attempts(store) {
        for (account, offset) in [(1, 10), (2, 10), (3, 11)] {
            for _ in 0..3 {
                admitted(&store, attempt(account, 2, offset)).await;
            }
        }
        let purge = async |offset| store.attempts.purge_attempts(time(offset), 100).await.unwrap();
        assert_eq!(purge(9).await, 0);
        delayed(&store, attempt(1, 2, 12), 10 + FIRST).await;
        assert_eq!(purge(10).await, 2);
        assert_eq!(purge(10).await, 0);
        admitted(&store, attempt(1, 2, 12)).await;
        delayed(&store, attempt(3, 2, 12), 11 + FIRST).await;
    }

    /// Of more budgets than are to be kept the oldest go.
    async fn a_purge_keeps_only_so_many(store) {
        for account in 1..=5 {
            for _ in 0..3 {
                admitted(&store, attempt(account, 2, account.into())).await;
            }
        }
        let purge = async |keep| store.attempts.purge_attempts(time(0), keep).await.unwrap();
        assert_eq!(purge(5).await, 0);
        assert_eq!(purge(2).await, 3);
        assert_eq!(purge(2).await, 0);
        admitted(&store, attempt(3, 2, 6)).await;
        delayed(&store, attempt(4, 2, 6), 4 + FIRST).await;
        assert_eq!(purge(0).await, 3);
    }

    /// A purge forgets sources of sign-ins up to its time.
    async fn a_purge_forgets_exactly_the_old_sources(store) {
        succeed(&store, 1, name(200), 2, 10).await;
        succeed(&store, 1, name(200), 3, 11).await;
        let purge = async |offset| store.attempts.purge_sources(time(offset)).await.unwrap();
        assert_eq!(purge(9).await, 0);
        assert_eq!(purge(10).await, 1);
        assert_eq!(purge(10).await, 0);
        assert_eq!(admitted(&store, attempt(1, 2, 12)).await, name(200));
        assert_eq!(admitted(&store, attempt(1, 3, 12)).await, name(3));
    }

    /// A call that is dropped half-way has counted, or not, and leaves a store
    /// that still works.
    async fn a_dropped_attempt_is_counted_or_not(store) {
        for turns in 0..60 {
            let account = u8::try_from(turns).unwrap();
            abandoned(store.attempts.admit(&attempt(account, 2, 0)), turns).await;
            let mut left = 0;
            while let Admission::Admitted(budget) = admit(&store, attempt(account, 2, 0)).await {
                left += 1;
                assert_eq!(budget, name(200));
            }
            assert!(left == 3 || left == 2, "{left}");
            let success = Success {
                account: name(account),
                budget: name(200),
                source: None,
                now: time(0),
            };
            abandoned(store.attempts.succeed(&success), turns).await;
            store.attempts.succeed(&success).await.unwrap();
            admitted(&store, attempt(account, 2, 0)).await;
        }
    }
}

/// The last time that there is, as stores keep it.
fn last() -> Timestamp {
    Timestamp::from_second(Timestamp::MAX.as_second()).unwrap()
}
