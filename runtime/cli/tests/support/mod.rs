//! A gateway written by hand, the program as a process, and what it packs.

pub(crate) mod bundle;
pub(crate) mod gateway;
pub(crate) mod program;
