//! A set of tables, checked once.

use connector_model::error::{Error, ErrorCode, Result};
use connector_model::nearest::suggestion;
use connector_model::target::Target;

use crate::profile::Profile;
use crate::table::Table;

/// Tables, and the engine they stand for.
#[derive(Debug, Clone)]
pub struct Database {
    tables: Vec<Table>,
    profile: Profile,
}

impl Database {
    /// A database of these tables, which answers as `profile` says.
    ///
    /// # Errors
    /// `INTERNAL` for a table that is none, see [`Table::check`], or a name that is there twice.
    pub fn new(tables: Vec<Table>, profile: Profile) -> Result<Database> {
        for (at, table) in tables.iter().enumerate() {
            table.check()?;
            if tables.iter().skip(at + 1).any(|other| other.name == table.name) {
                return Err(Error::internal(format!("there are two tables \"{}\"", table.name)));
            }
        }
        Ok(Database { tables, profile })
    }

    /// The engine it stands for.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// Its tables.
    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The table of that name.
    ///
    /// # Errors
    /// `INVALID_TARGET` with the nearest names.
    pub fn table(&self, name: &str) -> Result<&Table> {
        self.tables.iter().find(|table| table.name == name).ok_or_else(|| {
            let hint = suggestion(name, self.tables.iter().map(|table| table.name.as_str()));
            Error::new(ErrorCode::InvalidTarget, format!("there is no target \"{name}\"{hint}"))
                .with("target", name)
        })
    }

    /// What `listTargets` shows.
    pub fn targets(&self) -> Vec<Target> {
        self.tables
            .iter()
            .map(|table| Target {
                name: table.name.clone(),
                kind: table.kind.clone(),
                schema: None,
                estimated_rows: u64::try_from(table.rows.len()).ok(),
            })
            .collect()
    }
}
