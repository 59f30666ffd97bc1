//! Laws of the [`RoomStore`](crate::RoomStore): what is told of changes, and
//! for how long.

use super::{
    StoreUnderTest,
    samples::{MANY, change, changed, enrolled, founded, role, time, unmade},
};
use crate::{Account, DeleteOutcome, MembershipChange, Role, RoomOutcome};

/// What is told of changes at or after `offset`, in the order of room and user.
async fn told(store: &StoreUnderTest, offset: i64) -> Vec<MembershipChange> {
    let told = store.rooms.membership_changes_since(time(offset)).await;
    sorted(told.unwrap())
}

fn sorted(mut changes: Vec<MembershipChange>) -> Vec<MembershipChange> {
    changes.sort_by(|a, b| (&a.room, a.user).cmp(&(&b.room, b.user)));
    changes
}

async fn purged(store: &StoreUnderTest, offset: i64) -> u64 {
    let purged = store.rooms.purge_membership_changes(time(offset)).await;
    purged.unwrap()
}

/// So many accounts.
async fn people(store: &StoreUnderTest, count: usize) -> Vec<Account> {
    let mut people = Vec::new();
    for i in 0..count {
        people.push(enrolled(store, &format!("user{i}")).await);
    }
    people
}

laws! {
    changes => change_laws($), StoreUnderTest;

    /// Of each membership that was changed at or after a time, the latest
    /// change is told; the making of a room is none.
    async fn the_latest_change_of_each_membership_is_told(store) {
        let people = people(&store, 4).await;
        let [ann, bob, cid, dan] = &people[..] else { unreachable!() };
        let room = founded(&store, ann).await;
        let other = founded(&store, ann).await;
        assert_eq!(told(&store, -1000).await, []);
        changed(&store, change(&room, ann, bob, Some(Role::Reader), 10)).await;
        let cid_is = changed(&store, change(&room, ann, cid, Some(Role::Reader), 20)).await;
        let elsewhere = changed(&store, change(&other, ann, bob, Some(Role::Owner), 30)).await;
        changed(&store, change(&room, ann, bob, None, 40)).await;
        let bob_is = changed(&store, change(&room, ann, bob, Some(Role::Member), 50)).await;
        let dan_was = changed(&store, change(&room, ann, dan, Some(Role::Owner), 50)).await;
        assert!(dan_was.revision > bob_is.revision);
        let dan_is = changed(&store, change(&room, dan, dan, None, 60)).await;
        let ann_is = changed(&store, change(&other, bob, ann, Some(Role::Reader), 70)).await;

        let all = [cid_is, elsewhere, bob_is, dan_is, ann_is];
        for since in [0, 10, 20, 21, 30, 31, 50, 51, 60, 61, 70, 71] {
            let expected = all.iter().filter(|change| change.at >= time(since));
            let expected = sorted(expected.cloned().collect());
            assert_eq!(told(&store, since).await, expected, "{since}");
        }
    }

    /// The end of a room is told of everybody who was in it, and of nobody
    /// else anew.
    async fn the_end_of_a_room_is_told_of_each_member(store) {
        let people = people(&store, 4).await;
        let [ann, bob, cid, dan] = &people[..] else { unreachable!() };
        let room = founded(&store, ann).await;
        let other = founded(&store, bob).await;
        changed(&store, change(&room, ann, bob, Some(Role::Reader), 1)).await;
        changed(&store, change(&room, ann, cid, Some(Role::Owner), 2)).await;
        changed(&store, change(&room, ann, dan, Some(Role::Owner), 3)).await;
        let dan_is = changed(&store, change(&room, ann, dan, None, 4)).await;
        let outcome = store.rooms.delete_room(&room.name, cid.id, time(9)).await.unwrap();
        let DeleteOutcome::Deleted(mut ended) = outcome else {
            panic!("{outcome:?}");
        };
        let users: Vec<_> = sorted(ended.clone()).iter().map(|change| change.user).collect();
        let mut expected = [ann.id, bob.id, cid.id];
        expected.sort();
        assert_eq!(users, expected);
        assert_eq!(told(&store, 9).await, sorted(ended.clone()));
        ended.push(dan_is);
        assert_eq!(told(&store, 0).await, sorted(ended));
        assert_eq!(role(&store, &other, bob).await, Some(Role::Owner));
    }

    /// A purge forgets removals at or before its time, counts them, and
    /// touches nothing else.
    async fn a_purge_forgets_exactly_the_removals(store) {
        let people = people(&store, 5).await;
        let [ann, bob, cid, dan, eve] = &people[..] else { unreachable!() };
        let room = founded(&store, ann).await;
        for user in [bob, cid, dan, eve] {
            changed(&store, change(&room, ann, user, Some(Role::Member), 1)).await;
        }
        changed(&store, change(&room, ann, bob, None, 10)).await;
        let cid_is = changed(&store, change(&room, ann, cid, None, 11)).await;
        changed(&store, change(&room, ann, dan, None, 2)).await;
        let dan_is = changed(&store, change(&room, ann, dan, Some(Role::Reader), 3)).await;
        let eve_is = told(&store, 1).await.into_iter().find(|change| change.user == eve.id);

        assert_eq!(purged(&store, 9).await, 0);
        assert_eq!(told(&store, 0).await.len(), 4);
        assert_eq!(purged(&store, 10).await, 1);
        assert_eq!(purged(&store, 10).await, 0);
        let live = [dan_is, eve_is.unwrap()];
        let left = live.iter().cloned().chain([cid_is]);
        assert_eq!(told(&store, 0).await, sorted(left.collect()));
        assert_eq!(purged(&store, 1000).await, 1);
        assert_eq!(told(&store, 0).await, sorted(live.to_vec()));
        // Who is in the room, changed long ago or never, stays in it.
        let members = store.rooms.members(&room.name, None, MANY).await.unwrap();
        assert_eq!(members.len(), 3);
        assert_eq!(role(&store, &room, ann).await, Some(Role::Owner));
        assert_eq!(role(&store, &room, dan).await, Some(Role::Reader));
    }

    /// Whoever comes back after their removal was forgotten has a larger
    /// revision than ever before.
    async fn a_purge_takes_no_revision_back(store) {
        let people = people(&store, 2).await;
        let [ann, bob] = &people[..] else { unreachable!() };
        let room = founded(&store, ann).await;
        let mut last = 0;
        for offset in 1..10 {
            changed(&store, change(&room, ann, bob, Some(Role::Member), offset)).await;
            let removal = changed(&store, change(&room, ann, bob, None, offset)).await;
            assert!(removal.revision > last);
            assert_eq!(purged(&store, offset).await, 1);
            assert_eq!(told(&store, 0).await, []);
            let back = changed(&store, change(&room, ann, bob, Some(Role::Reader), offset)).await;
            assert!(back.revision > removal.revision, "{removal:?}, then {back:?}");
            last = back.revision;
            changed(&store, change(&room, ann, bob, None, offset)).await;
        }
    }

    /// A deleted room is forgotten with its members' removals, and counts as
    /// one; not while a removal is remembered that bears a later time.
    async fn a_purge_forgets_exactly_the_deleted_rooms(store) {
        let people = people(&store, 3).await;
        let [ann, bob, cid] = &people[..] else { unreachable!() };
        let live = founded(&store, ann).await;
        let early = founded(&store, ann).await;
        let late = founded(&store, ann).await;
        changed(&store, change(&early, ann, bob, Some(Role::Member), 1)).await;
        // By another node's clock.
        let ahead = founded(&store, ann).await;
        changed(&store, change(&ahead, ann, cid, Some(Role::Member), 1)).await;
        let removal = changed(&store, change(&ahead, ann, cid, None, 15)).await;
        for (room, offset) in [(&early, 10), (&late, 20), (&ahead, 10)] {
            store.rooms.delete_room(&room.name, ann.id, time(offset)).await.unwrap();
        }
        let taken = async |room: &crate::Room| {
            let again = crate::Room { name: room.name.clone(), ..unmade("again") };
            let outcome = store.rooms.create_room(&again, cid.id, MANY).await.unwrap();
            outcome == RoomOutcome::NameTaken
        };
        assert_eq!(purged(&store, 9).await, 0);
        for room in [&live, &early, &late, &ahead] {
            assert!(taken(room).await);
        }
        // The room, and the ends of three memberships, one in the room ahead.
        assert_eq!(purged(&store, 10).await, 4);
        assert!(taken(&live).await && taken(&late).await && taken(&ahead).await);
        assert!(told(&store, 0).await.contains(&removal));
        assert!(!taken(&early).await);
        assert_eq!(purged(&store, 20).await, 4);
        assert!(taken(&live).await && !taken(&late).await && !taken(&ahead).await);
        assert_eq!(purged(&store, 1000).await, 0);
        assert_eq!(role(&store, &live, ann).await, Some(Role::Owner));
        assert_eq!(told(&store, 0).await, []);
    }
}
