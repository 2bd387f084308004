//! What the catalogue knows of a target.

use connector_model::error::{Error, Result};
use connector_model::nearest::suggestion;
use connector_model::target::{Location, LogicalType};

/// How a column's value is fetched.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// As it is.
    Native,
    /// Cast to text by the database, because the driver knows no better form.
    AsText,
    /// Cast to an array of texts by the database.
    AsTextArray,
    /// Cast to bytes by the database, which are a geometry's well-known binary; an array of them for an array.
    AsWkb,
}

/// One column of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableColumn {
    /// Its name, exactly.
    pub name: String,
    /// What kind of value it holds.
    pub logical_type: LogicalType,
    /// Its type in the engine's own words.
    pub native_type: String,
    /// Whether it can hold NULL.
    pub nullable: bool,
    /// How it is fetched.
    pub reading: Reading,
    /// Where it stands in a statement that gives its tables aliases; a catalogue's columns have none.
    pub qualified: Option<Qualified>,
}

/// A column behind the alias of its table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Qualified {
    /// The alias.
    pub alias: String,
    /// The column's own name.
    pub column: String,
}

/// A target with its columns and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table {
    /// The canonical name: what `listTargets` shows.
    pub name: String,
    /// The name's parts as SQL wants them: schema, then table.
    pub path: Vec<String>,
    /// The columns in the engine's order.
    pub columns: Vec<TableColumn>,
    /// Positions of the columns that identify a row: the primary key, else a unique index without NULLs; empty when
    /// there is neither.
    pub key: Vec<usize>,
}

impl Table {
    /// The position of the column that an option names.
    ///
    /// # Errors
    /// `INVALID_JOB` naming the option, the column and the nearest names.
    pub fn position(&self, option: &str, column: &str) -> Result<usize> {
        self.columns.iter().position(|known| known.name == column).ok_or_else(|| {
            let hint = suggestion(column, self.columns.iter().map(|known| known.name.as_str()));
            let problem = format!("target \"{}\" has no column \"{column}\"{hint}", self.name);
            Error::option(option, problem).with("column", column)
        })
    }

    /// The column at a position that [`Table::position`] gave.
    ///
    /// # Errors
    /// `INTERNAL` for any other position.
    pub fn column(&self, position: usize) -> Result<&TableColumn> {
        self.columns.get(position).ok_or_else(|| Error::internal("a column position outside its table"))
    }

    /// Where the target is.
    pub fn location(&self) -> Option<Location> {
        let (name, schemas) = self.path.split_last()?;
        Some(Location { schema: schemas.last().cloned(), name: name.clone() })
    }
}
