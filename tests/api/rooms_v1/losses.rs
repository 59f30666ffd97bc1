//! What the bus lost is told, or said to be missing, whoever comes when.

use std::{
    net::SocketAddr,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use contract::{Epoch, MembershipChange, Position, Role, RoomName, Timestamp, UserId};
use serde_json::{Value, json};

use super::{
    client::{Client, Person},
    script::Script,
};
use crate::{gateway::gateway, mint, service::until, socket::Socket};

const LAST: &str = "0000000000000001:50";

fn reads(bus: &Script) -> usize {
    bus.reads.load(Ordering::SeqCst)
}

/// Lets the service do whatever it would do by itself.
async fn talk(client: &mut Client) {
    for _ in 0..50 {
        client.done(json!({"type": "ping"})).await;
    }
}

#[tokio::test]
async fn a_room_in_which_nothing_was_said_is_not_looked_at_again_and_again() {
    // Rooms share their numbers: others have been said meanwhile.
    let bus = Script::at(100);
    let (_gateway, address) = gateway(bus.clone()).await;
    let token = Person::new().token("lobby");
    let query = format!("?since={LAST}");
    let back = Client::try_open(address, &token, &query).await;
    let mut back = back.unwrap();
    assert_eq!(back.welcome["seat"]["recovered"], true);
    talk(&mut back).await;
    assert!(reads(&bus) <= 2, "{} reads", reads(&bus));
    bus.say("live");
    assert_eq!(back.hear("lobby").await, "live");
}

#[tokio::test]
async fn a_room_that_has_not_heard_of_a_new_order_is_not_looked_at_again_and_again() {
    let bus = Script::at(100);
    let (_gateway, address) = gateway(bus.clone()).await;
    let _here = Client::open(address, &Person::new().token("lobby")).await;
    bus.begin_afresh(5);
    for told in [false, true] {
        if told {
            bus.cut_off();
        }
        let before = reads(&bus);
        let token = Person::new().token("lobby");
        let back = Client::try_open(address, &token, "?since=0000000000000002:5").await;
        let mut back = back.unwrap();
        assert_eq!(back.welcome["seat"]["recovered"], true);
        talk(&mut back).await;
        let more = reads(&bus) - before;
        assert!(more <= 5, "{more} reads");
    }
}

#[tokio::test]
async fn who_comes_after_a_loss_is_told_what_was_lost() {
    let bus = Script::at(0);
    let (_gateway, address) = gateway(bus.clone()).await;
    let mut here = Client::open(address, &Person::new().token("lobby")).await;
    for lost in ["1", "2", "3"] {
        bus.lose(lost);
    }
    bus.cut_off();
    for lost in ["1", "2", "3"] {
        assert_eq!(here.hear("lobby").await, lost);
    }
    let mut late = Client::open(address, &Person::new().token("lobby")).await;
    let position = late.welcome["seat"]["position"].as_str().unwrap();
    let (_, seq) = position.split_once(':').unwrap();
    let mut last: u64 = seq.parse().unwrap();
    bus.say("4");
    while last < 4 {
        let message = late.expect("message").await;
        assert_eq!(message["seq"], last + 1);
        last += 1;
    }
    assert_eq!(here.hear("lobby").await, "4");
}

#[tokio::test]
async fn what_is_lost_while_somebody_catches_up_is_told_too() {
    let bus = Script::at(50);
    let (_gateway, address) = gateway(bus.clone()).await;
    let mut here = Client::open(address, &Person::new().token("lobby")).await;
    bus.say("51");
    assert_eq!(here.hear("lobby").await, "51");
    // It reads, and waits for the answer, while more is lost.
    let token = Person::new().token("lobby");
    let query = format!("?since={LAST}");
    let mut back = Client::try_open(address, &token, &query).await.unwrap();
    bus.lose("52");
    bus.cut_off();
    assert_eq!(here.hear("lobby").await, "52");
    bus.say("53");
    for said in ["51", "52", "53"] {
        assert_eq!(back.hear("lobby").await, said);
    }
}

#[tokio::test]
async fn repetitions_of_what_was_lost_block_nobody() {
    let bus = Script::at(50);
    let (_gateway, address) = gateway(bus.clone()).await;
    let mut here = Client::open(address, &Person::new().token("lobby")).await;
    bus.lose("51");
    bus.cut_off();
    assert_eq!(here.hear("lobby").await, "51");
    // More than may be under way at once.
    for _ in 0..60 {
        let publish = json!({"type": "publish", "room": "lobby", "data": "51", "key": "51"});
        here.done(publish).await;
    }
}

#[tokio::test]
async fn what_is_of_an_old_order_is_not_told_behind_the_new_one() {
    let bus = Script::at(0);
    let (_gateway, address) = gateway(bus.clone()).await;
    let mut here = Client::open(address, &Person::new().token("lobby")).await;
    bus.begin_afresh(5);
    let token = Person::new().token("lobby");
    let back = Client::try_open(address, &token, "?since=0000000000000001:0").await;
    let mut back = back.unwrap();
    assert_eq!(back.welcome["seat"]["position"], "0000000000000002:5");
    let late = Position {
        epoch: Epoch(1),
        seq: 1,
    };
    bus.say_late(late, "late");
    assert_eq!(here.hear("lobby").await, "late");
    bus.cut_off();
    bus.say("new");
    let message = back.expect("message").await;
    assert_eq!(
        (&message["data"], &message["seq"]),
        (&json!("new"), &json!(6))
    );
}

#[tokio::test]
async fn nothing_is_told_behind_the_end_of_a_seat() {
    let bus = Script::at(0);
    let (_gateway, address) = gateway(bus.clone()).await;
    let ann = Person::new();
    let mut client = Client::open(address, &ann.token("lobby")).await;
    let soon = json!({"exp": mint::now() + 2});
    client.join(&ann.token_with("lobby", &soon)).await;
    bus.answers.send_replace(false);
    bus.lose("too late");
    bus.cut_off();
    client.expect("expiring").await;
    assert_eq!(client.expect("error").await["code"], "seat_expired");
    bus.answers.send_replace(true);
    talk(&mut client).await;
    client.hears_nothing().await;
}

fn change(room: &str, person: &Person, role: Option<Role>) -> MembershipChange {
    MembershipChange {
        room: RoomName::parse(room).unwrap(),
        user: UserId(person.user),
        role,
        revision: 1,
        at: Timestamp::UNIX_EPOCH,
    }
}

#[tokio::test]
async fn who_is_removed_and_added_again_is_told_of_the_end() {
    let bus = Script::at(0);
    let (gateway, address) = gateway(bus.clone()).await;
    let ann = Person::new();
    let mut client = Client::open(address, &ann.token("lobby")).await;
    // Before the socket can look.
    gateway.membership_changed(&change("lobby", &ann, None));
    gateway.membership_changed(&change("lobby", &ann, Some(Role::Member)));
    let ended = client.expect("error").await;
    assert_eq!(ended["code"], "removed");
    client.join(&ann.token("lobby")).await;
    bus.say("welcome back");
    assert_eq!(client.hear("lobby").await, "welcome back");
}

#[tokio::test]
async fn the_welcome_comes_first_whatever_happens_to_the_seat() {
    let bus = Script::at(0);
    let (gateway, address) = gateway(bus.clone()).await;
    let ann = Person::new();
    bus.answers.send_replace(false);
    let token = ann.token("lobby");
    // Not all of it is kept.
    let opening = tokio::spawn(async move {
        Socket::open_rooms_v1(address, &token, "?since=00000000000000aa:1").await
    });
    until("it is read", || reads(&bus) == 1).await;
    gateway.membership_changed(&change("lobby", &ann, None));
    bus.answers.send_replace(true);
    let mut socket = opening.await.unwrap().unwrap();
    let mut kinds = Vec::new();
    for _ in 0..2 {
        let event: Value = serde_json::from_str(&socket.hear().await).unwrap();
        kinds.push(event["type"].clone());
    }
    assert_eq!(kinds, ["welcome", "error"]);
}

#[tokio::test]
async fn who_is_removed_says_nothing_of_what_was_to_be_said() {
    let bus = Script::at(0);
    let (gateway, address) = gateway(bus.clone()).await;
    let ann = Person::new();
    let mut client = Client::open(address, &ann.token("lobby")).await;
    bus.answers.send_replace(false);
    for i in 0..5 {
        let publish =
            json!({"type": "publish", "id": format!("publish-{i}"), "room": "lobby", "data": i});
        client.send(&publish).await;
    }
    let publishes = || bus.publishes.load(Ordering::SeqCst);
    until("the first is being said", || publishes() == 1).await;
    gateway.membership_changed(&change("lobby", &ann, None));
    bus.answers.send_replace(true);
    client.done(json!({"type": "ping"})).await;
    assert_eq!(publishes(), 1);
}

#[tokio::test]
async fn whoever_waits_to_speak_only_waits() {
    let bus = Script::at(0);
    let (_gateway, address) = gateway(bus.clone()).await;
    let mut client = Client::open(address, &Person::new().token("lobby")).await;
    bus.fail();
    bus.cut_off();
    until("it is read", || reads(&bus) == 1).await;
    bus.answers.send_replace(false);
    let publish = json!({"type": "publish", "id": "p", "room": "lobby", "data": 1});
    client.send(&publish).await;
    let looks = || bus.looks.load(Ordering::SeqCst);
    until("it is being said", || looks() > 0).await;
    // Beyond the time at which it would be read again.
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(looks() < 20, "{} looks", looks());
    bus.answers.send_replace(true);
    assert_eq!(client.expect("ack").await["id"], "p");
}

/// As many messages of 32 KiB as no kernel and no backlog keeps for a reader.
const MANY: usize = 90;

fn lose_many(bus: &Script) {
    for _ in 0..MANY {
        bus.lose("x".repeat(32 * 1024));
    }
}

#[tokio::test]
async fn whoever_does_not_read_has_no_memory_for_many_rooms() {
    let bus = Script::at(0);
    let (gateway, address) = gateway(bus.clone()).await;
    let ann = Person::new();
    let mut client = Client::open(address, &ann.token("room-0")).await;
    lose_many(&bus);
    for i in 1..=10 {
        let token = ann.token(&format!("room-{i}"));
        let since = "0000000000000001:0";
        let join = json!({"type": "join", "id": "j", "token": token, "since": since});
        client.send(&join).await;
    }
    until("all are joined", || {
        gateway.hubs().rooms() == 11 && reads(&bus) >= 10
    })
    .await;
    let held = bus.held();
    assert!(held <= 2 * MANY, "{held} messages of 10 times {MANY}");
    let (mut acks, mut messages) = (0, 0);
    while messages < 10 * MANY {
        let event = client.event().await;
        match event["type"].as_str() {
            Some("ack") => acks += 1,
            Some("message") => messages += 1,
            _ => panic!("{event}"),
        }
    }
    assert_eq!(acks, 10);
    client.hears_nothing().await;
}

#[tokio::test]
async fn who_is_told_what_was_missed_is_told_who_comes() {
    let bus = Script::at(0);
    lose_many(&bus);
    let (_gateway, address) = gateway(bus.clone()).await;
    let (ann, bob) = (Person::new(), Person::new());
    let token = |person: &Person| person.token_with("lobby", &json!({"presence": true}));
    let query = "?since=0000000000000001:0";
    let mut slow = Client::try_open(address, &token(&ann), query)
        .await
        .unwrap();
    let mut other = Client::open(address, &token(&bob)).await;
    for client in [&mut other, &mut slow] {
        let mut told = false;
        while !told {
            let event = client.event().await;
            let joined = event["joined"].as_array().into_iter().flatten();
            told = joined.into_iter().any(|user| *user == json!(bob.user));
        }
    }
}

/// Thirty people in a room, and what none of them can read.
async fn a_full_room_that_waits(bus: &Arc<Script>, address: SocketAddr) -> Vec<Client> {
    let mut here = Vec::new();
    for _ in 0..30 {
        here.push(Client::open(address, &Person::new().token("lobby")).await);
    }
    bus.answers.send_replace(false);
    bus.lose("51");
    bus.cut_off();
    until("it is read", || reads(bus) > 0).await;
    // The others ask for it in the same moment.
    tokio::time::sleep(Duration::from_millis(500)).await;
    here
}

/// Of all who ask, one begins, and the next reads for all the others; on a busy
/// machine some may come later.
const FEW: usize = 6;

#[tokio::test]
async fn what_a_whole_room_lost_is_read_once_for_all_of_it() {
    let bus = Script::at(50);
    let (_gateway, address) = gateway(bus.clone()).await;
    let mut here = a_full_room_that_waits(&bus, address).await;
    bus.answers.send_replace(true);
    for client in &mut here {
        assert_eq!(client.hear("lobby").await, "51");
    }
    assert!(reads(&bus) <= FEW, "{} reads", reads(&bus));
    bus.say("52");
    for client in &mut here {
        assert_eq!(client.hear("lobby").await, "52");
    }
}

#[tokio::test]
async fn who_waits_with_others_for_what_was_lost_waits_no_longer_if_it_cannot_be_read() {
    let bus = Script::at(50);
    let (_gateway, address) = gateway(bus.clone()).await;
    let mut here = a_full_room_that_waits(&bus, address).await;
    bus.fail();
    bus.answers.send_replace(true);
    for client in &mut here {
        client.done(json!({"type": "ping"})).await;
    }
    assert!(reads(&bus) <= 2 * FEW, "{} reads", reads(&bus));
}
