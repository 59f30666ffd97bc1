//! A network that is slow, but whole.

use std::time::Duration;

use contract::{Recovery, RoomBus};
use test_servers::{Nats, Proxy};

use crate::{HISTORY, bus, envelope, hear, room, say};

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
