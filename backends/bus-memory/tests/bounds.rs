//! What is kept has bounds of number, age and memory. Time is tokio's, which
//! stands still here until it is told to go on.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::time::Duration;

use bus_memory::{MemoryBus, MemorySettings};
use bytes::{Bytes, BytesMut};
use contract::{
    Kind, Message, MessageKey, Position, Recovery, RoomBus, RoomName, Subscription, Timestamp,
};
use tokio::time::advance;

const AGE: Duration = Duration::from_secs(3600);
const MINUTE: Duration = Duration::from_secs(60);

fn bus(history: usize, history_bytes: u64) -> MemoryBus {
    MemoryBus::new(MemorySettings {
        capacity: 100,
        history,
        history_age: AGE,
        history_bytes,
    })
}

fn room(name: &str) -> RoomName {
    name.parse().unwrap()
}

fn message(data: Bytes) -> Message {
    Message {
        from: None,
        connection: None,
        at: Timestamp::UNIX_EPOCH,
        kind: Kind::Binary,
        data,
        key: None,
    }
}

async fn say(bus: &MemoryBus, name: &str, bytes: usize) -> Option<Position> {
    let message = message(vec![b'x'; bytes].into());
    bus.publish(&room(name), message).await.unwrap().position
}

async fn kept(bus: &MemoryBus, name: &str) -> usize {
    bus.history(&room(name), None).await.unwrap().messages.len()
}

async fn come_back(bus: &MemoryBus, name: &str, since: Position) -> Subscription {
    bus.subscribe(&room(name), Some(since)).await.unwrap()
}

