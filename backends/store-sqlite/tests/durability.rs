//! The file itself: what survives, who may read it, and what is refused.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{error::Error, fs, path::Path, sync::Arc, time::Duration};

use contract::{
    Account, CreateOutcome, CredentialStore, NewSession, OpenOutcome, Rotate, Rotation, Seed,
    Session, SessionId, SessionStore, StoreError, StoredHash, Timestamp, UserId, Username,
};
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection, sqlite::SqliteConnectOptions};
use store_sqlite::SqliteStore;
use tempfile::TempDir;

fn time(offset: i64) -> Timestamp {
    Timestamp::from_millisecond(1_800_000_000_123 + offset).unwrap()
}

fn account(name: &str) -> Account {
    Account {
        id: UserId::random(),
        username: Username::parse(name).unwrap(),
        hash: StoredHash::new("$argon2id$the-hash".to_owned()),
        created_at: time(0),
        disabled_at: None,
    }
}

fn session(user: UserId) -> Session {
    Session {
        id: SessionId::random(),
        user,
        seed: Seed::new([7; 32]),
        counter: 0,
        user_agent: None,
        created_at: time(0),
        rotated_at: time(0),
        idle_expires_at: time(1000),
        expires_at: time(2000),
    }
}

async fn enrolled(store: &SqliteStore, name: &str) -> Account {
    let account = account(name);
    let outcome = store.create(&account).await.unwrap();
    assert_eq!(outcome, CreateOutcome::Created);
    account
}

async fn signed_in(store: &SqliteStore, account: &Account) -> Session {
    let session = session(account.id);
    let new = NewSession {
        session: session.clone(),
        verified: account.hash.clone(),
    };
    assert_eq!(store.open(&new).await.unwrap(), OpenOutcome::Opened);
    session
}

fn rotate(session: &Session, presented: u32) -> Rotate {
    Rotate {
        session: session.id,
        presented,
        grace: Duration::from_millis(10),
        idle_ttl: Duration::from_millis(500),
        now: time(1),
    }
}

/// A store in a folder of its own, and the folder.
async fn store() -> (SqliteStore, TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("data.db"))
        .await
        .unwrap();
    (store, folder)
}

/// Somebody else at the file, as an operator with the `sqlite3` shell.
async fn operator(folder: &TempDir) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(folder.path().join("data.db"));
    SqliteConnection::connect_with(&options).await.unwrap()
}

async fn run(connection: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned()))
        .execute(connection)
        .await
        .unwrap();
}

/// Everything that a log would show of an error.
fn told(error: &StoreError) -> String {
    let mut told = format!("{error} {error:?}");
    let mut source = error.source();
    while let Some(error) = source {
        told.push_str(&format!(" {error} {error:?}"));
        source = error.source();
    }
    told
}

