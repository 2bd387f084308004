//! A gateway and a collector written by hand, and the program as a process.

pub(crate) mod collector;
pub(crate) mod gateway;
pub(crate) mod program;