async fn recovery(bus: &MemoryBus, name: &str, since: Position) -> Recovery {
    come_back(bus, name, since).await.recovery()
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_not_given_out() {
    let bus = bus(100, u64::MAX);
    let first = say(&bus, "lobby", 1).await.unwrap();
    advance(MINUTE).await;
    let second = say(&bus, "lobby", 1).await.unwrap();
    advance(AGE - MINUTE).await;
    assert_eq!(kept(&bus, "lobby").await, 1);
    assert_eq!(recovery(&bus, "lobby", first).await, Recovery::Complete);
    let before = Position { seq: 0, ..first };
    assert_eq!(recovery(&bus, "lobby", before).await, Recovery::Impossible);
    advance(MINUTE).await;
    assert_eq!(kept(&bus, "lobby").await, 0);
    assert_eq!(recovery(&bus, "lobby", first).await, Recovery::Impossible);
    assert_eq!(recovery(&bus, "lobby", second).await, Recovery::Complete);
}

#[tokio::test(start_paused = true)]
async fn the_memory_of_a_silent_room_is_given_back() {
    let bus = bus(100, u64::MAX);
    for i in 0..50 {
        for _ in 0..10 {
            say(&bus, &format!("room-{i}"), 1000).await;
        }
    }
    // Half of what is kept of this room is younger.
    advance(MINUTE).await;
    for _ in 0..10 {
        say(&bus, "room-0", 1000).await;
    }
    let full = bus.in_memory();
    assert_eq!(full.rooms, 50);
    assert!(full.bytes > 510 * 1000, "{full:?}");

    // Whatever else the bus is asked for does it.
    advance(AGE - MINUTE).await;
    bus.ping().await.unwrap();
    let left = bus.in_memory();
    assert_eq!(left.rooms, 1);
    assert!((10_000..20_000).contains(&left.bytes), "{left:?}");
    advance(MINUTE).await;
    say(&bus, "elsewhere", 0).await;
    let left = bus.in_memory();
    assert_eq!(left.rooms, 1);
    assert!(left.bytes < 1000, "{left:?}");
    advance(AGE).await;
    assert_eq!(kept(&bus, "anywhere").await, 0);
    let nothing = bus.in_memory();
    assert_eq!((nothing.rooms, nothing.bytes), (0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_room_that_never_falls_silent_keeps_what_is_young() {
    let bus = bus(100, u64::MAX);
    let mut places = Vec::new();
    for _ in 0..200 {
        places.push(say(&bus, "lobby", 1).await.unwrap());
        advance(2 * MINUTE).await;
        bus.ping().await.unwrap();
    }
    // The last was said two minutes ago, and what an hour is old is too old.
    assert_eq!(kept(&bus, "lobby").await, 29);
    let (gone, known) = (places[200 - 31], places[200 - 30]);
    assert_eq!(recovery(&bus, "lobby", gone).await, Recovery::Impossible);
    assert_eq!(recovery(&bus, "lobby", known).await, Recovery::Complete);
}

#[tokio::test(start_paused = true)]
async fn rooms_that_were_silent_longest_give_up_all_they_have() {
    let limit = 200_000;
    let bus = bus(100, limit);
    let name = |i: usize| format!("room-{i}");
    for i in 0..10 {
        say(&bus, &name(i), 4500).await;
        say(&bus, &name(i), 4500).await;
    }
    // The first ones are heard of again: the others are silent longest now.
    let mut places = Vec::new();
    for i in 0..3 {
        places.push(say(&bus, &name(i), 0).await.unwrap());
    }
    let before = Position {
        seq: 0,
        ..places[0]
    };
    let silent: Vec<usize> = (3..10).chain(0..3).collect();
    let mut gone = 0;
    while gone < 8 {
        say(&bus, "loud", 5000).await;
        let bytes = bus.in_memory().bytes;
        assert!(bytes <= limit);
        if gone > 0 {
            assert!(bytes > limit - 15_000, "{bytes}: more went than had to");
        }
        while kept(&bus, &name(silent[gone])).await == 0 {
            gone += 1;
        }
        for &i in &silent[gone..] {
            let all = if i < 3 { 3 } else { 2 };
            assert_eq!(
                kept(&bus, &name(i)).await,
                all,
                "{gone} went, room {i} stays"
            );
        }
    }
    // Whoever left before something was said can't be told that nothing was.
    assert_eq!(recovery(&bus, &name(3), before).await, Recovery::Impossible);
    for (i, place) in places.into_iter().enumerate().skip(1) {
        assert_eq!(recovery(&bus, &name(i), place).await, Recovery::Complete);
        assert_eq!(recovery(&bus, &name(i), before).await, Recovery::Complete);
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_that_is_too_much_alone_keeps_what_fits() {
    let bus = bus(100, 50_000);
    for _ in 0..3 {
        say(&bus, "other", 0).await;
    }
    let mut last = None;
    for _ in 0..10 {
        last = say(&bus, "lobby", 10_000).await;
        assert!(bus.in_memory().bytes <= 50_000);
    }
    assert_eq!(kept(&bus, "other").await, 0);
    assert_eq!(kept(&bus, "lobby").await, 4);
    assert_eq!(
        recovery(&bus, "lobby", last.unwrap()).await,
        Recovery::Complete
    );
    // What is too much by itself is said, and not kept.
    let mut listener = come_back(&bus, "lobby", last.unwrap()).await;
    let said = say(&bus, "lobby", 60_000).await;
    let contract::Delivery::Message(heard) = listener.recv().await else {
        panic!("a message is heard");
    };
    assert_eq!(heard.position, said);
    assert_eq!(kept(&bus, "lobby").await, 0);
    assert_eq!(bus.in_memory().bytes, 0);
    assert_eq!(
        recovery(&bus, "lobby", last.unwrap()).await,
        Recovery::Impossible
    );
    assert_eq!(
        recovery(&bus, "lobby", said.unwrap()).await,
        Recovery::Complete
    );
}

#[tokio::test]
async fn many_who_speak_at_once_stay_within_the_limit() {
    let limit = 64 * 1024;
    let bus = bus(10, limit);
    let speaking: Vec<_> = (0..8)
        .map(|speaker| {
            let bus = bus.clone();
            tokio::spawn(async move {
                for i in 0..500 {
                    say(&bus, &format!("room-{}", i * (speaker + 1) % 97), 500).await;
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for speaking in speaking {
        speaking.await.unwrap();
    }
    let full = bus.in_memory();
    assert!(full.bytes <= limit && full.bytes > limit / 2, "{full:?}");
    // What it counts is what is there.
    let mut messages = 0;
    for i in 0..97 {
        messages += kept(&bus, &format!("room-{i}")).await;
    }
    let rooms = u64::try_from(full.rooms).unwrap();
    let messages = u64::try_from(messages).unwrap();
    assert!(messages * 500 < full.bytes, "{full:?}");
    assert!(messages * 1000 + rooms * 1000 > full.bytes, "{full:?}");
}

/// What a socket read at once may hold more than one message.
#[tokio::test]
async fn what_is_kept_does_not_keep_what_it_was_read_with() {
    let bus = bus(100, u64::MAX);
    let mut read = BytesMut::zeroed(64 * 1024);
    let before = read.as_ptr();
    let data = read.split_to(10).freeze();
    bus.publish(&room("lobby"), message(data)).await.unwrap();
    assert_eq!(kept(&bus, "lobby").await, 1);
    // The buffer is its reader's again, from its beginning.
    read.clear();
    assert!(read.try_reclaim(64 * 1024));
    assert_eq!(read.as_ptr(), before);
}

#[tokio::test]
async fn without_history_nothing_is_left_of_a_room() {
    let bus = bus(0, u64::MAX);
    let nothing = bus.in_memory();
    assert_eq!((nothing.rooms, nothing.bytes), (0, 0));
    assert_eq!(say(&bus, "lobby", 100).await, None);
    assert_eq!(bus.in_memory(), nothing);
    let listener = bus.subscribe(&room("lobby"), None).await.unwrap();
    let came = listener.position().unwrap();
    let said = say(&bus, "lobby", 100).await.unwrap();
    assert_eq!((bus.in_memory().rooms, bus.in_memory().bytes), (1, 0));
    drop(listener);
    assert_eq!(bus.in_memory(), nothing);
    // Nobody is told that there was nothing, though nothing is kept.
    assert_eq!(recovery(&bus, "lobby", said).await, Recovery::Complete);
    assert_eq!(recovery(&bus, "lobby", came).await, Recovery::Impossible);
    say(&bus, "lobby", 100).await;
    assert_eq!(recovery(&bus, "lobby", said).await, Recovery::Impossible);
}

#[tokio::test]
async fn a_room_of_which_nothing_is_kept_costs_nothing_when_it_is_left() {
    let bus = bus(100, u64::MAX);
    let listener = bus.subscribe(&room("lobby"), None).await.unwrap();
    let came = listener.position().unwrap();
    assert_eq!(bus.in_memory().rooms, 1);
    drop(listener);
    assert_eq!(bus.in_memory().rooms, 0);
    assert_eq!(recovery(&bus, "lobby", came).await, Recovery::Complete);
    // Of the service's own rooms nothing is kept.
    let control = RoomName::control();
    let listener = bus.subscribe(&control, None).await.unwrap();
    bus.publish(&control, message(Bytes::new())).await.unwrap();
    assert_eq!((bus.in_memory().rooms, bus.in_memory().bytes), (1, 0));
    drop(listener);
    assert_eq!(bus.in_memory().rooms, 0);
}

#[tokio::test(start_paused = true)]
async fn a_key_counts_as_long_as_its_message_is_kept() {
    let bus = bus(3, u64::MAX);
    let say_with_key = async || {
        let message = Message {
            key: Some(MessageKey(7)),
            ..message(Bytes::new())
        };
        let published = bus.publish(&room("lobby"), message).await.unwrap();
        published.position.unwrap()
    };
    let first = say_with_key().await;
    for _ in 0..2 {
        say(&bus, "lobby", 0).await;
        assert_eq!(say_with_key().await, first);
    }
    say(&bus, "lobby", 0).await;
    let second = say_with_key().await;
    assert!(second.seq > first.seq);
    advance(AGE - MINUTE).await;
    assert_eq!(say_with_key().await, second);
    advance(MINUTE).await;
    assert!(say_with_key().await.seq > second.seq);
}
