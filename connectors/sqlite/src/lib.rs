//! The SQLite driver: a thread per session, read-only, interrupt.
//!
//! SQLite is a library that blocks, so every session owns a thread. A request runs there from beginning to end:
//! names are looked up, SQL is made and stepped, rows become JSON. The async side takes the rows over in blocks and
//! passes a cancel or a deadline on.
//!
//! - [`config`](Sqlite): the manifest, the settings, and the forms in which a file is named
//! - `connect`: opening the file, and what can be wrong with it
//! - `worker`: the thread; `flow`: rows and the wish to stop, between the thread and the async side
//! - `catalog`: tables, views, columns and keys
//! - `session`: the async side; `answer` and `groups`: requests on the thread
//! - `types`: cells as the library hands them out, parameters
//! - `error`: result codes to error codes

mod answer;
mod catalog;
mod config;
mod connect;
mod error;
mod flow;
mod groups;
mod location;
mod session;
mod source;
mod types;
mod worker;

pub use source::Sqlite;
