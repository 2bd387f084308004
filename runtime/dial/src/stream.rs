//! A byte stream, whatever it runs over.

use tokio::io::{AsyncRead, AsyncWrite};

/// Anything bytes can be read from and written to: TCP, TLS over TCP, a Unix socket, an in-memory pipe.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin + ?Sized> Stream for T {}

/// A stream whose kind is decided at run time.
pub type BoxedStream = Box<dyn Stream>;
