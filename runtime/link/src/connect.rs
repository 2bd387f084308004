//! Where a session's byte stream comes from.

use std::io;

use async_trait::async_trait;
use dial::{BoxedStream, DialError};
use thiserror::Error;

/// Makes the stream that the WebSocket runs over: connected, and encrypted where the URL asks for it.
#[async_trait]
pub trait Connect: Send + Sync {
    /// Opens one stream. Bounds its own time.
    ///
    /// # Errors
    /// Says at which stage it failed.
    async fn connect(&self) -> Result<BoxedStream, ConnectError>;
}

/// The stream could not be made.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// A stage of the runner's dialer failed.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// Any other stream failed.
    #[error("connection failed: {}", .0.kind())]
    Io(#[from] io::Error),
    /// It took too long.
    #[error("no connection within {0} s")]
    TimedOut(u64),
}
