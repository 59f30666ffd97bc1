//! A node whose network is cut, and a server that is killed.

use bus_nats::{History, Storage};
use contract::{BusError, Delivery, Message, MessageKey, Recovery, RoomBus};
use test_servers::{Nats, Proxy};

use crate::{HISTORY, bus, delivery, envelope, hear, insist, room, say, text, until};

/// A node behind a network that can be cut, and one that is not.
async fn two_nodes(
    server: &Nats,
    history: Option<History>,
) -> (bus_nats::NatsBus, bus_nats::NatsBus, Proxy) {
    let proxy = Proxy::start(server.port()).await;
    let behind = bus(&format!("nats://{}", proxy.address()), history).await;
    (behind, bus(server.url(), history).await, proxy)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_history_a_node_that_was_cut_off_says_so_in_every_room() {
    let server = Nats::start();
    let (behind, other, proxy) = two_nodes(&server, None).await;
    let rooms = [room(), room()];
    let mut listeners = Vec::new();
    for room in &rooms {
        listeners.push(behind.subscribe(room, None).await.unwrap());
        say(&other, room, "before").await;
    }
    for listener in &mut listeners {
        assert_eq!(hear(listener).await, "before");
    }

    proxy.cut();
    for room in &rooms {
        say(&other, room, "lost").await;
    }
    until("publishing is refused", async || {
        let refused = behind.publish(&rooms[0], text("lost too")).await;
        matches!(refused, Err(BusError::Unavailable(_)))
    })
    .await;
    assert!(behind.ping().await.is_err());
    let refused = behind.subscribe(&room(), None).await;
    assert!(
        matches!(refused, Err(BusError::Unavailable(_))),
        "{refused:?}"
    );

    // The old connection is gone for good, as after a change of addresses.
    proxy.reset();
    proxy.heal();
    for listener in &mut listeners {
        assert!(matches!(delivery(listener).await, Delivery::CutOff));
    }
    behind.ping().await.unwrap();
    for (room, listener) in rooms.iter().zip(&mut listeners) {
        say(&other, room, "after").await;
        // What the bus took while the cut was just being noticed may still
        // be sent.
        let mut heard = hear(listener).await;
        while heard == "lost too" {
            heard = hear(listener).await;
        }
        assert_eq!(heard, "after");
        say(&behind, room, "and on").await;
        assert_eq!(hear(listener).await, "and on");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_history_a_node_that_was_cut_off_misses_nothing() {
    let server = Nats::start();
    let (behind, other, proxy) = two_nodes(&server, Some(HISTORY)).await;
    let room = room();
    let mut listener = behind.subscribe(&room, None).await.unwrap();
    let mut elsewhere = other.subscribe(&room, None).await.unwrap();
    say(&behind, &room, "0").await;

    proxy.cut();
    for i in 1..=50 {
        say(&other, &room, i.to_string()).await;
    }
    until("the cut is noticed", async || behind.ping().await.is_err()).await;
    proxy.reset();
    proxy.heal();
    insist(&behind, &room, "51").await;
    say(&other, &room, "52").await;
    for i in 0..=52 {
        let here = envelope(&mut listener).await;
        assert_eq!(here, envelope(&mut elsewhere).await);
        assert_eq!(here.message.data, i.to_string());
    }
    assert!(listener.try_recv().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_said_while_cut_off_is_said_once_the_network_is_back() {
    let server = Nats::start();
    let (behind, other, proxy) = two_nodes(&server, Some(HISTORY)).await;
    let room = room();
    let mut elsewhere = other.subscribe(&room, None).await.unwrap();
    proxy.cut();
    let saying = {
        let (behind, room) = (behind.clone(), room.clone());
        tokio::spawn(async move { behind.publish(&room, text("at last")).await })
    };
    until("the cut is noticed", async || behind.ping().await.is_err()).await;
    proxy.reset();
    proxy.heal();
    let published = saying.await.unwrap().unwrap();
    let heard = envelope(&mut elsewhere).await;
    assert_eq!(heard.message.data, "at last");
    assert_eq!(heard.position, published.position);
    // Sent more than once, stored once.
    say(&other, &room, "end").await;
    assert_eq!(hear(&mut elsewhere).await, "end");
}

/// The network goes, and comes back with all that was sent meanwhile, before
/// anybody has noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_silence_costs_nothing() {
    let server = Nats::start();
    let (behind, other, proxy) = two_nodes(&server, None).await;
    let room = room();
    let mut listener = behind.subscribe(&room, None).await.unwrap();
    proxy.cut();
    for i in 0..20 {
        say(&other, &room, i.to_string()).await;
    }
    proxy.heal();
    for i in 0..20 {
        assert_eq!(hear(&mut listener).await, i.to_string());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_comes_back_with_what_it_kept() {
    let mut server = Nats::start();
    let bus = bus(server.url(), Some(HISTORY)).await;
    let room = room();
    let mut staying = bus.subscribe(&room, None).await.unwrap();
    say(&bus, &room, "1").await;
    say(&bus, &room, "2").await;
    let first = envelope(&mut staying).await.position.unwrap();
    assert_eq!(hear(&mut staying).await, "2");

    server.kill();
    until("it is noticed", async || bus.ping().await.is_err()).await;
    server.restart();
    insist(&bus, &room, "3").await;
    assert_eq!(hear(&mut staying).await, "3");
    let mut back = bus.subscribe(&room, Some(first)).await.unwrap();
    assert_eq!(back.recovery(), Recovery::Complete);
    assert_eq!(hear(&mut back).await, "2");
    assert_eq!(hear(&mut back).await, "3");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_knows_what_was_said_before() {
    let mut server = Nats::start();
    let bus = bus(server.url(), Some(HISTORY)).await;
    let room = room();
    let keyed = Message {
        key: Some(MessageKey(u128::MAX)),
        ..text("once")
    };
    let first = bus.publish(&room, keyed.clone()).await.unwrap();
    server.kill();
    until("it is noticed", async || bus.ping().await.is_err()).await;
    server.restart();
    // As a client does that got no answer.
    let again = bus.publish(&room, keyed).await.unwrap();
    assert_eq!(again, first);
    insist(&bus, &room, "end").await;
    let kept = bus.history(&room, None).await.unwrap().messages;
    let said: Vec<_> = kept.iter().map(|kept| &*kept.message.data).collect();
    assert_eq!(said, [&b"once"[..], b"end"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_forgot_everything_is_not_taken_for_the_old_one() {
    let mut server = Nats::start();
    let history = History {
        storage: Storage::Memory,
        ..HISTORY
    };
    let bus = bus(server.url(), Some(history)).await;
    let room = room();
    let mut staying = bus.subscribe(&room, None).await.unwrap();
    say(&bus, &room, "1").await;
    let before = envelope(&mut staying).await.position.unwrap();

    server.kill();
    until("it is noticed", async || bus.ping().await.is_err()).await;
    server.restart();
    assert!(matches!(delivery(&mut staying).await, Delivery::CutOff));
    // As many as there were, so that the numbers alone would not tell.
    for _ in 0..5 {
        insist(&bus, &room, "new").await;
        let heard = envelope(&mut staying).await;
        assert_eq!(heard.message.data, "new");
        assert_ne!(heard.position.unwrap().epoch, before.epoch);
    }
    let back = bus.subscribe(&room, Some(before)).await.unwrap();
    assert_eq!(back.recovery(), Recovery::Impossible);
}

/// What was confirmed was not on the disk yet when the power went.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_that_are_given_out_again_are_of_another_order() {
    let mut server = Nats::start();
    let bus = bus(server.url(), Some(HISTORY)).await;
    let room = room();
    let mut staying = bus.subscribe(&room, None).await.unwrap();
    say(&bus, &room, "1").await;
    assert_eq!(hear(&mut staying).await, "1");
    let away = async |server: &mut Nats| {
        server.kill();
        until("it is noticed", async || bus.ping().await.is_err()).await;
    };
    away(&mut server).await;
    server.remember_disk();
    server.restart();
    for i in 2..10 {
        insist(&bus, &room, &i.to_string()).await;
        assert_eq!(hear(&mut staying).await, i.to_string());
    }
    say(&bus, &room, "10").await;
    let last = envelope(&mut staying).await.position.unwrap();

    away(&mut server).await;
    server.forget_since();
    server.restart();
    assert!(matches!(delivery(&mut staying).await, Delivery::CutOff));
    // What was on the disk may be told again, after that.
    insist(&bus, &room, "new").await;
    let heard = loop {
        let heard = envelope(&mut staying).await;
        if heard.message.data == "new" {
            break heard.position.unwrap();
        }
    };
    assert_ne!(heard.epoch, last.epoch);
    let back = bus.subscribe(&room, Some(last)).await.unwrap();
    assert_eq!(back.recovery(), Recovery::Impossible);
}

/// More than a listener may have pending is read at once when the network is
/// back; who listens takes it as it comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_missed_pushes_out_nothing_of_itself() {
    let server = Nats::start();
    let history = History {
        messages: 1000,
        ..HISTORY
    };
    let (behind, other, proxy) = two_nodes(&server, Some(history)).await;
    let room = room();
    let mut listener = behind.subscribe(&room, None).await.unwrap();
    say(&behind, &room, "0").await;

    proxy.cut();
    // Three times the listener's bound.
    for i in 1..=300 {
        say(&other, &room, i.to_string()).await;
    }
    until("the cut is noticed", async || behind.ping().await.is_err()).await;
    proxy.reset();
    proxy.heal();
    for i in 0..=300 {
        assert_eq!(hear(&mut listener).await, i.to_string());
    }
}
