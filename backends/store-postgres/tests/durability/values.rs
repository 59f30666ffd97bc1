//! What the database holds: values that can't be read, and errors that show none.

use contract::{Account, CredentialStore, OpenOutcome, SessionStore, StoreError, StoredHash};
use test_servers::postgres::sql;

use crate::{account, enrolled, opening, rotate, signed_in, store, time, told};

/// Takes away what keeps such values out.
const UNGUARDED: &str = "
    ALTER TABLE accounts ALTER username DROP NOT NULL, ALTER hash DROP NOT NULL;
    ALTER TABLE sessions DROP CONSTRAINT sessions_seed_check,
        DROP CONSTRAINT sessions_counter_check, DROP CONSTRAINT sessions_check,
        ALTER seed DROP NOT NULL, ALTER counter DROP NOT NULL, ALTER created_at DROP NOT NULL";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_that_cannot_be_read_is_named_but_not_shown() {
    let (store, database) = store().await;
    let ann = enrolled(&store, "ann").await;
    let row = signed_in(&store, &ann).await;
    sql(&database.url, UNGUARDED);

    let cases = [
        ("accounts", "username", "'Not Canonical 4711'"),
        ("accounts", "username", "'ANN4711'"),
        ("accounts", "username", "NULL"),
        ("accounts", "hash", "NULL"),
        ("accounts", "created_at", "4711471147114711471"),
        ("accounts", "disabled_at", "-4711471147114711471"),
        ("sessions", "seed", "'\\x4711'"),
        ("sessions", "seed", "NULL"),
        ("sessions", "counter", "-4711"),
        ("sessions", "counter", "471147114711"),
        ("sessions", "counter", "NULL"),
        ("sessions", "created_at", "4711471147114711471"),
        ("sessions", "created_at", "NULL"),
        ("sessions", "rotated_at", "4711471147114711471"),
        ("sessions", "expires_at", "4711471147114711471"),
    ];
    for (table, column, value) in cases {
        sql(
            &database.url,
            &format!(
                "CREATE TABLE kept AS SELECT id, {column} AS was FROM {table};
                 UPDATE {table} SET {column} = {value}"
            ),
        );
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
        sql(
            &database.url,
            &format!(
                "UPDATE {table} SET {column} = was FROM kept WHERE kept.id = {table}.id;
                 DROP TABLE kept"
            ),
        );
    }
    assert_eq!(store.find_by_id(ann.id).await.unwrap(), Some(ann));
    assert_eq!(store.find(row.id, time(1)).await.unwrap(), Some(row));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_of_an_unreadable_row_is_an_error() {
    let (store, database) = store().await;
    let ann = enrolled(&store, "ann").await;
    let row = signed_in(&store, &ann).await;
    sql(
        &database.url,
        "UPDATE sessions SET created_at = 4711471147114711471",
    );
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

/// PostgreSQL quotes the row in the detail of such an error.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_breaks_the_schema_is_an_error_without_the_value() {
    let (store, database) = store().await;
    let mut long = account("ann");
    long.hash = StoredHash::new("4711".repeat(64));
    let error = store.create(&long).await.unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)));
    assert!(told(&error).contains("23514"), "{}", told(&error));
    assert!(!told(&error).contains("4711"), "{}", told(&error));
    assert_eq!(store.find_by_id(long.id).await.unwrap(), None);

    let ann = enrolled(&store, "ann").await;
    let twice = Account {
        id: ann.id,
        ..account("bob")
    };
    let error = store.create(&twice).await.unwrap_err();
    assert!(matches!(error, StoreError::Failed(_)));
    assert!(!told(&error).contains(&ann.id.to_string()), "{error:?}");

    sql(
        &database.url,
        "ALTER TABLE accounts ADD CHECK (hash NOT LIKE '%4711')",
    );
    let new = StoredHash::new("$argon2id$4711".to_owned());
    let error = store
        .replace_hash(ann.id, &ann.hash, &new)
        .await
        .unwrap_err();
    assert!(!told(&error).contains("$argon2id"), "{}", told(&error));
}

/// The server finds out after it has sent the row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_fails_confirms_nothing() {
    let (store, database) = store().await;
    let ann = enrolled(&store, "ann").await;
    let row = signed_in(&store, &ann).await;
    sql(
        &database.url,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'too late'; END $$;
         CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON accounts
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse();
         CREATE CONSTRAINT TRIGGER late AFTER INSERT OR UPDATE ON sessions
            DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse()",
    );
    let new = StoredHash::new("new".to_owned());
    let errors = [
        store.create(&account("bob")).await.unwrap_err(),
        store
            .replace_hash(ann.id, &ann.hash, &new)
            .await
            .unwrap_err(),
        store.disable(ann.id, time(1)).await.unwrap_err(),
        store.open(&opening(&ann)).await.unwrap_err(),
        store.rotate(rotate(&row, 0)).await.unwrap_err(),
        store.rotate(rotate(&row, 7)).await.unwrap_err(),
        store.revoke(ann.id, row.id, time(1)).await.unwrap_err(),
        store.revoke_all(ann.id, None, time(1)).await.unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
        assert!(told(&error).contains("too late"), "{error:?}");
    }
    assert_eq!(store.list(ann.id, time(1)).await.unwrap(), [row]);
    assert_eq!(store.find_by_id(ann.id).await.unwrap(), Some(ann));
}

/// A text of PostgreSQL has no NUL; nobody is kept from signing in by one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_agent_with_a_nul_signs_in() {
    let (store, _database) = store().await;
    let ann = enrolled(&store, "ann").await;
    let mut new = opening(&ann);
    new.session.user_agent = Some("a\0b".to_owned());
    assert_eq!(store.open(&new).await.unwrap(), OpenOutcome::Opened);
    new.session.user_agent = Some("a\u{fffd}b".to_owned());
    let found = store.find(new.session.id, time(1)).await.unwrap();
    assert_eq!(found, Some(new.session));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_goes_on_until_all_is_removed() {
    let (store, database) = store().await;
    let ann = enrolled(&store, "ann").await;
    // More than two steps.
    sql(
        &database.url,
        &format!(
            "INSERT INTO sessions
             SELECT gen_random_uuid(), (SELECT id FROM accounts), decode(repeat('00', 32), 'hex'),
                0, NULL, 0, 0, {end} + i, {end} + i, NULL FROM generate_series(1, 4503) AS i",
            end = time(0).as_millisecond(),
        ),
    );
    assert_eq!(store.purge(time(4501), time(4501)).await.unwrap(), 4501);
    assert_eq!(store.list(ann.id, time(0)).await.unwrap().len(), 2);
}
