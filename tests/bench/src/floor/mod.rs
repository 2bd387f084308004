//! What the machine does without the runner: the same statements, raw.

mod apart;
pub(crate) mod drain;
pub(crate) mod echo;
pub(crate) mod lookup;
pub(crate) mod pool;
mod statements;

pub(crate) use apart::apart;
pub(crate) use statements::Statements;
