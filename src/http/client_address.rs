//! The address of a client, behind proxies that the operator named.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName};

use crate::config::TrustedProxies;

static X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Who sent a request that came from `peer`: the peer itself, or, while that
/// is a trusted proxy, whom it says it got it from. Read from the right,
/// because anybody may write anything on the left.
#[must_use]
pub fn client_address(peer: IpAddr, headers: &HeaderMap, proxies: &TrustedProxies) -> IpAddr {
    let mut client = peer;
    let hops = headers
        .get_all(&X_FORWARDED_FOR)
        .iter()
        .flat_map(|value| value.to_str().unwrap_or("-").split(','))
        .map(|hop| {
            hop.trim()
                .parse::<IpAddr>()
                .map(|address| address.to_canonical())
        })
        .collect::<Vec<_>>();
    for hop in hops.into_iter().rev() {
        if !proxies.contains(client) {
            break;
        }
        // What a proxy passed on without understanding it says nothing.
        let Ok(hop) = hop else { break };
        client = hop;
    }
    client
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: &[&str]) -> String {
        let proxies = TrustedProxies::parse(["10.0.0.0/8"]).unwrap();
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(X_FORWARDED_FOR.clone(), value.parse().unwrap());
        }
        client_address(peer.parse().unwrap(), &headers, &proxies).to_string()
    }

    #[test]
    fn only_trusted_proxies_are_believed_and_only_about_their_own_hop() {
        assert_eq!(client("192.0.2.1", &["198.51.100.7"]), "192.0.2.1");
        assert_eq!(client("10.0.0.1", &["198.51.100.7"]), "198.51.100.7");
        assert_eq!(
            client("10.0.0.1", &["203.0.113.9, 198.51.100.7"]),
            "198.51.100.7"
        );
        assert_eq!(
            client("10.0.0.1", &["198.51.100.7, 10.0.0.2"]),
            "198.51.100.7"
        );
        assert_eq!(
            client("10.0.0.1", &["198.51.100.7", "10.0.0.2"]),
            "198.51.100.7"
        );
    }

    #[test]
    fn nonsense_is_not_an_address() {
        assert_eq!(client("10.0.0.1", &["198.51.100.7, unknown"]), "10.0.0.1");
        assert_eq!(client("10.0.0.1", &[]), "10.0.0.1");
    }
}
