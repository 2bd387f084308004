//! A whole table page by page, against the same in one result.

use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use crate::figure::Figure;
use crate::gateway::{Event, Query, Session, small, stream};
use crate::statistics::{grouped, median, rate};
use crate::world::{REFERENCE, Route, Runner, World};

/// Rows of a page: what a `read` gives when nobody says, and a larger one.
const PAGES: [u64; 2] = [1_000, 10_000];

pub(super) async fn measure(world: &World) -> Result<Vec<Figure>> {
    let mut runner = Runner::start_warm(world).await?;
    let session = &mut runner.session;
    let expected = u64::from(world.plan.rows);
    let mut figures = Vec::new();
    for page in PAGES {
        let (mut costs, mut walks) = (vec![], vec![]);
        for _ in 0..world.plan.rounds.min(3) {
            // In the order of the pages: without one the database reads its pages as they lie.
            let ordered =
                Query { options: r#"{"orderBy":{"id":"asc"}}"#, ..Query::everything(Route::Direct) };
            let whole = stream::query(session, ordered).await?;
            let until = small::Until::Jobs(world.plan.single_jobs / 10);
            let trips = small::jobs(session, world.plan.rows, Route::Direct, 1, until).await?;
            let trip = median(&trips.latencies.iter().map(Duration::as_secs_f64).collect::<Vec<_>>());
            let start = Instant::now();
            let (rows, pages) = walk(session, page).await?;
            let walked = start.elapsed();
            ensure!(rows == expected, "the walk gave {rows} rows of {expected}");
            costs.push(walked.as_secs_f64() / (whole.elapsed.as_secs_f64() + trip * pages as f64));
            walks.push(rate(rows, walked));
        }
        figures.push(
            Figure::new(
                format!("a walk in pages of {page} rows ÷ (one unlimited query in that order + its round trips)"),
                median(&costs),
                "",
            )
            .at_most(1.10)
            .note(format!("{} rows/s", grouped(median(&walks))))
            .hint("each page plans its statement and begins its own transaction; see connectors/postgres/session"),
        );
    }
    Ok(figures)
}

/// Reads the whole table in pages; how many rows, how many pages.
async fn walk(session: &mut Session, limit: u64) -> Result<(u64, u64)> {
    let mut cursor: Option<String> = None;
    let (mut rows, mut pages) = (0, 0);
    loop {
        let options = match &cursor {
            None => format!(r#"{{"limit":{limit}}}"#),
            Some(cursor) => {
                format!(r#"{{"limit":{limit},"cursor":{}}}"#, serde_json::Value::from(cursor.as_str()))
            }
        };
        let query =
            Query { kind: "read", source: Route::Direct.into(), target: REFERENCE, options: &options };
        let (came, next) = page(session, query).await?;
        rows += came;
        pages += 1;
        match next {
            None => return Ok((rows, pages)),
            next => cursor = next,
        }
    }
}

async fn page(session: &mut Session, query: Query<'_>) -> Result<(u64, Option<String>)> {
    let page = session.job(query).await?;
    let mut owed = 0;
    loop {
        match session.next().await? {
            Event::Done { job, rows, next } if job == page => return Ok((rows, next)),
            Event::Chunk { job, frame } => session.taken(job, &mut owed, frame.len()).await?,
            Event::Failed(error) => bail!("a page failed: {} {}", error.code, error.message),
            Event::Done { .. } | Event::Other => {}
        }
    }
}
