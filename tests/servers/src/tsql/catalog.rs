//! Databases with their tables and views.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use super::ast::{Expr, Name, Query};
use super::error::{Result, SqlError};
use super::types::{Collation, SqlType};
use super::value::{Key, Row};

/// The schema of names that give none.
pub(crate) const DEFAULT_SCHEMA: &str = "dbo";

/// Everything that a server stores. A copy is cheap: what is large is shared.
#[derive(Debug, Clone, Default)]
pub(crate) struct Catalog {
    pub(crate) databases: BTreeMap<String, Database>,
}

/// A database.
#[derive(Debug, Clone)]
pub(crate) struct Database {
    pub(crate) id: i32,
    /// Whether transactions may read a snapshot.
    pub(crate) snapshot_isolation: bool,
    /// Names and numbers.
    pub(crate) schemas: Vec<(String, i32)>,
    pub(crate) objects: Vec<Object>,
    next_id: i32,
}

/// A table, a view or a synonym.
#[derive(Debug, Clone)]
pub(crate) struct Object {
    pub(crate) id: i32,
    pub(crate) schema: String,
    pub(crate) name: String,
    pub(crate) kind: ObjectKind,
}

/// What an object is.
#[derive(Debug, Clone)]
pub(crate) enum ObjectKind {
    Table(Table),
    View(View),
    Synonym(Name),
}

/// A table with its rows.
#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) columns: Arc<Vec<Column>>,
    pub(crate) rows: Arc<Vec<Row>>,
    pub(crate) indexes: Vec<Index>,
    /// The next number of the identity column.
    pub(crate) identity: i64,
}

/// A view.
#[derive(Debug, Clone)]
pub(crate) struct View {
    pub(crate) columns: Arc<Vec<Column>>,
    pub(crate) query: Arc<Query>,
}

/// A column.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) ty: SqlType,
    /// The type as declared: `numeric`, `sysname`.
    pub(crate) type_name: String,
    pub(crate) collation: Collation,
    pub(crate) collation_name: Option<String>,
    pub(crate) nullable: bool,
    pub(crate) identity: Option<(i64, i64)>,
    pub(crate) default: Option<Expr>,
    pub(crate) computed: Option<Expr>,
}

/// An index or a key.
#[derive(Debug, Clone)]
pub(crate) struct Index {
    pub(crate) id: i32,
    pub(crate) name: String,
    pub(crate) primary: bool,
    pub(crate) constraint: bool,
    pub(crate) unique: bool,
    pub(crate) clustered: bool,
    pub(crate) filtered: bool,
    /// Positions of columns, and whether they descend.
    pub(crate) columns: Vec<(usize, bool)>,
    pub(crate) included: Vec<usize>,
    /// The keys of a unique index.
    pub(crate) keys: Arc<HashSet<Vec<Key>>>,
}

impl Index {
    fn key(&self, columns: &[Column], row: &Row) -> Vec<Key> {
        let key = |position: usize| {
            let collation = columns.get(position).map_or(Collation::Binary, |column| column.collation);
            row.get(position).map_or(Key::Null, |value| value.key(collation))
        };
        self.columns.iter().map(|(position, _)| key(*position)).collect()
    }

    /// Makes the keys anew.
    pub(crate) fn rebuild(&mut self, columns: &[Column], rows: &[Row]) -> Result<()> {
        self.keys = Arc::default();
        rows.iter().try_for_each(|row| self.add(columns, row))
    }

    /// Adds a row's key; twice the same is an error. A filtered index may leave a row out, so it is not held to that.
    fn add(&mut self, columns: &[Column], row: &Row) -> Result<()> {
        if !self.unique || self.filtered {
            return Ok(());
        }
        let key = self.key(columns, row);
        if Arc::make_mut(&mut self.keys).insert(key) {
            return Ok(());
        }
        let (number, class) = if self.constraint { (2627, 14) } else { (2601, 14) };
        let kind = if self.primary { "PRIMARY KEY constraint" } else { "UNIQUE KEY constraint" };
        let message = format!("Violation of {kind} '{}'. Cannot insert duplicate key in object.", self.name);
        Err(SqlError { class, ..SqlError::new(number, message) })
    }
}

