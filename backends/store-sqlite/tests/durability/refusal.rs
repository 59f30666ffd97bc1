//! What is refused, and in which words.

use std::{error::Error, fs, path::Path};

use contract::{Account, CredentialStore, SessionStore, StoreError, StoredHash};
use sqlx_core::connection::Connection;
use store_sqlite::SqliteStore;

use crate::{account, enrolled, operator, rotate, run, signed_in, store, time, told};

/// Opening that path fails, without a panic and without changing a file there.
async fn refused(path: &Path) -> StoreError {
    let before = fs::read(path).ok();
    let error = SqliteStore::open(path).await.unwrap_err();
    assert_eq!(fs::read(path).ok(), before);
    error
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
        let error = refused(Path::new("/proc/accounts/data.db")).await;
        assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
        assert!(
            error
                .source()
                .unwrap()
                .to_string()
                .contains("/proc/accounts")
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
async fn a_file_that_is_locked_by_another_is_unavailable() {
    let (store, folder) = store().await;
    let mut operator = operator(&folder).await;
    run(&mut operator, "BEGIN IMMEDIATE").await;
    let error = store.create(&account("ann")).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error:?}");
    run(&mut operator, "ROLLBACK").await;
    enrolled(&store, "ann").await;
}
