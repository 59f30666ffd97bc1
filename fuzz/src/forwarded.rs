//! Whose address a request has, beside a second reading of the rule: of those
//! whom the headers name, from right to left, the first who is no trusted proxy.
//!
//! An input is text: a line with the trusted proxies, separated by spaces, one
//! with the peer's address, then one for each header.

use std::net::IpAddr;

use axum::http::{HeaderMap, HeaderName, HeaderValue};
use service::{config::TrustedProxies, http::client_address::client_address};

/// What clients write on the left, so as to be somebody else.
const SPOOFED: &[&str] = &["203.0.113.77", "10.0.0.1, ::1", "unknown", ",", ""];

/// One request.
pub fn run(input: &[u8]) {
    let Some((trusted, peer, headers)) = request(input) else {
        return;
    };
    let networks: Option<Vec<Network>> = trusted.iter().map(|text| Network::parse(text)).collect();
    let proxies = TrustedProxies::parse(trusted.iter().copied());
    let (Ok(proxies), Some(networks)) = (&proxies, &networks) else {
        assert!(proxies.is_err() && networks.is_none(), "{trusted:?}");
        return;
    };
    let is_trusted = |address: IpAddr| networks.iter().any(|network| network.has(address));
    assert_eq!(proxies.contains(peer), is_trusted(peer));

    let client = client_address(peer, &headers, proxies);
    assert_eq!(client, expected(peer, &headers, is_trusted));

    // Who is no proxy is not believed about anybody.
    if is_trusted(client) {
        return;
    }
    for spoofed in SPOOFED {
        let mut more = HeaderMap::new();
        more.append("x-forwarded-for", HeaderValue::from_static(spoofed));
        for (name, value) in &headers {
            more.append(name, value.clone());
        }
        assert_eq!(client_address(peer, &more, proxies), client, "{spoofed}");
    }
}

/// The trusted proxies, the peer, and the headers, if HTTP has them.
fn request(input: &[u8]) -> Option<(Vec<&str>, IpAddr, HeaderMap)> {
    let mut lines = input.split(|byte| *byte == b'\n');
    let trusted = std::str::from_utf8(lines.next()?).ok()?;
    let peer = std::str::from_utf8(lines.next()?).ok()?.parse().ok()?;
    // As the listener has it.
    let peer = unmapped(peer);
    let mut headers = HeaderMap::new();
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        headers.append(
            HeaderName::from_bytes(&line[..colon]).ok()?,
            HeaderValue::from_bytes(line[colon + 1..].trim_ascii()).ok()?,
        );
    }
    let trusted = trusted.split(' ').filter(|entry| !entry.is_empty());
    Some((trusted.collect(), peer, headers))
}

/// All who are named from left to right, the peer last. `None` is what isn't an
/// address.
fn expected(peer: IpAddr, headers: &HeaderMap, is_trusted: impl Fn(IpAddr) -> bool) -> IpAddr {
    let mut named: Vec<Option<IpAddr>> = Vec::new();
    for value in headers.get_all("x-forwarded-for") {
        let visible = |byte: &u8| matches!(byte, b'\t' | b' '..=b'~');
        if !value.as_bytes().iter().all(visible) {
            named.push(None);
            continue;
        }
        for entry in value.as_bytes().split(|byte| *byte == b',') {
            let entry = std::str::from_utf8(entry.trim_ascii()).unwrap();
            named.push(entry.parse().ok().map(unmapped));
        }
    }
    named.push(Some(peer));
    // Nobody is believed beyond what can't be read.
    let unreadable = named.iter().rposition(Option::is_none);
    let readable = named.split_off(unreadable.map_or(0, |at| at + 1));
    let readable: Vec<IpAddr> = readable.into_iter().flatten().collect();
    let stranger = readable.iter().rposition(|address| !is_trusted(*address));
    readable[stranger.unwrap_or(0)]
}

/// Addresses whose first bits are given.
struct Network {
    bits: u128,
    prefix: u32,
    is_v4: bool,
}

impl Network {
    fn parse(text: &str) -> Option<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let (bits, most) = bits(address);
        let prefix = match prefix {
            Some(digits) => {
                let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
                let is_plain = digits == "0" || !digits.starts_with('0');
                digits.parse().ok().filter(|_| is_number && is_plain)?
            }
            None => most,
        };
        (prefix <= most).then_some(Self {
            bits,
            prefix,
            is_v4: address.is_ipv4(),
        })
    }

    fn has(&self, address: IpAddr) -> bool {
        let address = unmapped(address);
        if address.is_ipv4() != self.is_v4 {
            return false;
        }
        let (bits, most) = bits(address);
        // A shift by all bits is none.
        let differ = (bits ^ self.bits).checked_shr(most - self.prefix);
        differ.unwrap_or(0) == 0
    }
}

/// The bits of an address, and how many they are.
fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (address.to_bits().into(), 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

/// `::ffff:192.0.2.1` is `192.0.2.1`.
fn unmapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}
