//! Small jobs a second, against a pool of raw connections of the same size.

use anyhow::Result;

use crate::figure::Figure;
use crate::floor::pool::{self, Callers, Load};
use crate::floor::{Statements, apart};
use crate::gateway::small::{self, Until};
use crate::statistics::{grouped, median, micros, percentile};
use crate::world::{POOL, Route, Runner, World};

/// Jobs under way at once.
const AT_ONCE: usize = 64;
/// Turns of floor and runner.
const TURNS: u32 = 4;

/// Threads of the raw pool that has tasks, as many as the runner has.
const THREADS: usize = 2;

pub(super) async fn measure(world: &World, statements: &Statements) -> Result<Vec<Figure>> {
    let mut runner = Runner::start_warm(world).await?;
    let mut figures = Vec::new();
    for route in Route::ALL {
        figures.extend(on(world, statements, route, &mut runner).await?);
    }
    Ok(figures)
}

async fn on(
    world: &World,
    statements: &Statements,
    route: Route,
    runner: &mut Runner,
) -> Result<[Figure; 2]> {
    let time = world.plan.loop_time / TURNS;
    let rows = world.plan.rows;
    let sql = statements.by_key.clone();
    let load = Load { server: world.server(route), route, sql, rows, at_once: AT_ONCE, time };
    let (mut least, mut tasks, mut rates, mut times) = (vec![], vec![], vec![], vec![]);
    for _ in 0..TURNS {
        least.push(pool::rate(load.clone(), Callers::OneTask).await?);
        let theirs = load.clone();
        tasks.push(apart(THREADS, move || pool::rate(theirs, Callers::Tasks))?.await?);
        let done = small::jobs(&mut runner.session, rows, route, AT_ONCE, Until::Time(time)).await?;
        rates.push(done.rate());
        times.extend(micros(&done.latencies));
    }
    let ratio = |floor: &[f64]| {
        median(&rates.iter().zip(floor).map(|(rate, floor)| rate / floor).collect::<Vec<_>>())
    };
    let statement = match route {
        Route::Direct => "prepared",
        Route::Pooled => "pipelined through the pooler",
    };
    Ok([
        Figure::new(format!("small jobs/s ÷ raw pool, {statement}"), ratio(&least), "")
            .at_least(0.60)
            .note(format!(
                "{} against {} jobs/s at {AT_ONCE} at once over {POOL} connections; p99 {:.1} ms",
                grouped(median(&rates)),
                grouped(median(&least)),
                percentile(&times, 0.99) / 1_000.0,
            ))
            .hint("the floor is one task that hands nothing to another thread; see runner CPU a small job"),
        Figure::new(format!("the same ÷ raw pool with a task a caller, {statement}"), ratio(&tasks), "")
            .note(format!("{} jobs/s on a runtime like the runner's", grouped(median(&tasks)))),
    ])
}
