//! Laws of the [`IdempotencyStore`](crate::IdempotencyStore).

use std::{sync::Arc, time::Duration};

use futures_util::future::join_all;
use tokio::spawn;

use super::{
    StoreUnderTest,
    samples::{abandoned, enrolled, millis, time},
};
use crate::{Account, Begin, IdempotentRequest, StoreError, UserId};

/// When a sample request is taken for abandoned, in milliseconds.
const ABANDONED: i64 = 30_000;

/// A request of that account, sent `offset` milliseconds after its making.
fn request(account: &Account, key: &str, offset: i64) -> IdempotentRequest {
    IdempotentRequest {
        user: account.id,
        key: key.to_owned(),
        fingerprint: [7; 32],
        now: time(offset),
        abandoned_after: millis(ABANDONED),
    }
}

/// Beginning that request comes to that.
async fn begins(store: &StoreUnderTest, request: &IdempotentRequest, expected: Begin) {
    let begin = store.idempotency.begin(request).await.unwrap();
    assert_eq!(begin, expected, "{request:?}");
}

async fn finishes(store: &StoreUnderTest, request: &IdempotentRequest, answer: &str) {
    store.idempotency.finish(request, answer).await.unwrap();
}

fn finished(answer: &str) -> Begin {
    Begin::Finished(answer.to_owned())
}

/// Begins 20 requests at once; which of them were `Begun`. The rest is told
/// that somebody is at it.
async fn begun_at_once(
    store: &StoreUnderTest,
    request: impl Fn(i64) -> IdempotentRequest,
) -> Vec<IdempotentRequest> {
    let calls = (0..20).map(|i| {
        let (idempotency, request) = (Arc::clone(&store.idempotency), request(i));
        spawn(async move { (idempotency.begin(&request).await.unwrap(), request) })
    });
    let mut begun = Vec::new();
    for call in join_all(calls.collect::<Vec<_>>()).await {
        match call.unwrap() {
            (Begin::Begun, request) => begun.push(request),
            (other, _) => assert_eq!(other, Begin::InProgress),
        }
    }
    begun
}

