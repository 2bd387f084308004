//! A small job's time, one at a time, beyond what socket and database take.

use anyhow::Result;

use crate::figure::Figure;
use crate::floor::echo::Echo;
use crate::floor::{Statements, lookup};
use crate::gateway::small::{self, Until};
use crate::statistics::{median, micros, percentile};
use crate::world::{Route, Runner, World};

pub(super) async fn measure(world: &World, statements: &Statements) -> Result<Vec<Figure>> {
    let plan = world.plan;
    let a_round = plan.single_jobs / plan.rounds as u64;
    let mut runner = Runner::start_warm(world).await?;
    let mut echo = Echo::start(world).await?;
    echo.round_trips(a_round).await?;
    small::jobs(&mut runner.session, plan.rows, Route::Direct, 1, Until::Jobs(a_round)).await?;

    let (mut jobs, mut pooled, mut echoes, mut lookups) = (vec![], vec![], vec![], vec![]);
    for _ in 0..plan.rounds {
        echoes.extend(echo.round_trips(a_round).await?);
        lookups.extend(lookup::lookups(world, &statements.by_key, a_round).await?);
        for (route, times) in [(Route::Direct, &mut jobs), (Route::Pooled, &mut pooled)] {
            let done = small::jobs(&mut runner.session, plan.rows, route, 1, Until::Jobs(a_round)).await?;
            times.extend(done.latencies);
        }
    }
    let [jobs, pooled, echoes, lookups] = [jobs, pooled, echoes, lookups].map(|times| micros(&times));
    // The floors' medians are taken off both: a floor's own slow ones would hide the job's.
    let floors = median(&echoes) + median(&lookups);
    let note = |share: f64| {
        format!(
            "job {:.0} µs; echo p50 {:.0}, p99 {:.0}, lookup p50 {:.0}, p99 {:.0} µs",
            percentile(&jobs, share),
            median(&echoes),
            percentile(&echoes, 0.99),
            median(&lookups),
            percentile(&lookups, 0.99)
        )
    };
    Ok(vec![
        Figure::new("added time of a small job, p50", percentile(&jobs, 0.5) - floors, "µs")
            .at_most(60.0)
            .note(note(0.5))
            .hint("thread hops between socket, job and database connection, each a wake-up"),
        Figure::new("added time of a small job, p99", percentile(&jobs, 0.99) - floors, "µs")
            .at_most(400.0)
            .note(note(0.99))
            .hint("what else runs on the machine shows here first"),
        Figure::new("small job ÷ echo and lookup together, p50", median(&jobs) / floors, ""),
        Figure::new(
            "the same through a transaction pooler, added p50",
            percentile(&pooled, 0.5) - floors,
            "µs",
        )
        .note(format!("job {:.0} µs; the lookup beside it is still a direct one", median(&pooled))),
    ])
}
