//! A network that is slow, but whole.

use std::{collections::BTreeSet, time::Duration};

use bus_nats::{History, NatsBus, NatsSettings};
use contract::{Delivery, Recovery, RoomBus};
use futures_util::future::join_all;
use test_servers::{Nats, Proxy};
use tokio::{
    sync::oneshot,
    time::{sleep, timeout},
};

use crate::{HISTORY, SOON, bus, delivery, envelope, hear, insist, room, say, settings};

/// What is kept may take longer to come than a server may take to answer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_missed_comes_whole_however_long_it_takes() {
    let server = Nats::start();
    let proxy = Proxy::start(server.port()).await;
    let behind = bus(&format!("nats://{}", proxy.address()), Some(HISTORY)).await;
    let other = bus(server.url(), Some(HISTORY)).await;
    let room = room();
    let mut listener = other.subscribe(&room, None).await.unwrap();
    say(&other, &room, "0").await;
    let place = envelope(&mut listener).await.position;
    let filling = " ".repeat(64 * 1024);
    for i in 1..=40 {
        say(&other, &room, format!("{i}{filling}")).await;
    }
    proxy.delay(Duration::from_millis(250));
    let mut back = behind.subscribe(&room, place).await.unwrap();
    assert_eq!(back.recovery(), Recovery::Complete);
    proxy.delay(Duration::ZERO);
    for i in 1..=40 {
        assert_eq!(hear(&mut back).await.trim_end(), i.to_string());
    }
}

/// On this node the room is behind of what a listener heard on another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_heard_on_another_node_is_not_heard_again() {
    let server = Nats::start();
    let proxy = Proxy::start(server.port()).await;
    let behind = bus(&format!("nats://{}", proxy.address()), Some(HISTORY)).await;
    let other = bus(server.url(), Some(HISTORY)).await;
    let room = room();
    let mut staying = behind.subscribe(&room, None).await.unwrap();
    let mut moving = other.subscribe(&room, None).await.unwrap();
    proxy.delay(Duration::from_millis(500));
    for what in ["1", "2"] {
        say(&other, &room, what).await;
    }
    assert_eq!(hear(&mut moving).await, "1");
    let place = envelope(&mut moving).await.position;
    let mut back = behind.subscribe(&room, place).await.unwrap();
    assert_eq!(back.recovery(), Recovery::Complete);
    say(&other, &room, "3").await;
    assert_eq!(hear(&mut back).await, "3");
    for what in ["1", "2", "3"] {
        assert_eq!(hear(&mut staying).await, what);
    }
}

/// On one thread: whoever hands messages on and whoever takes them have their
/// turns one after the other, so a burst comes whole before anything is taken.
#[tokio::test]
async fn a_burst_pushes_out_nothing_of_itself() {
    for history in [None, Some(HISTORY)] {
        let server = Nats::start();
        let (speaking, listening) = (
            bus(server.url(), history).await,
            bus(server.url(), history).await,
        );
        let room = room();
        let mut listener = listening.subscribe(&room, None).await.unwrap();
        let hearing = tokio::spawn(async move {
            let mut heard = BTreeSet::new();
            // A third of these is what a listener may have pending.
            while heard.len() < 300 {
                heard.insert(hear(&mut listener).await);
            }
        });
        let saying = (0..300).map(|number| say(&speaking, &room, number.to_string()));
        join_all(saying).await;
        hearing.await.unwrap();
    }
}

