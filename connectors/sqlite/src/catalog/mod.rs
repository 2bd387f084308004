//! Tables, views, their columns and keys, from SQLite's own pragmas (sqlite.org/pragma.html).

mod cache;
mod describe;
mod key;
mod names;

pub(crate) use cache::Catalog;
pub(crate) use describe::describe;
pub(crate) use names::{estimates, list, resolve};
