//! The laws of a bus.

// A test fails by panicking.
#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use bus_mine::{MyBus, MySettings};
use contract::conformance::BusUnderTest;

const SETTINGS: MySettings = MySettings { capacity: 100 };

async fn bus() -> BusUnderTest {
    BusUnderTest {
        bus: Arc::new(MyBus::connect(SETTINGS).await.unwrap()),
        // Another connection, as another node has one.
        other: Arc::new(MyBus::connect(SETTINGS).await.unwrap()),
        capacity: SETTINGS.capacity,
        history: 0,
        keep: Box::new(()),
    }
}

contract::bus_laws!(bus().await);
