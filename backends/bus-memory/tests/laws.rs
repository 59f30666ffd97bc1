//! The laws of a bus, held by the one inside the process.

use std::sync::Arc;

use bus_memory::MemoryBus;
use contract::conformance::BusUnderTest;

fn bus(capacity: usize) -> BusUnderTest {
    let bus = MemoryBus::new(capacity);
    BusUnderTest {
        other: Arc::new(bus.clone()),
        bus: Arc::new(bus),
        capacity,
        history: 0,
        keep: Box::new(()),
    }
}

/// As the service runs it; not a power of two.
mod by_default {
    contract::bus_laws!(super::bus(100));
}

/// With the smallest bound that the laws can judge.
mod narrow {
    contract::bus_laws!(super::bus(16));
}
