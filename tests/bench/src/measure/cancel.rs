//! From a cancel to an idle backend.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tokio_postgres::{Client, Statement};

use super::first_chunk::cancelled;
use crate::figure::Figure;
use crate::gateway::{Event, Query};
use crate::statistics::{median, millis, percentile};
use crate::world::{NAPPING, Route, Runner, World};

/// The runner's backends that do something.
const BUSY: &str = "SELECT count(*) FROM pg_stat_activity
    WHERE application_name LIKE 'semilayer-runner/%' AND state IS DISTINCT FROM 'idle'";
/// Longest wait for a backend to begin or to end.
const LIMIT: Duration = Duration::from_secs(10);

pub(super) async fn measure(world: &World) -> Result<Vec<Figure>> {
    let admin = world.postgres.admin().await?;
    let busy = admin.prepare(BUSY).await?;
    let mut runner = Runner::start_warm(world).await?;
    let mut figures = Vec::new();
    let cases = [
        ("cancel of a computing query → backend idle, p99", NAPPING),
        ("cancel of a streaming query → backend idle, p99", crate::world::REFERENCE),
    ];
    for (what, target) in cases {
        let mut times = Vec::new();
        for _ in 0..world.plan.cancels {
            let job = runner
                .session
                .job(Query { kind: "query", source: Route::Direct.into(), target, options: "{}" })
                .await?;
            if target == NAPPING {
                until(&admin, &busy, |count| count > 0).await?;
            } else {
                while !matches!(runner.session.next().await?, Event::Chunk { .. }) {}
            }
            let start = Instant::now();
            let idle = async {
                until(&admin, &busy, |count| count == 0).await?;
                anyhow::Ok(start.elapsed())
            };
            let ((), idle) = tokio::try_join!(cancelled(&mut runner.session, job), idle)?;
            times.push(idle);
        }
        let times = millis(&times);
        figures.push(
            Figure::new(what, percentile(&times, 0.99), "ms")
                .at_most(50.0)
                .note(format!("p50 {:.1} ms, slowest {:.1} ms", median(&times), percentile(&times, 1.0)))
                .hint(
                    "a cancel request is a new connection to the server; a second one goes out after 40 ms",
                ),
        );
    }
    Ok(figures)
}

/// Asks again and again until the number of busy backends is as wanted.
async fn until(admin: &Client, busy: &Statement, wanted: impl Fn(i64) -> bool) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < LIMIT {
        if wanted(admin.query_one(busy, &[]).await?.try_get(0)?) {
            return Ok(());
        }
    }
    bail!("the runner's backends did not change their state within {LIMIT:?}")
}