/// Whoever reads what was missed need not keep pace with the room: what is said
/// meanwhile is heard live.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn coming_back_to_a_room_that_goes_on_has_an_end() {
    let server = Nats::start();
    let proxy = Proxy::start(server.port()).await;
    let kept = History {
        messages: 1000,
        ..HISTORY
    };
    let behind = bus(&format!("nats://{}", proxy.address()), Some(kept)).await;
    let other = bus(server.url(), Some(kept)).await;
    let (room, elsewhere) = (room(), room());
    let mut listener = other.subscribe(&elsewhere, None).await.unwrap();
    say(&other, &elsewhere, "something").await;
    // A place of the stream, but none of the room's.
    let place = envelope(&mut listener).await.position;
    let (stop, mut stopped) = oneshot::channel();
    let speaking = tokio::spawn({
        let room = room.clone();
        async move {
            let mut said = 0;
            while stopped.try_recv().is_err() {
                say(&other, &room, said.to_string()).await;
                said += 1;
                // Many a round trip of the slow network.
                sleep(Duration::from_millis(2)).await;
            }
            said
        }
    });
    proxy.delay(Duration::from_millis(20));
    let mut back = behind.subscribe(&room, place).await.unwrap();
    assert_eq!(back.recovery(), Recovery::Complete);
    stop.send(()).unwrap();
    for number in 0..speaking.await.unwrap() {
        assert_eq!(hear(&mut back).await, number.to_string());
    }
}

/// What has come before a cut is heard, though it waits for a slow listener and
/// is kept no longer.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_had_come_before_a_cut_is_not_looked_for_where_it_is_not_kept() {
    let server = Nats::start();
    let proxy = Proxy::start(server.port()).await;
    let kept = History {
        messages: 30,
        ..HISTORY
    };
    let settings = |url: &str| NatsSettings {
        capacity: 200,
        ..settings(url, Some(kept))
    };
    let speaking = NatsBus::connect(&settings(server.url())).await.unwrap();
    let behind = format!("nats://{}", proxy.address());
    let behind = NatsBus::connect(&settings(&behind)).await.unwrap();
    let (room, other) = (room(), room());
    let mut slow = behind.subscribe(&room, None).await.unwrap();
    let mut quick = behind.subscribe(&other, None).await.unwrap();
    let saying = (0..260).map(|number| say(&speaking, &room, number.to_string()));
    join_all(saying).await;
    // What came after it has come, so it has come too.
    say(&speaking, &other, "before").await;
    assert_eq!(hear(&mut quick).await, "before");
    let mut heard = BTreeSet::new();
    // Of 200 that may be pending more than half are: the others wait.
    while heard.len() < 99 {
        heard.insert(hear(&mut slow).await);
    }
    proxy.reset();
    insist(&behind, &other, "after").await;
    assert_eq!(hear(&mut quick).await, "after");
    while heard.len() < 260 {
        heard.insert(hear(&mut slow).await);
    }
}

/// What is said once a listener knows of a cut, is heard.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_is_told_when_the_rooms_can_be_heard_again() {
    let server = Nats::start();
    let proxy = Proxy::start(server.port()).await;
    let behind = bus(&format!("nats://{}", proxy.address()), None).await;
    let other = bus(server.url(), None).await;
    let room = room();
    let mut listener = behind.subscribe(&room, None).await.unwrap();
    proxy.delay(Duration::from_millis(300));
    proxy.reset();
    assert!(matches!(delivery(&mut listener).await, Delivery::CutOff));
    say(&other, &room, "after").await;
    // The server has it: two connections have no order between them.
    other.ping().await.unwrap();
    proxy.delay(Duration::ZERO);
    // This one comes after whatever the server was asked before.
    say(&behind, &room, "end").await;
    assert_eq!(hear(&mut listener).await, "after");
    assert_eq!(hear(&mut listener).await, "end");
}

/// The mark of the epoch is a third of its life old whenever it is read, as it
/// also is by a clock that is ahead of the server's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mark_that_is_always_old_is_made_once() {
    let server = Nats::start();
    let proxy = Proxy::start(server.port()).await;
    proxy.delay(Duration::from_millis(100));
    let history = History {
        age: Duration::from_millis(300),
        ..HISTORY
    };
    let url = format!("nats://{}", proxy.address());
    let connecting = timeout(SOON, bus(&url, Some(history)));
    connecting.await.expect("the bus connects");
}
