//! Rooms and repeated requests on several nodes at once, and what of them
//! survives the end of the server.

use std::sync::Arc;

use contract::{
    Account, Begin, CredentialStore, DeleteOutcome, IdempotencyStore, IdempotentRequest,
    MemberOutcome, MembershipChange, Role, Room, RoomOutcome, RoomStore, SessionStore, StoreError,
};
use sqlx_core::{connection::Connection, executor::Executor};
use sqlx_postgres::PgConnection;
use store_postgres::PostgresStore;
use test_servers::Postgres;
use tokio::{
    spawn,
    task::{JoinHandle, block_in_place},
};

use crate::{
    change, connect, enrolled, founded, opening, request, room,
    rooms::{begin, made, roles},
    store,
    survival::Progress,
    time,
};

/// What becomes of calls that are all under way at once.
async fn all<T>(calls: Vec<JoinHandle<T>>) -> Vec<T> {
    let mut done = Vec::new();
    for call in calls {
        done.push(call.await.unwrap());
    }
    done
}

/// The bounds, and the last owner, hold whichever node a call comes to.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_decide_about_a_room_one_after_the_other() {
    let (store, database) = store().await;
    let nodes = [store.clone(), connect(&database.url, 4).await.unwrap()];
    let ann = enrolled(&store, "ann").await;
    let bob = enrolled(&store, "bob").await;
    for round in 0..20 {
        let room = founded(&store, &ann).await;
        made(&store, &change(&room, &ann, &bob, Some(Role::Owner))).await;
        let role = (round % 2 == 0).then_some(Role::Member);
        let calls = [(&ann, &bob), (&bob, &ann)].into_iter().zip(&nodes);
        let calls = calls.map(|((by, user), node)| {
            let (node, change) = (node.clone(), change(&room, by, user, role));
            spawn(async move { node.change_member(&change).await.unwrap() })
        });
        let outcomes = all(calls.collect()).await;
        let changed = |outcome: &&MemberOutcome| matches!(outcome, MemberOutcome::Changed(_));
        assert_eq!(outcomes.iter().filter(changed).count(), 1, "{outcomes:?}");
        let left = roles(&store, &room.name).await;
        let owners = left.iter().filter(|(_, role)| *role == Role::Owner);
        assert_eq!(owners.count(), 1, "{left:?}");
    }

    let room = founded(&store, &ann).await;
    let mut calls = Vec::new();
    for i in 0..16 {
        let user = enrolled(&store, &format!("user{i}")).await;
        let mut change = change(&room, &ann, &user, Some(Role::Reader));
        change.max_members = 6;
        let node = nodes[i % 2].clone();
        calls.push(spawn(
            async move { node.change_member(&change).await.unwrap() },
        ));
    }
    let full = |outcome: &&MemberOutcome| **outcome == MemberOutcome::Full;
    assert_eq!(all(calls).await.iter().filter(full).count(), 11);
    assert_eq!(roles(&store, &room.name).await.len(), 6);

    let eve = enrolled(&store, "eve").await;
    let calls = (0..16).map(|i| {
        let node = nodes[i % 2].clone();
        spawn(async move { node.create_room(&crate::room(), eve.id, 5).await.unwrap() })
    });
    let created = |outcome: &&RoomOutcome| **outcome == RoomOutcome::Created;
    let outcomes = all(calls.collect()).await;
    assert_eq!(outcomes.iter().filter(created).count(), 5, "{outcomes:?}");

    for round in 0..10 {
        let request = request(&ann, &format!("key {round}"));
        let calls = (0..8).map(|i| {
            let (node, request) = (nodes[i % 2].clone(), request.clone());
            spawn(async move { begin(&node, &request).await })
        });
        let outcomes = all(calls.collect()).await;
        let begun = outcomes.iter().filter(|begin| **begin == Begin::Begun);
        assert_eq!(begun.count(), 1, "{outcomes:?}");
    }
}

/// Whatever happens to rooms, their members' accounts and sessions at once,
/// nothing deadlocks: no call fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_change_everything_at_once_wait_for_each_other() {
    let (store, database) = store().await;
    let nodes = [store.clone(), connect(&database.url, 6).await.unwrap()];
    let ann = enrolled(&store, "ann").await;
    for round in 0..10 {
        let bob = enrolled(&store, &format!("bob{round}")).await;
        let cid = enrolled(&store, &format!("cid{round}")).await;
        let green = founded(&store, &ann).await;
        made(&store, &change(&green, &ann, &bob, Some(Role::Owner))).await;
        let mut calls = Vec::new();
        for node in &nodes {
            for (by, user, role) in [
                (&ann, &cid, Some(Role::Member)),
                (&bob, &cid, Some(Role::Owner)),
                (&ann, &bob, None),
                (&bob, &cid, None),
            ] {
                let (node, change) = (node.clone(), change(&green, by, user, role));
                calls.push(spawn(async move {
                    node.change_member(&change).await.unwrap();
                }));
            }
            for user in [bob.clone(), cid.clone()] {
                let (node, green) = (node.clone(), green.clone());
                calls.push(spawn(async move {
                    node.open(&opening(&user)).await.unwrap();
                    node.create_room(&room(), user.id, 100).await.unwrap();
                    node.create_room(&green, user.id, 100).await.unwrap();
                    begin(&node, &request(&user, "key")).await;
                    node.disable(user.id, time(1)).await.unwrap();
                }));
            }
            let (node, green) = (node.clone(), green.clone());
            let purging = node.clone();
            calls.push(spawn(async move {
                node.delete_room(&green.name, ann.id, time(1))
                    .await
                    .unwrap();
            }));
            calls.push(spawn(async move {
                purging.purge_membership_changes(time(1)).await.unwrap();
                purging.purge_requests(time(1)).await.unwrap();
            }));
        }
        all(calls).await;
        let outcome = store.delete_room(&green.name, ann.id, time(1)).await;
        assert_eq!(outcome.unwrap(), DeleteOutcome::NoSuchRoom);
    }
}

