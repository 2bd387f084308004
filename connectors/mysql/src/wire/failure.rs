//! What can go wrong on a connection.

use std::io;

/// Why something came to no good end.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The server said no; the connection goes on.
    Refused(ServerError),
    /// The connection is gone.
    Lost(io::Error),
    /// What came is not the protocol; the connection is of no more use.
    Garbled(&'static str),
    /// A packet is larger than this side is ready to hold; the connection is of no more use.
    TooLarge(usize),
}

/// An error packet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ServerError {
    /// The server's own number of it.
    pub(crate) number: u16,
    /// Its SQLSTATE, empty where the server sent none.
    pub(crate) state: String,
    /// What it says to a person.
    pub(crate) message: String,
}

/// A packet that ends too early or says what the protocol does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

impl From<Malformed> for Failure {
    fn from(_: Malformed) -> Self {
        Failure::Garbled("a packet is not what the protocol says")
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Failure::Lost(error)
    }
}
