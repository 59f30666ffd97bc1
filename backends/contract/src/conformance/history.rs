//! Laws of the [`RoomBus`]: what is kept of a room, and what a
//! message's key does. Of a bus that keeps nothing they ask that it says so.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use futures_util::future::join_all;
use tokio::spawn;
use uuid::Uuid;

use super::{
    BusUnderTest,
    samples::{hear, hear_text, listen, payload, room, soon, text, time},
};
use crate::{
    Delivery, Envelope, History, Kind, Message, MessageKey, Position, Recovery, RoomBus, RoomName,
};

async fn history(bus: &Arc<dyn RoomBus>, room: &RoomName, since: Option<Position>) -> History {
    soon("the history", bus.history(room, since)).await.unwrap()
}

fn texts(messages: &[Arc<Envelope>]) -> Vec<String> {
    messages.iter().map(|message| payload(message)).collect()
}

fn key() -> MessageKey {
    MessageKey(Uuid::new_v4().as_u128())
}

fn keyed(key: MessageKey, data: &str) -> Message {
    Message {
        key: Some(key),
        ..text(data)
    }
}

/// Says the numbers from 0, by turns on both handles; returns their places.
async fn count(under_test: &BusUnderTest, room: &RoomName, to: usize) -> Vec<Option<Position>> {
    let mut places = Vec::new();
    for i in 0..to {
        let bus = if i % 2 == 0 {
            &under_test.bus
        } else {
            &under_test.other
        };
        let published = bus.publish(room, text(i.to_string())).await.unwrap();
        places.push(published.position);
    }
    places
}

