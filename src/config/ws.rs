use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{
    bounds::{Bounds, hours, millis, mins, secs},
    duration,
};

/// The WebSocket gateway.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ws {
    /// Largest message from a client, over all its fragments, in bytes; 1 to 16 MiB.
    pub max_message_bytes: usize,
    /// Messages a second from one socket; 1 to 1,000,000.
    pub max_messages_per_second: u32,
    /// Open sockets on this node; 1 to 1,000,000.
    pub max_connections: usize,
    /// Open sockets of one user on this node; 1 to 1,000,000.
    pub max_connections_per_user: usize,
    /// After how long without a word from a socket it is pinged; 1 s to 1 h.
    #[serde(with = "duration")]
    pub heartbeat_interval: Duration,
    /// How long it has to answer; 100 ms to `heartbeat_interval`.
    #[serde(with = "duration")]
    pub heartbeat_timeout: Duration,
    /// Messages that may wait for a slow reader; 1 to 65,536.
    pub backlog_messages: usize,
    /// Bytes that may wait for a slow reader; `max_message_bytes` to 64 MiB.
    pub backlog_bytes: usize,
    /// How long a write may be blocked; 100 ms to 5 min.
    #[serde(with = "duration")]
    pub write_timeout: Duration,
    /// How long the other side has to answer a close; 100 ms to 1 min.
    #[serde(with = "duration")]
    pub close_timeout: Duration,
    /// Whether a sender hears its own message.
    pub echo: bool,
    /// Whether a handshake without `Origin` is taken. A browser always sends it.
    pub allow_missing_origin: bool,
}

impl Ws {
    pub(super) fn check(&self, bounds: &mut Bounds) {
        bounds.number("ws.max_message_bytes", self.max_message_bytes, 1..=16 << 20);
        bounds.number(
            "ws.max_messages_per_second",
            self.max_messages_per_second,
            1..=1_000_000,
        );
        bounds.number("ws.max_connections", self.max_connections, 1..=1_000_000);
        bounds.number(
            "ws.max_connections_per_user",
            self.max_connections_per_user,
            1..=1_000_000,
        );
        bounds.duration(
            "ws.heartbeat_interval",
            self.heartbeat_interval,
            secs(1)..=hours(1),
        );
        bounds.duration(
            "ws.heartbeat_timeout",
            self.heartbeat_timeout,
            millis(100)..=hours(1),
        );
        bounds.together(
            "ws.heartbeat_timeout",
            &["ws.heartbeat_interval"],
            self.heartbeat_timeout <= self.heartbeat_interval,
            "is longer than",
        );
        bounds.number("ws.backlog_messages", self.backlog_messages, 1..=65_536);
        bounds.number("ws.backlog_bytes", self.backlog_bytes, 1..=64 << 20);
        // Or the largest message would reach no slow reader.
        bounds.together(
            "ws.backlog_bytes",
            &["ws.max_message_bytes"],
            self.backlog_bytes >= self.max_message_bytes,
            "is less than",
        );
        bounds.duration(
            "ws.write_timeout",
            self.write_timeout,
            millis(100)..=mins(5),
        );
        bounds.duration(
            "ws.close_timeout",
            self.close_timeout,
            millis(100)..=mins(1),
        );
    }
}
