//! Callers that go away half-way.

use contract::{CredentialStore, Rotation, SessionStore, UserId};
use test_servers::postgres::sql;

use crate::{account, connect, enrolled, rotate, signed_in, store, time};

/// What is written after somebody went away is committed: no connection goes
/// back to the pool inside a transaction that its caller began.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_transaction_takes_no_later_write_with_it() {
    let database = test_servers::Postgres::shared().database();
    let store = connect(&database.url, 1).await.unwrap();
    let mut ann = enrolled(&store, "ann").await;
    for turns in 0..150 {
        given_up(store.disable(UserId::random(), time(1)), turns % 50).await;
        ann = account(&format!("ann{turns}"));
        store.create(&ann).await.unwrap();
        if turns % 10 == 0 {
            let count = sql(&database.url, "SELECT count(*) FROM accounts");
            assert_eq!(count, format!("{}\n", turns + 2));
        }
    }
    // What the store was told is what the server keeps.
    store.close().await;
    let id = sql(
        &database.url,
        "SELECT id FROM accounts WHERE username = 'ann149'",
    );
    assert_eq!(id, format!("{}\n", ann.id));
}

/// Callers that go away at any point, many at once, leave a pool that works,
/// and no lock and no transaction on the server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_go_away_leave_a_working_pool() {
    let (store, database) = store().await;
    let ann = enrolled(&store, "ann").await;
    let row = signed_in(&store, &ann).await;
    let mut callers = Vec::new();
    for caller in 0..8 {
        let (store, row) = (store.clone(), row.clone());
        callers.push(tokio::spawn(async move {
            for turns in 0..100 {
                let turns = (turns + caller) % 50;
                given_up(store.rotate(rotate(&row, 0)), turns).await;
                given_up(store.disable(UserId::random(), time(1)), turns).await;
                given_up(store.list(row.user, time(1)), turns).await;
                given_up(store.ping(), turns).await;
            }
        }));
    }
    for caller in callers {
        caller.await.unwrap();
    }
    let rotation = store.rotate(rotate(&row, 0)).await.unwrap();
    let (Rotation::Rotated(row) | Rotation::Repeated(row)) = rotation else {
        panic!("{rotation:?}");
    };
    assert_eq!(row.counter, 1);
    // Waits until every connection has been given back.
    store.close().await;
    let busy = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()
                AND state LIKE 'idle in transaction%'";
    assert_eq!(sql(&database.url, busy), "0\n");
}

/// Polls `call` until it is done or others have had `turns` turns, then drops it.
async fn given_up<F: Future>(call: F, turns: usize) {
    let mut call = std::pin::pin!(call);
    for _ in 0..turns {
        tokio::select! {
            biased;
            _ = &mut call => return,
            () = tokio::task::yield_now() => {}
        }
    }
}
