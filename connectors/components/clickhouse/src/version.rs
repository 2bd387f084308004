//! The server's version.

use std::fmt;

/// Year and number of a release; what follows mends faults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(pub(crate) u32, pub(crate) u32);

/// The oldest release that has every function and setting that is used here (`toDecimalString` came with 23.3,
/// `output_format_json_validate_utf8` with 23.8).
pub(crate) const OLDEST: Version = Version(23, 8);

impl Version {
    /// Of what `version()` says.
    pub(crate) fn read(text: &str) -> Option<Version> {
        let mut parts = text.trim().split('.');
        Some(Version(parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn releases_are_ordered_by_year_and_number() {
        assert_eq!(Version::read("26.9.2.1"), Some(Version(26, 9)));
        assert!(Version::read("18.16.1") < Some(OLDEST) && Version(23, 10) > Version(23, 8));
        assert_eq!(Version::read("head"), None);
    }
}
