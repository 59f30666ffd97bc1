//! Callers that go away half-way.

use std::fs;

use contract::{
    CredentialStore, IdempotencyStore, MemberOutcome, Role, RoomStore, Rotation, SessionStore,
    UserId,
};
use sqlx_core::{query::query, row::Row};

use crate::{
    change, enrolled, founded, operator, request, room, rotate, run, signed_in, store, time,
};

/// Reads that are over or given up hold no snapshot: the WAL can be emptied.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_that_are_over_do_not_pin_the_wal() {
    let (store, folder) = store().await;
    let ann = enrolled(&store, "ann").await;
    let row = signed_in(&store, &ann).await;
    let green = founded(&store, &ann).await;
    for turns in 0..200 {
        given_up(store.find(row.id, time(1)), turns % 40).await;
        given_up(store.list(ann.id, time(1)), turns % 40).await;
        given_up(store.membership(&green.name, ann.id), turns % 40).await;
        given_up(store.members(&green.name, None, 10), turns % 40).await;
        given_up(store.membership_changes_since(time(0)), turns % 40).await;
        given_up(store.rotate(rotate(&row, 0)), turns % 40).await;
    }
    // Each connection is back in its pool, with what was given up cleared away.
    for _ in 0..8 {
        store.ping().await.unwrap();
    }
    let mut operator = operator(&folder).await;
    let checkpoint = query("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(&mut operator)
        .await
        .unwrap();
    assert_eq!(checkpoint.get::<i64, _>(0), 0, "somebody holds a snapshot");
    let wal = fs::metadata(folder.path().join("data.db-wal")).unwrap();
    assert_eq!(wal.len(), 0);
}

/// Callers that go away in the middle of a transaction, many at once, leave a
/// writer that works and no transaction open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_that_go_away_leave_a_working_writer() {
    let (store, folder) = store().await;
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
                given_up(store.rotate(rotate(&row, 0)), (turns + caller) % 50).await;
                given_up(
                    store.disable(UserId::random(), time(1)),
                    (turns + caller) % 50,
                )
                .await;
                let role = (turns % 2 == 0).then_some(Role::Member);
                let adding = change(&green, &ann, &bob, role);
                given_up(store.change_member(&adding), (turns + caller) % 50).await;
                let made = room();
                given_up(
                    store.create_room(&made, bob.id, 1000),
                    (turns + caller) % 50,
                )
                .await;
                given_up(
                    store.delete_room(&made.name, bob.id, time(1)),
                    (turns + caller) % 50,
                )
                .await;
                let request = request(&ann, &format!("key {}", turns % 7));
                let begin = IdempotencyStore::begin(&store, &request);
                given_up(begin, (turns + caller) % 50).await;
                given_up(store.ping(), (turns + caller) % 50).await;
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
    // Somebody else gets the write lock without waiting.
    let mut operator = operator(&folder).await;
    run(
        &mut operator,
        "PRAGMA busy_timeout = 0; BEGIN IMMEDIATE; ROLLBACK",
    )
    .await;
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
