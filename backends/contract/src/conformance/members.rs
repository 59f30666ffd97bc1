//! Laws of [`RoomStore::change_member`](crate::RoomStore::change_member).

use std::{collections::BTreeSet, sync::Arc};

use futures_util::future::join_all;
use tokio::spawn;

use super::{
    StoreUnderTest,
    samples::{MANY, account, change, changed, enrolled, founded, role, time},
};
use crate::{
    Account, ChangeMember, DeleteOutcome, MemberOutcome, MembershipChange, Role, Room, StoreError,
};

/// The change comes to that, and nothing is written.
async fn comes_to(store: &StoreUnderTest, change: ChangeMember, expected: MemberOutcome) {
    let members = || store.rooms.members(&change.room, None, MANY);
    let told = || store.rooms.membership_changes_since(time(0));
    let before = (members().await.unwrap(), told().await.unwrap());
    let outcome = store.rooms.change_member(&change).await.unwrap();
    assert_eq!(outcome, expected, "{change:?}");
    assert_eq!((members().await.unwrap(), told().await.unwrap()), before);
}

/// What those changes, all begun at once, come to.
async fn at_once(store: &StoreUnderTest, changes: Vec<ChangeMember>) -> Vec<MemberOutcome> {
    let calls = changes.into_iter().map(|change| {
        let rooms = Arc::clone(&store.rooms);
        spawn(async move { rooms.change_member(&change).await.unwrap() })
    });
    let done = join_all(calls.collect::<Vec<_>>()).await;
    done.into_iter().map(|call| call.unwrap()).collect()
}

/// Who owns the room.
async fn owners(store: &StoreUnderTest, room: &Room) -> usize {
    let members = store.rooms.members(&room.name, None, MANY).await.unwrap();
    let owners = members.iter().filter(|member| member.role == Role::Owner);
    owners.count()
}

/// How many of the outcomes are changes.
fn made(outcomes: &[MemberOutcome]) -> usize {
    let made = outcomes
        .iter()
        .filter(|outcome| matches!(outcome, MemberOutcome::Changed(_)));
    made.count()
}

/// A room of two owners.
async fn shared(store: &StoreUnderTest, ann: &Account, bob: &Account) -> Room {
    let room = founded(store, ann).await;
    changed(store, change(&room, ann, bob, Some(Role::Owner), 1)).await;
    room
}

