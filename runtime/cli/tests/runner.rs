//! The program as a process, against a gateway written by hand.

mod cases;
mod support;
