//! What a bus promises when NATS is cut off, killed, or forgets.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod cluster;
mod cut;
mod operators;
mod slow;
mod subscriptions;

use std::{sync::Arc, time::Duration};

use bus_nats::{History, NatsBus, NatsSettings, Storage, Tls};
use bytes::Bytes;
use contract::{Delivery, Envelope, Kind, Message, RoomBus, RoomName, Subscription, Timestamp};
use tokio::time::{sleep, timeout};
use uuid::Uuid;

/// A promise that is kept later than this is broken.
const SOON: Duration = Duration::from_secs(60);

const HISTORY: History = History {
    messages: 100,
    age: Duration::from_secs(3600),
    storage: Storage::File,
    replicas: 1,
};

fn settings(url: &str, history: Option<History>) -> NatsSettings {
    NatsSettings {
        servers: url.split(',').map(str::to_owned).collect(),
        credentials_file: None,
        tls: Tls::default(),
        prefix: "test".to_owned(),
        capacity: 100,
        history,
    }
}

async fn bus(url: &str, history: Option<History>) -> NatsBus {
    NatsBus::connect(&settings(url, history)).await.unwrap()
}

fn room() -> RoomName {
    Uuid::new_v4().simple().to_string().parse().unwrap()
}

fn text(text: impl Into<String>) -> Message {
    Message {
        from: None,
        connection: None,
        at: Timestamp::UNIX_EPOCH,
        kind: Kind::Text,
        data: Bytes::from(text.into()),
        key: None,
    }
}

async fn say(bus: &NatsBus, room: &RoomName, what: impl Into<String>) {
    bus.publish(room, text(what)).await.unwrap();
}

/// Says it as soon as the bus takes it.
async fn insist(bus: &NatsBus, room: &RoomName, what: &str) {
    until("the bus takes a message again", async || {
        bus.publish(room, text(what)).await.is_ok()
    })
    .await;
}

async fn delivery(listener: &mut Subscription) -> Delivery {
    timeout(SOON, listener.recv())
        .await
        .expect("something is heard soon")
}

async fn envelope(listener: &mut Subscription) -> Arc<Envelope> {
    match delivery(listener).await {
        Delivery::Message(envelope) => envelope,
        other => panic!("heard {other:?}"),
    }
}

async fn hear(listener: &mut Subscription) -> String {
    let envelope = envelope(listener).await;
    String::from_utf8(envelope.message.data.to_vec()).unwrap()
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let waiting = async {
        while !holds().await {
            sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(timeout(SOON, waiting).await.is_ok(), "{what}");
}
