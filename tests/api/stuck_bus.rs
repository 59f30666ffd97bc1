//! A bus that takes a message and never answers keeps nobody from hearing, and
//! no socket from being ended.

use std::{sync::Arc, time::Duration};

use contract::{BusError, History, Message, Position, Published, RoomBus, RoomName, Subscription};
use service::ws::close::Close;

use crate::{gateway::gateway, local_bus::LocalBus, mint, service::soon, socket::Socket};

/// Takes what is said, and never answers whoever said it.
struct StuckBus(Arc<LocalBus>);

#[async_trait::async_trait]
impl RoomBus for StuckBus {
    async fn publish(&self, _: &RoomName, _: Message) -> Result<Published, BusError> {
        std::future::pending().await
    }

    async fn subscribe(
        &self,
        room: &RoomName,
        since: Option<Position>,
    ) -> Result<Subscription, BusError> {
        self.0.subscribe(room, since).await
    }

    async fn ping(&self) -> Result<(), BusError> {
        self.0.ping().await
    }

    async fn history(&self, room: &RoomName, since: Option<Position>) -> Result<History, BusError> {
        self.0.history(room, since).await
    }

    fn rooms(&self) -> usize {
        self.0.rooms()
    }
}

#[tokio::test]
async fn whoever_waits_to_speak_can_be_sent_away() {
    let (gateway, address) = gateway(Arc::new(StuckBus(LocalBus::new()))).await;
    let token = mint::token(&mint::claims("lobby"));
    let mut socket = Socket::open(address, &token).await.unwrap();
    socket.say("is anybody there?").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let going = tokio::spawn({
        let sockets = gateway.sockets().clone();
        async move { sockets.drain(Close::Restarting, Duration::ZERO).await }
    });
    assert_eq!(u16::from(socket.closed().await.code), 1012);
    drop(socket);
    soon(going).await.unwrap();
    assert_eq!(gateway.hubs().rooms(), 0);
}

#[tokio::test]
async fn whoever_waits_to_speak_goes_on_hearing() {
    let bus = LocalBus::new();
    let (_gateway, address) = gateway(Arc::new(StuckBus(bus.clone()))).await;
    let token = mint::token(&mint::claims("lobby"));
    let mut socket = Socket::open(address, &token).await.unwrap();
    socket.say("is anybody there?").await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let room = RoomName::parse("lobby").unwrap();
    // In bursts of which the kernel takes only a part at once.
    for _ in 0..20 {
        let data = "x".repeat(512 * 1024);
        let message = Message {
            from: None,
            connection: None,
            at: contract::Timestamp::now(),
            kind: contract::Kind::Text,
            data: data.clone().into(),
            key: None,
        };
        bus.publish(&room, message).await.unwrap();
        assert_eq!(socket.hear().await, data);
    }
}
