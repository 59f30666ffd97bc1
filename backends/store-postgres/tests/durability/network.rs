//! A network that is slow, cut, or forgetful.

use std::time::Duration;

use contract::{
    CredentialStore, IdempotencyStore, Role, RoomStore, Rotation, SessionStore, StoreError,
};
use store_postgres::PostgresStore;
use test_servers::{Database, Postgres, Proxy};

use crate::{account, change, connect, enrolled, request, room, rotate, signed_in, through, time};

/// A store behind a network of its own.
async fn behind_a_network(server: &Postgres) -> (PostgresStore, Proxy, Database) {
    let proxy = Proxy::start(server.port()).await;
    let database = server.database();
    let url = through(&database.url, &format!("postgres@{}", proxy.address()));
    (connect(&url, 4).await.unwrap(), proxy, database)
}

/// Every kind of call fails as a store that can't be reached, all at once.
async fn unavailable(store: &PostgresStore) {
    let session = crate::session(contract::UserId::random());
    let refused = account("nobody");
    let green = room();
    let adding = change(&green, &refused, &refused, Some(Role::Reader));
    let request = request(&refused, "key");
    let (create, find, turn, revoke, disable, made, changed, told, begun, ping) = tokio::join!(
        store.create(&refused),
        store.find_by_name(&refused.username),
        store.rotate(rotate(&session, 0)),
        store.revoke_all(session.user, None, time(1)),
        store.disable(session.user, time(1)),
        store.create_room(&green, refused.id, 1000),
        store.change_member(&adding),
        store.membership_changes_since(time(1)),
        IdempotencyStore::begin(store, &request),
        store.ping(),
    );
    let errors = [
        create.unwrap_err(),
        find.unwrap_err(),
        turn.unwrap_err(),
        revoke.unwrap_err(),
        disable.unwrap_err(),
        made.unwrap_err(),
        changed.unwrap_err(),
        told.unwrap_err(),
        begun.unwrap_err(),
        ping.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    }
}

/// Asks until the store answers again; it must do so by itself.
async fn recovered(store: &PostgresStore) {
    let mut last = None;
    for _ in 0..100 {
        match store.ping().await {
            Ok(()) => return,
            Err(error) => last = Some(error),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("{last:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_slow_network_is_only_slow() {
    let server = Postgres::start();
    let (store, proxy, _database) = behind_a_network(&server).await;
    proxy.delay(Duration::from_millis(30));
    let ann = enrolled(&store, "ann").await;
    let row = signed_in(&store, &ann).await;
    let calls = (0..8).map(|_| {
        let (store, row) = (store.clone(), row.clone());
        tokio::spawn(async move { store.rotate(rotate(&row, 0)).await.unwrap() })
    });
    let mut rotated = 0;
    for call in calls.collect::<Vec<_>>() {
        match call.await.unwrap() {
            Rotation::Rotated(_) => rotated += 1,
            other => assert!(matches!(other, Rotation::Repeated(_)), "{other:?}"),
        }
    }
    assert_eq!(rotated, 1);
    let ended = store.disable(ann.id, time(5)).await.unwrap();
    assert_eq!(ended, Some(vec![row.id]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_network_is_an_error_until_it_heals() {
    let server = Postgres::start();
    let (store, proxy, _database) = behind_a_network(&server).await;
    let ann = enrolled(&store, "ann").await;
    proxy.cut();
    unavailable(&store).await;
    proxy.heal();
    recovered(&store).await;
    assert_eq!(store.find_by_id(ann.id).await.unwrap(), Some(ann.clone()));
    signed_in(&store, &ann).await;
}

/// The connections of before the cut are never heard of again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_that_are_lost_in_silence_are_replaced() {
    let server = Postgres::start();
    let (store, proxy, _database) = behind_a_network(&server).await;
    let ann = enrolled(&store, "ann").await;
    let callers: Vec<_> = (0..16)
        .map(|_| {
            let (store, ann) = (store.clone(), ann.clone());
            tokio::spawn(async move {
                // Until the network is lost under it.
                while store.find_by_id(ann.id).await.is_ok() {}
            })
        })
        .collect();
    // Whatever the callers are at.
    tokio::time::sleep(Duration::from_millis(200)).await;
    proxy.cut();
    for caller in callers {
        caller.await.unwrap();
    }
    proxy.lose();
    proxy.heal();
    recovered(&store).await;
    signed_in(&store, &ann).await;
    // All of the pool, not one of it.
    let calls = (0..16).map(|_| {
        let (store, ann) = (store.clone(), ann.clone());
        tokio::spawn(async move { store.find_by_id(ann.id).await.unwrap() })
    });
    for call in calls.collect::<Vec<_>>() {
        assert_eq!(call.await.unwrap().as_ref(), Some(&ann));
    }
}

/// Those that lay idle are tried before they are used: no call fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_that_are_lost_fail_no_call() {
    let server = Postgres::start();
    let (store, proxy, _database) = behind_a_network(&server).await;
    let ann = enrolled(&store, "ann").await;
    // Longer than a connection is trusted without being tried.
    tokio::time::sleep(Duration::from_millis(1100)).await;
    proxy.lose();
    assert_eq!(store.find_by_id(ann.id).await.unwrap(), Some(ann.clone()));
    tokio::time::sleep(Duration::from_millis(1100)).await;
    proxy.reset();
    assert_eq!(store.find_by_id(ann.id).await.unwrap(), Some(ann));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_ends_over_a_cut_network_too() {
    let server = Postgres::start();
    let (store, proxy, _database) = behind_a_network(&server).await;
    let ann = enrolled(&store, "ann").await;
    proxy.cut();
    let caller = tokio::spawn({
        let (store, ann) = (store.clone(), ann.clone());
        async move { store.find_by_id(ann.id).await }
    });
    tokio::task::yield_now().await;
    store.close().await;
    assert!(caller.await.unwrap().is_err());
    let error = store.ping().await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}
