//! What is counted of what is said without a socket.

use crate::telemetry::metrics::{Counter, Registry};

/// What is counted of what is said without a socket. A clone counts in the same
/// ones.
#[derive(Debug, Clone, Default)]
pub struct RoomInstruments {
    published: Counter,
    not_published: Counter,
}

impl RoomInstruments {
    /// Makes them known.
    pub fn register(&self, registry: &mut Registry) {
        registry.register(
            "http_messages_published",
            "Messages of POST /rooms/{room}/messages that the bus has taken",
            self.published.clone(),
        );
        registry.register(
            "http_messages_not_published",
            "Messages of POST /rooms/{room}/messages that the bus has not taken",
            self.not_published.clone(),
        );
    }

    pub(super) fn published(&self, taken: bool) {
        let counter = if taken {
            &self.published
        } else {
            &self.not_published
        };
        counter.inc();
    }
}
