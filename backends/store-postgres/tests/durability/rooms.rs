//! Rooms and repeated requests: what a refusal leaves, and what can't be read.

use contract::{
    Begin, ChangeMember, IdempotencyStore, IdempotentRequest, MemberOutcome, MembershipChange,
    Role, Room, RoomName, RoomOutcome, RoomStore, StoreError,
};
use store_postgres::PostgresStore;
use test_servers::postgres::sql;

use crate::{change, enrolled, founded, request, room, store, time, told};

pub(crate) async fn made(store: &PostgresStore, change: &ChangeMember) -> MembershipChange {
    match store.change_member(change).await.unwrap() {
        MemberOutcome::Changed(made) => made,
        other => panic!("{other:?}"),
    }
}

pub(crate) async fn begin(store: &PostgresStore, request: &IdempotentRequest) -> Begin {
    IdempotencyStore::begin(store, request).await.unwrap()
}

/// What everybody in a room is there.
pub(crate) async fn roles(store: &PostgresStore, room: &RoomName) -> Vec<(String, Role)> {
    let members = store.members(room, None, 10).await.unwrap();
    let members = members.into_iter();
    members
        .map(|member| (member.username.to_string(), member.role))
        .collect()
}

/// Whichever of its statements fails, or its commit, nothing of a write is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_write_leaves_nothing_half_done() {
    let (store, database) = store().await;
    let ann = enrolled(&store, "ann").await;
    let bob = enrolled(&store, "bob").await;
    let room = founded(&store, &ann).await;
    let last = made(&store, &change(&room, &ann, &bob, Some(Role::Member))).await;
    let begun = request(&ann, "begun");
    assert_eq!(begin(&store, &begun).await, Begin::Begun);
    sql(
        &database.url,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'refused'; END $$",
    );

    let another = crate::room();
    let promoted = change(&room, &ann, &bob, Some(Role::Owner));
    let new = request(&ann, "new");
    let writes = [
        ("INSERT", "rooms"),
        ("UPDATE", "rooms"),
        ("INSERT", "memberships"),
        ("UPDATE", "memberships"),
        ("INSERT", "idempotent_requests"),
        ("UPDATE", "idempotent_requests"),
        ("DELETE", "idempotent_requests"),
    ];
    let at_once = writes.map(|(statement, table)| {
        let trigger = format!("CREATE TRIGGER refuse BEFORE {statement} ON {table}");
        (statement, table, trigger)
    });
    let at_commit = writes.map(|(statement, table)| {
        let trigger = format!(
            "CREATE CONSTRAINT TRIGGER refuse AFTER {statement} ON {table}
                DEFERRABLE INITIALLY DEFERRED"
        );
        (statement, table, trigger)
    });
    for (statement, table, trigger) in at_once.into_iter().chain(at_commit) {
        let refuse = format!("{trigger} FOR EACH ROW EXECUTE FUNCTION refuse()");
        sql(&database.url, &refuse);
        let errors = match (statement, table) {
            ("INSERT", "rooms" | "memberships") => {
                let creation = store.create_room(&another, ann.id, 1000).await;
                vec![creation.unwrap_err()]
            }
            ("UPDATE", "rooms" | "memberships") => {
                let deletion = store.delete_room(&room.name, ann.id, time(2)).await;
                let promotion = store.change_member(&promoted).await;
                vec![promotion.unwrap_err(), deletion.unwrap_err()]
            }
            ("INSERT", _) => {
                let beginning = IdempotencyStore::begin(&store, &new).await;
                vec![beginning.unwrap_err()]
            }
            ("UPDATE", _) => vec![store.finish(&begun, "answer").await.unwrap_err()],
            // A purge leaves alone what somebody has locked, and a server tells
            // of a refusal before it gives up the locks.
            _ => vec![
                store.purge_requests(time(9)).await.unwrap_err(),
                store.abandon(&begun).await.unwrap_err(),
            ],
        };
        sql(&database.url, &format!("DROP TRIGGER refuse ON {table}"));
        for error in errors {
            assert!(matches!(error, StoreError::Failed(_)), "{error:?}");
            assert!(told(&error).contains("refused"), "{error:?}");
        }

        let expected = [("ann", Role::Owner), ("bob", Role::Member)];
        let expected = expected.map(|(name, role)| (name.to_owned(), role));
        assert_eq!(roles(&store, &room.name).await, expected);
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

/// PostgreSQL quotes the row in the detail of such an error.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_breaks_a_bound_is_an_error_without_the_value() {
    let (store, _database) = store().await;
    let ann = enrolled(&store, "ann").await;
    let titled = |title: String| Room { title, ..room() };
    let named = |name| Room { name, ..room() };
    for refused in [
        titled(String::new()),
        titled("é".repeat(Room::MAX_TITLE_CHARS + 1)),
        titled("4711".repeat(30)),
        titled("4711\0".to_owned()),
        named(RoomName::control()),
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
        ("rooms.name", "'4711 4711'"),
        ("rooms.created_at", "4711471147114711471"),
        ("memberships.role", "'owner4711'"),
        ("memberships.revision", "-4711"),
        ("memberships.changed_at", "4711471147114711471"),
    ] {
        let (store, database) = store().await;
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let mut room = founded(&store, &ann).await;
        let mut added = change(&room, &ann, &bob, Some(Role::Member));
        made(&store, &added).await;
        let (table, column) = field.split_once('.').unwrap();
        // Takes away what keeps such values out.
        sql(
            &database.url,
            &format!(
                "ALTER TABLE memberships DROP CONSTRAINT memberships_role_check,
                    DROP CONSTRAINT memberships_revision_check,
                    DROP CONSTRAINT memberships_room_fkey,
                    ADD FOREIGN KEY (room) REFERENCES rooms ON UPDATE CASCADE;
                 ALTER TABLE rooms DROP CONSTRAINT rooms_name_check;
                 UPDATE {table} SET {column} = {value}"
            ),
        );

        let mut errors = Vec::new();
        if column == "name" {
            errors.push(store.memberships(ann.id, None, 10).await.unwrap_err());
        } else if table == "rooms" || column == "role" {
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
        // The rest of the store serves.
        room = founded(&store, &bob).await;
        added = change(&room, &bob, &ann, Some(Role::Reader));
        made(&store, &added).await;
    }
}

/// More than two steps of each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purge_of_changes_and_requests_goes_on_until_all_is_removed() {
    let (store, database) = store().await;
    let ann = enrolled(&store, "ann").await;
    let start = time(0).as_millisecond();
    sql(
        &database.url,
        &format!(
            "CREATE TABLE n AS SELECT i FROM generate_series(1, 4503) AS i;
             INSERT INTO rooms SELECT 'room-' || i, 'a room', false, 0, 1, {start} + i FROM n;
             INSERT INTO memberships
                SELECT 'room-' || i, (SELECT id FROM accounts), NULL, 1, {start} + i FROM n;
             INSERT INTO idempotent_requests
                SELECT (SELECT id FROM accounts), i, decode(repeat('00', 32), 'hex'),
                    {start} + i, NULL FROM n"
        ),
    );
    let purged = store.purge_membership_changes(time(4501)).await.unwrap();
    assert_eq!(purged, 2 * 4501);
    let left = store.membership_changes_since(time(0)).await.unwrap();
    assert_eq!(left.len(), 2);
    assert_eq!(store.purge_requests(time(4501)).await.unwrap(), 4501);
    let kept = begin(&store, &request(&ann, "4502")).await;
    assert_eq!(kept, Begin::Differs);
}
