//! A target is a prefix: `users` is every key that begins with `users:`.

use semilayer_connector::error;
use semilayer_connector::prelude::Result;

use crate::glob;

/// What stands between a prefix and the rest of a key.
pub const SEPARATOR: char = ':';

/// A prefix that a job names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prefix {
    /// The target's name.
    pub name: String,
    /// What its keys begin with: the name and the separator.
    pub start: String,
}

impl Prefix {
    /// The prefix of a target's name. One with separators in it is a prefix too: `app:users`.
    ///
    /// # Errors
    /// `INVALID_TARGET` for an empty name.
    pub fn of(target: &str) -> Result<Prefix> {
        if target.is_empty() {
            return Err(error::not_found(target, []));
        }
        Ok(Prefix { name: target.to_owned(), start: format!("{target}{SEPARATOR}") })
    }

    /// The pattern that finds its keys.
    pub fn pattern(&self) -> String {
        glob::beginning_with(&self.start)
    }

    /// Whether the key is one of its.
    pub fn has(&self, key: &str) -> bool {
        key.starts_with(&self.start)
    }
}

/// The name that a key is listed under: what stands before its first separator; `None` for a key without one, or with
/// nothing before it.
pub fn listed(key: &str) -> Option<&str> {
    key.split_once(SEPARATOR).map(|(name, _)| name).filter(|name| !name.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_at_the_separator() {
        let users = Prefix::of("users").unwrap();
        assert!(users.has("users:1") && users.has("users:") && !users.has("users") && !users.has("users2:1"));
        assert!(Prefix::of("a:b").unwrap().has("a:b:1"));
        assert!(Prefix::of("").is_err());
        let listed: Vec<Option<&str>> = ["a:b:1", ":x", "plain", "a:"].map(listed).to_vec();
        assert_eq!(listed, [Some("a"), None, None, Some("a")]);
    }
}
