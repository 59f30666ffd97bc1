//! The laws of a bus, held by the one inside the process.

use std::sync::Arc;

use bus_memory::{MemoryBus, MemorySettings};
use contract::conformance::BusUnderTest;

fn bus(settings: MemorySettings) -> BusUnderTest {
    let bus = MemoryBus::new(settings);
    BusUnderTest {
        other: Arc::new(bus.clone()),
        bus: Arc::new(bus),
        capacity: settings.capacity,
        history: if settings.history_bytes == 0 {
            0
        } else {
            settings.history
        },
        keep: Box::new(()),
    }
}

/// As the service runs it; not a power of two.
mod by_default {
    use super::*;

    contract::bus_laws!(super::bus(MemorySettings::default()));
}

/// With the smallest bounds that the laws can judge.
mod narrow {
    use super::*;

    contract::bus_laws!(super::bus(MemorySettings {
        capacity: 16,
        history: 16,
        ..MemorySettings::default()
    }));
}

mod without_history {
    use super::*;

    contract::bus_laws!(super::bus(MemorySettings {
        history: 0,
        ..MemorySettings::default()
    }));
}

/// What is kept is given up at once, so rooms are forgotten and made all the time.
mod where_nothing_fits {
    use super::*;

    contract::bus_laws!(super::bus(MemorySettings {
        history_bytes: 0,
        ..MemorySettings::default()
    }));
}
