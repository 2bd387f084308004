//! However an address is written, a guarded connection does not reach what is reserved.
#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use dial::{
    AddressFilter, Destination, Dialer, Family, Kind, Lookup, LookupFailure, RefusalReason, Roots, Stage,
};
use proptest::prelude::*;

const METADATA: Ipv4Addr = Ipv4Addr::new(169, 254, 169, 254);

/// One IPv4 address in a form that `inet_aton(3)`, and so the system's resolver, understands: one to four
/// parts, each decimal, octal or hexadecimal.
fn inet_aton(address: Ipv4Addr, parts: usize, bases: [u8; 4], zeros: usize, upper: bool) -> String {
    let bits = address.to_bits();
    let numbers = match parts {
        1 => vec![bits],
        2 => vec![bits >> 24, bits & 0x00ff_ffff],
        3 => vec![bits >> 24, bits >> 16 & 0xff, bits & 0xffff],
        _ => address.octets().map(u32::from).to_vec(),
    };
    let written: Vec<String> = numbers
        .iter()
        .zip(bases)
        .map(|(number, base)| match base % 3 {
            0 => number.to_string(),
            1 => format!("0{}{number:o}", "0".repeat(zeros)),
            _ if upper => format!("0X{}{number:X}", "0".repeat(zeros)),
            _ => format!("0x{}{number:x}", "0".repeat(zeros)),
        })
        .collect();
    written.join(".")
}

/// One IPv4 address inside an IPv6 address, in each of the ways a kernel, translator or tunnel knows.
fn inside_ipv6(address: Ipv4Addr, way: usize, filler: u16) -> Ipv6Addr {
    let [a, b, c, d] = address.octets().map(u16::from);
    let (high, low) = (a << 8 | b, c << 8 | d);
    match way {
        0 => Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, high, low),
        1 => Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
        2 => Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
        3 => Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        4 => Ipv6Addr::new(0x64, 0xff9b, 1, filler, 0, 0, high, low),
        5 => Ipv6Addr::new(0x64, 0xff9b, 1, high, c, d << 8, 0, filler),
        6 => Ipv6Addr::new(0x2002, high, low, filler, 0, 0, 0, filler),
        7 => Ipv6Addr::new(0x2001, 0, filler, filler, 0, 0, !high, !low),
        _ => Ipv6Addr::new(0xfd00, filler, 0, 0, 0, 0x5efe, high, low),
    }
}

fn ipv6_text(address: Ipv6Addr, style: usize) -> String {
    let segments = address.segments();
    let [.., g, h] = segments;
    let head: Vec<String> = segments.iter().take(6).map(|segment| format!("{segment:04x}")).collect();
    match style {
        0 => address.to_string(),
        1 => format!("[{address}]"),
        2 => format!("{}:{g:04X}:{h:04X}", head.join(":").to_uppercase()),
        _ => format!("{}:{}", head.join(":"), Ipv4Addr::from_bits(u32::from(g) << 16 | u32::from(h))),
    }
}

fn target() -> impl Strategy<Value = Ipv4Addr> {
    let loopback = any::<[u8; 3]>().prop_map(|[b, c, d]| Ipv4Addr::new(127, b, c, d));
    prop_oneof![Just(METADATA), Just(Ipv4Addr::LOCALHOST), loopback]
}

fn resolve(dialer: &Dialer, host: &str, filter: &AddressFilter) -> Result<Vec<IpAddr>, dial::DialError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let resolved = runtime.block_on(dialer.resolve(&Destination::new(host, 80), Family::Any, filter))?;
    Ok(resolved.addresses.iter().map(|address| address.socket_addr().ip()).collect())
}

/// Answers every name with one address.
struct Always(IpAddr);

impl Lookup for Always {
    fn lookup(&self, _host: &str, _family: Family) -> Result<Vec<SocketAddr>, LookupFailure> {
        Ok(vec![SocketAddr::new(self.0, 0)])
    }
}

fn assert_refused(result: Result<Vec<IpAddr>, dial::DialError>, spelling: &str) -> Result<(), TestCaseError> {
    let error = match result {
        Ok(addresses) => return Err(TestCaseError::fail(format!("{spelling} got through as {addresses:?}"))),
        Err(error) => error,
    };
    prop_assert_eq!(error.stage(), Stage::Policy, "{}: {}", spelling, error);
    let reserved = matches!(error.kind(), Kind::NotAllowed(refusal) if matches!(refusal.reason, RefusalReason::Reserved(_)));
    prop_assert!(reserved, "{}: {}", spelling, error);
    Ok(())
}

proptest! {
    #[test]
    fn no_ipv4_spelling_of_a_reserved_address_passes(
        address in target(), parts in 1_usize..=4, bases in any::<[u8; 4]>(), zeros in 0_usize..4, upper in any::<bool>(),
    ) {
        let dialer = Dialer::new(Roots::only(&[]).unwrap());
        let spelling = inet_aton(address, parts, bases, zeros, upper);
        // The resolver must take it for that very address, or the test would prove nothing.
        prop_assert_eq!(resolve(&dialer, &spelling, &AddressFilter::unrestricted()).unwrap(), vec![IpAddr::V4(address)]);
        assert_refused(resolve(&dialer, &spelling, &AddressFilter::guarded([])), &spelling)?;
        let everything = ["0.0.0.0/0", "::/0"].map(|rule| rule.parse().unwrap());
        assert_refused(resolve(&dialer, &spelling, &AddressFilter::guarded(everything)), &spelling)?;
    }

    #[test]
    fn no_ipv6_spelling_of_a_reserved_address_passes(
        address in target(), way in 0_usize..9, filler in any::<u16>(), style in 0_usize..4,
    ) {
        let address = inside_ipv6(address, way, filler);
        let spelling = ipv6_text(address, style);
        let dialer = Dialer::new(Roots::only(&[]).unwrap());
        prop_assert_eq!(resolve(&dialer, &spelling, &AddressFilter::unrestricted()).unwrap(), vec![IpAddr::V6(address)]);
        assert_refused(resolve(&dialer, &spelling, &AddressFilter::guarded([])), &spelling)?;
    }

    #[test]
    fn no_name_that_points_at_a_reserved_address_passes(
        address in target(), way in 0_usize..10, filler in any::<u16>(), name in "[a-z]{1,8}(\\.[a-z]{1,8}){0,2}\\.?",
    ) {
        let address = if way == 9 { IpAddr::V4(address) } else { IpAddr::V6(inside_ipv6(address, way, filler)) };
        let dialer = Dialer::with_lookup(Roots::only(&[]).unwrap(), Arc::new(Always(address)));
        assert_refused(resolve(&dialer, &name, &AddressFilter::guarded([])), &name)?;
        let by_name = [name.parse().unwrap()];
        assert_refused(resolve(&dialer, &name, &AddressFilter::guarded(by_name)), &name)?;
    }
}
