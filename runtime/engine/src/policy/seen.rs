//! A target as the catalogue knows it.

use connector_model::target::{Location, Target, TargetSchema};

/// A target in the catalogue's own words, whatever the job called it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// What `listTargets` calls it.
    pub(crate) shown: String,
    /// The schema it is in; `None` where there are none, or nobody knows.
    pub(crate) schema: Option<String>,
    /// Its name in that schema.
    pub(crate) name: String,
    /// `table`, `view`, …
    pub(crate) kind: String,
    /// Its columns, as far as they are known.
    pub(crate) columns: Vec<String>,
    /// The columns that tell its rows apart.
    pub(crate) key: Vec<String>,
}

impl Seen {
    pub(super) fn new(schema: &TargetSchema, location: Location) -> Self {
        let mut key = schema.key.clone();
        key.extend(schema.primary_key.iter().filter(|column| !schema.key.contains(column)).cloned());
        Seen {
            shown: schema.name.clone(),
            schema: location.schema,
            name: location.name,
            kind: schema.kind.clone(),
            columns: schema.columns.iter().map(|column| column.name.clone()).collect(),
            key,
        }
    }

    /// An entry of a list; its columns are not known.
    pub(super) fn listed(target: &Target) -> Self {
        let Location { schema, name } = located(target);
        let kind = target.kind.clone();
        Seen { shown: target.name.clone(), schema, name, kind, columns: Vec::new(), key: Vec::new() }
    }

    /// A name that no catalogue was asked about.
    pub(super) fn named(target: &str) -> Self {
        let name = target.to_owned();
        Seen {
            shown: name.clone(),
            schema: None,
            name,
            kind: String::new(),
            columns: Vec::new(),
            key: Vec::new(),
        }
    }

    /// Schema and name, in every way that they may be meant: one way where the catalogue knows, else also cut at each
    /// dot.
    pub(super) fn readings(&self) -> impl Iterator<Item = (Option<&str>, &str)> {
        let dots = if self.schema.is_some() { "" } else { self.name.as_str() };
        let cut = dots
            .match_indices('.')
            .filter_map(|(dot, _)| Some((Some(dots.get(..dot)?), dots.get(dot + 1..)?)));
        std::iter::once((self.schema.as_deref(), self.name.as_str())).chain(cut)
    }

    /// Whether it is listed by its name alone: in the default schema, or where there are none.
    pub(super) fn is_listed_bare(&self) -> bool {
        self.shown == self.name
    }

    /// Whether it may show columns of other targets under names of its own.
    pub(super) fn is_derived(&self) -> bool {
        let kind = self.kind.to_lowercase();
        kind.contains("view") || matches!(kind.as_str(), "partition" | "synonym" | "dictionary")
    }
}

/// Where an entry of a list is: a name that begins with its schema is listed with it.
pub(super) fn located(target: &Target) -> Location {
    let behind =
        target.schema.as_ref().and_then(|schema| target.name.strip_prefix(schema)?.strip_prefix('.'));
    Location { schema: target.schema.clone(), name: behind.unwrap_or(&target.name).to_owned() }
}
