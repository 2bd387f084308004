//! RESP, the protocol of Redis, in its second and third version
//! (<https://redis.io/docs/latest/develop/reference/protocol-spec/>).
//!
//! Whatever a server sends, reading it takes no more memory than [`Bounds`] allow and no more stack than a few levels.

mod read;
mod write;

pub use read::{Bounds, Broken, Reader};
pub use write::{command, words};
