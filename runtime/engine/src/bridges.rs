//! Which connector serves which bridge name.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use connector_api::Connector;
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::manifest::{short_name, spoken_name};
use connector_model::nearest::suggestion;

/// The short names of the published bridges, served here or not.
pub const PUBLISHED_BRIDGES: [&str; 23] = [
    "postgres",
    "cockroachdb",
    "neon",
    "supabase",
    "mysql",
    "mariadb",
    "planetscale",
    "mssql",
    "sqlite",
    "turso",
    "d1",
    "duckdb",
    "redis",
    "upstash",
    "clickhouse",
    "elasticsearch",
    "mongodb",
    "dynamodb",
    "firestore",
    "bigquery",
    "snowflake",
    "cassandra",
    "oracle",
];

/// A connector and the names besides its manifest's that it answers to.
#[derive(Clone)]
pub struct Served {
    /// The connector.
    pub connector: Arc<dyn Connector>,
    /// Further bridge names, full or short.
    pub aliases: Vec<String>,
}

impl From<Arc<dyn Connector>> for Served {
    fn from(connector: Arc<dyn Connector>) -> Self {
        Served { connector, aliases: Vec::new() }
    }
}

/// Every connector that is loaded, by name. A clone is the same table.
#[derive(Clone, Default)]
pub struct Bridges(Arc<Table>);

#[derive(Default)]
struct Table {
    connectors: Vec<Arc<dyn Connector>>,
    /// Short names; a full name is looked up by what follows its prefix.
    by_name: HashMap<String, usize>,
}

/// Two connectors claim one name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the bridge name \"{name}\" is claimed by two connectors: {first} and {second}")]
pub struct NameTaken {
    /// The name.
    pub name: String,
    /// Who has it.
    pub first: String,
    /// Who wants it too.
    pub second: String,
}

impl Bridges {
    /// A table of these connectors.
    ///
    /// # Errors
    /// [`NameTaken`] when a name would mean two of them.
    pub fn new(served: impl IntoIterator<Item = Served>) -> Result<Self, NameTaken> {
        let mut table = Table::default();
        for Served { connector, aliases } in served {
            let package = connector.manifest().package_name.clone();
            let index = table.connectors.len();
            for name in std::iter::once(package.as_ref()).chain(aliases.iter().map(String::as_str)) {
                let name = short_name(name).to_owned();
                match table.by_name.get(&name).and_then(|taken| table.connectors.get(*taken)) {
                    Some(first) => {
                        let first = first.manifest().package_name.to_string();
                        return Err(NameTaken { name, first, second: package.to_string() });
                    }
                    None => table.by_name.insert(name, index),
                };
            }
            table.connectors.push(connector);
        }
        Ok(Bridges(Arc::new(table)))
    }

    /// The full names of the connectors, in the order they were loaded.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.connectors.iter().map(|connector| connector.manifest().package_name.as_ref())
    }

    /// The connectors, in the order they were loaded.
    pub fn connectors(&self) -> impl Iterator<Item = &Arc<dyn Connector>> {
        self.0.connectors.iter()
    }

    /// The connector of a full name, short name or alias; `inventory` is `@acme/bridge-inventory` too, where no other
    /// connector is called so.
    ///
    /// # Errors
    /// `UNKNOWN_BRIDGE` with the names that are loaded; it says so when the name is a published one, and when it may mean
    /// several.
    pub fn find(&self, bridge: &str) -> Result<&Arc<dyn Connector>> {
        let short = short_name(bridge);
        if let Some(found) = self.0.by_name.get(short).and_then(|index| self.0.connectors.get(*index)) {
            return Ok(found);
        }
        let mut spoken = self
            .0
            .connectors
            .iter()
            .filter(|connector| spoken_name(&connector.manifest().package_name) == bridge);
        match (spoken.next(), spoken.next()) {
            (Some(only), None) => Ok(only),
            (Some(one), Some(other)) => {
                let [one, other] = [one, other].map(|connector| &connector.manifest().package_name);
                let what = format!("\"{bridge}\" may mean {one} and {other}: write the whole name");
                Err(Error::new(ErrorCode::UnknownBridge, what).with("bridge", bridge))
            }
            (None, _) => Err(self.unknown(bridge, short)),
        }
    }

    /// The connectors that recognise a URL by its scheme.
    pub fn of_scheme(&self, scheme: &str) -> impl Iterator<Item = &Arc<dyn Connector>> {
        self.0.connectors.iter().filter(move |connector| {
            connector.manifest().url_schemes.iter().any(|known| known.eq_ignore_ascii_case(scheme))
        })
    }

    fn unknown(&self, bridge: &str, short: &str) -> Error {
        let loaded: Vec<&str> = self.names().collect();
        let list = if loaded.is_empty() { "none".to_owned() } else { loaded.join(", ") };
        let published = PUBLISHED_BRIDGES.contains(&short);
        let what = if published {
            format!("the bridge \"{bridge}\" is not served by this runner yet; loaded: {list}")
        } else {
            let hint = suggestion(short, self.0.by_name.keys().map(String::as_str));
            format!("no bridge \"{bridge}\" is loaded{hint}; loaded: {list}")
        };
        Error::new(ErrorCode::UnknownBridge, what).with("bridge", bridge).with("loaded", loaded)
    }
}

impl fmt::Debug for Bridges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}