laws! {
    members => member_laws($), StoreUnderTest;

    /// An owner makes anybody anything, from anything, and nothing.
    async fn owners_decide_who_is_in_a_room(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let room = founded(&store, &ann).await;
        let mut now = None;
        let mut offset = 0;
        for from in [None, Some(Role::Reader), Some(Role::Member), Some(Role::Owner)] {
            for to in [None, Some(Role::Reader), Some(Role::Member), Some(Role::Owner)] {
                for step in [from, to] {
                    if step != now {
                        offset += 1;
                        changed(&store, change(&room, &ann, &bob, step, offset)).await;
                        now = step;
                    }
                    assert_eq!(role(&store, &room, &bob).await, step);
                    assert_eq!(role(&store, &room, &ann).await, Some(Role::Owner));
                }
            }
        }
    }

    /// Whoever was made an owner decides, too, also about who made them one.
    async fn every_owner_decides(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let room = shared(&store, &ann, &bob).await;
        changed(&store, change(&room, &bob, &ann, Some(Role::Reader), 2)).await;
        comes_to(&store, change(&room, &ann, &bob, None, 3), MemberOutcome::NotOwner).await;
        changed(&store, change(&room, &bob, &ann, None, 4)).await;
        assert_eq!(role(&store, &room, &ann).await, None);
    }

    /// Members and readers change nobody, themselves neither, and learn
    /// nothing about others. They may leave.
    async fn who_is_no_owner_may_only_leave(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let cid = enrolled(&store, "cid").await;
        let room = founded(&store, &ann).await;
        changed(&store, change(&room, &ann, &cid, Some(Role::Member), 1)).await;
        for is in [Role::Member, Role::Reader] {
            changed(&store, change(&room, &ann, &bob, Some(is), 2)).await;
            for user in [&ann, &bob, &cid, &account("nobody")] {
                for asked in [None, Some(Role::Owner), Some(Role::Member), Some(Role::Reader)] {
                    if user.id == bob.id && asked.is_none() {
                        continue;
                    }
                    let change = ChangeMember { max_members: 1, ..change(&room, &bob, user, asked, 3) };
                    comes_to(&store, change, MemberOutcome::NotOwner).await;
                }
            }
            changed(&store, change(&room, &bob, &bob, None, 4)).await;
            assert_eq!(role(&store, &room, &bob).await, None);
            comes_to(&store, change(&room, &bob, &bob, None, 5), MemberOutcome::NoSuchRoom).await;
        }
    }

    /// What is so already is not written again, in a full room neither.
    async fn what_is_so_already_is_unchanged(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let room = founded(&store, &ann).await;
        for is in Role::ALL {
            changed(&store, change(&room, &ann, &bob, Some(is), 1)).await;
            let again = ChangeMember { max_members: 1, ..change(&room, &ann, &bob, Some(is), 2) };
            comes_to(&store, again, MemberOutcome::Unchanged).await;
        }
        let own = change(&room, &ann, &ann, Some(Role::Owner), 2);
        comes_to(&store, own, MemberOutcome::Unchanged).await;
    }

    /// Whoever isn't in the room, not any more, or nowhere at all, can't be removed.
    async fn nobody_to_remove_is_no_such_member(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let cid = enrolled(&store, "cid").await;
        let room = founded(&store, &ann).await;
        changed(&store, change(&room, &ann, &cid, Some(Role::Member), 1)).await;
        changed(&store, change(&room, &ann, &cid, None, 2)).await;
        for user in [&bob, &cid, &account("nobody")] {
            comes_to(&store, change(&room, &ann, user, None, 3), MemberOutcome::NoSuchMember).await;
        }
    }

    /// Only who has an account can be in a room.
    async fn adding_nobody_is_an_error(store) {
        let ann = enrolled(&store, "ann").await;
        let room = founded(&store, &ann).await;
        for role in Role::ALL {
            let change = change(&room, &ann, &account("nobody"), Some(role), 1);
            let outcome = store.rooms.change_member(&change).await;
            assert!(matches!(outcome, Err(StoreError::Failed(_))), "{outcome:?}");
        }
        assert_eq!(store.rooms.members(&room.name, None, MANY).await.unwrap().len(), 1);
        assert_eq!(store.rooms.membership_changes_since(time(0)).await.unwrap(), []);
    }

    /// The one owner can't leave, and can't become something else.
    async fn a_room_keeps_an_owner(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let room = founded(&store, &ann).await;
        changed(&store, change(&room, &ann, &bob, Some(Role::Member), 1)).await;
        for asked in [None, Some(Role::Member), Some(Role::Reader)] {
            comes_to(&store, change(&room, &ann, &ann, asked, 2), MemberOutcome::LastOwner).await;
        }
        changed(&store, change(&room, &ann, &bob, Some(Role::Owner), 3)).await;
        changed(&store, change(&room, &ann, &ann, None, 4)).await;
        comes_to(&store, change(&room, &bob, &bob, None, 5), MemberOutcome::LastOwner).await;
        // Another room's owners are no help.
        founded(&store, &bob).await;
        comes_to(&store, change(&room, &bob, &bob, None, 6), MemberOutcome::LastOwner).await;
    }

    /// A full room takes nobody more. Those who are in it may be changed, and
    /// whoever leaves makes room.
    async fn a_full_room_takes_nobody_more(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let cid = enrolled(&store, "cid").await;
        let room = founded(&store, &ann).await;
        let full = |user, role, offset| ChangeMember {
            max_members: 2,
            ..change(&room, &ann, user, role, offset)
        };
        changed(&store, full(&bob, Some(Role::Reader), 1)).await;
        comes_to(&store, full(&cid, Some(Role::Reader), 2), MemberOutcome::Full).await;
        changed(&store, full(&bob, Some(Role::Member), 3)).await;
        changed(&store, full(&bob, None, 4)).await;
        changed(&store, full(&cid, Some(Role::Reader), 5)).await;
        comes_to(&store, full(&bob, Some(Role::Member), 6), MemberOutcome::Full).await;
        // A bound that was lowered removes nobody.
        let lowered = ChangeMember { max_members: 0, ..full(&cid, Some(Role::Member), 7) };
        changed(&store, lowered).await;
        assert_eq!(role(&store, &room, &ann).await, Some(Role::Owner));
    }

    /// Of more people than fit, added all at once, as many are in the room as
    /// fit.
    async fn a_room_is_never_fuller_than_full(store) {
        let ann = enrolled(&store, "ann").await;
        let room = founded(&store, &ann).await;
        let mut changes = Vec::new();
        for i in 0..20 {
            let user = enrolled(&store, &format!("user{i}")).await;
            let add = change(&room, &ann, &user, Some(Role::Member), 1);
            changes.push(ChangeMember { max_members: 6, ..add });
        }
        let outcomes = at_once(&store, changes).await;
        assert_eq!(made(&outcomes), 5);
        let full = outcomes.iter().filter(|outcome| **outcome == MemberOutcome::Full);
        assert_eq!(full.count(), 15);
        assert_eq!(store.rooms.members(&room.name, None, MANY).await.unwrap().len(), 6);
    }

    /// Of two owners who make each other less at once, one does.
    async fn two_owners_who_demote_each_other_leave_one(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        for round in 0..20 {
            let room = shared(&store, &ann, &bob).await;
            let (asked, loses) = match round % 3 {
                0 => (None, MemberOutcome::NoSuchRoom),
                1 => (Some(Role::Member), MemberOutcome::NotOwner),
                _ => (Some(Role::Reader), MemberOutcome::NotOwner),
            };
            let changes = vec![
                change(&room, &ann, &bob, asked, 2),
                change(&room, &bob, &ann, asked, 2),
            ];
            let outcomes = at_once(&store, changes).await;
            assert_eq!(made(&outcomes), 1, "{outcomes:?}");
            assert!(outcomes.contains(&loses), "{outcomes:?}");
            assert_eq!(owners(&store, &room).await, 1);
        }
    }

    /// Of two owners who leave at once, one does.
    async fn two_owners_who_leave_at_once_leave_one(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        for _ in 0..20 {
            let room = shared(&store, &ann, &bob).await;
            let leaving = [&ann, &bob].map(|who| change(&room, who, who, None, 2));
            let outcomes = at_once(&store, leaving.to_vec()).await;
            assert_eq!(made(&outcomes), 1, "{outcomes:?}");
            assert!(outcomes.contains(&MemberOutcome::LastOwner), "{outcomes:?}");
            assert_eq!(owners(&store, &room).await, 1);
        }
    }

    /// Whatever an owner does who is just being removed is done before, or not
    /// at all.
    async fn a_removed_owner_changes_nothing_more(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let cid = enrolled(&store, "cid").await;
        for round in 0..20 {
            let room = shared(&store, &ann, &bob).await;
            let deleting = (round % 4 == 0).then(|| {
                let (rooms, name) = (Arc::clone(&store.rooms), room.name.clone());
                spawn(async move { rooms.delete_room(&name, bob.id, time(2)).await.unwrap() })
            });
            let changes = vec![
                change(&room, &bob, &cid, Some(Role::Owner), 2),
                change(&room, &ann, &bob, None, 2),
            ];
            let outcomes = at_once(&store, changes).await;
            if let Some(deleting) = deleting {
                let outcome = deleting.await.unwrap();
                let left = store.rooms.members(&room.name, None, MANY).await.unwrap();
                assert_eq!(left.is_empty(), outcome != DeleteOutcome::NoSuchRoom);
                continue;
            }
            let MemberOutcome::Changed(removal) = &outcomes[1] else {
                panic!("{outcomes:?}");
            };
            let cid_is = role(&store, &room, &cid).await;
            match &outcomes[0] {
                MemberOutcome::Changed(added) => {
                    assert!(added.revision < removal.revision, "{outcomes:?}");
                    assert_eq!(cid_is, Some(Role::Owner));
                }
                other => {
                    assert_eq!((other, cid_is), (&MemberOutcome::NoSuchRoom, None));
                }
            }
        }
    }

    /// Each change in a room has a revision of its own, larger than those of
    /// all that came before, also of those who went and came back.
    async fn a_revision_grows_with_each_change_in_a_room(store) {
        let ann = enrolled(&store, "ann").await;
        let bob = enrolled(&store, "bob").await;
        let cid = enrolled(&store, "cid").await;
        let room = founded(&store, &ann).await;
        let mut last: Option<MembershipChange> = None;
        let steps = [
            (&bob, Some(Role::Reader)), (&cid, Some(Role::Owner)), (&bob, Some(Role::Owner)),
            (&bob, None), (&bob, Some(Role::Member)), (&cid, None), (&bob, None),
            (&cid, Some(Role::Reader)), (&bob, Some(Role::Reader)),
        ];
        for (user, role) in steps {
            // Whatever the clock says.
            let made = changed(&store, change(&room, &ann, user, role, 7)).await;
            if let Some(last) = last {
                assert!(made.revision > last.revision, "{last:?}, then {made:?}");
            }
            last = Some(made);
        }
        let outcome = store.rooms.delete_room(&room.name, ann.id, time(7)).await.unwrap();
        let DeleteOutcome::Deleted(ended) = outcome else {
            panic!("{outcome:?}");
        };
        let last = last.unwrap().revision;
        assert_eq!(ended.len(), 3);
        assert!(ended.iter().all(|change| change.revision > last), "{ended:?}");
    }

    /// Of concurrent changes in a room, each has a revision of its own.
    async fn concurrent_changes_have_a_revision_each(store) {
        let ann = enrolled(&store, "ann").await;
        let room = founded(&store, &ann).await;
        let mut changes = Vec::new();
        for i in 0..20 {
            let user = enrolled(&store, &format!("user{i}")).await;
            changes.push(change(&room, &ann, &user, Some(Role::Member), 1));
        }
        let outcomes = at_once(&store, changes).await;
        let revisions: BTreeSet<_> = outcomes
            .into_iter()
            .map(|outcome| match outcome {
                MemberOutcome::Changed(change) => change.revision,
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(revisions.len(), 20);
    }
}
