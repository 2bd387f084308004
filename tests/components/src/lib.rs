//! Components, built and loaded as an operator would have them, for the tests.
//!
//! - [`open`]: a component by its name, a source of it, a session
//! - [`as_written`]: a session for the conformance suite
//! - [`mod@job`]: a job through a session, its rows as JSON
//! - [`keyspace`]: tables of the conformance suite as keys and values

pub mod as_written;
pub mod job;
pub mod keyspace;
pub mod open;

pub use as_written::AsWritten;
pub use job::{Answer, job};
pub use open::{Opening, component, guest, source};
