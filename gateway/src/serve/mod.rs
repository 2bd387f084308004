//! The listener: connections, TLS, and HTTP on top.

mod connection;
mod listener;
mod tls;

pub(crate) use listener::{Listener, ListenerError};
