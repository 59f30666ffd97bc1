use super::*;

fn later(seconds: u64) -> Instant {
    Instant::now() + Duration::from_secs(seconds)
}

/// Has one roster hear what the other says.
fn tell(from: &mut Roster, to: &mut Roster) -> Wish {
    let change = from.take_change().unwrap();
    to.hear(change, Instant::now())
}

#[test]
fn two_nodes_know_of_each_others_people() {
    let (mut here, mut there) = (Roster::new(), Roster::new());
    let (ann, bob) = (UserId::random(), UserId::random());
    assert!(here.enter(ann) && there.enter(bob) && there.enter(ann));
    assert_eq!(tell(&mut here, &mut there), Wish::Nothing);
    assert_eq!(tell(&mut there, &mut here), Wish::Nothing);
    assert_eq!(here.users(), there.users());
    assert_eq!(here.users().len(), 2);

    let (joined, left) = here.take_news().unwrap();
    assert_eq!((joined.len(), left.len()), (2, 0));
    assert_eq!(here.take_news(), None);

    // Ann is there by another node still.
    here.leave(ann);
    tell(&mut here, &mut there);
    assert_eq!(here.take_news(), None);
    there.leave(ann);
    tell(&mut there, &mut here);
    assert_eq!(here.take_news(), Some((vec![], vec![ann])));
}

#[test]
fn whoever_asks_is_told_what_changes_of_the_answer() {
    let mut roster = Roster::new();
    let (ann, bob) = (UserId::random(), UserId::random());
    assert!(roster.enter(ann));
    roster.take_news();
    // Bob is gone again before anybody was told that he came.
    assert!(roster.enter(bob));
    let mut told = roster.shown().clone();
    roster.leave(bob);
    // Ann comes back before anybody was told that she went.
    roster.leave(ann);
    assert_eq!(&told, roster.shown());
    assert!(roster.enter(ann));
    if let Some((joined, left)) = roster.take_news() {
        told.extend(joined);
        told.retain(|user| !left.contains(user));
    }
    assert_eq!(told, HashSet::from([ann]));
}

#[test]
fn whoever_missed_something_asks_and_is_told_all() {
    let (mut here, mut there) = (Roster::new(), Roster::new());
    let people: Vec<UserId> = (0..2500).map(|_| UserId::random()).collect();
    for person in &people {
        assert!(here.enter(*person));
        here.take_change();
    }
    assert_eq!(there.hear(here.beat(), Instant::now()), Wish::Ask);
    assert_eq!(here.hear(PresenceEvent::Wanted, Instant::now()), Wish::Roll);
    let roll = here.roll();
    assert_eq!(roll.len(), 3);
    // A piece that is lost makes the rest worth nothing.
    assert_eq!(there.hear(roll[0].clone(), Instant::now()), Wish::Nothing);
    assert_eq!(there.hear(roll[2].clone(), Instant::now()), Wish::Ask);
    assert_eq!(there.users(), []);
    for piece in roll {
        assert_eq!(there.hear(piece, Instant::now()), Wish::Nothing);
    }
    assert_eq!(there.users(), here.users());
    assert_eq!(there.hear(here.beat(), Instant::now()), Wish::Nothing);
}

#[test]
fn pieces_of_two_rolls_do_not_make_one() {
    let (mut here, mut there) = (Roster::new(), Roster::new());
    for _ in 0..1500 {
        assert!(here.enter(UserId::random()));
    }
    here.take_change();
    let before = here.roll();
    for user in here.users() {
        here.leave(user);
        assert!(here.enter(UserId::random()));
    }
    here.take_change();
    let after = here.roll();
    assert_eq!(there.hear(before[0].clone(), Instant::now()), Wish::Nothing);
    assert_eq!(there.hear(after[1].clone(), Instant::now()), Wish::Ask);
    for piece in after {
        assert_eq!(there.hear(piece, Instant::now()), Wish::Nothing);
    }
    assert_eq!(there.users(), here.users());
}

#[test]
fn a_node_that_falls_silent_is_forgotten() {
    let (mut here, mut there) = (Roster::new(), Roster::new());
    assert!(there.enter(UserId::random()));
    tell(&mut there, &mut here);
    here.take_news();
    assert!(!here.expire(later(11)));
    assert!(here.expire(later(13)));
    let (joined, left) = here.take_news().unwrap();
    assert_eq!((joined.len(), left.len()), (0, 1));
}

#[test]
fn a_roster_ends_when_the_others_know_that_nobody_is_there() {
    let (mut here, mut there) = (Roster::new(), Roster::new());
    let ann = UserId::random();
    assert!(here.enter(ann));
    tell(&mut here, &mut there);
    here.leave(ann);
    assert!(!here.end());
    tell(&mut here, &mut there);
    assert_eq!(there.users(), []);
    assert!(here.end());
    assert!(!here.enter(ann), "whoever comes now begins another");
}
