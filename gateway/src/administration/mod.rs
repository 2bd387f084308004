//! Every change a person can make, once: the HTTP routes, the first start and programs that embed the gateway
//! all come through here.
//!
//! A change is committed with its audit entry, then the directory forgets what it knew, then live sockets are told.

mod keys;
mod overview;
mod runners;
mod sources;

use std::sync::Arc;

use serde_json::Value;

use crate::directory::Directory;
use crate::sessions::Registry;
use crate::store::{AuditEntry, Home, Store, StoreError};

pub use keys::{CreatedKey, KeyRequest};
pub use overview::{RunnerOverview, RunnerState, SourceReport};
pub use runners::CreatedRunner;
pub use sources::SourceRequest;

/// Who makes a change, as the audit log shows it.
#[derive(Debug, Clone)]
pub struct Actor(pub String);

/// Why a change was not made.
#[derive(Debug, thiserror::Error)]
pub enum ChangeError {
    /// A value of the request is not acceptable.
    #[error("{field}: {problem}")]
    Invalid {
        /// The field.
        field: &'static str,
        /// What is wrong with it, and what would be right.
        problem: String,
    },
    /// There is no such thing.
    #[error("there is no {what} `{name}`")]
    NotFound {
        /// `runner`, `source`, `key`.
        what: &'static str,
        /// The id or name that was asked for.
        name: String,
    },
    /// The runner has been revoked, and stays so.
    #[error("runner `{name}` is revoked; create a new one")]
    Revoked {
        /// Its name.
        name: String,
    },
    /// The store refused or failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The changes.
pub struct Administration {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) directory: Arc<Directory>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) home: Home,
    /// Held while a runner's sources are read and sent, so that two changes reach it in the order in which they
    /// were made.
    pub(crate) assignments: tokio::sync::Mutex<()>,
}

fn entry(
    actor: &Actor,
    action: &'static str,
    subject_type: &'static str,
    subject_id: impl Into<String>,
    detail: Value,
) -> AuditEntry {
    AuditEntry { actor: actor.0.clone(), action, subject_type, subject_id: Some(subject_id.into()), detail }
}

/// The longest name of a runner or source.
const LONGEST_NAME: usize = 63;

/// Accepts the names that can stand in a URL, a variable and a log line: letters, digits, `-`, `_` and `.`, beginning
/// with a letter or digit.
fn checked_name(field: &'static str, name: &str) -> Result<String, ChangeError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let begins_well = name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric());
    if begins_well
        && name.len() <= LONGEST_NAME
        && name.bytes().all(allowed)
        && uuid::Uuid::parse_str(name).is_err()
    {
        return Ok(name.to_owned());
    }
    Err(ChangeError::Invalid {
        field,
        problem: format!(
            "1 to {LONGEST_NAME} letters, digits, `-`, `_` or `.`, beginning with a letter or digit, and not in the \
             form of a UUID"
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_safe_in_a_url_a_variable_and_a_log_line() {
        for good in ["a", "primary-db", "eu.west_1", "0", &"x".repeat(63)] {
            assert!(checked_name("name", good).is_ok(), "{good}");
        }
        for bad in
            ["", "-a", ".", "a b", "a/b", "é", "a\n", &"x".repeat(64), "0190b1a2-7c1e-7000-8000-000000000000"]
        {
            assert!(checked_name("name", bad).is_err(), "{bad}");
        }
    }
}
