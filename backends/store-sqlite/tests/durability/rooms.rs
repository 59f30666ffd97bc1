//! Rooms and repeated requests: what survives, and what a refusal leaves.

use std::fs;

use contract::{
    Account, Begin, ChangeMember, CredentialStore, DeleteOutcome, IdempotencyStore,
    IdempotentRequest, MemberOutcome, MembershipChange, Role, Room, RoomOutcome, RoomStore,
    StoreError,
};
use sqlx_sqlite::SqliteConnection;
use store_sqlite::SqliteStore;

use crate::{change, enrolled, founded, operator, request, room, run, store, time, told};

/// What a room comes to: its members as `ann` sees them.
async fn seen(store: &SqliteStore, room: &Room, ann: &Account) -> Vec<(String, Role)> {
    let found = store.membership(&room.name, ann.id).await.unwrap();
    assert_eq!(found.map(|found| found.room).as_ref(), Some(room));
    let members = store.members(&room.name, None, 10).await.unwrap();
    let members = members.into_iter();
    members
        .map(|member| (member.username.to_string(), member.role))
        .collect()
}

async fn made(store: &SqliteStore, change: &ChangeMember) -> MembershipChange {
    match store.change_member(change).await.unwrap() {
        MemberOutcome::Changed(made) => made,
        other => panic!("{other:?}"),
    }
}

async fn begin(store: &SqliteStore, request: &IdempotentRequest) -> Begin {
    IdempotencyStore::begin(store, request).await.unwrap()
}

/// A statement that is refused, as by a full disk, and the table that it writes to.
async fn refuse(operator: &mut SqliteConnection, statement: &str, table: &str) {
    run(
        operator,
        &format!(
            "CREATE TRIGGER refuse BEFORE {statement} ON {table}
             BEGIN SELECT RAISE(ABORT, 'refused'); END"
        ),
    )
    .await;
}

/// The state of the disk at any moment after a confirmation, as `kill -9` or a
/// power cut would leave it: file and WAL are copied while the store is open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rooms_that_were_confirmed_are_in_the_files_at_once() {
    let (store, folder) = store().await;
    let ann = enrolled(&store, "ann").await;
    let bob = enrolled(&store, "bob").await;
    let copy = tempfile::tempdir().unwrap();
    let path = copy.path().join("data.db");
    let copied = async || {
        for name in ["data.db", "data.db-wal"] {
            fs::copy(folder.path().join(name), copy.path().join(name)).unwrap();
        }
        SqliteStore::open(&path).await.unwrap()
    };
    let owns = ("ann".to_owned(), Role::Owner);
    for round in 0..5 {
        let room = founded(&store, &ann).await;
        let as_left = copied().await;
        assert_eq!(
            seen(&as_left, &room, &ann).await,
            std::slice::from_ref(&owns)
        );
        as_left.close().await;

        let mut last = None;
        for role in [Some(Role::Reader), None, Some(Role::Member)] {
            let change = made(&store, &change(&room, &ann, &bob, role)).await;
            let as_left = copied().await;
            let there = role.map(|role| ("bob".to_owned(), role));
            let expected: Vec<_> = [Some(owns.clone()), there].into_iter().flatten().collect();
            assert_eq!(seen(&as_left, &room, &ann).await, expected);
            let told = as_left.membership_changes_since(time(0)).await.unwrap();
            assert!(told.contains(&change), "{told:?}");
            as_left.close().await;
            last = Some(change.revision);
        }

        let request = request(&ann, &format!("key {round}"));
        assert_eq!(begin(&store, &request).await, Begin::Begun);
        let as_left = copied().await;
        assert_eq!(begin(&as_left, &request).await, Begin::InProgress);
        as_left.close().await;
        store.finish(&request, "answer").await.unwrap();

        let outcome = store.delete_room(&room.name, ann.id, time(2)).await;
        let DeleteOutcome::Deleted(ended) = outcome.unwrap() else {
            panic!("ann owns the room");
        };
        let as_left = copied().await;
        let finished = Begin::Finished("answer".to_owned());
        assert_eq!(begin(&as_left, &request).await, finished);
        assert_eq!(as_left.membership(&room.name, ann.id).await.unwrap(), None);
        let told = as_left.membership_changes_since(time(2)).await.unwrap();
        assert!(ended.iter().all(|change| told.contains(change)), "{told:?}");
        assert!(ended.iter().all(|change| Some(change.revision) > last));
        let again = as_left.create_room(&room, bob.id, 1000).await.unwrap();
        assert_eq!(again, RoomOutcome::NameTaken);
        as_left.close().await;
    }
}

