//! A crowd in one room loses nothing, and is nobody else's loss.

use std::{future::poll_fn, pin::Pin, sync::Arc, task::Poll};

use bytes::Bytes;
use contract::{ConnectionId, Kind, Message, RoomBus, RoomName, Timestamp, UserId};
use service::{
    accounts::tokens::Grant,
    ws::{
        hub::{Hubs, Occupant},
        outbox::{BacklogLimits, Outbox},
        shards::Spread,
        wire::Format,
    },
};
use tokio::task::{unconstrained, yield_now};

use crate::{local_bus::LocalBus, service::soon};

fn outbox(messages: usize) -> Arc<Outbox> {
    Arc::new(Outbox::new(BacklogLimits {
        messages,
        bytes: usize::MAX,
    }))
}

fn occupant() -> Occupant {
    Occupant {
        connection: ConnectionId::random(),
        user: UserId::random(),
        grant: Grant::ReadWrite,
        format: Format::Raw,
        presence: false,
    }
}

fn message(data: &Bytes) -> Message {
    Message {
        from: None,
        connection: None,
        at: Timestamp::now(),
        kind: Kind::Text,
        data: data.clone(),
        key: None,
    }
}

#[tokio::test]
async fn a_crowd_that_waits_to_speak_never_makes_its_room_miss_anything() {
    let bus = LocalBus::new();
    let hubs = Hubs::new(bus.clone(), true, Spread::here());
    let lobby = RoomName::parse("lobby").unwrap();
    let out = outbox(usize::MAX);
    let seat = hubs.join(&lobby, occupant(), &out).await.unwrap();
    seat.go_live(|_| None);
    let hi = Bytes::from_static(b"hi");

    // All ask to speak, and are slow to begin when it is their turn.
    let mut waiting: Vec<Pin<Box<_>>> = (0..1000)
        .map(|_| Box::pin(unconstrained(seat.publish(message(&hi)))))
        .collect();
    poll_fn(|cx| {
        waiting.retain_mut(|speaker| speaker.as_mut().poll(cx).is_pending());
        Poll::Ready(())
    })
    .await;
    assert!(waiting.len() < 1000 && waiting.len() > 800);
    for _ in 0..20 {
        // Another node's messages keep the hub busy meanwhile.
        bus.publish(&lobby, message(&hi)).await.unwrap();
        for _ in 0..3 {
            yield_now().await;
        }
    }
    while !waiting.is_empty() {
        poll_fn(|cx| {
            waiting.retain_mut(|speaker| speaker.as_mut().poll(cx).is_pending());
            Poll::Ready(())
        })
        .await;
        yield_now().await;
    }
    yield_now().await;
    assert_eq!(out.status().closing, None);
}

#[tokio::test]
async fn a_crowded_room_with_much_to_say_lets_other_tasks_run() {
    let bus = LocalBus::new();
    let hubs = Hubs::new(bus.clone(), true, Spread::here());
    let lobby = RoomName::parse("lobby").unwrap();
    // One whom the first batch is too much for, and one whom the last is.
    let (early, late) = (outbox(0), outbox(39));
    let mut seats = Vec::new();
    for out in [&early, &late] {
        seats.push(hubs.join(&lobby, occupant(), out).await.unwrap());
    }
    for _ in 0..600 {
        let join = hubs.join(&lobby, occupant(), &early);
        seats.push(join.await.unwrap());
    }
    for seat in &seats {
        seat.go_live(|_| None);
    }
    // Each is a batch of its own.
    let long = Bytes::from(vec![b'x'; 256 * 1024]);
    for _ in 0..40 {
        bus.publish(&lobby, message(&long)).await.unwrap();
    }
    let seen_between = soon(async {
        let mut seen = false;
        while late.status().closing.is_none() {
            seen |= early.status().closing.is_some();
            yield_now().await;
        }
        seen
    })
    .await;
    assert!(seen_between, "24,000 writes without a pause");
}
