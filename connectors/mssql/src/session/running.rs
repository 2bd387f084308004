//! A statement under way: sent, then read item by item, or read to its end and thrown away.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_util::Stream;
use futures_util::future::BoxFuture;
use tiberius::{Query, QueryItem, QueryStream};
use tracing::Dispatch;

use crate::connect::{Client, Handle};

type Started<'c> = BoxFuture<'c, tiberius::Result<QueryStream<'c>>>;

/// A statement whose response has not been read to its end.
pub(super) struct Running<'c> {
    state: State<'c>,
    handle: Handle,
}

enum State<'c> {
    /// The request goes out; nothing has come back.
    Started(Started<'c>),
    /// The response is being read.
    Reading(Box<QueryStream<'c>>),
    /// All of the response has been read.
    Ended,
}

impl<'c> Running<'c> {
    /// A statement with parameters, by `sp_executesql`.
    pub(super) fn query(client: &'c mut Client, handle: &Handle, query: Query<'c>) -> Self {
        Running { state: State::Started(Box::pin(query.query(client))), handle: handle.clone() }
    }

    /// A text of its own.
    pub(super) fn batch(client: &'c mut Client, handle: &Handle, text: &'c str) -> Self {
        Running { state: State::Started(Box::pin(client.simple_query(text))), handle: handle.clone() }
    }

    /// The next row or the columns of the next result; nothing at the end. An error of the server comes last.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<tiberius::Result<QueryItem>>> {
        // The library logs what the server says of a failure, which may quote a value.
        tracing::dispatcher::with_default(&Dispatch::none(), || self.poll_item(cx))
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<tiberius::Result<QueryItem>>> {
        loop {
            let next = match &mut self.state {
                State::Ended => return Poll::Ready(None),
                State::Started(started) => match ready!(started.as_mut().poll(cx)) {
                    Ok(stream) => {
                        self.state = State::Reading(Box::new(stream));
                        continue;
                    }
                    Err(error) => Some(Err(error)),
                },
                State::Reading(stream) => ready!(Pin::new(stream.as_mut()).poll_next(cx)),
            };
            match next {
                // What comes from here on is another row's.
                Some(Ok(_)) => self.handle.row_ended(),
                _ => self.state = State::Ended,
            }
            return Poll::Ready(next);
        }
    }

    /// As [`Running::poll_next`].
    pub(super) async fn next(&mut self) -> Option<tiberius::Result<QueryItem>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }
}
