//! Laws of the [`RoomStore`](crate::RoomStore): create, find, list, delete.

use std::sync::Arc;

use futures_util::future::join_all;
use tokio::spawn;

use super::{
    StoreUnderTest,
    samples::{MANY, abandoned, account, change, changed, enrolled, founded, role, time, unmade},
};
use crate::{
    Account, DeleteOutcome, Member, MemberOutcome, Membership, MembershipChange, Role, Room,
    RoomName, RoomOutcome, StoreError, UserId, Username,
};

/// Creating that room comes to that.
async fn creates(store: &StoreUnderTest, room: &Room, owner: &Account, expected: RoomOutcome) {
    let outcome = store.rooms.create_room(room, owner.id, MANY).await;
    assert_eq!(outcome.unwrap(), expected);
}

/// A room of that name, in no store yet.
fn named(name: &str) -> Room {
    Room {
        name: RoomName::parse(name).unwrap(),
        ..unmade("named")
    }
}

fn member(account: &Account, role: Role) -> Member {
    Member {
        user: account.id,
        username: account.username.clone(),
        role,
    }
}

/// Deletes the room and expects that it is gone.
async fn deleted(
    store: &StoreUnderTest,
    room: &Room,
    by: &Account,
    offset: i64,
) -> Vec<MembershipChange> {
    let outcome = store
        .rooms
        .delete_room(&room.name, by.id, time(offset))
        .await;
    match outcome.unwrap() {
        DeleteOutcome::Deleted(changes) => changes,
        other => panic!("{other:?}"),
    }
}

