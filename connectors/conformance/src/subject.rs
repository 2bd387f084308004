//! What the suite is handed: an engine that can be filled and asked.

use async_trait::async_trait;
use connector_api::Session;
use connector_memory::{Profile, Table};
use connector_model::Capabilities;
use connector_model::target::LogicalType;

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

    /// Creates these tables with their rows. Their names are new to this process; tables of an earlier call may go
    /// or stay.
    ///
    /// # Errors
    /// Whatever kept it from doing so.
    async fn load(&self, tables: &[Table]) -> Result<(), SubjectError>;

    /// Opens a session of the connector.
    ///
    /// # Errors
    /// Whatever kept it from doing so.
    async fn open(&self) -> Result<Box<dyn Session>, SubjectError>;
}
