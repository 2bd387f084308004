//! The `where` language, orders and pages over rows of JSON, for what a source cannot do itself.
//!
//! Rows are JSON objects as a connector writes them; each value is read by the logical type of its column. What comes out
//! is what a database would answer: NULL in three-valued logic, numbers by their value whatever form they have, cursors
//! that resume where a page ended.
//!
//! - [`cut`]: row objects to cells
//! - [`value`]: cells to typed values, and their order
//! - [`field`]: columns by name and type
//! - [`condition`], [`pattern`]: a filter over a row

pub mod condition;
pub mod cut;
pub mod field;
pub mod pattern;
pub mod value;
