//! The body of an answer, as it arrives.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use tokio::time::{Instant, Sleep, sleep};
use wasmtime_wasi_http::Error;

use super::failure;
use super::idle::{Idle, Wire};

/// What arrives of a body. At its end the connection may serve again; dropped before, it closes the connection.
pub(super) struct Answer {
    incoming: Incoming,
    wire: Option<Wire>,
    idle: Arc<Idle>,
    /// When the connection is too old to be used again.
    until: Instant,
    /// What may pass between two pieces while the guest waits.
    between: Option<Duration>,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Answer {
    pub(super) fn new(
        incoming: Incoming,
        wire: Wire,
        idle: Arc<Idle>,
        until: Instant,
        between: Option<Duration>,
    ) -> Answer {
        let mut answer = Answer { incoming, wire: Some(wire), idle, until, between, waiting: None };
        answer.release_at_end();
        answer
    }

    fn release_at_end(&mut self) {
        if self.incoming.is_end_stream() {
            self.release();
        }
    }

    fn release(&mut self) {
        if let Some(wire) = self.wire.take() {
            self.idle.put(wire, self.until);
        }
    }
}

impl Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = &mut *self;
        match Pin::new(&mut this.incoming).poll_frame(cx) {
            Poll::Ready(frame) => {
                this.waiting = None;
                Poll::Ready(match frame {
                    Some(Ok(frame)) => {
                        this.release_at_end();
                        Some(Ok(frame))
                    }
                    Some(Err(error)) => {
                        this.wire = None;
                        Some(Err(failure::of_hyper(&error)))
                    }
                    None => {
                        this.release();
                        None
                    }
                })
            }
            Poll::Pending => {
                let Some(between) = this.between else { return Poll::Pending };
                let waiting = this.waiting.get_or_insert_with(|| Box::pin(sleep(between)));
                std::task::ready!(waiting.as_mut().poll(cx));
                this.wire = None;
                Poll::Ready(Some(Err(Error::ConnectionReadTimeout)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.size_hint()
    }
}
