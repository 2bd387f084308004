//! A gateway written by hand, and the program as a process.

pub(crate) mod gateway;
pub(crate) mod program;
