//! The conformance suite as a library: what a connector answers, held against the oracle.
//!
//! A [`Subject`] creates tables in the engine under test and opens sessions. The suite fills it with generated and
//! with fixed tables, sends jobs through the same parser that real jobs take, and compares every answer with what
//! `connector-memory` answers to the same job over the same rows. What a connector declares decides what it is
//! asked; what it does not declare it has to refuse.
//!
//! - [`subject`]: what the suite is handed
//! - [`ddl`]: tables as SQL, for the engines that take SQL
//! - [`generate`]: tables, rows and jobs, from a seed
//! - [`job`]: a job, and what became of it
//! - [`executor`]: who answers it: a session, or a runner with one
//! - [`oracle`], [`judge`], [`groups`]: what should have become of it, and whether it did
//! - [`mod@bench`]: one dataset in the subject and in the oracle, side by side
//! - [`walk`]: reading a result page by page
//! - [`cases`]: what no generator should have to find by luck
//! - [`mod@run`], [`report`]: everything at once, and what came of it
//! - [`mod@existing`]: the suite over a target that exists already
//! - [`stamp`]: the suite as tests, by [`conformance_tests!`]

pub mod bench;
pub mod cases;
pub mod ddl;
pub mod executor;
pub mod existing;
pub mod generate;
pub mod groups;
pub mod job;
pub mod judge;
pub mod oracle;
pub mod report;
pub mod run;
pub mod stamp;
pub mod subject;
pub mod walk;

pub use executor::{Executor, OfSession};
pub use existing::{ExistingOptions, ExistingReport, Sessions, existing};
pub use report::{Failure, Report};
pub use run::{RunOptions, run};
pub use subject::{Change, Range, StoredType, Subject, SubjectError};
