//! Whose `X-Forwarded-*` headers are believed.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Networks of reverse proxies that are believed when they say whom they speak
/// for. Everybody else can write such a header too.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Reads addresses (`10.0.0.1`) and networks (`10.0.0.0/8`).
    ///
    /// # Errors
    /// Names the entries that are neither.
    pub fn parse<'a>(entries: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let mut networks = Vec::new();
        let mut errors = Vec::new();
        for entry in entries {
            match network(entry) {
                Some(network) => networks.push(network.trunc()),
                None => errors.push(format!("{entry:?}")),
            }
        }
        if errors.is_empty() {
            Ok(Self(networks))
        } else {
            Err(format!(
                "not an IP address or a network like 10.0.0.0/8: {}",
                errors.join(", ")
            ))
        }
    }

    /// Whether `peer` is one of them. An IPv4 peer of a dual-stack listener
    /// (`::ffff:10.0.0.1`) counts as IPv4.
    #[must_use]
    pub fn contains(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.iter().any(|network| network.contains(&peer))
    }

    /// The networks.
    #[must_use]
    pub fn networks(&self) -> &[IpNet] {
        &self.0
    }
}

fn network(entry: &str) -> Option<IpNet> {
    let Some((address, prefix)) = entry.split_once('/') else {
        return entry.parse::<IpAddr>().ok().map(IpNet::from);
    };
    // The crate of networks takes `010.0.0.0/8`, which is 8.0.0.0/8 to whom a
    // leading zero means octal; and some leading zeros of a prefix, not others.
    let address = address.parse::<IpAddr>().ok()?;
    let length = prefix.parse::<u8>().ok()?;
    if length.to_string() != prefix {
        return None;
    }
    IpNet::new(address, length).ok()
}

impl<'de> Deserialize<'de> for TrustedProxies {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = Vec::<String>::deserialize(deserializer)?;
        Self::parse(entries.iter().map(String::as_str)).map_err(de::Error::custom)
    }
}

impl Serialize for TrustedProxies {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(IpNet::to_string))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_networks() {
        let proxies = TrustedProxies::parse(["10.1.2.3/8", "192.0.2.7", "fd00::/8"]).unwrap();
        for (peer, trusted) in [
            ("10.255.0.1", true),
            ("::ffff:10.0.0.1", true),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("11.0.0.1", false),
            ("fd12::1", true),
            ("fe80::1", false),
        ] {
            assert_eq!(proxies.contains(peer.parse().unwrap()), trusted, "{peer}");
        }
        assert!(!TrustedProxies::default().contains("127.0.0.1".parse().unwrap()));
    }

    #[test]
    fn what_is_neither_is_named() {
        let wrong = [
            "10.0.0.0/33",
            "lb.internal",
            "010.1.0.0/16",
            "10.0.0.0/08",
            "fd00::/+8",
            "10.0.0.0/",
        ];
        let error = TrustedProxies::parse(wrong.into_iter().chain(["10.0.0.1"])).unwrap_err();
        for entry in wrong {
            assert!(error.contains(&format!("{entry:?}")), "{error}");
        }
        assert!(!error.contains("10.0.0.1\""), "{error}");
    }
}
