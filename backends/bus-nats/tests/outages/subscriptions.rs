//! A room costs one subscription, for as long as somebody listens.

use contract::RoomBus;
use test_servers::Nats;

use crate::{HISTORY, bus, hear, room, say, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_room_is_one_subscription_that_its_last_listener_takes_away() {
    for history in [None, Some(HISTORY)] {
        let server = Nats::start();
        let bus = bus(server.url(), history).await;
        let rooms: Vec<_> = (0..5).map(|_| room()).collect();
        let listed = |room: &str| {
            server
                .monitor("/subsz?subs=1&limit=10000")
                .matches(&format!(".{room}\""))
                .count()
        };
        let mut listeners = Vec::new();
        for room in &rooms {
            for _ in 0..20 {
                listeners.push(bus.subscribe(room, None).await.unwrap());
            }
            say(&bus, room, "hello").await;
        }
        for listener in &mut listeners {
            assert_eq!(hear(listener).await, "hello");
        }
        for room in &rooms {
            assert_eq!(listed(room.as_str()), 1);
        }
        drop(listeners);
        assert_eq!(bus.rooms(), 0);
        until("no room is left on the server", async || {
            rooms.iter().all(|room| listed(room.as_str()) == 0)
        })
        .await;
    }
}
