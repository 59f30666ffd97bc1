//! What survives the end of the server.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use contract::{
    Account, CreateOutcome, CredentialStore, OpenOutcome, Rotation, Session, SessionStore,
    StoreError,
};
use store_postgres::PostgresStore;
use test_servers::{Postgres, postgres::sql};
use tokio::task::block_in_place;

use crate::{account, connect, enrolled, opening, rotate, signed_in, store, time};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reconnecting_finds_what_was_confirmed() {
    let (store, database) = store().await;
    let ann = enrolled(&store, "ann").await;
    let row = signed_in(&store, &ann).await;
    let Rotation::Rotated(row) = store.rotate(rotate(&row, 0)).await.unwrap() else {
        panic!("the token is current");
    };
    store.close().await;
    assert!(matches!(
        store.ping().await,
        Err(StoreError::Unavailable(_))
    ));

    let store = connect(&database.url, 4).await.unwrap();
    assert_eq!(store.find_by_id(ann.id).await.unwrap(), Some(ann));
    assert_eq!(store.find(row.id, time(1)).await.unwrap(), Some(row));
}

/// How far the callers have come.
#[derive(Default)]
pub(crate) struct Progress {
    confirmed: AtomicUsize,
    over: AtomicBool,
}

impl Progress {
    /// Whether the callers are to stop.
    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    /// Stops the callers.
    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    /// Waits for so many more confirmed writes.
    pub(crate) async fn more(&self, writes: usize) {
        let wanted = self.confirmed.load(Ordering::SeqCst) + writes;
        while self.confirmed.load(Ordering::SeqCst) < wanted {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }

    /// What a write came to, if it was confirmed.
    pub(crate) async fn confirmed<T>(&self, outcome: Result<T, StoreError>) -> Option<T> {
        match outcome {
            Ok(outcome) => {
                self.confirmed.fetch_add(1, Ordering::SeqCst);
                Some(outcome)
            }
            Err(StoreError::Unavailable(_)) => {
                tokio::time::sleep(Duration::from_millis(5)).await;
                None
            }
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// Enrols, signs in and refreshes, over and over, whatever happens to the
/// server; returns every account and session that was confirmed.
async fn busy(
    store: PostgresStore,
    caller: usize,
    progress: Arc<Progress>,
) -> Vec<(Account, Option<Session>)> {
    let mut confirmed = Vec::new();
    while !progress.is_over() {
        let ann = account(&format!("ann-{caller}-{}", confirmed.len()));
        // Tried once: a second try could find the first one's account.
        let Some(created) = progress.confirmed(store.create(&ann).await).await else {
            continue;
        };
        // The name is taken if an earlier try, unconfirmed, was carried out.
        if created == CreateOutcome::NameTaken {
            confirmed.push((store_until_found(&store, &ann).await, None));
            continue;
        }
        let new = opening(&ann);
        let Some(outcome) = progress.confirmed(store.open(&new).await).await else {
            confirmed.push((ann, None));
            continue;
        };
        assert_eq!(outcome, OpenOutcome::Opened);
        let mut session = new.session;
        while session.counter < 10 {
            // Asked again until it is answered, as a client does.
            let request = rotate(&session, session.counter);
            match progress.confirmed(store.rotate(request).await).await {
                Some(Rotation::Rotated(row) | Rotation::Repeated(row)) => session = row,
                Some(other) => panic!("{other:?}"),
                None => {}
            }
        }
        confirmed.push((ann, Some(session)));
    }
    confirmed
}

/// The account of that name, once the server answers.
async fn store_until_found(store: &PostgresStore, wanted: &Account) -> Account {
    loop {
        match store.find_by_name(&wanted.username).await {
            Ok(found) => return found.expect("a taken name is somebody's"),
            Err(StoreError::Unavailable(_)) => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => panic!("{error:?}"),
        }
    }
}

/// The server is killed twice under load. The store recovers by itself, and
/// everything that it has confirmed is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_keeps_what_was_confirmed() {
    let mut server = Postgres::start();
    let database = server.database();
    let store = connect(&database.url, 6).await.unwrap();
    let progress = Arc::new(Progress::default());
    let callers: Vec<_> = (0..12)
        .map(|caller| tokio::spawn(busy(store.clone(), caller, Arc::clone(&progress))))
        .collect();
    for _ in 0..2 {
        progress.more(300).await;
        block_in_place(|| server.kill());
        // What is left of it may serve for a moment.
        while store.ping().await.is_ok() {}
        block_in_place(|| server.restart());
    }
    progress.more(300).await;
    progress.end();

    let mut sessions = 0;
    for caller in callers {
        for (account, session) in caller.await.unwrap() {
            let found = store.find_by_id(account.id).await.unwrap();
            assert_eq!(found.as_ref(), Some(&account));
            if let Some(session) = session {
                sessions += 1;
                let found = store.find(session.id, time(1)).await.unwrap();
                assert_eq!(found, Some(session));
            }
        }
    }
    assert!(sessions > 20, "{sessions}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_start_at_once_migrate_once() {
    for _ in 0..5 {
        let database = Arc::new(Postgres::shared().database());
        let connecting: Vec<_> = (0..6)
            .map(|_| {
                let database = Arc::clone(&database);
                tokio::spawn(async move { connect(&database.url, 2).await })
            })
            .collect();
        let mut stores = Vec::new();
        for connecting in connecting {
            stores.push(connecting.await.unwrap().unwrap());
        }
        let migrations = sql(&database.url, "SELECT count(*) FROM _sqlx_migrations");
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/postgres");
        let files = std::fs::read_dir(folder).unwrap().count();
        assert_eq!(migrations, format!("{files}\n"));
        let ann = enrolled(&stores[0], "ann").await;
        for store in &stores {
            assert_eq!(store.find_by_id(ann.id).await.unwrap().as_ref(), Some(&ann));
        }
        assert_eq!(winners(&stores).await, 1);
    }
}

/// How many of the stores, all at once, get the name `bob`.
async fn winners(stores: &[PostgresStore]) -> usize {
    let creating: Vec<_> = stores
        .iter()
        .map(|store| {
            let store = store.clone();
            tokio::spawn(async move { store.create(&account("bob")).await.unwrap() })
        })
        .collect();
    let mut created = 0;
    for creating in creating {
        created += usize::from(creating.await.unwrap() == CreateOutcome::Created);
    }
    created
}

/// Nodes that end all sessions of one user at once don't deadlock, whatever
/// else happens to the sessions.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_end_the_same_sessions_end_each_once() {
    let (store, database) = store().await;
    let other = connect(&database.url, 4).await.unwrap();
    for round in 0..10 {
        let ann = enrolled(&store, &format!("ann{round}")).await;
        let mut rows = Vec::new();
        for _ in 0..30 {
            rows.push(signed_in(&store, &ann).await);
        }
        let ending = |node: &PostgresStore| {
            let node = node.clone();
            tokio::spawn(async move { node.revoke_all(ann.id, None, time(1)).await.unwrap() })
        };
        let refreshing: Vec<_> = rows
            .iter()
            .map(|row| {
                let (node, row) = (other.clone(), row.clone());
                tokio::spawn(async move { node.rotate(rotate(&row, 0)).await.unwrap() })
            })
            .collect();
        let calls = [
            ending(&store),
            ending(&other),
            ending(&store),
            ending(&other),
        ];
        let disabling = store.disable(ann.id, time(1)).await.unwrap().unwrap();
        let purged = other.purge(time(0), time(0)).await.unwrap();
        assert_eq!(purged, 0);
        let mut ended = disabling;
        for call in calls {
            ended.extend(call.await.unwrap());
        }
        for refresh in refreshing {
            refresh.await.unwrap();
        }
        ended.sort();
        let mut expected: Vec<_> = rows.iter().map(|row| row.id).collect();
        expected.sort();
        assert_eq!(ended, expected);
    }
}
