//! An in-memory connector: the oracle of the conformance suite.
//!
//! It answers every request the slow and obvious way, from tables that are plain lists of typed values. What it
//! answers is what the contract says, so a driver that disagrees with it is wrong, or the contract is.
//!
//! - [`value`], [`decimal`]: typed values, how they compare, exact decimals
//! - [`table`], [`database`]: tables, checked once
//! - [`profile`]: what differs between engines by right: NULL order and the JSON form of some types
//! - [`evaluate`], `pattern`: the `where` language in three-valued logic
//! - [`order`]: ordering, and where a page ended
//! - [`answer`]: a request to its rows, still as values
//! - [`aggregate`]: groups of rows with their measures
//! - [`session`]: the connector's traits, which write those rows

pub mod aggregate;
pub mod answer;
pub mod database;
pub mod decimal;
pub mod evaluate;
pub mod order;
mod pattern;
pub mod profile;
pub mod session;
pub mod table;
pub mod value;

pub use database::Database;
pub use profile::{Booleans, Int64, Nulls, Profile, Uuids};
pub use session::{MemoryConnector, MemorySession, MemorySource};
pub use table::{ColumnDef, Table};
pub use value::Value;
