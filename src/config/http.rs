use std::{net::SocketAddr, time::Duration};

use serde::{Deserialize, Deserializer, Serialize, de};

use super::{
    AllowedOrigins, TrustedProxies,
    bounds::{Bounds, millis, mins, secs},
    duration,
};

/// The HTTP listener.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address and port to listen on; port 0 lets the system choose one.
    #[serde(deserialize_with = "address")]
    pub bind: SocketAddr,
    /// Pages that may call, and open a WebSocket.
    pub allowed_origins: AllowedOrigins,
    /// Largest request body, in bytes; 1 KiB to 16 MiB.
    pub body_limit: usize,
    /// How long a client has to send a request's header; 100 ms to 5 min.
    #[serde(with = "duration")]
    pub header_timeout: Duration,
    /// How long a connection is kept for the next request; 1 s to 10 min.
    #[serde(with = "duration")]
    pub keep_alive: Duration,
    /// How long a request may take, its body included; 100 ms to 10 min.
    #[serde(with = "duration")]
    pub request_timeout: Duration,
    /// Open connections that are not WebSockets; 1 to 1,000,000.
    pub max_connections: usize,
    /// Whose `X-Forwarded-*` headers are believed; `None` while nobody has
    /// decided, which production refuses.
    pub trusted_proxies: Option<TrustedProxies>,
    // {% if page %}A node with one role has none.
    /// Whether the page is served at `/`, by a node with both roles.
    pub page: bool,
    // {% endif %}A build without the feature has none.
    /// Whether the API reference is served at `/docs`.
    pub docs: bool,
}

fn address<'de, D: Deserializer<'de>>(deserializer: D) -> Result<SocketAddr, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(|_| {
        de::Error::custom("an IP address and a port, like 127.0.0.1:9000 or [::]:9000, is expected")
    })
}

impl Http {
    pub(super) fn check(&self, bounds: &mut Bounds) {
        bounds.number("http.body_limit", self.body_limit, 1024..=16 << 20);
        bounds.duration(
            "http.header_timeout",
            self.header_timeout,
            millis(100)..=mins(5),
        );
        bounds.duration("http.keep_alive", self.keep_alive, secs(1)..=mins(10));
        bounds.duration(
            "http.request_timeout",
            self.request_timeout,
            millis(100)..=mins(10),
        );
        bounds.number("http.max_connections", self.max_connections, 1..=1_000_000);
    }
}
