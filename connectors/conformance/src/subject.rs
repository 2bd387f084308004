//! What the suite is handed: an engine that can be filled and asked.

use async_trait::async_trait;
use connector_api::Session;
use connector_memory::{Profile, Table, Value};
use connector_model::Capabilities;
use connector_model::target::LogicalType;

use crate::executor::{Executor, OfSession};

/// Why the engine could not be filled or opened. It fails the suite; it is not an answer to be judged.
pub type SubjectError = Box<dyn std::error::Error + Send + Sync>;

/// A type that columns of the engine under test can have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StoredType {
    /// What kind of value it holds.
    pub logical: LogicalType,
    /// Its name, as it stands in a `CREATE TABLE` and as `introspectTarget` shows it.
    pub native: &'static str,
    /// Which values it holds.
    pub range: Range,
}

/// Which values of a kind a type holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// All of them.
    Full,
    /// Whole numbers of this many bits.
    Bits(u32),
    /// Doubles, NaN and the infinities among them; moments and the infinite ones.
    NotFinite,
    /// Numbers of single precision.
    Single,
    /// Whole numbers of 64 bits without a sign.
    Unsigned,
    /// One of a few words: an enum.
    Words,
    /// Whole numbers, NULL among them, in an array.
    Numbers,
    /// Texts in an array of arrays.
    Texts,
    /// Texts that are moments of the years 1 to 9999, for engines that have no other type for them.
    Moments,
}

impl StoredType {
    /// A type.
    pub const fn new(logical: LogicalType, native: &'static str, range: Range) -> Self {
        StoredType { logical, native, range }
    }
}

/// An engine with its connector.
#[async_trait]
pub trait Subject: Send + Sync {
    /// The bridge name of the connector: `@semilayer/bridge-postgres`.
    fn name(&self) -> &str;

    /// How the engine shows and orders values.
    fn profile(&self) -> Profile;

    /// What the connector declares.
    fn capabilities(&self) -> Capabilities;

    /// The types that generated columns may have; at least one of them is a 64-bit integer and one a text.
    fn types(&self) -> &'static [StoredType];

    /// A table as the engine can hold it: what its names or its values may not be is made something else, or left out.
    fn fitted(&self, table: Table) -> Table {
        table
    }

    /// Creates these tables with their rows. Their names are new to this process; tables of an earlier call may go
    /// or stay.
    ///
    /// # Errors
    /// Whatever kept it from doing so.
    async fn load(&self, tables: &[Table]) -> Result<(), SubjectError>;

    /// Takes rows out of a table that was loaded, and puts others in: what somebody else does while a result is read
    /// page by page. `false` when the engine under test has nobody who could.
    ///
    /// # Errors
    /// Whatever kept it from doing so.
    async fn change(&self, table: &Table, change: &Change) -> Result<bool, SubjectError> {
        let _ = (table, change);
        Ok(false)
    }

    /// Opens a session of the connector.
    ///
    /// # Errors
    /// Whatever kept it from doing so; the default has none, for a subject that answers jobs in another way.
    async fn open(&self) -> Result<Box<dyn Session>, SubjectError> {
        Err("the subject opens no sessions".into())
    }

    /// Whoever answers the suite's jobs: by default a session.
    ///
    /// # Errors
    /// Whatever kept it from being there.
    async fn executor(&self) -> Result<Box<dyn Executor>, SubjectError> {
        Ok(Box::new(OfSession(self.open().await?)))
    }
}

/// Rows that go, and rows that come.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Change {
    /// The rows to take out, as they are in the table.
    pub gone: Vec<Vec<Value>>,
    /// The rows to put in.
    pub come: Vec<Vec<Value>>,
}
