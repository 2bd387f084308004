//! Rows of a key-value store: what the Redis and the Upstash connector have in common.
//!
//! A target is a prefix: `users` is every key that begins with `users:`. A row is what is at such a key: a string that
//! holds a JSON object is its members, any other string one column `value`, a hash its fields; `_key` is the key. The
//! store neither filters nor sorts, so that is done here, in bounded memory.
//!
//! - [`commands`], [`reply`], [`refused`]: what is asked of a server, what it answers, what a refusal means
//! - [`name`], [`glob`]: targets and keys
//! - [`sweep`], [`seen`], [`keys`]: which keys there are: all, in the server's order; all, in theirs; these
//! - [`fetch`]: what is at them
//! - [`document`], [`cell`], [`halves`], [`row`]: a value as a row
//! - [`shape`], [`catalog`]: what columns there are
//! - [`condition`], [`flow`], [`ranked`], [`paging`]: the rows that are asked for
//! - [`session`]: requests to rows

pub mod catalog;
pub mod cell;
pub mod commands;
pub mod condition;
pub mod document;
pub mod fetch;
pub mod flow;
pub mod glob;
pub mod halves;
pub mod keys;
pub mod name;
pub mod paging;
pub mod ranked;
pub mod refused;
pub mod reply;
pub mod row;
pub mod seen;
pub mod session;
pub mod shape;
pub mod sweep;
#[cfg(test)]
mod testing;

pub use commands::{Command, Commands};
pub use reply::{Refusal, Reply};
pub use session::Keyspace;
