//! Aggregates over a stream of rows, in bounded memory, for what a database cannot compute itself.
//!
//! A [`Scan`] is the one query that is needed: the columns that the aggregate looks at, filtered in the database. An
//! [`Aggregator`] takes the rows that it wrote, as JSON and piece by piece, and gives [`Groups`], each an object
//! `{"dims":{…},"measures":{…},"count":n}`, the same that a database would give which computes the aggregate itself:
//!
//! - whole numbers and decimals are added up exactly, whatever their length; sums of doubles are compensated and
//!   depend on the order of the rows in their last digits only;
//! - `min`, `max`, `first`, `last` and the keys of `top_k` are the column's own JSON, unchanged;
//! - rows that `first` and `last` cannot tell apart by the change-tracking column go by the primary key, ascending;
//! - groups come in the job's order, ties and all that is not ordered by their dimensions, ascending; NULL stands
//!   where it does in the database;
//! - a sample takes the rows whose key hashes below the share: the same rows each time, in whatever order they come.
//!   A target without a primary key is sampled by the looks of its whole rows, so that equal rows go together.
//!
//! What differs from a database: texts are one group when their characters are equal, where a database goes by its
//! collation, which may take `a` and `A` for the same; they are ordered by code point. Texts in a `where` of a measure
//! fold case in ASCII only, or letter by letter in all of Unicode where the database does. A value that has no JSON form (NaN, an infinite date) is NULL here.
//!
//! All state is counted against one limit ([`STATE_BYTES`]); what needs more is `RESULT_TOO_LARGE`. All aggregates that
//! share a [`Memory`] are counted against its size too; what finds it in others' hands is `RUNNER_BUSY`. With
//! `accuracy: "fast"` the state of a group has a fixed size: HyperLogLog for `count_distinct`, a t-digest for
//! `percentile`, a space-saving sketch for `top_k`.
//!
//! - `scan`: the query
//! - `groups`: rows in, groups out
//! - `plan`: the request over the columns of the scan
//! - `dimension`, `measure`: what is done with a row
//! - `memory`: what aggregates hold together
//! - `budget`, `hash`

mod budget;
mod dimension;
mod groups;
mod hash;
mod measure;
mod memory;
mod plan;
mod scan;

pub use budget::STATE_BYTES;
pub use groups::{Aggregator, Groups};
pub use memory::{Memory, SHARED_BYTES};
pub use scan::Scan;
