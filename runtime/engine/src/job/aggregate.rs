//! An aggregate that the database does not compute itself: one scan of its rows into the aggregator.

use async_trait::async_trait;
use connector_aggregate::{Aggregator, Memory, STATE_BYTES, Scan};
use connector_api::{CallContext, Chunks, RowSink, Session, SinkLimits};
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::json::Envelope;
use connector_model::request::Aggregate;

/// Computes the aggregate on the session, or of its rows where the session leaves some of it out, in the memory that
/// all jobs share.
///
/// # Errors
/// The session's; those of [`aggregate_by_scan`]; `RUNNER_BUSY` when other jobs hold the memory.
pub(super) async fn aggregate(
    session: &mut dyn Session,
    call: &CallContext,
    request: &Aggregate,
    out: &mut RowSink<'_>,
    memory: &Memory,
) -> Result<()> {
    if session.aggregates().serve(request) {
        return session.aggregate(call, request, out).await;
    }
    by_scan(session, call, request, out, memory).await
}

/// Computes the aggregate of the rows that the session's `query` writes, in bounded memory, whatever the session could
/// compute itself. Groups go to `out` as [`Session::aggregate`] writes them.
///
/// # Errors
/// `INVALID_JOB` naming the option; `UNSUPPORTED_JOB` for joins that the session does not have; `RESULT_TOO_LARGE`
/// when the groups need more than [`STATE_BYTES`], or one of them is larger than a row may be; the session's; those of [`Chunks::send`].
pub async fn aggregate_by_scan(
    session: &mut dyn Session,
    call: &CallContext,
    request: &Aggregate,
    out: &mut RowSink<'_>,
) -> Result<()> {
    by_scan(session, call, request, out, &Memory::default()).await
}

async fn by_scan(
    session: &mut dyn Session,
    call: &CallContext,
    request: &Aggregate,
    out: &mut RowSink<'_>,
    memory: &Memory,
) -> Result<()> {
    if !request.joins.is_empty() && !session.aggregates().joins {
        let message = format!("the connector of target \"{}\" joins no targets", request.target);
        return Err(Error::new(ErrorCode::UnsupportedJob, message).with("option", "joins"));
    }
    let own = session.introspect(call, &request.target).await?;
    let mut joined = Vec::with_capacity(request.joins.len());
    for (at, join) in request.joins.iter().enumerate() {
        let target = session.introspect(call, &join.target).await;
        joined.push(target.map_err(|error| error.with("option", format!("joins[{at}].target")))?);
    }
    let conventions = session.conventions();
    let scan = Scan::new(request, &own, &joined, conventions.clone())?;
    let aggregator = Aggregator::new(request, &scan, conventions, STATE_BYTES, memory)?;
    let mut rows = Rows { aggregator };
    let mut scanned = RowSink::new(&mut rows, SinkLimits::default());
    session.query(call, &scan.query, &mut scanned).await?;
    scanned.flush().await?;
    // Sorting some hundred thousand groups takes longer than a task may keep its thread.
    let finished = tokio::task::spawn_blocking(move || rows.aggregator.finish());
    let mut groups = call
        .run(finished)
        .await?
        .map_err(|_| Error::internal("the groups of an aggregate could not be finished"))??;
    let mut group = Vec::new();
    let limit = SinkLimits::default().row_bytes;
    while groups.write_next(&mut group) {
        if group.len() > limit {
            let message =
                format!("a group is {} bytes as JSON, the limit is {limit}; measure less of it", group.len());
            return Err(Error::new(ErrorCode::ResultTooLarge, message).with("limitBytes", limit as u64));
        }
        out.splice(1, &group)?;
        out.flush_if_full().await?;
        group.clear();
    }
    Ok(())
}

/// Takes a scan's rows, a chunk at a time: the scan waits while they are added, and is never ahead.
struct Rows {
    aggregator: Aggregator,
}

#[async_trait]
impl Chunks for Rows {
    fn envelope(&self) -> Envelope {
        Envelope::default()
    }

    async fn send(&mut self, chunk: Vec<u8>) -> Result<()> {
        self.aggregator.rows(&chunk)?;
        // A chunk takes a fraction of a millisecond; then it is the turn of others.
        tokio::task::yield_now().await;
        Ok(())
    }
}
