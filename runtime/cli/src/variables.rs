//! The environment as a value, taken once when the process begins.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt;

use runner_engine::Environment;
use secrecy::{ExposeSecret, SecretString};

/// What our own variables begin with.
const PREFIX: &str = "SEMILAYER_";
/// Variables of other programs that mean something here.
const BORROWED: [&str; 4] = ["PORT", "PORT_FILE", "NODE_EXTRA_CA_CERTS", "SSL_CERT_FILE"];

/// The variables that mean something here. Empty ones count as unset. `Debug` shows the names.
#[derive(Clone, Default)]
pub struct Variables {
    texts: BTreeMap<String, SecretString>,
    not_text: BTreeSet<String>,
}

impl Variables {
    /// Keeps what concerns this program.
    pub fn new(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut kept = Variables::default();
        for (name, value) in variables {
            let Ok(name) = name.into_string() else { continue };
            let is_ours = name.to_ascii_uppercase().starts_with(PREFIX) || BORROWED.contains(&name.as_str());
            if !is_ours || value.is_empty() {
                continue;
            }
            match value.into_string() {
                Ok(text) => {
                    kept.texts.insert(name, text.into());
                }
                Err(_) => {
                    kept.not_text.insert(name);
                }
            }
        }
        kept
    }

    /// A variable's value.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.texts.get(name).map(|text| text.expose_secret())
    }

    /// The names of those that are set.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.texts.keys().map(String::as_str)
    }

    /// A variable whose value is not UTF-8, if there is one.
    pub fn not_text(&self) -> Option<&str> {
        self.not_text.first().map(String::as_str)
    }

    /// The part that configures sources.
    pub fn of_sources(&self) -> Environment {
        let all = self.texts.iter();
        Environment::new(all.map(|(name, text)| (name.clone(), text.expose_secret().to_owned())))
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.texts.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_is_unset_foreign_is_ignored_and_values_are_not_printed() {
        let variables = Variables::new(
            [
                ("SEMILAYER_RUNNER_ID", ""),
                ("SEMILAYER_RUNNER_TOKEN", "rk_hunter2"),
                ("HOME", "/root"),
                ("PORT", "1"),
            ]
            .map(|(name, value)| (name.into(), value.into())),
        );
        assert_eq!(variables.get("SEMILAYER_RUNNER_ID"), None);
        assert_eq!(variables.get("HOME"), None);
        assert_eq!(variables.get("PORT"), Some("1"));
        assert!(!format!("{variables:?}").contains("hunter2"));
    }
}
