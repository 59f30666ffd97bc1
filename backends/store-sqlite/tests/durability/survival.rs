//! What survives, and who may read it.

use std::{fs, path::Path, sync::Arc};

use contract::{CreateOutcome, CredentialStore, Rotation, SessionStore, StoreError};
use sqlx_core::query_scalar::query_scalar;
use store_sqlite::SqliteStore;

use crate::{account, enrolled, operator, rotate, run, signed_in, store, time};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reopening_finds_what_was_confirmed() {
    let (store, folder) = store().await;
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

    let store = SqliteStore::open(&folder.path().join("data.db"))
        .await
        .unwrap();
    assert_eq!(store.find_by_id(ann.id).await.unwrap(), Some(ann));
    assert_eq!(store.find(row.id, time(1)).await.unwrap(), Some(row));
}

/// The state of the disk at any moment after a confirmation, as a power cut
/// would leave it: file and WAL are copied while the store is open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_confirmed_is_in_the_files_at_once() {
    let (store, folder) = store().await;
    let copy = tempfile::tempdir().unwrap();
    for round in 0..20 {
        let ann = enrolled(&store, &format!("ann{round}")).await;
        let row = signed_in(&store, &ann).await;
        for name in ["data.db", "data.db-wal"] {
            fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
        }
        let path = copy.path().join("data.db");
        let copied = SqliteStore::open(&path).await.unwrap();
        assert_eq!(copied.find_by_id(ann.id).await.unwrap(), Some(ann));
        assert_eq!(copied.find(row.id, time(1)).await.unwrap(), Some(row));
        copied.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_that_open_a_new_file_at_once_share_it() {
    for _ in 0..20 {
        let folder = tempfile::tempdir().unwrap();
        let path = Arc::new(folder.path().join("deep/er/data.db"));
        let opening: Vec<_> = (0..6)
            .map(|_| {
                let path = Arc::clone(&path);
                tokio::spawn(async move { SqliteStore::open(&path).await })
            })
            .collect();
        let mut stores = Vec::new();
        for opening in opening {
            stores.push(opening.await.unwrap().unwrap());
        }
        let ann = enrolled(&stores[0], "ann").await;
        for store in &stores {
            assert_eq!(store.find_by_id(ann.id).await.unwrap().as_ref(), Some(&ann));
        }
        assert_eq!(winners(&stores).await, 1);
    }
}

/// How many of the stores, all at once, get the name `bob`.
async fn winners(stores: &[SqliteStore]) -> usize {
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

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_owner_may_read_what_is_made() {
    use std::os::unix::fs::PermissionsExt;

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    let folder = tempfile::tempdir().unwrap();
    let above = folder.path().join("new");
    let path = above.join("folder/data.db");
    let store = SqliteStore::open(&path).await.unwrap();
    enrolled(&store, "ann").await;
    assert_eq!(mode(&above), 0o700);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
    for name in ["data.db", "data.db-wal", "data.db-shm"] {
        assert_eq!(mode(&path.with_file_name(name)), 0o600, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_path_is_the_path_of_a_file() {
    let folder = tempfile::tempdir().unwrap();
    for name in [":memory:", "file:a?mode=memory", "a b%20?c#d&e"] {
        let path = folder.path().join(name);
        let store = SqliteStore::open(&path).await.unwrap();
        let ann = enrolled(&store, "ann").await;
        assert_eq!(store.find_by_id(ann.id).await.unwrap().as_ref(), Some(&ann));
        store.close().await;
        assert!(path.is_file(), "{name}");
        let store = SqliteStore::open(&path).await.unwrap();
        assert_eq!(store.find_by_id(ann.id).await.unwrap(), Some(ann), "{name}");
        store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_file_is_in_wal_mode_and_migrated() {
    let (store, folder) = store().await;
    enrolled(&store, "ann").await;
    let mut operator = operator(&folder).await;
    let mode: String = query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut operator)
        .await
        .unwrap();
    assert_eq!(mode, "wal");
    let migrations: i64 = query_scalar("SELECT count(*) FROM _sqlx_migrations")
        .fetch_one(&mut operator)
        .await
        .unwrap();
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../migrations/sqlite");
    let files = std::fs::read_dir(folder).unwrap().count();
    assert_eq!(usize::try_from(migrations), Ok(files));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_goes_on_until_all_is_removed() {
    let (store, folder) = store().await;
    let ann = enrolled(&store, "ann").await;
    let mut operator = operator(&folder).await;
    // More than two batches.
    run(
        &mut operator,
        &format!(
            "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1203)
             INSERT INTO sessions SELECT randomblob(16), (SELECT id FROM accounts),
               randomblob(32), 0, NULL, 0, 0, {end} + i, {end} + i, NULL FROM n",
            end = time(0).as_millisecond(),
        ),
    )
    .await;
    assert_eq!(store.purge(time(1201), time(1201)).await.unwrap(), 1201);
    assert_eq!(store.list(ann.id, time(0)).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn debug_shows_where_and_nothing_else() {
    let (store, _folder) = store().await;
    let ann = enrolled(&store, "ann").await;
    let shown = format!("{store:?}");
    assert!(shown.contains("data.db"), "{shown}");
    assert!(
        !shown.contains(ann.hash.as_str()) && !shown.contains("ann\""),
        "{shown}"
    );
}