/// What a caller knows of a room when the server has gone.
struct Confirmed {
    room: Room,
    owner: Account,
    /// The last change, if its confirmation told it.
    change: Option<MembershipChange>,
    request: IdempotentRequest,
}

/// Makes rooms, changes them and repeats requests, over and over, whatever
/// happens to the server; returns what was confirmed, and the rooms of which
/// that isn't known.
async fn busy(
    store: PostgresStore,
    owner: Account,
    other: Account,
    progress: Arc<Progress>,
) -> (Vec<Confirmed>, Vec<Room>) {
    let (mut confirmed, mut unsure) = (Vec::new(), Vec::new());
    while !progress.is_over() {
        let room = room();
        let created = store.create_room(&room, owner.id, u32::MAX).await;
        let Some(created) = progress.confirmed(created).await else {
            unsure.push(room);
            continue;
        };
        assert_eq!(created, RoomOutcome::Created);
        let mut last = None;
        for role in [Some(Role::Member), None, Some(Role::Reader)] {
            let change = change(&room, &owner, &other, role);
            // Asked again until it is answered, as a client does.
            last = loop {
                let outcome = store.change_member(&change).await;
                match progress.confirmed(outcome).await {
                    Some(MemberOutcome::Changed(made)) => break Some(made),
                    // An earlier try, unconfirmed, was carried out.
                    Some(MemberOutcome::Unchanged | MemberOutcome::NoSuchMember) => break None,
                    Some(other) => panic!("{other:?}"),
                    None => {}
                }
            };
        }
        let request = request(&owner, room.name.as_str());
        while progress
            .confirmed(IdempotencyStore::begin(&store, &request).await)
            .await
            .is_none()
        {}
        while progress
            .confirmed(store.finish(&request, "answer").await)
            .await
            .is_none()
        {}
        confirmed.push(Confirmed {
            room,
            owner: owner.clone(),
            change: last,
            request,
        });
    }
    (confirmed, unsure)
}

/// The server is killed under load. Every room and answer that was confirmed
/// is there, and no room is there in part.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_keeps_the_rooms_that_were_confirmed() {
    let mut server = Postgres::start();
    let database = server.database();
    let store = connect(&database.url, 6).await.unwrap();
    let bob = enrolled(&store, "bob").await;
    let progress = Arc::new(Progress::default());
    let mut callers = Vec::new();
    for caller in 0..8 {
        let ann = enrolled(&store, &format!("ann{caller}")).await;
        let progress = Arc::clone(&progress);
        callers.push(spawn(busy(store.clone(), ann, bob.clone(), progress)));
    }
    for _ in 0..2 {
        progress.more(200).await;
        block_in_place(|| server.kill());
        // What is left of it may serve for a moment.
        while store.ping().await.is_ok() {}
        block_in_place(|| server.restart());
    }
    progress.more(200).await;
    progress.end();

    let mut rooms = 0;
    for (confirmed, unsure) in all(callers).await {
        for Confirmed {
            room,
            owner,
            change,
            request,
        } in confirmed
        {
            rooms += 1;
            let found = store.membership(&room.name, owner.id).await.unwrap();
            assert_eq!(found.map(|found| found.room), Some(room.clone()));
            let expected = [
                (owner.username.to_string(), Role::Owner),
                ("bob".to_owned(), Role::Reader),
            ];
            assert_eq!(roles(&store, &room.name).await, expected);
            if let Some(change) = change {
                let told = store.membership_changes_since(change.at).await.unwrap();
                assert!(told.contains(&change), "{change:?}");
            }
            let finished = Begin::Finished("answer".to_owned());
            assert_eq!(begin(&store, &request).await, finished);
        }
        for room in unsure {
            let there = roles(&store, &room.name).await;
            assert!(there.iter().all(|(_, role)| *role == Role::Owner));
            let again = store.create_room(&room, bob.id, u32::MAX).await.unwrap();
            assert_eq!(
                again == RoomOutcome::NameTaken,
                there.len() == 1,
                "{there:?}"
            );
        }
    }
    assert!(rooms > 20, "{rooms}");
}

/// Somebody else holds a room: a call is given up and changes nothing, and the
/// next one goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_that_is_locked_by_another_is_unavailable() {
    let (store, database) = store().await;
    let ann = enrolled(&store, "ann").await;
    let bob = enrolled(&store, "bob").await;
    let green = founded(&store, &ann).await;
    let adding = change(&green, &ann, &bob, Some(Role::Member));
    let mut operator = PgConnection::connect(&database.url).await.unwrap();
    operator
        .execute("BEGIN; SELECT FROM rooms FOR UPDATE")
        .await
        .unwrap();
    let error = store.change_member(&adding).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    operator.execute("ROLLBACK").await.unwrap();
    made(&store, &adding).await;
}
