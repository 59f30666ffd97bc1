//! The bus of EXTENDING.md, held to the laws of a bus.

#![allow(missing_docs)]

use std::sync::Arc;

use bus_plain::PlainBus;
use contract::{Fanout, conformance::BusUnderTest};

fn bus() -> BusUnderTest {
    let fanout = Fanout::new(100);
    BusUnderTest {
        bus: Arc::new(PlainBus(fanout.clone())),
        other: Arc::new(PlainBus(fanout)),
        capacity: 100,
        history: 0,
        keep: Box::new(()),
    }
}

contract::bus_laws!(bus());
