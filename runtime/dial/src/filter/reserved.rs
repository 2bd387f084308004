//! Addresses that reach something other than a host on the network, in every form they can take.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::network::Network;

/// A class of addresses that a guarded connection must not reach unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReservedClass {
    /// This machine.
    Loopback,
    /// The local wire.
    LinkLocal,
    /// No address; Linux takes it for this machine.
    Unspecified,
    /// Many machines.
    Multicast,
    /// All machines.
    Broadcast,
    /// A cloud provider's service that hands out the machine's own credentials.
    Metadata,
    /// A network that is not the internet. Refused only by [`crate::AddressFilter::public`].
    Private,
}

impl fmt::Display for ReservedClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Loopback => "a loopback address",
            Self::LinkLocal => "a link-local address",
            Self::Unspecified => "an unspecified address",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "the broadcast address",
            Self::Metadata => "a cloud metadata address",
            Self::Private => "a private address",
        })
    }
}

/// A reserved range that an address falls into.
pub(super) struct Guard {
    /// The address in the form in which it falls into the range.
    pub(super) form: IpAddr,
    pub(super) range: Network,
    pub(super) class: ReservedClass,
}

/// The reserved ranges, the narrow ones first: the first that contains an address decides.
///
/// Ranges are from the IANA special-purpose registries (RFC 6890); metadata addresses from the providers'
/// documentation: AWS, Google Cloud, Azure, Oracle and others share 169.254.169.254; fd00:ec2::254 (EC2)
/// and fd20:ce::254 (Google) are its IPv6 forms; 169.254.170.2, 169.254.170.23 and fd00:ec2::23 give
/// credentials to containers on AWS; 168.63.129.16 is Azure's agent, 100.100.100.200 Alibaba Cloud's
/// metadata service, 192.0.0.192 Oracle's older one.
const RANGES: &[(Network, ReservedClass)] = &[
    (Network::v4([169, 254, 169, 254], 32), ReservedClass::Metadata),
    (Network::v4([169, 254, 170, 2], 32), ReservedClass::Metadata),
    (Network::v4([169, 254, 170, 23], 32), ReservedClass::Metadata),
    (Network::v4([168, 63, 129, 16], 32), ReservedClass::Metadata),
    (Network::v4([100, 100, 100, 200], 32), ReservedClass::Metadata),
    (Network::v4([192, 0, 0, 192], 32), ReservedClass::Metadata),
    (Network::v6([0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x254], 128), ReservedClass::Metadata),
    (Network::v6([0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x23], 128), ReservedClass::Metadata),
    (Network::v6([0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x254], 128), ReservedClass::Metadata),
    (Network::v4([127, 0, 0, 0], 8), ReservedClass::Loopback),
    (Network::v6([0, 0, 0, 0, 0, 0, 0, 1], 128), ReservedClass::Loopback),
    (Network::v4([169, 254, 0, 0], 16), ReservedClass::LinkLocal),
    (Network::v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10), ReservedClass::LinkLocal),
    (Network::v4([0, 0, 0, 0], 8), ReservedClass::Unspecified),
    (Network::v6([0; 8], 128), ReservedClass::Unspecified),
    (Network::v4([224, 0, 0, 0], 4), ReservedClass::Multicast),
    (Network::v6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8), ReservedClass::Multicast),
    (Network::v4([255, 255, 255, 255], 32), ReservedClass::Broadcast),
];

/// Ranges that are routed within an organisation at most; consulted after [`RANGES`].
///
/// RFC 1918, RFC 4193 (`fc00::/7`), RFC 6598 (shared by a provider's customers), RFC 6890 (protocol
/// assignments), RFC 2544 (benchmarks), RFC 1112 §4 (`240.0.0.0/4`, which some networks use inside), and
/// the site-local range that RFC 3879 withdrew.
const PRIVATE: &[Network] = &[
    Network::v4([10, 0, 0, 0], 8),
    Network::v4([172, 16, 0, 0], 12),
    Network::v4([192, 168, 0, 0], 16),
    Network::v4([100, 64, 0, 0], 10),
    Network::v4([192, 0, 0, 0], 24),
    Network::v4([198, 18, 0, 0], 15),
    Network::v4([240, 0, 0, 0], 4),
    Network::v6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),
    Network::v6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10),
];

/// An IPv4-mapped IPv6 address as the IPv4 address that the kernel will use for it; others as they are.
pub(super) fn canonical(address: IpAddr) -> IpAddr {
    address.to_canonical()
}

/// Every reserved range that the address, or an IPv4 address inside it, falls into; private ranges only
/// when they are asked for.
pub(super) fn guards(address: IpAddr, private: bool) -> impl Iterator<Item = Guard> {
    let embedded = match address {
        IpAddr::V4(_) => Vec::new(),
        IpAddr::V6(v6) => embedded(v6),
    };
    let private = if private { PRIVATE } else { &[] };
    std::iter::once(address).chain(embedded.into_iter().map(IpAddr::V4)).filter_map(move |form| {
        let reserved = RANGES.iter().copied();
        let private = private.iter().map(|range| (*range, ReservedClass::Private));
        let (range, class) = reserved.chain(private).find(|(range, _)| range.contains(form))?;
        Some(Guard { form, range, class })
    })
}

/// The IPv4 addresses that an IPv6 address may be delivered to by a translator or tunnel.
fn embedded(address: Ipv6Addr) -> Vec<Ipv4Addr> {
    let s = address.segments();
    let v4 = |high: u16, low: u16| Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low));
    let last = v4(s[6], s[7]);
    match s {
        // :: and ::1 are in the table themselves.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Vec::new(),
        // IPv4-compatible (RFC 4291 §2.5.5.1), IPv4-mapped (§2.5.5.2), IPv4-translated (RFC 2765 §2.1).
        [0, 0, 0, 0, 0, 0 | 0xffff, ..] | [0, 0, 0, 0, 0xffff, 0, ..] => vec![last],
        // NAT64's well-known prefix (RFC 6052 §2.1).
        [0x64, 0xff9b, 0, 0, 0, 0, ..] => vec![last],
        // NAT64's local prefix, 64:ff9b:1::/48 (RFC 8215): an operator divides it freely, so the address
        // may stand wherever RFC 6052 §2.2 puts it for a /48, /56, /64 or /96. A reading that gives
        // 0.x.x.x is the wrong one: no translator delivers there.
        [0x64, 0xff9b, 1, ..] => {
            let bytes = address.octets();
            let at = |positions: [usize; 4]| {
                Ipv4Addr::from(positions.map(|position| bytes.get(position).copied().unwrap_or_default()))
            };
            let readings = [at([6, 7, 9, 10]), at([7, 9, 10, 11]), at([9, 10, 11, 12]), last];
            readings.into_iter().filter(|reading| reading.to_bits() >> 24 != 0).collect()
        }
        // 6to4 (RFC 3056 §2).
        [0x2002, high, low, ..] => vec![v4(high, low)],
        // Teredo (RFC 4380 §4): the server, and the client with its bits inverted.
        [0x2001, 0, high, low, ..] => vec![v4(high, low), v4(!s[6], !s[7])],
        // ISATAP (RFC 5214 §6.1): an interface identifier under any prefix.
        [_, _, _, _, 0 | 0x200, 0x5efe, ..] => vec![last],
        _ => Vec::new(),
    }
}
