//! A source as the gateway assigns it to a runner.

use std::fmt;
use std::ops::Deref;

use serde::de::{Deserializer, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::Opaque;

/// One source that this runner is to serve.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignedSource {
    /// The gateway's id of the source.
    pub id: String,
    /// The name that jobs and environment variables use.
    pub name: String,
    /// Which bridge speaks to it, such as `@semilayer/bridge-postgres`.
    pub bridge: String,
    /// Where its configuration lives.
    pub credentials_location: CredentialsLocation,
    /// The configuration, only for managed sources. Holds credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Opaque>,
}

/// Where a source's configuration lives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CredentialsLocation {
    /// At the gateway, which sends it in the frame.
    Managed,
    /// At the runner, in its environment or file.
    RunnerLocal,
}

/// The whole set of assigned sources.
///
/// An entry that cannot be read is left out and counted: one bad source must not cost the runner all the
/// others.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AssignedSources {
    sources: Vec<AssignedSource>,
    malformed: usize,
}

impl AssignedSources {
    /// How many entries could not be read.
    #[must_use]
    pub fn malformed(&self) -> usize {
        self.malformed
    }

    /// The entries that could be read.
    #[must_use]
    pub fn into_vec(self) -> Vec<AssignedSource> {
        self.sources
    }
}

impl From<Vec<AssignedSource>> for AssignedSources {
    fn from(sources: Vec<AssignedSource>) -> Self {
        Self { sources, malformed: 0 }
    }
}

impl Deref for AssignedSources {
    type Target = [AssignedSource];

    fn deref(&self) -> &Self::Target {
        &self.sources
    }
}

impl Serialize for AssignedSources {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.sources.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for AssignedSources {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(SourcesVisitor)
    }
}

struct SourcesVisitor;

impl<'de> Visitor<'de> for SourcesVisitor {
    type Value = AssignedSources;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of assigned sources")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut set = AssignedSources::default();
        while let Some(entry) = list.next_element::<&'de RawValue>()? {
            match serde_json::from_str(entry.get()) {
                Ok(source) => set.sources.push(source),
                Err(_) => set.malformed += 1,
            }
        }
        Ok(set)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_bad_entry_does_not_cost_the_others() {
        let text = r#"[
            {"id":"1","name":"a","bridge":"postgres","credentialsLocation":"runner-local","new":[1]},
            {"id":"2","name":"b","bridge":"postgres","credentialsLocation":"on-the-moon"},
            7,
            {"id":"3","name":"c","bridge":"sqlite","credentialsLocation":"managed","config":{"path":"x"}}
        ]"#;
        let set: AssignedSources = serde_json::from_str(text).unwrap();
        assert_eq!(set.malformed(), 2);
        assert_eq!(set.iter().map(|source| source.name.as_str()).collect::<Vec<_>>(), ["a", "c"]);
        assert_eq!(set[1].config.as_ref().map(Opaque::get), Some(r#"{"path":"x"}"#));
    }

    #[test]
    fn debug_of_a_source_does_not_show_its_config() {
        let source = AssignedSource {
            id: "1".into(),
            name: "a".into(),
            bridge: "postgres".into(),
            credentials_location: CredentialsLocation::Managed,
            config: Some(Opaque::from_text(r#"{"password":"hunter2"}"#.into()).unwrap()),
        };
        assert!(!format!("{source:?}").contains("hunter2"));
    }
}