impl Table {
    /// Adds rows, or none of them when a key stands twice.
    pub(crate) fn add(&mut self, rows: Vec<Row>) -> Result<()> {
        for position in 0..self.indexes.len() {
            let Some(index) = self.indexes.get_mut(position) else { continue };
            let added = rows.iter().try_for_each(|row| index.add(&self.columns, row));
            if let Err(error) = added {
                // The keys that went in are taken out again.
                for index in &mut self.indexes {
                    index.rebuild(&self.columns, &self.rows)?;
                }
                return Err(error);
            }
        }
        Arc::make_mut(&mut self.rows).extend(rows);
        Ok(())
    }

    /// Puts other rows in the place of all.
    pub(crate) fn replace(&mut self, rows: Vec<Row>) -> Result<()> {
        let mut indexes = self.indexes.clone();
        for index in &mut indexes {
            index.rebuild(&self.columns, &rows)?;
        }
        self.indexes = indexes;
        self.rows = Arc::new(rows);
        Ok(())
    }
}

impl Database {
    pub(crate) fn new(id: i32, snapshot_isolation: bool) -> Self {
        let schemas = [(DEFAULT_SCHEMA, 1), ("guest", 2), ("INFORMATION_SCHEMA", 3), ("sys", 4)];
        let schemas = schemas.into_iter().map(|(name, id)| (name.to_owned(), id)).collect();
        Self { id, snapshot_isolation, schemas, objects: Vec::new(), next_id: 901_578_250 }
    }

    /// A new object's number.
    pub(crate) const fn next_id(&mut self) -> i32 {
        self.next_id += 16;
        self.next_id
    }

    pub(crate) fn object(&self, schema: &str, name: &str) -> Option<&Object> {
        self.objects.iter().find(|object| object.schema == schema && object.name == name)
    }

    pub(crate) fn table_mut(&mut self, schema: &str, name: &str) -> Option<&mut Table> {
        let object = self.objects.iter_mut().find(|object| object.schema == schema && object.name == name)?;
        match &mut object.kind {
            ObjectKind::Table(table) => Some(table),
            _ => None,
        }
    }

    pub(crate) fn schema_id(&self, name: &str) -> Option<i32> {
        self.schemas.iter().find(|(known, _)| known == name).map(|(_, id)| *id)
    }
}

impl Catalog {
    /// The database, schema and name that a name of one to three parts means.
    pub(crate) fn locate(&self, current: &str, name: &[String]) -> Result<Location> {
        let (database, schema, object) = match name {
            [object] => (current, DEFAULT_SCHEMA, object),
            [schema, object] => (current, schema.as_str(), object),
            [database, schema, object] => (database.as_str(), schema.as_str(), object),
            _ => return Err(invalid_object(name)),
        };
        let schema = if schema.is_empty() { DEFAULT_SCHEMA } else { schema };
        let database = if database.is_empty() { current } else { database };
        Ok(Location { database: database.to_owned(), schema: schema.to_owned(), name: object.clone() })
    }

    pub(crate) fn database(&self, name: &str) -> Result<&Database> {
        self.databases.get(name).ok_or_else(|| no_database(name))
    }

    pub(crate) fn database_mut(&mut self, name: &str) -> Result<&mut Database> {
        self.databases.get_mut(name).ok_or_else(|| no_database(name))
    }

    /// The object of that name.
    pub(crate) fn object(&self, location: &Location) -> Option<&Object> {
        self.databases.get(&location.database)?.object(&location.schema, &location.name)
    }
}

/// Where an object is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Location {
    pub(crate) database: String,
    pub(crate) schema: String,
    pub(crate) name: String,
}

/// The error for a name that nothing has.
pub(crate) fn invalid_object(name: &[String]) -> SqlError {
    SqlError::new(208, format!("Invalid object name '{}'.", name.join(".")))
}

fn no_database(name: &str) -> SqlError {
    let message = format!("Database '{name}' does not exist. Make sure that the name is entered correctly.");
    SqlError::new(911, message)
}