/// Whichever of its statements fails, nothing of a write is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_write_leaves_nothing_half_done() {
    let (store, folder) = store().await;
    let mut operator = operator(&folder).await;
    let ann = enrolled(&store, "ann").await;
    let bob = enrolled(&store, "bob").await;
    let room = founded(&store, &ann).await;
    let added = change(&room, &ann, &bob, Some(Role::Member));
    let last = made(&store, &added).await;
    let begun = request(&ann, "begun");
    assert_eq!(begin(&store, &begun).await, Begin::Begun);

    let another = crate::room();
    let promoted = change(&room, &ann, &bob, Some(Role::Owner));
    let new = request(&ann, "new");
    for (statement, table) in [
        ("INSERT", "rooms"),
        ("UPDATE", "rooms"),
        ("INSERT", "memberships"),
        ("UPDATE", "memberships"),
        ("INSERT", "idempotent_requests"),
        ("UPDATE", "idempotent_requests"),
        ("DELETE", "idempotent_requests"),
    ] {
        refuse(&mut operator, statement, table).await;
        let errors = match (statement, table) {
            ("INSERT", "rooms" | "memberships") => {
                let creation = store.create_room(&another, ann.id, 1000).await;
                vec![creation.unwrap_err()]
            }
            ("UPDATE", "rooms" | "memberships") => vec![
                store.change_member(&promoted).await.unwrap_err(),
                store
                    .delete_room(&room.name, ann.id, time(2))
                    .await
                    .unwrap_err(),
            ],
            ("INSERT", _) => vec![IdempotencyStore::begin(&store, &new).await.unwrap_err()],
            ("UPDATE", _) => vec![store.finish(&begun, "answer").await.unwrap_err()],
            _ => vec![
                store.abandon(&begun).await.unwrap_err(),
                store.purge_requests(time(9)).await.unwrap_err(),
            ],
        };
        run(&mut operator, "DROP TRIGGER refuse").await;
        for error in errors {
            assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
            assert!(told(&error).contains("refused"), "{error:?}");
        }

        let expected = [("ann", Role::Owner), ("bob", Role::Member)];
        let expected = expected.map(|(name, role)| (name.to_owned(), role));
        assert_eq!(seen(&store, &room, &ann).await, expected);
        let changes = store.membership_changes_since(time(0)).await.unwrap();
        assert_eq!(changes, std::slice::from_ref(&last));
        assert_eq!(store.membership(&another.name, ann.id).await.unwrap(), None);
        assert_eq!(begin(&store, &begun).await, Begin::InProgress);
    }
    // Nothing of the refused stands in the way.
    let outcome = store.create_room(&another, ann.id, 1000).await.unwrap();
    assert_eq!(outcome, RoomOutcome::Created);
    assert!(made(&store, &promoted).await.revision > last.revision);
    assert_eq!(begin(&store, &new).await, Begin::Begun);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_breaks_a_bound_is_an_error_without_the_value() {
    let (store, _folder) = store().await;
    let ann = enrolled(&store, "ann").await;
    let titled = |title: String| Room { title, ..room() };
    let named = |name| Room { name, ..room() };
    for refused in [
        titled(String::new()),
        titled("é".repeat(Room::MAX_TITLE_CHARS + 1)),
        titled("4711".repeat(30)),
        named(contract::RoomName::control()),
        named(room().name.presence()),
    ] {
        let error = store.create_room(&refused, ann.id, 1000).await.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
        assert!(!told(&error).contains("4711"), "{}", told(&error));
        assert_eq!(store.membership(&refused.name, ann.id).await.unwrap(), None);
    }
    for key in [
        String::new(),
        "x".repeat(IdempotentRequest::MAX_KEY_BYTES + 1),
        "4711".repeat(64),
        "é".repeat(128),
    ] {
        let error = IdempotencyStore::begin(&store, &request(&ann, &key)).await;
        let error = error.unwrap_err();
        assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
        assert!(!told(&error).contains("4711"), "{}", told(&error));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_value_of_a_room_that_cannot_be_read_is_named_but_not_shown() {
    for (field, value) in [
        ("rooms.title", "cast(x'ff34373131' AS TEXT)"),
        ("rooms.created_at", "4711471147114711471"),
        ("memberships.role", "'owner4711'"),
        ("memberships.revision", "-4711"),
        ("memberships.changed_at", "4711471147114711471"),
    ] {
        let (store, folder) = store().await;
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let room = founded(&store, &ann).await;
        let added = change(&room, &ann, &bob, Some(Role::Member));
        made(&store, &added).await;
        let (table, column) = field.split_once('.').unwrap();
        let mut operator = operator(&folder).await;
        run(
            &mut operator,
            &format!("PRAGMA ignore_check_constraints = ON; UPDATE {table} SET {column} = {value}"),
        )
        .await;

        let mut errors = Vec::new();
        if table == "rooms" || column == "role" {
            errors.push(store.membership(&room.name, ann.id).await.unwrap_err());
            errors.push(store.memberships(ann.id, None, 10).await.unwrap_err());
        }
        if column == "role" {
            errors.push(store.members(&room.name, None, 10).await.unwrap_err());
            errors.push(store.change_member(&added).await.unwrap_err());
            let deletion = store.delete_room(&room.name, ann.id, time(2)).await;
            errors.push(deletion.unwrap_err());
        }
        if table == "memberships" {
            errors.push(store.membership_changes_since(time(0)).await.unwrap_err());
        }
        for error in errors {
            let StoreError::Corrupt { field: named, .. } = &error else {
                panic!("{field} = {value}: {error:?}");
            };
            assert_eq!(*named, field);
            assert!(!told(&error).contains("4711"), "{value}: {}", told(&error));
        }
    }
}

/// More than two batches of each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_of_changes_and_requests_goes_on_until_all_is_removed() {
    let (store, folder) = store().await;
    let ann = enrolled(&store, "ann").await;
    let mut operator = operator(&folder).await;
    let start = time(0).as_millisecond();
    run(
        &mut operator,
        &format!(
            "CREATE TEMP TABLE n AS
                WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 1203)
                SELECT i FROM n;
             INSERT INTO rooms SELECT 'room-' || i, 'a room', 0, 0, 1, {start} + i FROM n;
             INSERT INTO memberships
                SELECT 'room-' || i, (SELECT id FROM accounts), NULL, 1, {start} + i FROM n;
             INSERT INTO idempotent_requests
                SELECT (SELECT id FROM accounts), i, zeroblob(32), {start} + i, NULL FROM n"
        ),
    )
    .await;
    let purged = store.purge_membership_changes(time(1201)).await.unwrap();
    assert_eq!(purged, 2 * 1201);
    let left = store.membership_changes_since(time(0)).await.unwrap();
    assert_eq!(left.len(), 2);
    assert_eq!(store.purge_requests(time(1201)).await.unwrap(), 1201);
    let kept = begin(&store, &request(&ann, "1202")).await;
    assert_eq!(kept, Begin::Differs);
}
