//! What everything that keeps SQLite's data agrees on, however it is reached: declared types, values and their JSON, the
//! columns that identify a row.
//!
//! - [`declared`](logical): what a declared type says of a column
//! - [`stored`](Stored): values by their storage class, as JSON and in cursors
//! - [`collation`](column_collation): by what a column's texts are compared
//! - [`described`](Described): a target of what the pragmas say
//! - [`names`](resolve): the target that a job means, and how many rows it may have

mod collation;
mod declared;
mod described;
mod names;
mod stored;

pub use collation::column_collation;
pub use declared::logical;
pub use described::{Described, DescribedColumn, IndexPart, UniqueIndex};
pub use names::{Named, SCHEMA, estimate, resolve};
pub use stored::{Binary, Cells, Stored, key_value};
