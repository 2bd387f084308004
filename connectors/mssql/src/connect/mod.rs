//! Opening a session, stage by stage.
//!
//! TLS inside of SQL Server's protocol begins after a first exchange in clear, and its handshake travels in packets.
//! Both are done here, so that the dialler's roots, checks and errors hold; the library is then told that the server
//! has no TLS, and speaks on the protected stream.

mod browser;
mod handshake;
mod login;
mod packets;
mod port;
mod prelogin;
mod shared;
mod wire;

pub(crate) use login::{Client, Login, open};
pub(crate) use port::Handle;
