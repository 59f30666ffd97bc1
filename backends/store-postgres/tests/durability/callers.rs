//! Callers that go away half-way.

use contract::{
    CredentialStore, IdempotencyStore, MemberOutcome, Role, RoomStore, Rotation, SessionStore,
    UserId,
};
use test_servers::postgres::sql;

use crate::{
    account, change, connect, enrolled, founded, request, room, rotate, signed_in, store, time,
};

/// What is written after somebody went away is committed: no connection goes
/// back to the pool inside a transaction that its caller began.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_transaction_takes_no_later_write_with_it() {
    let database = test_servers::Postgres::shared().database();
    let store = connect(&database.url, 1).await.unwrap();
    let mut ann = enrolled(&store, "ann").await;
    let (green, founder) = (founded(&store, &ann).await, ann.clone());
    for turns in 0..150 {
        if turns % 2 == 0 {
            given_up(store.disable(UserId::random(), time(1)), turns % 50).await;
        } else {
            let own = change(&green, &founder, &founder, None);
            given_up(store.change_member(&own), turns % 50).await;
        }
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
    let bob = enrolled(&store, "bob").await;
    let row = signed_in(&store, &ann).await;
    let green = founded(&store, &ann).await;
    let mut callers = Vec::new();
    for caller in 0..8 {
        let (store, row) = (store.clone(), row.clone());
        let (ann, bob, green) = (ann.clone(), bob.clone(), green.clone());
        callers.push(tokio::spawn(async move {
            for turns in 0..100 {
                let turns = (turns + caller) % 50;
                given_up(store.rotate(rotate(&row, 0)), turns).await;
                given_up(store.disable(UserId::random(), time(1)), turns).await;
                given_up(store.list(row.user, time(1)), turns).await;
                let role = (turns % 2 == 0).then_some(Role::Member);
                given_up(
                    store.change_member(&change(&green, &ann, &bob, role)),
                    turns,
                )
                .await;
                let made = room();
                given_up(store.create_room(&made, bob.id, 1000), turns).await;
                given_up(store.delete_room(&made.name, bob.id, time(1)), turns).await;
                let request = request(&ann, &format!("key {}", turns % 7));
                given_up(IdempotencyStore::begin(&store, &request), turns).await;
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
    let promoted = change(&green, &ann, &bob, Some(Role::Owner));
    let outcome = store.change_member(&promoted).await.unwrap();
    assert!(matches!(outcome, MemberOutcome::Changed(_)), "{outcome:?}");
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
