//! What of an address tells clients apart.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// One client, as far as addresses tell: an IPv4 address, or the /64 of an IPv6
/// address, within which a client chooses for itself. An IPv4 address that is
/// mapped into IPv6 is the IPv4 address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Network(IpAddr);

impl Network {
    /// The one of an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        Self(masked(address, 32, 64))
    }

    /// What probably one provider gave out: the /16 of IPv4, the /32 of IPv6.
    #[must_use]
    pub fn neighbourhood(self) -> Self {
        Self(masked(self.0, 16, 32))
    }

    /// It as bytes: those of an IPv6 address.
    #[must_use]
    pub fn octets(self) -> [u8; 16] {
        match self.0 {
            IpAddr::V4(address) => address.to_ipv6_mapped().octets(),
            IpAddr::V6(address) => address.octets(),
        }
    }
}

fn masked(address: IpAddr, v4: u32, v6: u32) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let mask = u32::MAX << (32 - v4);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX << (128 - v6);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> Network {
        Network::of(address.parse().unwrap())
    }

    #[test]
    fn clients_are_told_apart_by_what_they_cannot_choose() {
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:1:2:3"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_eq!(network("::ffff:192.0.2.1"), network("192.0.2.1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
        assert_eq!(
            network("192.0.2.1").octets(),
            network("::ffff:192.0.2.1").octets()
        );
    }

    #[test]
    fn neighbours_have_their_provider_in_common() {
        let near =
            |one: &str, other: &str| network(one).neighbourhood() == network(other).neighbourhood();
        assert!(near("192.0.2.1", "192.0.77.9"));
        assert!(!near("192.0.2.1", "192.1.2.1"));
        assert!(near("2001:db8::1", "2001:db8:ffff::1"));
        assert!(!near("2001:db8::1", "2001:db9::1"));
    }
}
