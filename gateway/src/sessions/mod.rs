//! Runners' sockets: how they are let in, kept alive, and closed.
//!
//! [`connect`] lets a socket in, `serve` runs it from `hello` to its close, [`Session`] is what the rest of the gateway
//! sees of it, [`Inbox`] is where the frames of one job wait, `lease` keeps the store's picture of it true.

#[cfg(test)]
pub(crate) mod fixture;

mod connect;
mod credentials;
mod inbox;
mod lease;
mod offered;
mod reading;
mod registry;
mod serve;
mod session;
mod unsent;
mod writing;

pub(crate) use connect::connect;
pub(crate) use inbox::{Delivery, Inbox};
pub(crate) use lease::keep_leases;
pub(crate) use offered::Offered;
pub(crate) use registry::Registry;
pub(crate) use session::{Closing, NotTaken, Session};
