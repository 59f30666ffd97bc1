//! What people do to NATS while nodes are connected to it.

use async_nats::jetstream::{self, stream::Config};
use bus_nats::History;
use contract::{Delivery, Recovery, RoomBus, RoomName};
use futures_util::StreamExt;
use test_servers::{Nats, Proxy};

use crate::{HISTORY, bus, delivery, envelope, hear, insist, room, say, until};

async fn operator(server: &Nats) -> async_nats::Client {
    async_nats::connect(server.url()).await.unwrap()
}

async fn delete_stream(server: &Nats) {
    let jetstream = jetstream::new(operator(server).await);
    jetstream.delete_stream("test_rooms").await.unwrap();
}

/// As `nats sub '>'` does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_who_listens_to_everything_stops_nothing() {
    let server = Nats::start();
    let mut everything = operator(&server).await.subscribe(">").await.unwrap();
    for history in [None, Some(HISTORY)] {
        let bus = bus(server.url(), history).await;
        bus.ping().await.unwrap();
        for room in [room(), RoomName::control()] {
            let mut listener = bus.subscribe(&room, None).await.unwrap();
            say(&bus, &room, "hello").await;
            assert_eq!(hear(&mut listener).await, "hello");
        }
    }
    assert!(everything.next().await.is_some());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_stream_is_made_again_though_nobody_speaks() {
    let server = Nats::start();
    let bus = bus(server.url(), Some(HISTORY)).await;
    delete_stream(&server).await;
    until("the bus carries again", async || bus.ping().await.is_ok()).await;
    let room = room();
    let mut listener = bus.subscribe(&room, None).await.unwrap();
    say(&bus, &room, "hello").await;
    assert_eq!(hear(&mut listener).await, "hello");
}

/// Another node has made it again before this one looked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_is_another_is_noticed_by_nodes_that_only_listen() {
    let server = Nats::start();
    let speaks = bus(server.url(), Some(HISTORY)).await;
    let listens = bus(server.url(), Some(HISTORY)).await;
    let room = room();
    let mut listener = listens.subscribe(&room, None).await.unwrap();
    for i in 0..10 {
        say(&speaks, &room, i.to_string()).await;
        assert_eq!(hear(&mut listener).await, i.to_string());
    }
    delete_stream(&server).await;
    insist(&speaks, &room, "first").await;
    assert!(matches!(delivery(&mut listener).await, Delivery::CutOff));
    assert_eq!(hear(&mut listener).await, "first");
    for i in 0..10 {
        say(&speaks, &room, i.to_string()).await;
        assert_eq!(hear(&mut listener).await, i.to_string());
    }
    let published = listens.publish(&room, crate::text("last")).await.unwrap();
    let heard = envelope(&mut listener).await;
    assert_eq!(heard.message.data, "last");
    assert_eq!(heard.position, published.position);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_place_in_a_deleted_stream_is_not_taken_for_one_in_the_next() {
    let server = Nats::start();
    let speaks = bus(server.url(), Some(HISTORY)).await;
    let other = bus(server.url(), Some(HISTORY)).await;
    let room = room();
    let mut listener = speaks.subscribe(&room, None).await.unwrap();
    let mut place = None;
    for i in 0..5 {
        say(&speaks, &room, i.to_string()).await;
        place = envelope(&mut listener).await.position;
    }
    delete_stream(&server).await;
    for i in 0..10 {
        insist(&speaks, &room, &i.to_string()).await;
    }
    let mut back = None;
    until("one can come back", async || {
        back = other.subscribe(&room, place).await.ok();
        back.is_some()
    })
    .await;
    assert_eq!(back.unwrap().recovery(), Recovery::Impossible);
}

/// A newer version says something of which this one only knows that it is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_can_not_be_read_counts_among_what_is_kept() {
    let server = Nats::start();
    let history = History {
        messages: 5,
        ..HISTORY
    };
    let bus = bus(server.url(), Some(history)).await;
    let room = room();
    let mut listener = bus.subscribe(&room, None).await.unwrap();
    say(&bus, &room, "0").await;
    let place = envelope(&mut listener).await.position;
    let jetstream = jetstream::new(operator(&server).await);
    let stored = jetstream.publish(format!("test.rooms.in.{room}"), "newer".into());
    stored.await.unwrap().await.unwrap();
    for i in 1..=3 {
        say(&bus, &room, i.to_string()).await;
    }
    let mut back = bus.subscribe(&room, place).await.unwrap();
    assert_eq!(back.recovery(), Recovery::Complete);
    for i in 1..=3 {
        assert_eq!(hear(&mut back).await, i.to_string());
    }
    // Now what is after that place is more than what is kept.
    let stored = jetstream.publish(format!("test.rooms.in.{room}"), "newer".into());
    stored.await.unwrap().await.unwrap();
    for i in 4..=5 {
        say(&bus, &room, i.to_string()).await;
    }
    let back = bus.subscribe(&room, place).await.unwrap();
    assert_eq!(back.recovery(), Recovery::Impossible);
}

/// A node whose settings are not those of the stream any more is not started,
/// but one that runs goes on: its rooms, and the nodes' news, learn of a cut.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edited_stream_keeps_no_cut_secret() {
    let server = Nats::start();
    let proxy = Proxy::start(server.port()).await;
    let behind = bus(&format!("nats://{}", proxy.address()), Some(HISTORY)).await;
    let other = bus(server.url(), Some(HISTORY)).await;
    let room = room();
    let mut control = behind.subscribe(&RoomName::control(), None).await.unwrap();
    let mut listener = behind.subscribe(&room, None).await.unwrap();

    let jetstream = jetstream::new(operator(&server).await);
    let found = jetstream.get_stream("test_rooms").await.unwrap();
    let edited = Config {
        max_messages_per_subject: 200,
        ..found.cached_info().config.clone()
    };
    jetstream.update_stream(edited).await.unwrap();

    proxy.cut();
    say(&other, &room, "meanwhile").await;
    say(&other, &RoomName::control(), "lost").await;
    until("the cut is noticed", async || behind.ping().await.is_err()).await;
    proxy.reset();
    proxy.heal();
    assert!(matches!(delivery(&mut control).await, Delivery::CutOff));
    assert_eq!(hear(&mut listener).await, "meanwhile");
}

/// Without JetStream no room can be read, but what the nodes tell each other
/// does not need it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_nodes_news_learn_of_a_cut_without_jetstream() {
    let server = Nats::start();
    let proxy = Proxy::start(server.port()).await;
    let behind = bus(&format!("nats://{}", proxy.address()), Some(HISTORY)).await;
    let other = bus(server.url(), None).await;
    let mut control = behind.subscribe(&RoomName::control(), None).await.unwrap();
    proxy.cut();
    say(&other, &RoomName::control(), "lost").await;
    until("the cut is noticed", async || behind.ping().await.is_err()).await;
    // Whoever looks for the stream gets no answer.
    let jetstream = jetstream::new(operator(&server).await);
    let found = jetstream.get_stream("test_rooms").await.unwrap();
    let config = found.cached_info().config.clone();
    jetstream.delete_stream("test_rooms").await.unwrap();
    let taken = Config {
        name: "other".to_owned(),
        republish: None,
        ..config
    };
    jetstream.create_stream(taken).await.unwrap();
    proxy.reset();
    proxy.heal();
    assert!(matches!(delivery(&mut control).await, Delivery::CutOff));
}
