//! A source as the gateway assigns it.

use std::fmt;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use crate::source::variable_name;

/// What tells the lane of a source that is configured here from a managed one's.
const LOCAL: &str = "local:";

/// A source that this runner serves.
#[derive(Debug, Clone)]
pub struct Assignment {
    /// The gateway's id of the source.
    pub id: String,
    /// The name that jobs, environment variables and the file use.
    pub name: String,
    /// Which bridge speaks to it: a full name, a short name or an alias.
    pub bridge: String,
    /// Where its configuration comes from.
    pub credentials: Credentials,
}

/// Where a source's configuration comes from. `Debug` never shows it.
#[derive(Clone)]
pub enum Credentials {
    /// The gateway sent it along.
    Managed {
        /// The configuration as JSON text; wiped from memory when dropped.
        config: SecretString,
    },
    /// It is on this machine, in the environment or the file.
    RunnerLocal,
}

impl Assignment {
    /// What tells this source from every other: the id, or the name where the gateway gives no id.
    pub(crate) fn key(&self) -> Arc<str> {
        Arc::from(if self.id.is_empty() { self.name.as_str() } else { self.id.as_str() })
    }

    /// What the jobs of its database are counted under: for one that is configured here, how its name is spelled in
    /// variables, so that no other id or spelling is another share of it.
    pub(crate) fn lane(&self) -> Arc<str> {
        match self.credentials {
            Credentials::Managed { .. } => self.key(),
            Credentials::RunnerLocal => Arc::from(format!("{LOCAL}{}", variable_name(&self.name))),
        }
    }

    /// Whether the configuration is the gateway's.
    pub fn is_managed(&self) -> bool {
        matches!(self.credentials, Credentials::Managed { .. })
    }
}

impl Credentials {
    /// Whether both come from the same place and, when managed, with the same text.
    pub(crate) fn same(&self, other: &Credentials) -> bool {
        match (self, other) {
            (Credentials::Managed { config: one }, Credentials::Managed { config: two }) => {
                one.expose_secret() == two.expose_secret()
            }
            (Credentials::RunnerLocal, Credentials::RunnerLocal) => true,
            _ => false,
        }
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Credentials::Managed { .. } => "Managed",
            Credentials::RunnerLocal => "RunnerLocal",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_managed_config_is_never_printed() {
        let config = SecretString::from(r#"{"password":"hunter2"}"#);
        let assignment = Assignment {
            id: "1".into(),
            name: "db".into(),
            bridge: "postgres".into(),
            credentials: Credentials::Managed { config },
        };
        assert!(!format!("{assignment:?}").contains("hunter2"));
    }
}
