//! One request on one session.

use async_trait::async_trait;
use connector_aggregate::Memory;
use connector_api::{CallContext, Chunks, Page, RowSink, Session, SinkLimits};
use connector_model::error::{Error, Result};
use connector_model::json::Envelope;
use connector_model::request::Request;

use super::reply::{Done, Reply};
use crate::admission::Slot;
use crate::measured::Tally;

/// A chunk of this many bytes belongs to a result that fills chunks, not to a small job's only one.
const LARGE_CHUNK: usize = 32 * 1024;

/// A reply whose waits end with the job's, and that makes way for other jobs.
struct BoundedChunks<'a> {
    reply: &'a mut dyn Reply,
    /// Whether chunks hold groups instead of rows.
    groups: bool,
    call: &'a CallContext,
    slot: &'a Slot,
}

#[async_trait]
impl Chunks for BoundedChunks<'_> {
    fn envelope(&self) -> Envelope {
        if self.groups { self.reply.aggregate_envelope() } else { self.reply.envelope() }
    }

    async fn send(&mut self, chunk: Vec<u8>) -> Result<()> {
        let large = chunk.len() >= LARGE_CHUNK;
        self.call.run(self.reply.send(chunk)).await.map_err(|stopped| stopped.with("stage", "send"))??;
        // A result whose rows and whose socket never make it wait would keep its thread for milliseconds on end, and a
        // small job behind it. Alone it may: giving the thread back costs a large result a twentieth of its speed.
        if large && !self.slot.is_alone() {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

/// Runs the request, sending rows as they come. What is computed here is computed in `memory`.
///
/// # Errors
/// The session's, or those of [`Chunks::send`].
pub(crate) async fn run(
    session: &mut dyn Session,
    call: &CallContext,
    request: &Request,
    tally: &Tally,
    reply: &mut dyn Reply,
    slot: &Slot,
    memory: &Memory,
) -> Result<Done> {
    // A job that was stopped while it waited costs the database nothing.
    call.check()?;
    match request {
        Request::Count(count) => {
            let counted = session.count(call, count).await?;
            call.run(reply.total(counted)).await.map_err(|stopped| stopped.with("stage", "send"))??;
            return Ok(Done::default());
        }
        Request::Test => {
            session.ping(call).await?;
            return Ok(Done::default());
        }
        _ => {}
    }
    let groups = matches!(request, Request::Aggregate(_));
    let mut chunks = BoundedChunks { reply, groups, call, slot };
    let mut out = RowSink::new(&mut chunks, SinkLimits::default());
    let page = rows(session, call, request, &mut out, memory).await;
    let flushed = if page.is_ok() { out.flush().await.map(|_| ()) } else { Ok(()) };
    // Once for the job, whichever way it ends.
    tally.sent(out.rows(), out.bytes());
    let page = page?;
    flushed?;
    Ok(Done {
        rows: out.rows(),
        bytes: out.bytes(),
        duration_ms: 0,
        next_cursor: page.next_cursor,
        cursor_kind: page.cursor_kind,
        total: page.total,
    })
}

async fn rows(
    session: &mut dyn Session,
    call: &CallContext,
    request: &Request,
    out: &mut RowSink<'_>,
    memory: &Memory,
) -> Result<Page> {
    match request {
        Request::Read(read) => session.read(call, read, out).await,
        Request::Query(query) => session.query(call, query, out).await,
        Request::Aggregate(aggregate) => {
            super::aggregate::aggregate(session, call, aggregate, out, memory).await?;
            Ok(Page::default())
        }
        Request::ListTargets => {
            for target in session.list_targets(call).await? {
                object(out, &target).await?;
            }
            Ok(Page::default())
        }
        Request::Introspect(target) => {
            let schema = session.introspect(call, target).await?;
            object(out, &schema).await?;
            Ok(Page::default())
        }
        Request::Count(_) | Request::Test => Err(Error::internal("a job without rows was run for its rows")),
    }
}

async fn object(out: &mut RowSink<'_>, row: &impl serde::Serialize) -> Result<()> {
    let json =
        serde_json::to_vec(row).map_err(|error| Error::internal(format!("a row is no JSON: {error}")))?;
    out.splice(1, &json)?;
    out.flush_if_full().await.map(|_| ())
}
