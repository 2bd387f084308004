//! Cases that no generator should have to find by luck.
//!
//! - [`filters`]: the contract's `where` table, row by row
//! - [`paging`]: limits, cursors of every kind, results larger than any buffer
//! - [`options`]: options of the wrong shape, names that do not exist
//! - [`injection`]: SQL in every place that takes a name or a value
//! - [`catalogue`]: what can be read, and what it looks like
//! - `keys`: pages by a key of every type
//! - `changing`: rows that come and go between pages
//! - [`aggregates`]: groups, measures, joins, and aggregates that cannot be
//! - [`capabilities`]: what is declared works, what is not declared is refused

pub mod aggregates;
pub mod capabilities;
pub mod catalogue;
mod changing;
pub mod filters;
pub mod injection;
mod keys;
pub mod options;
pub mod paging;
mod tables;