laws! {
    history => history_laws($), BusUnderTest;

    /// A room's last messages are kept, whether or not anybody listens, as
    /// they were said and in order, and with the places that their publishers
    /// were told; of a bus that keeps nothing, none.
    async fn the_last_messages_of_a_room_are_kept(under_test) {
        let room = room();
        let total = under_test.history + 3;
        let places = count(&under_test, &room, total).await;
        for bus in [&under_test.bus, &under_test.other] {
            let History { recovery, messages, position } = history(bus, &room, None).await;
            assert_eq!(recovery, Recovery::NotAsked);
            let expected: Vec<_> = (3..total).map(|i| i.to_string()).collect();
            assert_eq!(texts(&messages), expected);
            let heard: Vec<_> = messages.iter().map(|message| message.position).collect();
            assert_eq!(heard, places[3..]);
            if let Some(last) = messages.last() {
                let (last, position) = (last.position.unwrap(), position.unwrap());
                assert_eq!(position.epoch, last.epoch);
                assert!(position.seq >= last.seq);
            }
        }
        assert_eq!(under_test.bus.rooms(), 0);
    }

    /// Since a place, everything that was said after it, or nothing, if not
    /// all of that is kept any more.
    async fn history_since_a_place_is_all_or_nothing(under_test) {
        let room = room();
        let mut listener = listen(&under_test.bus, &room).await;
        let total = under_test.history + 3;
        let mut places = vec![listener.position()];
        count(&under_test, &room, total).await;
        for _ in 0..total {
            // It may be told that it missed some, if more is kept than it may
            // be behind.
            if let Delivery::Message(heard) = soon("a delivery", listener.recv()).await {
                let i: usize = payload(&heard).parse().unwrap();
                places.resize(i + 1, None);
                places.push(heard.position);
            }
            if places.len() > total {
                break;
            }
        }
        for (said, place) in places.into_iter().enumerate() {
            let Some(place) = place else { continue };
            let found = history(&under_test.other, &room, Some(place)).await;
            // The oldest that is kept tells what comes after it; what came
            // before it, a bus may not know.
            let newer = total - said;
            if newer < under_test.history.max(1) {
                assert_eq!(found.recovery, Recovery::Complete, "{newer} are newer");
            } else if newer > under_test.history {
                assert_eq!(found.recovery, Recovery::Impossible, "{newer} are newer");
            }
            if found.recovery == Recovery::Complete {
                let expected: Vec<_> = (said..total).map(|i| i.to_string()).collect();
                assert_eq!(texts(&found.messages), expected);
                let stands = found.position.unwrap();
                assert!(stands.epoch == place.epoch && stands.seq >= place.seq);
            } else {
                assert_eq!(found.messages, []);
            }
        }
    }

    /// What is read and what is heard from there on is one order, without a
    /// gap or a repetition, while others speak.
    async fn history_and_what_is_heard_have_no_seam(under_test) {
        let room = room();
        let total = (under_test.history.min(under_test.capacity) / 2).max(1);
        let publisher = {
            let (bus, room) = (Arc::clone(&under_test.other), room.clone());
            spawn(async move {
                for i in 0..total {
                    bus.publish(&room, text(i.to_string())).await.unwrap();
                    tokio::task::yield_now().await;
                }
            })
        };
        let read = history(&under_test.bus, &room, None).await;
        let mut next = 0;
        for message in &read.messages {
            assert_eq!(payload(message), next.to_string());
            next += 1;
        }
        let since = read.position.filter(|_| under_test.history > 0);
        let back = soon("a subscription", under_test.bus.subscribe(&room, since)).await;
        let mut back = back.unwrap();
        if since.is_some() {
            assert_eq!(back.recovery(), Recovery::Complete);
            while next < total {
                assert_eq!(hear_text(&mut back).await, next.to_string());
                next += 1;
            }
            assert!(back.try_recv().is_none());
        }
        publisher.await.unwrap();
    }

    /// What was said while nobody listened is heard by whoever comes back,
    /// with what was heard before.
    async fn what_nobody_heard_is_kept_for_who_comes_back(under_test) {
        let room = room();
        let mut listener = listen(&under_test.bus, &room).await;
        under_test.other.publish(&room, text("heard")).await.unwrap();
        let left = hear(&mut listener).await.position;
        drop(listener);
        assert_eq!(under_test.bus.rooms(), 0);
        let missed = (under_test.history / 2).max(1);
        count(&under_test, &room, missed).await;
        for bus in [&under_test.bus, &under_test.other] {
            let back = soon("a subscription", bus.subscribe(&room, left)).await;
            let mut back = back.unwrap();
            if under_test.history > 0 {
                assert_eq!(back.recovery(), Recovery::Complete);
                for i in 0..missed {
                    assert_eq!(hear_text(&mut back).await, i.to_string());
                }
            } else if left.is_some() {
                assert_eq!(back.recovery(), Recovery::Impossible);
            }
            assert!(back.try_recv().is_none());
        }
    }

    /// While more is said than is kept, whoever asks gets everything since a
    /// place or is told that not; and of all that is kept, nothing in between
    /// is missing.
    async fn a_history_that_runs_out_is_never_told_in_part(under_test) {
        let room = room();
        let stop = Arc::new(AtomicBool::new(false));
        let mut staying = listen(&under_test.bus, &room).await;
        let publisher = {
            let (bus, room) = (Arc::clone(&under_test.other), room.clone());
            let stop = Arc::clone(&stop);
            spawn(async move {
                let mut i = 0_u64;
                while !stop.load(Ordering::Relaxed) {
                    bus.publish(&room, text(i.to_string())).await.unwrap();
                    i += 1;
                    tokio::task::yield_now().await;
                }
            })
        };
        let number = |message: &Envelope| payload(message).parse::<u64>().unwrap();
        let mut place = None;
        for _ in 0..10 {
            // What was said some time ago, on the edge of what is kept.
            for _ in 0..under_test.history {
                if let Delivery::Message(heard) = soon("a message", staying.recv()).await {
                    place = place.or(heard.position.map(|at| (at, number(&heard))));
                }
            }
            let Some((since, said)) = place.take() else { continue };
            let found = history(&under_test.bus, &room, Some(since)).await;
            for (next, message) in (said + 1..).zip(&found.messages) {
                assert_eq!(number(message), next);
            }
            let all = history(&under_test.bus, &room, None).await;
            let first = all.messages.first().map_or(0, |first| number(first));
            for (next, message) in (first..).zip(&all.messages) {
                assert_eq!(number(message), next);
            }
        }
        stop.store(true, Ordering::Relaxed);
        publisher.await.unwrap();
    }

    /// Messages of every kind are kept as they were said.
    async fn what_is_kept_is_what_was_said(under_test) {
        let room = room();
        let every_byte: Vec<u8> = (0..=255).cycle().take(64 * 1024).collect();
        let plain = text("grüße, 李明\r\n\0");
        let mut said = vec![Message { from: None, connection: None, ..plain.clone() }];
        for (i, (kind, data)) in [
            (Kind::Text, plain.data.clone()),
            (Kind::Text, Bytes::new()),
            (Kind::Json, Bytes::from_static(br#"{"a":[1,2.50,null],"a":"\u00e9"}"#)),
            (Kind::Binary, Bytes::new()),
            (Kind::Binary, Bytes::from(every_byte)),
        ].into_iter().enumerate() {
            said.push(Message { kind, data, at: time(i.try_into().unwrap()), ..plain.clone() });
        }
        for message in &said {
            under_test.bus.publish(&room, message.clone()).await.unwrap();
        }
        let found = history(&under_test.other, &room, None).await.messages;
        let found: Vec<_> = found.iter().map(|kept| kept.message.clone()).collect();
        assert_eq!(found, if under_test.history > 0 { said } else { Vec::new() });
    }

    /// A message that has a key is said once, however often and on whichever
    /// handle it is repeated, and has one place.
    async fn a_key_says_a_message_once(under_test) {
        let room = room();
        let mut here = listen(&under_test.bus, &room).await;
        let mut there = listen(&under_test.other, &room).await;
        let (one, two) = (key(), key());
        let first = under_test.bus.publish(&room, keyed(one, "one")).await.unwrap();
        let second = under_test.bus.publish(&room, keyed(two, "two")).await.unwrap();
        for bus in [&under_test.bus, &under_test.other] {
            // Also if what it says is another thing by now.
            for said in ["one", "another"] {
                let again = bus.publish(&room, keyed(one, said)).await.unwrap();
                if under_test.history > 0 {
                    assert_eq!(again, first);
                }
            }
        }
        let last = under_test.other.publish(&room, text("end")).await.unwrap();
        if under_test.history == 0 {
            return;
        }
        for listener in [&mut here, &mut there] {
            for (said, published) in [("one", first), ("two", second), ("end", last)] {
                let heard = hear(listener).await;
                assert_eq!(payload(&heard), said);
                assert_eq!(heard.position, published.position);
            }
            assert!(listener.try_recv().is_none());
        }
        let kept = history(&under_test.bus, &room, None).await.messages;
        assert_eq!(texts(&kept), ["one", "two", "end"]);
        // Nor is it said again when nobody listens any more.
        drop((here, there));
        let again = under_test.other.publish(&room, keyed(two, "two")).await.unwrap();
        assert_eq!(again, second);
        assert_eq!(history(&under_test.bus, &room, None).await.messages, kept);
    }

    /// So it is if its publisher repeats it before the first is said.
    async fn a_key_says_a_message_once_though_it_is_repeated_at_once(under_test) {
        for _ in 0..20 {
            let room = room();
            let key = key();
            let publishing = (0..8).map(|i| {
                let bus = if i % 2 == 0 { &under_test.bus } else { &under_test.other };
                let (bus, room) = (Arc::clone(bus), room.clone());
                spawn(async move { bus.publish(&room, keyed(key, "once")).await.unwrap() })
            });
            let mut published = Vec::new();
            for answer in join_all(publishing).await {
                published.push(answer.unwrap());
            }
            if under_test.history > 0 {
                let kept = history(&under_test.bus, &room, None).await.messages;
                assert_eq!(texts(&kept), ["once"]);
                assert!(published.iter().all(|told| told.position == kept[0].position));
            }
        }
    }

    /// A key of one room is nothing to another.
    async fn a_key_is_one_rooms(under_test) {
        let key = key();
        let rooms = [room(), room()];
        let mut places = Vec::new();
        for room in &rooms {
            let mut listener = listen(&under_test.other, room).await;
            let published = under_test.bus.publish(room, keyed(key, room.as_str())).await.unwrap();
            let heard = hear(&mut listener).await;
            assert_eq!(payload(&heard), room.as_str());
            assert_eq!(heard.position, published.position);
            places.push(published.position);
        }
        if under_test.history > 0 {
            for (room, place) in rooms.iter().zip(places) {
                let kept = history(&under_test.bus, room, None).await.messages;
                assert_eq!(texts(&kept), [room.as_str()]);
                assert_eq!(kept[0].position, place);
            }
        }
    }

    /// What is said in the service's own rooms has no place and is not kept;
    /// nor is a repetition there told from news.
    async fn the_services_own_rooms_are_neither_numbered_nor_kept(under_test) {
        let (said, again) = (key(), room());
        for own in [again.presence(), RoomName::control()] {
            let mut listener = listen(&under_test.bus, &own).await;
            assert_eq!(listener.position(), None);
            for _ in 0..2 {
                let message = keyed(said, again.as_str());
                let published = under_test.bus.publish(&own, message).await.unwrap();
                assert_eq!(published.position, None);
                // On a shared server other tests use the control room too.
                let heard = loop {
                    let heard = hear(&mut listener).await;
                    if heard.message.data == again.as_str() {
                        break heard;
                    }
                };
                assert_eq!(heard.position, None);
            }
            let kept = history(&under_test.other, &own, None).await;
            assert_eq!((kept.recovery, kept.position), (Recovery::NotAsked, None));
            assert_eq!(kept.messages, []);
        }
        assert_eq!(under_test.bus.rooms(), 0);
    }
}
