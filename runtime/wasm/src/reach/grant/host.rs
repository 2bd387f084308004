//! A host in the one form in which it is compared, dialled and shown to the peer.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use dial::Destination;

/// The longest name and the longest label of one, in bytes (RFC 1035 §2.3.4).
const MAX_NAME: usize = 253;
const MAX_LABEL: usize = 63;

/// A name in lower case without the dot at its end, or an address. An IPv4 address that is written inside an IPv6 one is
/// the IPv4 address, as it is for the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Host {
    Name(String),
    Address(IpAddr),
}

/// Why a text is no host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoHost {
    #[error("it is empty")]
    Empty,
    #[error("it is longer than a name can be")]
    TooLong,
    #[error("it has characters beyond ASCII; such a name is written in its ASCII form (xn--…)")]
    NotAscii,
    #[error("it has characters that no host name has")]
    Characters,
    #[error("it is a number; an IPv4 address is written as four decimal numbers")]
    Number,
}

impl Host {
    /// Reads a host: a name, an IPv4 address, or an IPv6 address with or without brackets.
    ///
    /// A name that ends in a number is refused unless it is an IPv4 address in its usual form: resolvers take
    /// `0x7f.1`, `017700000001` and `2130706433` for addresses (inet_aton(3)), so such a name is no name.
    pub(crate) fn parse(text: &str) -> Result<Host, NoHost> {
        if text.is_empty() {
            return Err(NoHost::Empty);
        }
        if !text.is_ascii() {
            return Err(NoHost::NotAscii);
        }
        let bracketed = text.strip_prefix('[').map(|rest| rest.strip_suffix(']').unwrap_or(""));
        if bracketed.is_some() || text.contains(':') {
            let address: Ipv6Addr = bracketed.unwrap_or(text).parse().map_err(|_| NoHost::Characters)?;
            return Ok(Host::Address(IpAddr::V6(address).to_canonical()));
        }
        let name = text.strip_suffix('.').unwrap_or(text);
        if let Ok(address) = name.parse::<Ipv4Addr>() {
            return Ok(Host::Address(IpAddr::V4(address)));
        }
        if name.len() > MAX_NAME {
            return Err(NoHost::TooLong);
        }
        let mut last = "";
        for label in name.split('.') {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            if label.is_empty() || !label.bytes().all(fits) {
                return Err(NoHost::Characters);
            }
            if label.len() > MAX_LABEL {
                return Err(NoHost::TooLong);
            }
            last = label;
        }
        if is_number(last) {
            return Err(NoHost::Number);
        }
        Ok(Host::Name(name.to_ascii_lowercase()))
    }

    /// Where a connection to it goes.
    pub(crate) fn destination(&self, port: u16) -> Destination {
        Destination::new(self.to_string(), port)
    }
}

/// Decimal, octal, or hexadecimal.
fn is_number(label: &str) -> bool {
    match label.strip_prefix("0x").or_else(|| label.strip_prefix("0X")) {
        Some(digits) => digits.bytes().all(|byte| byte.is_ascii_hexdigit()),
        None => label.bytes().all(|byte| byte.is_ascii_digit()),
    }
}

impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Name(name) => f.write_str(name),
            Host::Address(address) => address.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(text: &str) -> Result<Host, NoHost> {
        Ok(Host::Name(text.to_owned()))
    }

    fn address(text: &str) -> Result<Host, NoHost> {
        Ok(Host::Address(text.parse().unwrap()))
    }

    #[test]
    fn every_form_has_one_reading() {
        let cases = [
            ("db", name("db")),
            ("DB.Example.COM.", name("db.example.com")),
            ("my_db-1.x", name("my_db-1.x")),
            ("1password.example", name("1password.example")),
            ("xn--bcher-kva.example", name("xn--bcher-kva.example")),
            ("0xg.example", name("0xg.example")),
            ("127.0.0.1", address("127.0.0.1")),
            ("127.0.0.1.", address("127.0.0.1")),
            ("::1", address("::1")),
            ("[::1]", address("::1")),
            ("[FD00::A]", address("fd00::a")),
            ("::ffff:127.0.0.1", address("127.0.0.1")),
            ("[::ffff:7f00:1]", address("127.0.0.1")),
            ("", Err(NoHost::Empty)),
            (".", Err(NoHost::Characters)),
            ("a..b", Err(NoHost::Characters)),
            ("a.b..", Err(NoHost::Characters)),
            (".a", Err(NoHost::Characters)),
            ("a b", Err(NoHost::Characters)),
            ("a\0b", Err(NoHost::Characters)),
            ("a/b", Err(NoHost::Characters)),
            ("u@h", Err(NoHost::Characters)),
            ("a%2eb", Err(NoHost::Characters)),
            ("a\\b", Err(NoHost::Characters)),
            ("*.example", Err(NoHost::Characters)),
            ("a:1", Err(NoHost::Characters)),
            ("[::1", Err(NoHost::Characters)),
            ("[db]", Err(NoHost::Characters)),
            ("[]", Err(NoHost::Characters)),
            ("fe80::1%eth0", Err(NoHost::Characters)),
            ("[fe80::1%25eth0]", Err(NoHost::Characters)),
            ("bücher.example", Err(NoHost::NotAscii)),
            ("１２７.0.0.1", Err(NoHost::NotAscii)),
            ("127。0。0。1", Err(NoHost::NotAscii)),
            ("db.example\u{200b}", Err(NoHost::NotAscii)),
            ("127.1", Err(NoHost::Number)),
            ("2130706433", Err(NoHost::Number)),
            ("0x7f000001", Err(NoHost::Number)),
            ("0X7F.0.0.0X1", Err(NoHost::Number)),
            ("0177.0.0.1", Err(NoHost::Number)),
            ("127.0.0.01", Err(NoHost::Number)),
            ("256.0.0.1", Err(NoHost::Number)),
            ("1.2.3.4.5", Err(NoHost::Number)),
            ("db.0x", Err(NoHost::Number)),
            ("db.1", Err(NoHost::Number)),
        ];
        for (text, expected) in cases {
            assert_eq!(Host::parse(text), expected, "{text:?}");
        }
        assert_eq!(Host::parse(&"a".repeat(64)), Err(NoHost::TooLong));
        assert_eq!(Host::parse(&"a.".repeat(127)), name(&"a.".repeat(127)[..253]));
        assert_eq!(Host::parse(&"a.".repeat(128)), Err(NoHost::TooLong));
    }

    proptest! {
        /// What is checked is what is dialled: the form has one reading, also when it is read again.
        #[test]
        fn a_host_reads_as_itself(text in "[a-zA-Z0-9.:_\\[\\]xX-]{1,40}") {
            if let Ok(host) = Host::parse(&text) {
                prop_assert_eq!(Host::parse(&host.to_string()), Ok(host.clone()));
                let destination = host.destination(1);
                match host {
                    Host::Address(address) => prop_assert_eq!(destination.literal(), Some(address)),
                    Host::Name(name) => {
                        prop_assert_eq!(destination.literal(), None);
                        prop_assert_eq!(destination.host(), name);
                    }
                }
            }
        }

        /// However an IPv4 address is written, it is read as that address or not at all.
        #[test]
        fn an_ipv4_address_has_one_spelling(bits: u32, parts in 1..5_usize, bases: [u8; 4], dot: bool) {
            let address = Ipv4Addr::from_bits(bits);
            let numbers = match parts {
                1 => vec![bits],
                2 => vec![bits >> 24, bits & 0x00ff_ffff],
                3 => vec![bits >> 24, bits >> 16 & 0xff, bits & 0xffff],
                _ => address.octets().map(u32::from).to_vec(),
            };
            let written: Vec<String> = numbers.iter().zip(bases).map(|(number, base)| match base % 4 {
                0 => number.to_string(),
                1 => format!("0{number:o}"),
                2 => format!("0x{number:x}"),
                _ => format!("0X{number:X}"),
            }).collect();
            let text = written.join(".") + if dot { "." } else { "" };
            match Host::parse(&text) {
                Ok(host) => prop_assert_eq!(host, Host::Address(IpAddr::V4(address))),
                Err(fault) => prop_assert_eq!(fault, NoHost::Number),
            }
        }
    }
}
