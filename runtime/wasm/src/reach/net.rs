//! Connections that the host makes.

/// One connection that a guest holds.
#[allow(missing_debug_implementations, reason = "a stream shows nothing")]
pub struct Connection {
    pub(super) stream: dial::BoxedStream,
}
