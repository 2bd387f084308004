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
use crate::policy::{Guard, Left, Limit};

/// A chunk of this many bytes belongs to a result that fills chunks, not to a small job's only one.
const LARGE_CHUNK: usize = 32 * 1024;

/// What a request runs in.
pub(crate) struct Around<'a> {
    /// What bounds it.
    pub(crate) call: &'a CallContext,
    /// Its place among the running jobs.
    pub(crate) slot: &'a Slot,
    /// What is computed here is computed in this.
    pub(crate) memory: &'a Memory,
    /// What the policy makes of its answer.
    pub(crate) guard: Guard<'a>,
    /// How much of it may leave.
    pub(crate) limit: Limit<'a>,
    /// How much of it has left.
    pub(crate) left: &'a Left,
}

/// A reply whose waits end with the job's, that makes way for other jobs, and that takes no more than may leave.
struct BoundedChunks<'a> {
    reply: &'a mut dyn Reply,
    /// Whether chunks hold groups instead of rows.
    groups: bool,
    around: &'a Around<'a>,
}

#[async_trait]
impl Chunks for BoundedChunks<'_> {
    fn envelope(&self) -> Envelope {
        if self.groups { self.reply.aggregate_envelope() } else { self.reply.envelope() }
    }

    async fn send(&mut self, chunk: Vec<u8>) -> Result<()> {
        self.send_rows(chunk, 0).await
    }

    async fn send_rows(&mut self, chunk: Vec<u8>, rows: u32) -> Result<()> {
        let Around { call, slot, limit, left, .. } = self.around;
        let (rows, bytes) = (u64::from(rows), chunk.len() as u64);
        limit.allow(left, rows, bytes)?;
        let large = chunk.len() >= LARGE_CHUNK;
        call.run(self.reply.send(chunk)).await.map_err(|stopped| stopped.with("stage", "send"))??;
        left.add(rows, bytes);
        // A result whose rows and whose socket never make it wait would keep its thread for milliseconds on end, and a
        // small job behind it. Alone it may: giving the thread back costs a large result a twentieth of its speed.
        if large && !slot.is_alone() {
            tokio::task::yield_now().await;
        }
        Ok(())
    }
}

/// Runs the request, sending rows as they come.
///
/// # Errors
/// The session's, or those of [`Chunks::send`]; `RESULT_TOO_LARGE` for more than may leave.
pub(crate) async fn run(
    session: &mut dyn Session,
    request: &Request,
    tally: &Tally,
    reply: &mut dyn Reply,
    around: &Around<'_>,
) -> Result<Done> {
    let Around { call, guard, .. } = around;
    // A job that was stopped while it waited costs the database nothing.
    call.check()?;
    match request {
        Request::Count(count) => {
            let counted = session.count(call, count).await.map_err(|error| guard.quiet(error))?;
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
    let mut chunks = BoundedChunks { reply, groups, around };
    let out = RowSink::new(&mut chunks, SinkLimits::default());
    // Groups and catalogues have no columns: what they may show was judged before.
    let mut out = match request {
        Request::Read(_) | Request::Query(_) => out.with_rules(guard.rules()),
        _ => out,
    };
    let page = rows(session, request, &mut out, around).await.map_err(|error| guard.quiet(error));
    let flushed = if page.is_ok() { out.flush().await.map(|_| ()) } else { Ok(()) };
    // Once for the job, whichever way it ends.
    tally.sent(out.rows(), out.bytes());
    let page = page?;
    flushed?;
    let page = guard.page(page);
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
    request: &Request,
    out: &mut RowSink<'_>,
    around: &Around<'_>,
) -> Result<Page> {
    let Around { call, guard, memory, .. } = around;
    match request {
        Request::Read(read) => session.read(call, read, out).await,
        Request::Query(query) => session.query(call, query, out).await,
        Request::Aggregate(aggregate) => {
            super::aggregate::aggregate(session, call, aggregate, out, memory).await?;
            Ok(Page::default())
        }
        Request::ListTargets => {
            for target in guard.listed(session.list_targets(call).await?) {
                object(out, &target).await?;
            }
            Ok(Page::default())
        }
        Request::Introspect(target) => {
            let schema = guard.introspected(session, call, target).await?;
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
