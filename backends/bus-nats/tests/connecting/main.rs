//! How a bus signs in to NATS, and the one clear error when it can't.

#![allow(clippy::unwrap_used, clippy::expect_used)]

mod credentials;
mod limits;
mod tls;

use bus_nats::{ConnectError, History, NatsBus, NatsSettings, Tls};
use contract::RoomBus;

fn settings(url: impl Into<String>) -> NatsSettings {
    NatsSettings {
        servers: vec![url.into()],
        credentials_file: None,
        tls: Tls::default(),
        prefix: "test".to_owned(),
        capacity: 100,
        history: None,
    }
}

fn with_history(url: &str, history: History) -> NatsSettings {
    NatsSettings {
        history: Some(history),
        ..settings(url)
    }
}

/// It connects, and carries.
async fn works(settings: &NatsSettings) {
    let bus = NatsBus::connect(settings).await.unwrap();
    bus.ping().await.unwrap();
}

/// It doesn't connect; what is said, with all causes.
async fn refused(settings: &NatsSettings) -> (ConnectError, String) {
    let error = NatsBus::connect(settings).await.unwrap_err();
    let mut text = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(source) = cause {
        text.push_str(&format!(": {source}"));
        cause = source.source();
    }
    (error, text)
}
