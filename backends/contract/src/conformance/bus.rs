//! Laws of the [`RoomBus`](crate::RoomBus): who hears what, falling behind,
//! cleaning up.
//!
//! That nothing more is heard is shown by a later message which is heard
//! first, not by waiting.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use tokio::{runtime::Handle, spawn};

use super::{
    BusUnderTest,
    samples::{deliver, eventually, hear, hear_text, listen, payload, room, soon, text, time},
};
use crate::{Delivery, Kind, Message};

laws! {
    bus => delivery_laws($), BusUnderTest;

    /// The bus answers that it can carry messages, on both handles.
    async fn a_bus_that_serves_answers_a_ping(under_test) {
        soon("a ping", under_test.bus.ping()).await.unwrap();
        soon("a ping", under_test.other.ping()).await.unwrap();
    }

    /// A message that is published after `subscribe` returned is heard, by
    /// everyone who listens, whoever publishes.
    async fn publish_after_subscribe_is_heard(under_test) {
        for _ in 0..50 {
            let room = room();
            let mut here = listen(&under_test.bus, &room).await;
            let mut too = listen(&under_test.bus, &room).await;
            under_test.bus.publish(&room, text("hello")).await.unwrap();
            assert_eq!(hear_text(&mut here).await, "hello");
            assert_eq!(hear_text(&mut too).await, "hello");
        }
    }

    /// The same from one handle to the other, in both directions.
    async fn publish_is_heard_across_handles(under_test) {
        for _ in 0..50 {
            let room = room();
            let mut here = listen(&under_test.bus, &room).await;
            let mut there = listen(&under_test.other, &room).await;
            under_test.bus.publish(&room, text("one")).await.unwrap();
            assert_eq!(hear_text(&mut there).await, "one");
            assert_eq!(hear_text(&mut here).await, "one");
            under_test.other.publish(&room, text("two")).await.unwrap();
            assert_eq!(hear_text(&mut there).await, "two");
            assert_eq!(hear_text(&mut here).await, "two");
        }
    }

    /// A message is heard as it was published: payload, kind, sender,
    /// connection and time; empty ones and ones of 64 KiB too.
    async fn a_message_survives_unchanged(under_test) {
        let room = room();
        let mut here = listen(&under_test.bus, &room).await;
        let mut there = listen(&under_test.other, &room).await;
        let every_byte: Vec<u8> = (0..=255).cycle().take(64 * 1024).collect();
        let plain = text("grüße, 李明\r\n\0");
        let payloads = [
            (Kind::Text, plain.data.clone()),
            (Kind::Text, Bytes::new()),
            (Kind::Text, Bytes::from("é".repeat(32 * 1024))),
            (Kind::Json, Bytes::from_static(br#"{"a":[1,2.50,null],"a":"\u00e9"}"#)),
            (Kind::Binary, Bytes::new()),
            (Kind::Binary, Bytes::from(every_byte)),
        ];
        for (i, (kind, data)) in payloads.into_iter().enumerate() {
            let message = Message { kind, data, at: time(i.try_into().unwrap()), ..plain.clone() };
            under_test.bus.publish(&room, message.clone()).await.unwrap();
            assert_eq!(hear(&mut here).await.message, message);
            assert_eq!(hear(&mut there).await.message, message);
        }
        let ours = Message { from: None, connection: None, ..plain };
        under_test.bus.publish(&room, ours.clone()).await.unwrap();
        assert_eq!(hear(&mut here).await.message, ours);
        assert_eq!(hear(&mut there).await.message, ours);
    }

    /// Each publisher's messages are heard in the order it published them,
    /// each once, while others publish on both handles.
    async fn each_publishers_order_is_kept(under_test) {
        let room = room();
        let mut listeners = [
            listen(&under_test.bus, &room).await,
            listen(&under_test.other, &room).await,
        ];
        let publishers = 4;
        let each = (under_test.capacity / publishers).min(50);
        assert!(each >= 4, "a capacity of at least 16");
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
        for listener in &mut listeners {
            let mut next = vec![0; publishers];
            for _ in 0..publishers * each {
                let text = hear_text(listener).await;
                let (publisher, i) = text.split_once(' ').unwrap();
                let next = &mut next[publisher.parse::<usize>().unwrap()];
                assert_eq!(i.parse::<usize>().unwrap(), *next);
                *next += 1;
            }
            assert_eq!(next, vec![each; publishers]);
            assert!(listener.try_recv().is_none());
        }
        for publisher in running {
            publisher.await.unwrap();
        }
    }

    /// What is said in one room is not heard in another, however alike their
    /// names are.
    async fn rooms_are_isolated(under_test) {
        let (here, there) = (&under_test.bus, &under_test.other);
        let one = room();
        let name = one.as_str();
        let alike = [
            name.to_uppercase(),
            format!("{name}-"),
            format!("{name}_a"),
            name[1..].to_owned(),
        ];
        let mut outside = Vec::new();
        for name in alike {
            let room = name.parse().unwrap();
            outside.push((listen(here, &room).await, listen(there, &room).await, room));
        }
        let mut inside = listen(there, &one).await;
        here.publish(&one, text("secret")).await.unwrap();
        assert_eq!(hear_text(&mut inside).await, "secret");
        for (here_too, there_too, room) in &mut outside {
            here.publish(room, text(room.as_str())).await.unwrap();
            assert_eq!(hear_text(here_too).await, room.as_str());
            assert_eq!(hear_text(there_too).await, room.as_str());
            assert!(here_too.try_recv().is_none() && there_too.try_recv().is_none());
        }
        assert!(inside.try_recv().is_none());
    }

    /// What is said in an empty room is said to nobody: publishing succeeds,
    /// and whoever comes later doesn't hear it.
    async fn publishing_to_an_empty_room_is_heard_by_nobody(under_test) {
        let room = room();
        under_test.bus.publish(&room, text("nobody")).await.unwrap();
        under_test.other.publish(&room, text("nobody")).await.unwrap();
        // A bus without positions may still be on its way with it.
        soon("a ping", under_test.bus.ping()).await.unwrap();
        soon("a ping", under_test.other.ping()).await.unwrap();
        let mut here = listen(&under_test.bus, &room).await;
        let mut there = listen(&under_test.other, &room).await;
        under_test.bus.publish(&room, text("hello")).await.unwrap();
        assert_eq!(hear_text(&mut here).await, "hello");
        assert_eq!(hear_text(&mut there).await, "hello");
    }

    /// The room that no user can name carries messages like any other.
    async fn the_control_room_carries_messages(under_test) {
        let room = crate::RoomName::control();
        let mut there = listen(&under_test.other, &room).await;
        let said = text(super::samples::room().as_str());
        under_test.bus.publish(&room, said.clone()).await.unwrap();
        // On a shared server other tests use this room too.
        while hear(&mut there).await.message != said {}
    }

    /// A listener that is behind by the bound has missed nothing.
    async fn a_listener_may_fall_behind_by_the_bound(under_test) {
        let room = room();
        let mut slow = listen(&under_test.bus, &room).await;
        let mut quick = listen(&under_test.bus, &room).await;
        for i in 0..under_test.capacity {
            under_test.bus.publish(&room, text(i.to_string())).await.unwrap();
            assert_eq!(hear_text(&mut quick).await, i.to_string());
        }
        for i in 0..under_test.capacity {
            assert_eq!(hear_text(&mut slow).await, i.to_string());
        }
        assert!(slow.try_recv().is_none());
    }

    /// A listener that falls further behind is told how many messages it
    /// missed, exactly, then gets the newest in order, and goes on; nobody
    /// else misses anything.
    async fn falling_behind_is_missed_with_the_exact_number(under_test) {
        let room = room();
        let published = 4 * under_test.capacity + 3;
        let mut slow = listen(&under_test.bus, &room).await;
        let mut quick = listen(&under_test.bus, &room).await;
        for i in 0..published {
            under_test.bus.publish(&room, text(i.to_string())).await.unwrap();
            assert_eq!(hear_text(&mut quick).await, i.to_string());
        }
        let Delivery::Missed(missed) = deliver(&mut slow).await else {
            panic!("{published} behind with a bound of {} is too far", under_test.capacity);
        };
        let missed = usize::try_from(missed).unwrap();
        assert!(missed >= published - 2 * under_test.capacity);
        assert!(missed <= published - under_test.capacity);
        for i in missed..published {
            assert_eq!(hear_text(&mut slow).await, i.to_string());
        }
        under_test.bus.publish(&room, text("on")).await.unwrap();
        assert_eq!(hear_text(&mut slow).await, "on");
        assert_eq!(hear_text(&mut quick).await, "on");
    }

    /// Of a burst from the other handle, what a listener hears and what it is
    /// told it missed are together what was published.
    async fn heard_and_missed_are_everything(under_test) {
        let room = room();
        let published = 20 * under_test.capacity;
        let mut listener = listen(&under_test.bus, &room).await;
        let publisher = {
            let (bus, room) = (Arc::clone(&under_test.other), room.clone());
            spawn(async move {
                for i in 0..published {
                    bus.publish(&room, text(i.to_string())).await.unwrap();
                }
            })
        };
        let mut next = 0;
        while next < published {
            match deliver(&mut listener).await {
                Delivery::CutOff => panic!("cut off from the bus"),
                Delivery::Missed(missed) => next += usize::try_from(missed).unwrap(),
                Delivery::Message(envelope) => {
                    assert_eq!(payload(&envelope), next.to_string());
                    next += 1;
                }
            }
        }
        assert_eq!(next, published);
        assert!(listener.try_recv().is_none());
        publisher.await.unwrap();
    }

    /// A dropped subscription ends; the others in the room stay.
    async fn a_dropped_listener_leaves_the_others(under_test) {
        let room = room();
        let leaving = listen(&under_test.bus, &room).await;
        let mut staying = listen(&under_test.bus, &room).await;
        assert_eq!(under_test.bus.rooms(), 1);
        drop(leaving);
        assert_eq!(under_test.bus.rooms(), 1);
        for i in 0..3 {
            under_test.other.publish(&room, text(i.to_string())).await.unwrap();
            assert_eq!(hear_text(&mut staying).await, i.to_string());
        }
        drop(staying);
        assert_eq!(under_test.bus.rooms(), 0);
    }

    /// No room and no task is left when the
    /// last listener has gone.
    async fn the_last_listener_takes_room_and_tasks_with_it(under_test) {
        let metrics = Handle::current().metrics();
        // A bus may start what it keeps for all rooms with the first.
        let first = room();
        let mut listener = listen(&under_test.bus, &first).await;
        under_test.bus.publish(&first, text("first")).await.unwrap();
        hear(&mut listener).await;
        let with_one_room = metrics.num_alive_tasks();
        drop(listener);

        let mut listeners = Vec::new();
        for i in 1..=20 {
            let room = room();
            listeners.push(listen(&under_test.bus, &room).await);
            listeners.push(listen(&under_test.bus, &room).await);
            under_test.bus.publish(&room, text("hello")).await.unwrap();
            assert_eq!(under_test.bus.rooms(), i);
        }
        drop(listeners);
        assert_eq!(under_test.bus.rooms(), 0);
        eventually("the rooms' tasks to end", || metrics.num_alive_tasks() <= with_one_room).await;
    }

    /// Others coming and going take no message from a listener that stays.
    async fn churn_takes_nothing_from_a_listener_that_stays(under_test) {
        let room = room();
        let mut staying = listen(&under_test.bus, &room).await;
        let stop = Arc::new(AtomicBool::new(false));
        let mut churn = Vec::new();
        for bus in [&under_test.bus, &under_test.other] {
            let (bus, room, stop) = (Arc::clone(bus), room.clone(), Arc::clone(&stop));
            churn.push(spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    drop(listen(&bus, &room).await);
                    tokio::task::yield_now().await;
                }
            }));
        }
        for i in 0..500 {
            let bus = if i % 2 == 0 { &under_test.bus } else { &under_test.other };
            bus.publish(&room, text(i.to_string())).await.unwrap();
            assert_eq!(hear_text(&mut staying).await, i.to_string());
        }
        stop.store(true, Ordering::Relaxed);
        for task in churn {
            task.await.unwrap();
        }
    }

    /// A room that others are just giving up is whole for whoever comes.
    async fn a_room_that_ends_and_begins_loses_nothing(under_test) {
        let room = room();
        let stop = Arc::new(AtomicBool::new(false));
        let churn: Vec<_> = (0..3)
            .map(|_| {
                let (bus, room) = (Arc::clone(&under_test.bus), room.clone());
                let stop = Arc::clone(&stop);
                spawn(async move {
                    while !stop.load(Ordering::Relaxed) {
                        drop(listen(&bus, &room).await);
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        for i in 0..500 {
            let mut listener = listen(&under_test.bus, &room).await;
            under_test.bus.publish(&room, text(i.to_string())).await.unwrap();
            assert_eq!(hear_text(&mut listener).await, i.to_string());
        }
        stop.store(true, Ordering::Relaxed);
        for task in churn {
            task.await.unwrap();
        }
        assert_eq!(under_test.bus.rooms(), 0);
    }
}
