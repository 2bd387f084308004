//! How cost grows: it has to be flat or linear.

use anyhow::Result;

use crate::figure::Figure;
use crate::gateway::{Query, small, stream};
use crate::statistics::{grouped, median};
use crate::world::{REFERENCE, Route, Runner, World};

/// Streams at once. More than a pool's sessions wait in turn.
const STREAMS: [usize; 3] = [1, 4, 16];
/// Small jobs at once.
const JOBS: [usize; 4] = [1, 4, 16, 64];
/// Repetitions of a short result.
const TIMES: usize = 5;

pub(super) async fn measure(world: &World) -> Result<Vec<Figure>> {
    let mut runner = Runner::start_warm(world).await?;
    let session = &mut runner.session;
    let mut figures = Vec::new();
    let mut rows = 1_000;
    while rows <= world.plan.rows {
        let options = format!(r#"{{"limit":{rows},"includeTotal":false}}"#);
        let query =
            Query { kind: "query", source: Route::Direct.into(), target: REFERENCE, options: &options };
        let mut rates = Vec::new();
        for _ in 0..TIMES {
            rates.push(stream::query(session, query).await?.rate());
        }
        figures.push(Figure::new(
            format!("rows/s of a result of {} rows", grouped(f64::from(rows))),
            median(&rates),
            "rows/s",
        ));
        rows *= 10;
    }
    let tenth = (world.plan.rows / 10).to_string();
    let options = format!(r#"{{"limit":{tenth},"includeTotal":false}}"#);
    let query = Query { kind: "query", source: Route::Direct.into(), target: REFERENCE, options: &options };
    for at_once in STREAMS {
        let start = std::time::Instant::now();
        let results = stream::queries(session, query, at_once).await?;
        let rows: u64 = results.iter().map(|result| result.rows).sum();
        let rate = crate::statistics::rate(rows, start.elapsed());
        figures.push(Figure::new(format!("rows/s of {at_once} streams together"), rate, "rows/s"));
    }
    for at_once in JOBS {
        let until = small::Until::Time(world.plan.loop_time / 5);
        let done = small::jobs(session, world.plan.rows, Route::Direct, at_once, until).await?;
        figures.push(Figure::new(format!("small jobs/s, {at_once} at once"), done.rate(), "jobs/s"));
    }
    Ok(figures)
}
