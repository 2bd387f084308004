//! Small jobs while four unlimited queries stream on the same socket.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use futures_util::future::try_join_all;

use crate::figure::Figure;
use crate::floor::{Statements, apart, drain, lookup};
use crate::gateway::small::{self, Until};
use crate::gateway::stream::Background;
use crate::gateway::{Event, Query};
use crate::keys::Keys;
use crate::statistics::{median, millis, percentile};
use crate::world::{Route, Runner, World, connect};

/// Streams at once.
const STREAMS: usize = 4;

pub(super) async fn measure(world: &World, statements: &Statements) -> Result<Vec<Figure>> {
    let plan = world.plan;
    let mut runner = Runner::start_warm(world).await?;
    let jobs = plan.jobs_beside_streams;
    let alone = small::jobs(&mut runner.session, plan.rows, Route::Direct, 1, Until::Jobs(jobs)).await?;
    let beside = beside_streams(&mut runner, plan.rows, jobs).await?;
    let raw_alone = lookup::lookups(world, &statements.by_key, jobs).await?;
    let raw_beside = raw_beside_drains(world, statements, jobs).await?;

    let p99 = |times: &[Duration]| percentile(&millis(times), 0.99);
    let p50 = |times: &[Duration]| median(&millis(times));
    let alone = alone.latencies;
    Ok(vec![
        Figure::new("small job's p99 beside four streams ÷ alone", p99(&beside) / p99(&alone), "")
            .at_most(5.0)
            .note(format!(
                "{:.2} ms against {:.2} ms; p50 {:.2} ms against {:.2} ms",
                p99(&beside),
                p99(&alone),
                p50(&beside),
                p50(&alone)
            ))
            .hint(
                "compare the next line: what the scheduler alone does to a raw lookup beside four raw drains",
            ),
        Figure::new(
            "the same without a runner: raw lookup beside four raw drains ÷ alone",
            p99(&raw_beside) / p99(&raw_alone),
            "",
        )
        .note(format!("{:.2} ms against {:.2} ms", p99(&raw_beside), p99(&raw_alone))),
    ])
}

async fn beside_streams(runner: &mut Runner, rows: u32, jobs: u64) -> Result<Vec<Duration>> {
    let session = &mut runner.session;
    let mut streams = Background::start(session, Query::everything(Route::Direct), STREAMS).await?;
    let mut keys = Keys::new(rows);
    let mut times = Vec::new();
    let mut begun = Instant::now();
    let mut current = small::feed(session, Route::Direct, keys.next()).await?;
    while (times.len() as u64) < jobs {
        let event = session.next().await?;
        match event {
            Event::Done { job, .. } if job == current => {
                times.push(begun.elapsed());
                begun = Instant::now();
                current = small::feed(session, Route::Direct, keys.next()).await?;
            }
            Event::Failed(error) => bail!("a job failed: {} {}", error.code, error.message),
            event => streams.saw(session, &event).await?,
        }
    }
    Ok(times)
}

/// The floor of the machine: drains on a thread of their own, lookups on this one.
async fn raw_beside_drains(world: &World, statements: &Statements, jobs: u64) -> Result<Vec<Duration>> {
    let (server, sql) = (world.server(Route::Direct), statements.everything.clone());
    let drains = apart(1, move || async move {
        let endless = (0..STREAMS).map(|_| async {
            let client = connect(&server).await?;
            let statement = client.prepare(&sql).await?;
            loop {
                drain::rows(&client, &statement).await?;
            }
        });
        try_join_all(endless).await.map(|_: Vec<Infallible>| ())
    })?;
    tokio::select! {
        times = lookup::lookups(world, &statements.by_key, jobs) => times,
        ended = drains => bail!("a drain ended: {ended:?}"),
    }
}
