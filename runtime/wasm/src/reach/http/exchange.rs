//! One request and the head of its answer.

use std::sync::Arc;
use std::time::Duration;

use dial::TlsOptions;
use http::{HeaderMap, Request, Response};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::answer::Answer;
use super::failure;
use super::idle::{Idle, Wire};
use super::target::Target;
use crate::reach::outbound::{CONNECT_TIMEOUT, Failure, Line, Outbound, Slot};

/// Bytes of an answer's head, and of its trailers: many times what servers send.
const MAX_HEAD: usize = 128 * 1024;

/// Bytes that are read ahead of the guest.
const READ_AHEAD: usize = 256 * 1024;

/// How long a connection waits for the next request when the server does not say: below what common servers and
/// balancers allow (60 s and more), since a request on a connection that is just being closed is lost.
const IDLE: Duration = Duration::from_secs(30);

/// Taken off the time that a server announces, for the way there.
const MARGIN: Duration = Duration::from_secs(1);

/// Sends a request over a connection that waits, or a new one, and waits for the head of the answer.
pub(super) async fn send(
    outbound: &Outbound,
    idle: &Arc<Idle>,
    mut request: Request<WasiBody>,
    options: RequestOptions,
) -> Result<Response<WasiBody>, Error> {
    let target = Target::of(&request, outbound)?;
    target.write_head(&mut request)?;
    let first_byte = options.first_byte_timeout.unwrap_or(Duration::MAX);
    loop {
        let waited = idle.take(&target).await;
        let is_new = waited.is_none();
        let mut wire = match waited {
            Some(wire) => wire,
            None => {
                connect(outbound, idle, &target, options.connect_timeout.unwrap_or(CONNECT_TIMEOUT)).await?
            }
        };
        let limit = first_byte.min(outbound.remaining());
        let sent = timeout(limit, wire.sender.try_send_request(request)).await;
        match sent.map_err(|_| Error::HttpResponseTimeout)? {
            Ok(response) => return Ok(answer(response, wire, idle, options.between_bytes_timeout)),
            Err(mut unsent) => match unsent.take_message() {
                // The server closed the connection while it waited, and has seen nothing of the request.
                Some(back) if !is_new => request = back,
                _ => return Err(failure::of_hyper(unsent.error())),
            },
        }
    }
}

fn answer(
    response: Response<Incoming>,
    wire: Wire,
    idle: &Arc<Idle>,
    between: Option<Duration>,
) -> Response<WasiBody> {
    let until = Instant::now() + idle_time(response.headers());
    response.map(|incoming| Answer::new(incoming, wire, idle.clone(), until, between).boxed_unsync())
}

/// What the server says that it waits (`Keep-Alive: timeout=5, max=100`), and half a minute at most.
fn idle_time(headers: &HeaderMap) -> Duration {
    let announced = headers.get("keep-alive").and_then(|value| value.to_str().ok()).and_then(|value| {
        let timeout = value.split(',').find_map(|part| part.trim().strip_prefix("timeout="))?;
        timeout.trim().parse().ok().map(Duration::from_secs)
    });
    announced.map_or(IDLE, |announced| announced.saturating_sub(MARGIN).min(IDLE))
}

async fn connect(outbound: &Outbound, idle: &Idle, target: &Target, limit: Duration) -> Result<Wire, Error> {
    let deadline = Instant::now().checked_add(limit);
    let (host, port) = (target.to.host(), target.to.port());
    let line = match outbound.connect(host, port, limit).await {
        Err(Failure::TooMany) => {
            idle.clear();
            outbound.connect(host, port, limit).await
        }
        outcome => outcome,
    };
    let Line { stream, leads_to, slot } = line.map_err(|failure| failure::of_dial(&failure))?;
    if !target.tls {
        return speak(stream, target, slot).await;
    }
    let options = TlsOptions { alpn: vec![b"http/1.1".to_vec()], ..TlsOptions::default() };
    let left = deadline.map_or(limit, |deadline| deadline.saturating_duration_since(Instant::now()));
    let encrypted = outbound.encrypt(stream, &leads_to, &slot, &options, left).await;
    speak(encrypted.map_err(|failure| failure::of_dial(&failure))?, target, slot).await
}

async fn speak<S>(stream: S, target: &Target, slot: Slot) -> Result<Wire, Error>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let handshake = http1::Builder::new()
        .max_buf_size(READ_AHEAD)
        .max_header_size(MAX_HEAD)
        .handshake(TokioIo::new(stream))
        .await;
    let (sender, connection) = handshake.map_err(|error| failure::of_hyper(&error))?;
    // Whatever ends the connection reaches the request or the body that waits for it.
    let driver = tokio::spawn(async move { drop(connection.await) });
    Ok(Wire { target: target.clone(), sender, _driver: AbortOnDropHandle::new(driver), _slot: slot })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_how_long_it_waits() {
        let time = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert("keep-alive", value.parse().unwrap());
            idle_time(&headers)
        };
        assert_eq!(idle_time(&HeaderMap::new()), IDLE);
        assert_eq!(time("timeout=5"), Duration::from_secs(4));
        assert_eq!(time("max=9, timeout=10"), Duration::from_secs(9));
        assert_eq!(time("timeout=0"), Duration::ZERO);
        assert_eq!(time("timeout=86400"), IDLE);
        assert_eq!(time("timeout=x"), IDLE);
    }
}
