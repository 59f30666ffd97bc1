//! A network that is slow, but whole.

use std::{collections::BTreeSet, time::Duration};

use bus_nats::History;
use contract::{Delivery, Recovery, RoomBus};
use futures_util::future::join_all;
use test_servers::{Nats, Proxy};
use tokio::time::timeout;

use crate::{HISTORY, SOON, bus, delivery, envelope, hear, room, say};

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
