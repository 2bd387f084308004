//! A range of addresses.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An IPv4 or IPv6 network; a single address is a network of full length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    base: IpAddr,
    prefix: u8,
}

impl Network {
    /// A network, or `None` when the prefix is longer than the address.
    pub(crate) const fn new(base: IpAddr, prefix: u8) -> Option<Self> {
        if prefix > width(base) { None } else { Some(Self { base, prefix }) }
    }

    pub(super) const fn v4(base: [u8; 4], prefix: u8) -> Self {
        Self { base: IpAddr::V4(Ipv4Addr::new(base[0], base[1], base[2], base[3])), prefix }
    }

    pub(super) const fn v6(base: [u16; 8], prefix: u8) -> Self {
        let [a, b, c, d, e, f, g, h] = base;
        Self { base: IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h)), prefix }
    }

    pub(crate) const fn single(address: IpAddr) -> Self {
        Self { base: address, prefix: width(address) }
    }

    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.base.is_ipv4() == address.is_ipv4() && self.masked(address) == self.masked(self.base)
    }

    /// Whether every address of this network is in `other`.
    pub(super) fn lies_within(&self, other: &Self) -> bool {
        self.prefix >= other.prefix && other.contains(self.base)
    }

    /// Whether this network is that one address.
    pub(super) fn is_exactly(&self, address: IpAddr) -> bool {
        self.prefix == width(self.base) && self.base == address
    }

    /// The network's lowest address: the one in which a network should be written.
    pub(super) fn lowest(&self) -> IpAddr {
        let bits = self.masked(self.base);
        match self.base {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(bits >> 96).unwrap_or(u32::MAX))),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::from_bits(bits)),
        }
    }

    /// The address's bits, aligned to the left, with all but the prefix cleared.
    fn masked(&self, address: IpAddr) -> u128 {
        let bits = match address {
            IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
            IpAddr::V6(v6) => v6.to_bits(),
        };
        // A shift by the whole width (prefix 0) is no shift at all in `checked_shl`'s eyes: it is `None`.
        bits & u128::MAX.checked_shl(128 - u32::from(self.prefix)).unwrap_or(0)
    }
}

impl fmt::Display for Network {
    /// A single address without its prefix length.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.prefix == width(self.base) {
            self.base.fmt(f)
        } else {
            write!(f, "{}/{}", self.base, self.prefix)
        }
    }
}

const fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn containment_at_the_edges() {
        let ten = Network::v4([10, 0, 0, 0], 8);
        assert!(ten.contains("10.255.255.255".parse().unwrap()));
        assert!(!ten.contains("11.0.0.0".parse().unwrap()));
        assert!(!ten.contains("::".parse().unwrap()));
        assert!(Network::v4([0, 0, 0, 0], 0).contains("255.255.255.255".parse().unwrap()));
        assert!(Network::v6([0; 8], 0).contains("ffff::".parse().unwrap()));
        assert!(Network::new("10.0.0.0".parse().unwrap(), 33).is_none());
    }

    #[test]
    fn the_lowest_address_has_no_host_bits() {
        let network = Network::new("10.1.2.3".parse().unwrap(), 8).unwrap();
        assert_eq!(network.lowest(), "10.0.0.0".parse::<IpAddr>().unwrap());
        let network = Network::new("fd00:1::7".parse().unwrap(), 16).unwrap();
        assert_eq!(network.lowest(), "fd00::".parse::<IpAddr>().unwrap());
    }
}
