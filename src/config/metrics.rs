use std::{fmt, net::SocketAddr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Metrics.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metrics {
    /// Where `GET /metrics` is served.
    pub bind: MetricsBind,
}

/// Where metrics are served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricsBind {
    /// Nowhere.
    Off,
    /// Where the API is.
    Http,
    /// On a listener of their own; port 0 lets the system choose one.
    Own(SocketAddr),
}

impl fmt::Display for MetricsBind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::Http => f.write_str("http"),
            Self::Own(address) => address.fmt(f),
        }
    }
}

impl Serialize for MetricsBind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for MetricsBind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match &*String::deserialize(deserializer)? {
            "off" => Ok(Self::Off),
            "http" => Ok(Self::Http),
            address => address.parse().map(Self::Own).map_err(|_| {
                de::Error::custom(
                    "off, http, or an IP address and a port, like 127.0.0.1:9464, is expected",
                )
            }),
        }
    }
}
