//! A peer's certificate, in the words a person needs to see what is wrong with it.

use std::fmt;
use std::net::IpAddr;

use jiff::Timestamp;
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::time::ASN1Time;

/// Names listed of a certificate; a certificate of a content network carries hundreds.
const MAX_NAMES: usize = 16;
/// Characters kept of any text that a peer chose.
const MAX_TEXT: usize = 200;

/// The certificate that a peer presented. All text is made safe to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PresentedCertificate {
    /// The subject's distinguished name.
    pub subject: String,
    /// The distinguished name of the authority that signed it.
    pub issuer: String,
    /// The host names and addresses it is for (subjectAltName), at most 16.
    pub names: Vec<String>,
    /// The first moment at which it is valid.
    pub not_before: Timestamp,
    /// The last moment at which it is valid.
    pub not_after: Timestamp,
}

impl PresentedCertificate {
    /// Reads a DER certificate; `None` when it is none.
    #[must_use]
    pub fn from_der(der: &[u8]) -> Option<Self> {
        let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
        Some(Self {
            subject: printable(&certificate.subject().to_string()),
            issuer: printable(&certificate.issuer().to_string()),
            names: names(&certificate),
            not_before: timestamp(certificate.validity().not_before),
            not_after: timestamp(certificate.validity().not_after),
        })
    }
}

impl fmt::Display for PresentedCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let or_empty = |text: &'static str, value: &str| {
            if value.is_empty() { text.to_owned() } else { value.to_owned() }
        };
        write!(
            f,
            "subject {}, issuer {}, valid {} to {}, for {}",
            or_empty("(empty)", &self.subject),
            or_empty("(empty)", &self.issuer),
            self.not_before,
            self.not_after,
            or_empty("no names", &self.names.join(", ")),
        )
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    // A second extension of the kind makes the certificate invalid; then there is nothing to show.
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(dns) => Some(printable(dns)),
        GeneralName::IPAddress(bytes) => match *bytes {
            [a, b, c, d] => Some(IpAddr::from([*a, *b, *c, *d]).to_string()),
            bytes => <[u8; 16]>::try_from(bytes).ok().map(|bytes| IpAddr::from(bytes).to_string()),
        },
        _ => None,
    };
    extension.value.general_names.iter().filter_map(name).take(MAX_NAMES).collect()
}

/// RFC 5280 §4.1.2.5 spells "no expiry" as the end of the year 9999, which a `Timestamp` does not reach.
fn timestamp(time: ASN1Time) -> Timestamp {
    Timestamp::from_second(time.timestamp()).unwrap_or(if time.timestamp() < 0 {
        Timestamp::MIN
    } else {
        Timestamp::MAX
    })
}

/// Text from outside, without control characters and of bounded length.
pub(crate) fn printable(text: &str) -> String {
    let mut shown: String =
        text.chars().take(MAX_TEXT).map(|c| if is_printable(c) { c } else { '\u{fffd}' }).collect();
    if text.chars().nth(MAX_TEXT).is_some() {
        shown.push('…');
    }
    shown
}

/// Bidirectional controls count as unprintable: they can make a name look like another.
fn is_printable(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_from_a_peer_is_made_safe() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
        assert_eq!(printable("db.\u{202e}moc"), "db.\u{fffd}moc");
        assert_eq!(printable(&"x".repeat(1000)).chars().count(), MAX_TEXT + 1);
    }

    #[test]
    fn bytes_that_are_no_certificate_give_none() {
        assert_eq!(PresentedCertificate::from_der(b"hello"), None);
    }
}