/// Opening that path fails, without a panic and without changing a file there.
async fn refused(path: &Path) -> StoreError {
    let before = fs::read(path).ok();
    let error = SqliteStore::open(path).await.unwrap_err();
    assert_eq!(fs::read(path).ok(), before);
    error
}

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
    let mode: String = sqlx::query_scalar("PRAGMA journal_mode")
        .fetch_one(&mut operator)
        .await
        .unwrap();
    assert_eq!(mode, "wal");
    let migrations: i64 = sqlx::query_scalar("SELECT count(*) FROM _sqlx_migrations")
        .fetch_one(&mut operator)
        .await
        .unwrap();
    assert_eq!(migrations, 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_newer_schema_is_refused_in_clear_words() {
    let (store, folder) = store().await;
    store.close().await;
    let mut operator = operator(&folder).await;
    run(
        &mut operator,
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
         VALUES (907, 'later', TRUE, x'00', 0)",
    )
    .await;
    operator.close().await.unwrap();

    let error = refused(&folder.path().join("data.db")).await;
    assert!(matches!(error, StoreError::Failed(_)));
    let told = error.source().unwrap().to_string();
    assert!(
        told.contains("newer version") && told.contains("907"),
        "{told}"
    );
    assert!(told.contains("data.db"), "{told}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_migration_is_refused() {
    let (store, folder) = store().await;
    store.close().await;
    let mut operator = operator(&folder).await;
    run(
        &mut operator,
        "UPDATE _sqlx_migrations SET checksum = x'00' WHERE version = 2",
    )
    .await;
    operator.close().await.unwrap();
    let error = refused(&folder.path().join("data.db")).await;
    assert!(matches!(error, StoreError::Failed(_)));
    assert!(
        told(&error).contains("has been modified"),
        "{}",
        told(&error)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_a_database_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let garbage = folder.path().join("garbage.db");
    fs::write(
        &garbage,
        b"not a database, but long enough to be looked at ".repeat(200),
    )
    .unwrap();
    let error = refused(&garbage).await;
    assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
    assert!(told(&error).contains("garbage.db"));

    let error = refused(folder.path()).await;
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_where_nothing_can_be_made_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let error = refused(&file.join("data.db")).await;
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    // Read-only for everyone, the superuser too.
    #[cfg(target_os = "linux")]
    {
        let error = refused(Path::new("/proc/roomkey/data.db")).await;
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(
            error
                .source()
                .unwrap()
                .to_string()
                .contains("/proc/roomkey")
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_cannot_be_read_is_named_but_not_shown() {
    let (store, folder) = store().await;
    let ann = enrolled(&store, "ann").await;
    let row = signed_in(&store, &ann).await;
    let mut operator = operator(&folder).await;
    run(
        &mut operator,
        "PRAGMA ignore_check_constraints = ON; PRAGMA foreign_keys = OFF",
    )
    .await;

    let cases = [
        ("accounts", "username", "'Not Canonical 4711'"),
        ("accounts", "username", "'ANN4711'"),
        ("accounts", "hash", "cast(x'ff34373131' AS TEXT)"),
        ("accounts", "created_at", "4711471147114711471"),
        ("accounts", "disabled_at", "-4711471147114711471"),
        ("sessions", "user_id", "x'4711'"),
        ("sessions", "seed", "x'4711'"),
        ("sessions", "counter", "-4711"),
        ("sessions", "counter", "471147114711"),
        ("sessions", "user_agent", "cast(x'ff34373131' AS TEXT)"),
        ("sessions", "created_at", "4711471147114711471"),
        ("sessions", "rotated_at", "4711471147114711471"),
        ("sessions", "expires_at", "4711471147114711471"),
    ];
    for (table, column, value) in cases {
        run(
            &mut operator,
            &format!(
                "CREATE TEMP TABLE kept AS SELECT id, {column} AS was FROM {table};
                 UPDATE {table} SET {column} = {value}"
            ),
        )
        .await;
        let error = if table == "accounts" {
            store.find_by_id(ann.id).await.unwrap_err()
        } else {
            store.find(row.id, time(1)).await.unwrap_err()
        };
        let StoreError::Corrupt { field, .. } = &error else {
            panic!("{table}.{column} = {value}: {error:?}");
        };
        assert_eq!(*field, format!("{table}.{column}"));
        assert!(!told(&error).contains("4711"), "{value}: {}", told(&error));
        run(
            &mut operator,
            &format!(
                "UPDATE {table} SET {column} = (SELECT was FROM kept WHERE kept.id = {table}.id);
                 DROP TABLE kept"
            ),
        )
        .await;
    }
    assert_eq!(store.find_by_id(ann.id).await.unwrap(), Some(ann));
    assert_eq!(store.find(row.id, time(1)).await.unwrap(), Some(row));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_of_an_unreadable_row_is_an_error() {
    let (store, folder) = store().await;
    let ann = enrolled(&store, "ann").await;
    let row = signed_in(&store, &ann).await;
    let mut operator = operator(&folder).await;
    run(
        &mut operator,
        "UPDATE sessions SET created_at = 4711471147114711471",
    )
    .await;
    // The current token, the previous one, and one from the future.
    for presented in [0, 0, 7] {
        let error = store.rotate(rotate(&row, presented)).await.unwrap_err();
        assert!(
            matches!(
                error,
                StoreError::Corrupt {
                    field: "sessions.created_at",
                    ..
                }
            ),
            "{error:?}"
        );
        assert!(!told(&error).contains("4711"), "{}", told(&error));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_breaks_the_schema_is_an_error_without_the_value() {
    let (store, _folder) = store().await;
    let mut ann = account("ann");
    ann.hash = StoredHash::new("4711".repeat(64));
    let error = store.create(&ann).await.unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)));
    assert!(!told(&error).contains("4711"));
    assert_eq!(store.find_by_id(ann.id).await.unwrap(), None);

    let ann = enrolled(&store, "ann").await;
    let twice = Account {
        id: ann.id,
        ..account("bob")
    };
    assert!(matches!(
        store.create(&twice).await,
        Err(StoreError::Failed(_))
    ));
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
               randomblob(32), 0, NULL, 0, 0, {end} + i, {end} + i FROM n",
            end = time(0).as_millisecond(),
        ),
    )
    .await;
    assert_eq!(store.purge_expired(time(1201)).await.unwrap(), 1201);
    assert_eq!(store.list(ann.id, time(0)).await.unwrap().len(), 2);
}

/// Reads that are over or given up hold no snapshot: the WAL can be emptied.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reads_that_are_over_do_not_pin_the_wal() {
    let (store, folder) = store().await;
    let ann = enrolled(&store, "ann").await;
    let row = signed_in(&store, &ann).await;
    for turns in 0..200 {
        given_up(store.find(row.id, time(1)), turns % 40).await;
        given_up(store.list(ann.id, time(1)), turns % 40).await;
        given_up(store.rotate(rotate(&row, 0)), turns % 40).await;
    }
    // Each connection is back in its pool, with what was given up cleared away.
    for _ in 0..8 {
        store.ping().await.unwrap();
    }
    let mut operator = operator(&folder).await;
    let checkpoint = sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)")
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
    let row = signed_in(&store, &ann).await;
    let mut callers = Vec::new();
    for caller in 0..8 {
        let (store, row) = (store.clone(), row.clone());
        callers.push(tokio::spawn(async move {
            for turns in 0..100 {
                given_up(store.rotate(rotate(&row, 0)), (turns + caller) % 50).await;
                given_up(
                    store.disable(UserId::random(), time(1)),
                    (turns + caller) % 50,
                )
                .await;
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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_locked_by_another_is_unavailable() {
    let (store, folder) = store().await;
    let mut operator = operator(&folder).await;
    run(&mut operator, "BEGIN IMMEDIATE").await;
    let error = store.create(&account("ann")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    run(&mut operator, "ROLLBACK").await;
    enrolled(&store, "ann").await;
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
