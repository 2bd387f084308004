//! Processor time of a small job in the runner.

use anyhow::Result;

use crate::figure::Figure;
use crate::gateway::small::{self, Until};
use crate::world::{Route, Runner, World};

/// Where to look.
const HINT: &str =
    "a profile of the runner under `--only processor`: system calls, wake-ups, log lines, then JSON";
/// Jobs under way at once.
const AT_ONCE: usize = 64;

/// How a runner is loaded.
struct Case {
    what: &'static str,
    route: Route,
    at_once: usize,
    log: Option<&'static str>,
    target: bool,
}

const CASES: [Case; 4] = [
    Case { what: "direct, 64 at once", route: Route::Direct, at_once: AT_ONCE, log: None, target: true },
    Case {
        what: "the same, two log lines a job left out (SEMILAYER_LOG=warn)",
        route: Route::Direct,
        at_once: AT_ONCE,
        log: Some("warn"),
        target: false,
    },
    Case { what: "direct, one at a time", route: Route::Direct, at_once: 1, log: None, target: false },
    Case { what: "pooled, 64 at once", route: Route::Pooled, at_once: AT_ONCE, log: None, target: false },
];

pub(super) async fn measure(world: &World) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    for case in &CASES {
        let mut runner = Runner::start_logging(world, case.log).await?;
        runner.warm_up(world).await?;
        // One at a time takes longer and needs fewer for the clock's step of 10 ms to vanish.
        let jobs = if case.at_once == 1 { world.plan.cpu_jobs / 5 } else { world.plan.cpu_jobs };
        let before = runner.process.cpu_time()?;
        let until = Until::Jobs(jobs);
        let done = small::jobs(&mut runner.session, world.plan.rows, case.route, case.at_once, until).await?;
        let used = (runner.process.cpu_time()? - before).as_secs_f64();
        let figure =
            Figure::new(format!("runner CPU a small job, {}", case.what), used * 1e6 / jobs as f64, "µs");
        let elapsed = done.elapsed.as_secs_f64();
        let figure =
            figure.note(format!("{jobs} jobs in {elapsed:.1} s, {:.0} % of a core", used / elapsed * 100.0));
        figures.push(if case.target { figure.at_most(20.0).hint(HINT) } else { figure });
    }
    Ok(figures)
}
