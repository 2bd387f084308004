//! Standard output and standard error as log lines.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

use super::lines::Lines;
use super::{Level, Log};

/// Bytes that one write may bring.
const WRITE_BYTES: usize = 64 * 1024;

/// Which of the two.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stream {
    Output,
    Error,
}

/// What a guest writes to. Every clone continues the same line.
#[derive(Clone)]
pub(crate) struct Stdio(Arc<Sink>);

struct Sink {
    log: Log,
    stream: Stream,
    lines: Mutex<Lines>,
}

impl Stdio {
    pub(super) fn new(log: Log, stream: Stream) -> Stdio {
        Stdio(Arc::new(Sink { log, stream, lines: Mutex::default() }))
    }

    pub(super) fn take(&self, bytes: &[u8]) {
        let sink = &*self.0;
        let mut lines = sink.lines.lock().unwrap_or_else(PoisonError::into_inner);
        lines.feed(bytes, |line| sink.line(line));
    }
}

impl Sink {
    fn line(&self, line: &str) {
        let level = match self.stream {
            Stream::Output => Level::Info,
            Stream::Error => {
                self.log.keep(line);
                Level::Warn
            }
        };
        if !line.trim().is_empty() {
            self.log.emit(level, line, &[]);
        }
    }
}

impl Drop for Sink {
    fn drop(&mut self) {
        let mut lines = std::mem::take(self.lines.get_mut().unwrap_or_else(PoisonError::into_inner));
        lines.finish(|line| self.line(line));
    }
}

impl IsTerminal for Stdio {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Stdio {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

#[async_trait::async_trait]
impl Pollable for Stdio {
    async fn ready(&mut self) {}
}

impl OutputStream for Stdio {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.take(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES)
    }
}

impl AsyncWrite for Stdio {
    fn poll_write(self: Pin<&mut Self>, _cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.take(bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
