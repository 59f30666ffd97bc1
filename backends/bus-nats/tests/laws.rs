//! The laws of a bus, held on real servers, in both modes.

// A test fails by panicking.
#![allow(clippy::unwrap_used, clippy::expect_used)]

use std::{sync::Arc, time::Duration};

use bus_nats::{History, NatsBus, NatsSettings, Storage, Tls};
use contract::conformance::BusUnderTest;
use test_servers::Nats;

const CAPACITY: usize = 100;

/// Two nodes, on a prefix of their own on the shared server.
async fn bus(history: Option<History>) -> BusUnderTest {
    let settings = NatsSettings {
        servers: vec![Nats::shared().url().to_owned()],
        credentials_file: None,
        tls: Tls::default(),
        prefix: format!("test.{}", contract::Epoch::random().0),
        capacity: CAPACITY,
        history,
    };
    BusUnderTest {
        bus: Arc::new(NatsBus::connect(&settings).await.unwrap()),
        other: Arc::new(NatsBus::connect(&settings).await.unwrap()),
        capacity: CAPACITY,
        history: history.map_or(0, |history| history.messages),
        keep: Box::new(()),
    }
}

mod without_history {
    contract::bus_laws!(super::bus(None).await);
}

mod with_history {
    use super::*;

    contract::bus_laws!(
        super::bus(Some(History {
            messages: 50,
            age: Duration::from_secs(3600),
            storage: Storage::Memory,
            replicas: 1,
        }))
        .await
    );
}
