//! Laws of the [`RoomBus`](crate::RoomBus): order numbers and coming back. On
//! a bus without numbers they ask that it has none anywhere.

use std::sync::Arc;

use tokio::spawn;

use super::{
    BusUnderTest,
    samples::{hear, hear_text, listen, payload, room, soon, text},
};
use crate::{Epoch, Position, Recovery, RoomName, Subscription};

/// A listener that was away since `since`.
async fn come_back(under_test: &BusUnderTest, room: &RoomName, since: Position) -> Subscription {
    soon(
        "a subscription",
        under_test.bus.subscribe(room, Some(since)),
    )
    .await
    .unwrap()
}

laws! {
    positions => position_laws($), BusUnderTest;

    /// The place that the publisher is told is the one the listeners see; it
    /// follows that of the message before, and the place at which a listener came.
    async fn publisher_and_listener_are_told_one_place(under_test) {
        let room = room();
        let mut here = listen(&under_test.bus, &room).await;
        let mut there = listen(&under_test.other, &room).await;
        let mut last = here.position();
        for i in 0..5 {
            let published = under_test.bus.publish(&room, text(i.to_string())).await.unwrap();
            assert_eq!(hear(&mut here).await.position, published.position);
            assert_eq!(hear(&mut there).await.position, published.position);
            assert_eq!(published.position.is_some(), here.position().is_some());
            if let (Some(last), Some(heard)) = (last, published.position) {
                assert_eq!(heard.epoch, last.epoch);
                assert!(heard.seq > last.seq);
            }
            last = published.position;
        }
    }

    /// With numbers, all listeners hear one order while many publish, each
    /// message once.
    async fn positions_are_one_growing_order(under_test) {
        let room = room();
        let mut here = listen(&under_test.bus, &room).await;
        let mut there = listen(&under_test.other, &room).await;
        let (publishers, each) = (4, under_test.capacity / 4);
        let mut running = Vec::new();
        for publisher in 0..publishers {
            let bus = if publisher % 2 == 0 { &under_test.bus } else { &under_test.other };
            let (bus, room) = (Arc::clone(bus), room.clone());
            running.push(spawn(async move {
                for i in 0..each {
                    bus.publish(&room, text(format!("{publisher} {i}"))).await.unwrap();
                }
            }));
        }
        let came = here.position();
        let mut last = came;
        for _ in 0..publishers * each {
            let (one, two) = (hear(&mut here).await, hear(&mut there).await);
            assert_eq!(one.position.is_some(), came.is_some());
            if let (Some(last), Some(position)) = (last, one.position) {
                assert_eq!(one, two);
                assert_eq!(position.epoch, last.epoch);
                assert!(position.seq > last.seq);
            }
            last = one.position;
        }
        for publisher in running {
            publisher.await.unwrap();
        }
    }

    /// A listener that doesn't ask is told so, and gets nothing old.
    async fn who_does_not_ask_gets_nothing_old(under_test) {
        let room = room();
        let mut staying = listen(&under_test.bus, &room).await;
        under_test.bus.publish(&room, text("old")).await.unwrap();
        hear(&mut staying).await;
        let mut late = listen(&under_test.bus, &room).await;
        assert_eq!(late.recovery(), Recovery::NotAsked);
        under_test.bus.publish(&room, text("new")).await.unwrap();
        assert_eq!(hear_text(&mut late).await, "new");
    }

    /// Who comes back gets everything since, in order and before anything
    /// live, or is told that it can't have it and gets none of it.
    async fn coming_back_is_complete_or_impossible(under_test) {
        let room = room();
        let mut staying = listen(&under_test.bus, &room).await;
        let mut places = vec![staying.position()];
        let mut said = Vec::new();
        for i in 1..=4 {
            said.push(i.to_string());
            under_test.bus.publish(&room, text(i.to_string())).await.unwrap();
            places.push(hear(&mut staying).await.position);
        }
        for (since, place) in places.into_iter().enumerate() {
            // Without numbers there is no place to come back to.
            let Some(place) = place else { continue };
            let mut back = come_back(&under_test, &room, place).await;
            match back.recovery() {
                Recovery::Complete => {
                    for text in &said[since..] {
                        assert_eq!(hear_text(&mut back).await, *text);
                    }
                }
                Recovery::Impossible => {}
                Recovery::NotAsked => panic!("a place was asked for"),
            }
            said.push(format!("live {since}"));
            under_test.bus.publish(&room, text(format!("live {since}"))).await.unwrap();
            assert_eq!(hear_text(&mut back).await, format!("live {since}"));
        }
    }

    /// Within the history that a bus keeps, coming back is complete, from the
    /// place of any message and from where a listener came.
    async fn coming_back_within_the_history_is_complete(under_test) {
        let room = room();
        let mut staying = listen(&under_test.bus, &room).await;
        let mut places = vec![staying.position()];
        for i in 1..=under_test.history {
            under_test.other.publish(&room, text(i.to_string())).await.unwrap();
            places.push(hear(&mut staying).await.position);
        }
        // The oldest kept message tells what comes after it; what came before
        // it can't be told from what was never said.
        for since in [1, under_test.history / 2, under_test.history] {
            let Some(place) = places.get(since).copied().flatten() else { continue };
            let mut back = come_back(&under_test, &room, place).await;
            assert_eq!(back.recovery(), Recovery::Complete, "since {since}");
            for i in since + 1..=under_test.history {
                assert_eq!(hear_text(&mut back).await, i.to_string());
            }
            assert!(back.try_recv().is_none());
        }
    }

    /// From a place that is further back than the history, nothing is replayed.
    async fn coming_back_beyond_the_history_is_impossible(under_test) {
        let room = room();
        let mut staying = listen(&under_test.bus, &room).await;
        let came = staying.position();
        under_test.bus.publish(&room, text("first")).await.unwrap();
        let first = hear(&mut staying).await.position;
        for _ in 0..=under_test.history {
            under_test.bus.publish(&room, text("more")).await.unwrap();
            hear(&mut staying).await;
        }
        for place in [came, first].into_iter().flatten() {
            let mut back = come_back(&under_test, &room, place).await;
            assert_eq!(back.recovery(), Recovery::Impossible);
            assert!(back.try_recv().is_none());
        }
    }

    /// Who comes back while others speak still hears one order without a gap
    /// or a repetition.
    async fn coming_back_joins_the_live_order_without_a_seam(under_test) {
        let room = room();
        let mut staying = listen(&under_test.bus, &room).await;
        let total = under_test.capacity / 2;
        let publisher = {
            let (bus, room) = (Arc::clone(&under_test.other), room.clone());
            spawn(async move {
                for i in 0..total {
                    bus.publish(&room, text(i.to_string())).await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        };
        let first = hear(&mut staying).await;
        if let Some(since) = first.position {
            let mut back = come_back(&under_test, &room, since).await;
            let complete = back.recovery() == Recovery::Complete;
            let mut next = complete.then_some(1);
            publisher.await.unwrap();
            under_test.other.publish(&room, text(total.to_string())).await.unwrap();
            while next != Some(total + 1) {
                let heard: usize = payload(&*hear(&mut back).await).parse().unwrap();
                assert!(next.is_none_or(|next| next == heard), "{heard} is not {next:?}");
                next = Some(heard + 1);
            }
            assert!(back.try_recv().is_none());
        } else {
            publisher.await.unwrap();
        }
    }

    /// A place of another life of the room, or one that isn't reached yet, is
    /// `Impossible`, and nothing is replayed.
    async fn a_place_that_is_not_of_this_order_is_impossible(under_test) {
        let room = room();
        let mut staying = listen(&under_test.bus, &room).await;
        for i in 0..6 {
            under_test.bus.publish(&room, text(i.to_string())).await.unwrap();
            let last = hear(&mut staying).await.position;
            let seq = last.map_or(i, |last| last.seq);
            let mut places = vec![
                Position { epoch: Epoch::random(), seq: 0 },
                Position { epoch: Epoch::random(), seq },
                Position { epoch: Epoch::random(), seq: seq - i / 2 },
            ];
            if let Some(last) = last {
                // On a bus whose rooms share their numbers the next one may be
                // another room's by now.
                places.push(Position { seq: seq + 1_000_000, ..last });
                places.push(Position { seq: u64::MAX, ..last });
            }
            for place in places {
                let mut back = come_back(&under_test, &room, place).await;
                assert_eq!(back.recovery(), Recovery::Impossible, "{place:?} at {last:?}");
                assert!(back.try_recv().is_none());
            }
            let elsewhere = Position { epoch: Epoch::random(), seq };
            let mut back = come_back(&under_test, &room, elsewhere).await;
            under_test.bus.publish(&room, text("live")).await.unwrap();
            assert_eq!(hear_text(&mut back).await, "live");
            assert_eq!(hear_text(&mut staying).await, "live");
        }
    }
}