laws! {
    rooms => room_laws($), StoreUnderTest;

    /// What is found is what was created, in every field; its owner is its one
    /// member.
    async fn a_found_room_equals_the_created_one(store) {
        let ann = enrolled(&store, "ann").await;
        let plain = unmade("a");
        let mut widest = named(&format!("{}_-", "aZ09".repeat(RoomName::MAX_BYTES / 4))[..RoomName::MAX_BYTES]);
        widest.title = "李".repeat(Room::MAX_TITLE_CHARS);
        widest.presence = true;
        widest.created_at = time(-7);
        for room in [plain, widest] {
            creates(&store, &room, &ann, RoomOutcome::Created).await;
            let found = store.rooms.membership(&room.name, ann.id).await.unwrap();
            let members = store.rooms.members(&room.name, None, MANY).await.unwrap();
            assert_eq!(members, [member(&ann, Role::Owner)]);
            assert_eq!(found, Some(Membership { room, role: Role::Owner }));
        }
    }

    /// Of concurrent calls with one name, exactly one is `Created`; the others
    /// are in no room.
    async fn concurrent_creation_of_a_room_has_one_winner(store) {
        let name = unmade("").name;
        let mut calls = Vec::new();
        for i in 0..20 {
            let owner = enrolled(&store, &format!("ann{i}")).await;
            let room = Room { name: name.clone(), ..unmade(&format!("room {i}")) };
            let rooms = Arc::clone(&store.rooms);
            calls.push(spawn(async move {
                let outcome = rooms.create_room(&room, owner.id, MANY).await.unwrap();
                (outcome, room, owner)
            }));
        }
        let mut winners = 0;
        for call in join_all(calls).await {
            let (outcome, room, owner) = call.unwrap();
            let found = store.rooms.membership(&name, owner.id).await.unwrap();
            if outcome == RoomOutcome::Created {
                winners += 1;
                assert_eq!(found, Some(Membership { room, role: Role::Owner }));
            } else {
                assert_eq!((outcome, found), (RoomOutcome::NameTaken, None));
            }
        }
        assert_eq!(winners, 1);
        assert_eq!(store.rooms.members(&name, None, MANY).await.unwrap().len(), 1);
    }

    /// A refused creation changes nothing. Names that differ in case are two.
    async fn a_taken_room_keeps_its_title_and_its_owner(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let first = named("Room");
        creates(&store, &first, &ann, RoomOutcome::Created).await;
        for again in [&ann, &bob] {
            let second = Room { title: "another".to_owned(), presence: true, ..first.clone() };
            creates(&store, &second, again, RoomOutcome::NameTaken).await;
        }
        assert_eq!(role(&store, &first, &bob).await, None);
        let found = store.rooms.membership(&first.name, ann.id).await.unwrap();
        assert_eq!(found, Some(Membership { room: first, role: Role::Owner }));
        creates(&store, &named("room"), &bob, RoomOutcome::Created).await;
    }

    /// Of more rooms than one may own, made all at once, as many are made as
    /// one may own.
    async fn nobody_makes_more_rooms_than_one_may_own(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let calls = (0..20).map(|i| {
            let (rooms, room) = (Arc::clone(&store.rooms), unmade(&format!("room {i}")));
            spawn(async move { rooms.create_room(&room, ann.id, 5).await.unwrap() })
        });
        let outcomes = join_all(calls.collect::<Vec<_>>()).await;
        let outcomes: Vec<_> = outcomes.into_iter().map(|outcome| outcome.unwrap()).collect();
        let created = outcomes.iter().filter(|outcome| **outcome == RoomOutcome::Created);
        assert_eq!(created.count(), 5);
        let refused = outcomes.iter().filter(|outcome| **outcome == RoomOutcome::TooMany);
        assert_eq!(refused.count(), 15);
        assert_eq!(store.rooms.memberships(ann.id, None, MANY).await.unwrap().len(), 5);
        // It is a bound for each user, not for all.
        let outcome = store.rooms.create_room(&unmade("bob's"), bob.id, 1).await.unwrap();
        assert_eq!(outcome, RoomOutcome::Created);
        let outcome = store.rooms.create_room(&unmade("none"), bob.id, 0).await.unwrap();
        assert_eq!(outcome, RoomOutcome::TooMany);
    }

    /// What counts is what one owns: not the rooms in which one is something
    /// else, nor those that one has given away or deleted.
    async fn only_owned_rooms_count(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let theirs = founded(&store, &bob).await;
        changed(&store, change(&theirs, &bob, &ann, Some(Role::Member), 1)).await;
        let makes = async |expected| {
            let room = unmade("ann's");
            let outcome = store.rooms.create_room(&room, ann.id, 1).await.unwrap();
            assert_eq!(outcome, expected);
            room
        };
        let room = makes(RoomOutcome::Created).await;
        makes(RoomOutcome::TooMany).await;
        changed(&store, change(&room, &ann, &bob, Some(Role::Owner), 2)).await;
        changed(&store, change(&room, &bob, &ann, Some(Role::Reader), 3)).await;
        let room = makes(RoomOutcome::Created).await;
        makes(RoomOutcome::TooMany).await;
        deleted(&store, &room, &ann, 4).await;
        makes(RoomOutcome::Created).await;
    }

    /// A room is somebody's.
    async fn a_room_of_nobody_is_an_error(store) {
        let ann = enrolled(&store, "ann").await;
        let room = unmade("nobody's");
        let outcome = store.rooms.create_room(&room, UserId::random(), MANY).await;
        assert!(matches!(outcome, Err(StoreError::Failed(_))), "{outcome:?}");
        creates(&store, &room, &ann, RoomOutcome::Created).await;
        let outcome = store.rooms.create_room(&room, UserId::random(), MANY).await;
        assert!(matches!(outcome, Err(StoreError::Failed(_))), "{outcome:?}");
    }

    /// Whoever isn't in a room can't tell it from one that doesn't exist,
    /// whatever they ask for.
    async fn a_room_one_is_not_in_is_as_absent_as_one_that_is_not(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let cid = enrolled(&store, "cid").await;
        let full = founded(&store, &ann).await;
        changed(&store, change(&full, &ann, &cid, Some(Role::Owner), 1)).await;
        for room in [full.clone(), unmade("not there")] {
            assert_eq!(role(&store, &room, &bob).await, None);
            for user in [&ann, &bob, &cid, &account("nobody")] {
                for asked in [None, Some(Role::Owner), Some(Role::Reader)] {
                    let mut change = change(&room, &bob, user, asked, 2);
                    change.max_members = 1;
                    let outcome = store.rooms.change_member(&change).await.unwrap();
                    assert_eq!(outcome, MemberOutcome::NoSuchRoom);
                }
            }
            let outcome = store.rooms.delete_room(&room.name, bob.id, time(2)).await.unwrap();
            assert_eq!(outcome, DeleteOutcome::NoSuchRoom);
        }
        assert_eq!(store.rooms.memberships(bob.id, None, MANY).await.unwrap(), []);
        assert_eq!(role(&store, &full, &ann).await, Some(Role::Owner));
        assert_eq!(store.rooms.members(&unmade("").name, None, MANY).await.unwrap(), []);
    }

    /// What one is in one room says nothing of another room, nor of another user.
    async fn a_membership_is_of_one_user_in_one_room(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let (first, second) = (founded(&store, &ann).await, founded(&store, &bob).await);
        changed(&store, change(&first, &ann, &bob, Some(Role::Reader), 1)).await;
        assert_eq!(role(&store, &first, &ann).await, Some(Role::Owner));
        assert_eq!(role(&store, &first, &bob).await, Some(Role::Reader));
        assert_eq!(role(&store, &second, &ann).await, None);
        assert_eq!(role(&store, &second, &bob).await, Some(Role::Owner));
        let outcome = store.rooms.change_member(&change(&second, &ann, &bob, None, 2)).await;
        assert_eq!(outcome.unwrap(), MemberOutcome::NoSuchRoom);
        let outcome = store.rooms.delete_room(&first.name, bob.id, time(2)).await.unwrap();
        assert_eq!(outcome, DeleteOutcome::NotOwner);
    }

    /// The rooms that one is in come in the order of their names' bytes, each
    /// once, page by page; those that one has left, or that are deleted, don't.
    async fn memberships_come_page_by_page(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let names = ["b", "-", "a", "Z", "_", "aa", "0", "left", "gone", "others", "B"];
        for name in names {
            let room = Room { presence: name == "a", title: name.to_uppercase(), ..named(name) };
            creates(&store, &room, &bob, RoomOutcome::Created).await;
            let role = if name == "b" { Role::Owner } else { Role::Reader };
            if name != "others" {
                changed(&store, change(&room, &bob, &ann, Some(role), 1)).await;
            }
        }
        changed(&store, change(&named("left"), &ann, &ann, None, 2)).await;
        deleted(&store, &named("gone"), &bob, 2).await;

        let expected = ["-", "0", "B", "Z", "_", "a", "aa", "b"].map(|name| Membership {
            room: Room { presence: name == "a", title: name.to_uppercase(), ..named(name) },
            role: if name == "b" { Role::Owner } else { Role::Reader },
        });
        for limit in [1, 2, 3, 7, 8, 9, u32::MAX] {
            let mut listed: Vec<Membership> = Vec::new();
            loop {
                let after = listed.last().map(|last| &last.room.name);
                let page = store.rooms.memberships(ann.id, after, limit).await.unwrap();
                assert!(page.len() <= usize::try_from(limit).unwrap());
                if page.is_empty() {
                    break;
                }
                listed.extend(page);
            }
            assert_eq!(listed, expected, "{limit}");
        }
        // From after a room that one isn't in.
        let after = RoomName::parse("ZZ").unwrap();
        let page = store.rooms.memberships(ann.id, Some(&after), 2).await.unwrap();
        assert_eq!(page, expected[4..6]);
    }

    /// Who is in a room comes in the order of the usernames' bytes, each once,
    /// page by page; those who have left, or are in other rooms, don't.
    async fn members_come_page_by_page(store) {
        let owner = enrolled(&store, "m").await;
        let room = founded(&store, &owner).await;
        let mut expected = vec![member(&owner, Role::Owner)];
        for (i, name) in ["é", "b", "a-", "a", "李", "a0", "анна", "left"].iter().enumerate() {
            let account = enrolled(&store, name).await;
            let role = Role::ALL[i % 3];
            changed(&store, change(&room, &owner, &account, Some(role), 1)).await;
            if *name == "left" {
                changed(&store, change(&room, &owner, &account, None, 2)).await;
            } else {
                expected.push(member(&account, role));
            }
        }
        let other = enrolled(&store, "other").await;
        founded(&store, &other).await;

        expected.sort_by(|a, b| a.username.as_str().as_bytes().cmp(b.username.as_str().as_bytes()));
        for limit in [1, 2, 7, 8, 9, u32::MAX] {
            let mut listed: Vec<Member> = Vec::new();
            loop {
                let after = listed.last().map(|last| &last.username);
                let page = store.rooms.members(&room.name, after, limit).await.unwrap();
                assert!(page.len() <= usize::try_from(limit).unwrap());
                if page.is_empty() {
                    break;
                }
                listed.extend(page);
            }
            assert_eq!(listed, expected, "{limit}");
        }
        // From after somebody who isn't there.
        let after = Username::parse("aa").unwrap();
        let page = store.rooms.members(&room.name, Some(&after), 1).await.unwrap();
        assert_eq!(page, [expected[3].clone()]);
    }

    /// A deleted room is absent for everybody who was in it, and its name
    /// stays taken until it is purged.
    async fn a_deleted_room_is_absent_and_its_name_taken(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let (room, other) = (founded(&store, &ann).await, founded(&store, &ann).await);
        changed(&store, change(&room, &ann, &bob, Some(Role::Member), 1)).await;
        changed(&store, change(&other, &ann, &bob, Some(Role::Member), 1)).await;
        let outcome = store.rooms.delete_room(&room.name, bob.id, time(5)).await.unwrap();
        assert_eq!(outcome, DeleteOutcome::NotOwner);
        assert_eq!(role(&store, &room, &ann).await, Some(Role::Owner));

        let mut users: Vec<_> = deleted(&store, &room, &ann, 5).await;
        users.sort_by_key(|change| change.user);
        let mut expected = [ann.id, bob.id];
        expected.sort();
        assert_eq!(users.iter().map(|change| change.user).collect::<Vec<_>>(), expected);
        for change in users {
            assert_eq!((&change.room, change.role, change.at), (&room.name, None, time(5)));
        }
        assert_eq!(store.rooms.members(&room.name, None, MANY).await.unwrap(), []);
        for who in [&ann, &bob] {
            assert_eq!(role(&store, &room, who).await, None);
            assert_eq!(store.rooms.memberships(who.id, None, MANY).await.unwrap().len(), 1);
            let again = store.rooms.delete_room(&room.name, who.id, time(6)).await.unwrap();
            assert_eq!(again, DeleteOutcome::NoSuchRoom);
            for asked in [None, Some(Role::Owner)] {
                let change = change(&room, who, who, asked, 6);
                let outcome = store.rooms.change_member(&change).await.unwrap();
                assert_eq!(outcome, MemberOutcome::NoSuchRoom);
            }
        }
        creates(&store, &room, &bob, RoomOutcome::NameTaken).await;
        store.rooms.purge_membership_changes(time(4)).await.unwrap();
        creates(&store, &room, &bob, RoomOutcome::NameTaken).await;
        store.rooms.purge_membership_changes(time(5)).await.unwrap();
        creates(&store, &room, &bob, RoomOutcome::Created).await;
        assert_eq!(role(&store, &room, &ann).await, None);
    }

    /// Of owners who delete a room at once, one does; whoever is added
    /// meanwhile is not in it afterwards.
    async fn a_room_is_deleted_once(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let cid = enrolled(&store, "cid").await;
        for _ in 0..10 {
            let room = founded(&store, &ann).await;
            changed(&store, change(&room, &ann, &bob, Some(Role::Owner), 1)).await;
            let adding = spawn({
                let rooms = Arc::clone(&store.rooms);
                let change = change(&room, &ann, &cid, Some(Role::Member), 2);
                async move { rooms.change_member(&change).await.unwrap() }
            });
            let deleting = [ann.id, bob.id].map(|by| {
                let (rooms, name) = (Arc::clone(&store.rooms), room.name.clone());
                spawn(async move { rooms.delete_room(&name, by, time(2)).await.unwrap() })
            });
            let mut ended = Vec::new();
            for outcome in join_all(deleting).await {
                match outcome.unwrap() {
                    DeleteOutcome::Deleted(changes) => ended.push(changes),
                    other => assert_eq!(other, DeleteOutcome::NoSuchRoom),
                }
            }
            assert_eq!(ended.len(), 1);
            let added = matches!(adding.await.unwrap(), MemberOutcome::Changed(_));
            assert_eq!(ended[0].len(), if added { 3 } else { 2 });
            assert_eq!(store.rooms.members(&room.name, None, MANY).await.unwrap(), []);
            assert_eq!(role(&store, &room, &cid).await, None);
        }
    }

    /// A call that is dropped half-way leaves the old rooms or the new, and a
    /// store that still works.
    async fn a_dropped_call_leaves_the_old_rooms_or_the_new(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        for turns in 0..60 {
            let mut room = unmade("dropped");
            abandoned(store.rooms.create_room(&room, ann.id, MANY), turns).await;
            // What was begun may still be on its way; a write waits for it.
            let again = change(&room, &ann, &ann, Some(Role::Owner), 1);
            let there = match store.rooms.change_member(&again).await.unwrap() {
                MemberOutcome::Unchanged => vec![member(&ann, Role::Owner)],
                other => {
                    assert_eq!(other, MemberOutcome::NoSuchRoom);
                    room = founded(&store, &ann).await;
                    Vec::new()
                }
            };
            let members = store.rooms.members(&again.room, None, MANY).await.unwrap();
            assert_eq!(members, there);

            let adding = change(&room, &ann, &bob, Some(Role::Member), 2);
            abandoned(store.rooms.change_member(&adding), turns).await;
            let outcome = store.rooms.change_member(&adding).await.unwrap();
            assert!(
                matches!(outcome, MemberOutcome::Changed(_) | MemberOutcome::Unchanged),
                "{outcome:?}"
            );
            assert_eq!(role(&store, &room, &bob).await, Some(Role::Member));

            abandoned(store.rooms.delete_room(&room.name, ann.id, time(3)), turns).await;
            let still = change(&room, &ann, &ann, Some(Role::Owner), 4);
            let outcome = store.rooms.change_member(&still).await.unwrap();
            let left = store.rooms.members(&room.name, None, MANY).await.unwrap();
            match outcome {
                MemberOutcome::Unchanged => assert_eq!(left.len(), 2),
                other => assert_eq!((other, left), (MemberOutcome::NoSuchRoom, Vec::new())),
            }
        }
    }
}
