//! The first chunk of a large result, after the database's first row.

use std::time::Instant;

use anyhow::{Result, bail};

use crate::figure::Figure;
use crate::floor::{Statements, drain};
use crate::gateway::{Event, Query, Session};
use crate::statistics::{median, millis, percentile};
use crate::world::{Route, Runner, World};

/// Queries.
const TIMES: usize = 30;

pub(super) async fn measure(world: &World, statements: &Statements) -> Result<Vec<Figure>> {
    let client = world.client(Route::Direct).await?;
    // The same statement cut short: the first row comes as soon, and draining the rest takes no time.
    let statement = client.prepare(&format!("{} LIMIT 100000", statements.everything)).await?;
    let mut runner = Runner::start_warm(world).await?;
    let (mut rows, mut chunks) = (vec![], vec![]);
    for _ in 0..TIMES {
        rows.push(drain::rows(&client, &statement).await?.first);
        let start = Instant::now();
        let job = runner.session.job(Query::everything(Route::Direct)).await?;
        loop {
            if let Event::Chunk { .. } = runner.session.next().await? {
                break;
            }
        }
        chunks.push(start.elapsed());
        cancelled(&mut runner.session, job).await?;
    }
    let (rows, chunks) = (millis(&rows), millis(&chunks));
    let after = |share: f64| percentile(&chunks, share) - median(&rows);
    Ok(vec![
        Figure::new("first chunk after the database's first row, p50", after(0.5), "ms").at_most(20.0).note(
            format!("chunk after {:.2} ms, raw first row after {:.2} ms", median(&chunks), median(&rows)),
        ),
        Figure::new("the same, slowest of thirty", after(1.0), "ms"),
    ])
}

/// Cancels a job and reads on until it has ended.
pub(super) async fn cancelled(session: &mut Session, job: u64) -> Result<()> {
    session.cancel(job).await?;
    loop {
        match session.next().await? {
            Event::Failed(error) if error.code == runner_protocol::codes::CANCELLED => return Ok(()),
            Event::Failed(error) => bail!("a cancelled job failed: {} {}", error.code, error.message),
            Event::Done { .. } => return Ok(()),
            Event::Chunk { .. } | Event::Other => {}
        }
    }
}
