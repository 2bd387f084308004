//! Stopping what a session's server process is doing.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use connector_model::error::{Error, Result};
use dial::{BoxedStream, Dialer};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};
use tokio_postgres::CancelToken;

use super::established::Established;
use super::wire::Route;

/// How long a cancel request may take in all.
const LIMIT: Duration = Duration::from_secs(5);

/// How to reach the server process of one session with a cancel request.
#[derive(Clone)]
pub(crate) struct CancelRoute {
    pub(super) dialer: Dialer,
    pub(super) route: Route,
    pub(super) token: CancelToken,
}

impl CancelRoute {
    /// Asks the server to stop the running statement, on a new connection to the same address, and waits until the
    /// server has passed the request on: a late one could hit the session's next statement.
    ///
    /// # Errors
    /// `SOURCE_UNREACHABLE` when the request did not get through.
    pub(crate) async fn cancel(&self) -> Result<()> {
        let request = async {
            let mut stream = Held(self.route.again(&self.dialer, LIMIT).await?);
            let sent = self.token.cancel_query_raw(&mut stream, Established::default()).await;
            sent.map_err(|error| crate::error::failed(&error, connector_api::Stage::Query))?;
            // The server closes the connection once the signal is sent; how it does so does not matter.
            let _ = stream.read(&mut [0; 16]).await;
            Ok(())
        };
        match tokio::time::timeout(LIMIT, request).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::internal("the cancel request took too long")),
        }
    }
}

/// A stream whose sending side stays open when the library closes it: PgBouncer 1.18 takes that for a caller who has
/// gone away, and drops a request that it has not passed on yet.
struct Held(BoxedStream);

impl AsyncRead for Held {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buf)
    }
}

impl AsyncWrite for Held {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.poll_flush(cx)
    }
}
