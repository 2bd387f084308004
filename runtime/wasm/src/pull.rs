//! A result pulled out of a guest into the sink.

use connector_api::{RowSink, SinkLimits};
use connector_model::cursor::CursorKind;
use wasmtime::component::ResourceAny;

use crate::answered;
use crate::batch;
use crate::bindings::semilayer::connector::types::{RowBatch, Step};
use crate::failure::Failure;
use crate::instance::{Instance, Outcome};

/// The longest text that is taken for a cursor, in bytes: it goes into one frame, and comes back in a job's options.
const MAX_CURSOR_BYTES: usize = 64 * 1024;

/// How a result ended.
#[derive(Debug, Default)]
pub(crate) struct Pulled {
    /// How many rows it had.
    pub(crate) rows: u64,
    /// Where the next page begins, if the limit cut it.
    pub(crate) next: Option<(String, CursorKind)>,
}

/// Pulls a result to its end, and gives it back to the guest.
pub(crate) async fn pull(
    instance: &mut Instance,
    rows: ResourceAny,
    out: &mut RowSink<'_>,
) -> Outcome<Pulled> {
    let columns = instance.columns(rows).await?;
    out.columns(&columns);
    let before = out.rows();
    let outcome = steps(instance, rows, out).await;
    // After any failure the session is not used again, and what it holds goes with it.
    if outcome.is_ok() {
        instance.release(rows).await?;
    }
    Ok(Pulled { rows: out.rows() - before, next: outcome? })
}

async fn steps(
    instance: &mut Instance,
    rows: ResourceAny,
    out: &mut RowSink<'_>,
) -> Outcome<Option<(String, CursorKind)>> {
    let limits = SinkLimits::default();
    let max_bytes = u32::try_from(limits.chunk_bytes).unwrap_or(u32::MAX);
    loop {
        let step = out.wait(instance.next(rows, max_bytes)).await.map_err(Failure::Refused)?;
        match step.map_err(midway)? {
            Step::Batch(RowBatch { rows, payload }) => {
                batch::check(rows, &payload, limits.row_bytes).map_err(Failure::Malformed)?;
                out.splice(rows, &payload).map_err(Failure::Refused)?;
                out.flush_if_full().await.map_err(Failure::Refused)?;
                // A guest that always has an answer at hand would never let another job have its turn.
                tokio::task::consume_budget().await;
            }
            Step::End(page) => {
                let Some(cursor) = page.next_cursor else { return Ok(None) };
                if cursor.text.len() > MAX_CURSOR_BYTES {
                    let what =
                        format!("its cursor has {} bytes, more than {MAX_CURSOR_BYTES}", cursor.text.len());
                    return Err(Failure::Contract(what));
                }
                return Ok(Some((cursor.text, answered::cursor_kind(cursor.kind))));
            }
        }
    }
}

/// The server may have more rows under way, and the guest may have left them there: the next job of this session would
/// be handed the rest of this one's.
fn midway(failure: Failure) -> Failure {
    match failure {
        Failure::Guest(error) => Failure::Midway(error),
        failure => failure,
    }
}
