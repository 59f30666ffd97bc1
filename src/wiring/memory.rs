use std::sync::Arc;

use bus_memory::{MemoryBus, MemorySettings};
use contract::RoomBus;

use super::history;
use crate::config::Memory;

pub(super) fn describe(memory: &Memory) -> String {
    let history = history(memory.history);
    format!("memory (rooms of this process; {history})")
}

pub(super) fn open(memory: &Memory) -> Arc<dyn RoomBus> {
    Arc::new(MemoryBus::new(MemorySettings {
        capacity: memory.capacity,
        history: memory.history,
        history_age: memory.history_age,
        history_bytes: memory.history_bytes,
    }))
}

#[cfg(test)]
mod tests {
    use crate::config::{Config, Sources};

    #[test]
    fn it_says_how_much_is_kept() {
        for (history, said) in [("100", "history of 100"), ("0", "no history")] {
            let sources = Sources::default().variable("APP__BUS__HISTORY", history);
            let (_, bus) = crate::wiring::describe(&Config::load(&sources).unwrap().config);
            assert_eq!(bus, format!("memory (rooms of this process; {said})"));
        }
    }
}