laws! {
    idempotency => idempotency_laws($), StoreUnderTest;

    /// Of concurrent calls with one key, one is `Begun`.
    async fn of_concurrent_requests_one_is_begun(store) {
        let ann = enrolled(&store, "ann").await;
        let begun = begun_at_once(&store, |_| request(&ann, "k", 0)).await;
        assert_eq!(begun.len(), 1);
        let begun = begun_at_once(&store, |i| request(&ann, "another", i)).await;
        assert_eq!(begun.len(), 1);
    }

    /// A request is begun once, in progress until it is finished, and answered
    /// with what it was finished with from then on, for good.
    async fn a_finished_request_is_answered_as_before(store) {
        let ann = enrolled(&store, "ann").await;
        for (key, answer) in [
            ("k".to_owned(), r#"{"room":"é"}"#.to_owned()),
            ("~".repeat(IdempotentRequest::MAX_KEY_BYTES), "a".repeat(70_000)),
            (" '\"%_\\".to_owned(), String::new()),
        ] {
            let first = request(&ann, &key, 0);
            begins(&store, &first, Begin::Begun).await;
            begins(&store, &first, Begin::InProgress).await;
            begins(&store, &request(&ann, &key, ABANDONED - 1), Begin::InProgress).await;
            finishes(&store, &first, &answer).await;
            for offset in [0, 1, ABANDONED, 100 * ABANDONED] {
                begins(&store, &request(&ann, &key, offset), finished(&answer)).await;
            }
            // Not a second time.
            finishes(&store, &first, "other").await;
            store.idempotency.abandon(&first).await.unwrap();
            begins(&store, &first, finished(&answer)).await;
        }
    }

    /// One key is for one request, whatever has become of that.
    async fn a_key_of_another_request_differs(store) {
        let ann = enrolled(&store, "ann").await;
        let first = request(&ann, "k", 0);
        begins(&store, &first, Begin::Begun).await;
        for (i, at) in [0, 31].into_iter().enumerate() {
            let mut fingerprint = [7; 32];
            fingerprint[at] = 8;
            for offset in [0, ABANDONED, 9 * ABANDONED] {
                let other = IdempotentRequest { fingerprint, ..request(&ann, "k", offset) };
                begins(&store, &other, Begin::Differs).await;
            }
            if i == 0 {
                finishes(&store, &first, "answer").await;
            }
        }
        begins(&store, &first, finished("answer")).await;
    }

    /// A key is one user's, byte for byte.
    async fn a_key_is_of_one_user(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let first = request(&ann, "key", 0);
        begins(&store, &first, Begin::Begun).await;
        finishes(&store, &first, "ann's").await;
        begins(&store, &request(&bob, "key", 0), Begin::Begun).await;
        for key in ["KEY", "key ", "ke"] {
            begins(&store, &request(&ann, key, 0), Begin::Begun).await;
        }
        finishes(&store, &request(&bob, "key", 0), "bob's").await;
        begins(&store, &first, finished("ann's")).await;
        begins(&store, &request(&bob, "key", 1), finished("bob's")).await;
    }

    /// A request is somebody's.
    async fn a_request_of_nobody_is_an_error(store) {
        let ann = enrolled(&store, "ann").await;
        let nobody = IdempotentRequest { user: UserId::random(), ..request(&ann, "k", 0) };
        let begin = store.idempotency.begin(&nobody).await;
        assert!(matches!(begin, Err(StoreError::Failed(_))), "{begin:?}");
    }

    /// What was given up can be begun again, as another request too.
    async fn an_abandoned_request_is_as_if_it_never_was(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let theirs = request(&bob, "k", 0);
        begins(&store, &theirs, Begin::Begun).await;
        let first = request(&ann, "k", 0);
        begins(&store, &first, Begin::Begun).await;
        store.idempotency.abandon(&first).await.unwrap();
        let other = IdempotentRequest { fingerprint: [8; 32], ..request(&ann, "k", 1) };
        begins(&store, &other, Begin::Begun).await;
        // Whoever gave up has nothing more to give up, nor to finish.
        store.idempotency.abandon(&first).await.unwrap();
        finishes(&store, &first, "late").await;
        begins(&store, &other, Begin::InProgress).await;
        begins(&store, &theirs, Begin::InProgress).await;
    }

    /// After so long without an answer, from that very instant, a repetition
    /// takes the request over. Whoever was taken for dead changes nothing more.
    async fn a_request_of_the_dead_is_taken_over(store) {
        let ann = enrolled(&store, "ann").await;
        let first = request(&ann, "k", 0);
        begins(&store, &first, Begin::Begun).await;
        begins(&store, &request(&ann, "k", ABANDONED - 1), Begin::InProgress).await;
        let second = request(&ann, "k", ABANDONED);
        begins(&store, &second, Begin::Begun).await;
        // It has its whole time again.
        begins(&store, &request(&ann, "k", 2 * ABANDONED - 1), Begin::InProgress).await;

        finishes(&store, &first, "late").await;
        begins(&store, &second, Begin::InProgress).await;
        store.idempotency.abandon(&first).await.unwrap();
        begins(&store, &second, Begin::InProgress).await;
        finishes(&store, &second, "answer").await;
        finishes(&store, &first, "late").await;
        begins(&store, &second, finished("answer")).await;
    }

    /// Of many who take a request over at once, one does, each time; also if
    /// nobody is given any time at all.
    async fn a_request_is_taken_over_once(store) {
        let ann = enrolled(&store, "ann").await;
        begins(&store, &request(&ann, "k", 0), Begin::Begun).await;
        for round in 1..6 {
            let begun = begun_at_once(&store, |_| request(&ann, "k", round * ABANDONED)).await;
            assert_eq!(begun.len(), 1);
        }
        let begun = begun_at_once(&store, |i| request(&ann, "k", 7 * ABANDONED + i)).await;
        assert_eq!(begun.len(), 1);

        let hasty = IdempotentRequest {
            abandoned_after: Duration::ZERO,
            ..request(&ann, "hasty", 0)
        };
        assert_eq!(begun_at_once(&store, |_| hasty.clone()).await.len(), 1);
        // By a clock that is behind, it has not even begun.
        begins(&store, &IdempotentRequest { now: time(-9), ..hasty }, Begin::InProgress).await;
        let patient = IdempotentRequest {
            abandoned_after: Duration::MAX,
            ..request(&ann, "k", 100 * ABANDONED)
        };
        begins(&store, &patient, Begin::InProgress).await;
    }

    /// A purge forgets what was begun at or before its time, finished or not,
    /// counts it, and touches nothing else.
    async fn a_purge_forgets_exactly_the_old_requests(store) {
        let ann = enrolled(&store, "ann").await;
        for (key, offset) in [("a", 10), ("b", 10), ("c", 11), ("d", 12)] {
            begins(&store, &request(&ann, key, offset), Begin::Begun).await;
        }
        finishes(&store, &request(&ann, "a", 10), "answer").await;
        finishes(&store, &request(&ann, "c", 11), "answer").await;
        let purge = async |offset| store.idempotency.purge_requests(time(offset)).await.unwrap();
        assert_eq!(purge(9).await, 0);
        begins(&store, &request(&ann, "a", 10), finished("answer")).await;
        assert_eq!(purge(10).await, 2);
        assert_eq!(purge(10).await, 0);
        begins(&store, &request(&ann, "c", 11), finished("answer")).await;
        begins(&store, &request(&ann, "d", 12), Begin::InProgress).await;
        let again = IdempotentRequest { fingerprint: [8; 32], ..request(&ann, "a", 13) };
        begins(&store, &again, Begin::Begun).await;
        // Whoever was forgotten finishes nothing.
        finishes(&store, &request(&ann, "b", 10), "late").await;
        begins(&store, &request(&ann, "b", 13), Begin::Begun).await;
        assert_eq!(purge(1000).await, 4);
    }

    /// A call that is dropped half-way leaves the old requests or the new, and
    /// a store that still works.
    async fn a_dropped_call_leaves_the_old_requests_or_the_new(store) {
        let ann = enrolled(&store, "ann").await;
        for turns in 0..60 {
            let first = request(&ann, &format!("key {turns}"), 0);
            abandoned(store.idempotency.begin(&first), turns).await;
            let begin = store.idempotency.begin(&first).await.unwrap();
            assert!(matches!(begin, Begin::Begun | Begin::InProgress), "{begin:?}");
            begins(&store, &first, Begin::InProgress).await;

            abandoned(store.idempotency.finish(&first, "answer"), turns).await;
            finishes(&store, &first, "answer").await;
            begins(&store, &first, finished("answer")).await;

            let second = request(&ann, &format!("another key {turns}"), 0);
            begins(&store, &second, Begin::Begun).await;
            abandoned(store.idempotency.abandon(&second), turns).await;
            let begin = store.idempotency.begin(&second).await.unwrap();
            assert!(matches!(begin, Begin::Begun | Begin::InProgress), "{begin:?}");
        }
    }
}
