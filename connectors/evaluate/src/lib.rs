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
//! - [`table`]: a target's columns and key
//! - [`evaluator`], [`order`], [`answer`], `gather`, `since`: which rows, in what order, and which page of them

pub mod answer;
pub mod condition;
pub mod cut;
pub mod evaluator;
pub mod field;
mod gather;
pub mod order;
pub mod pattern;
mod since;
pub mod table;
pub mod value;

pub use answer::{Answer, Page};
pub use evaluator::Evaluator;
pub use order::RowOrder;
pub use table::Table;
