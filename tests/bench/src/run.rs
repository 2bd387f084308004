//! One run: every measurement in turn, then the report.

use std::io::Write;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::ValueEnum;

use crate::arguments::Arguments;
use crate::floor::Statements;
use crate::machine::{Busy, Machine, load};
use crate::measure::Measurement;
use crate::plan::Plan;
use crate::report::{Report, Section};
use crate::world::{Route, World};

/// The longest one measurement may take: it hangs then.
const MEASUREMENT_LIMIT: Duration = Duration::from_secs(120);
/// The longest a run may take, building aside; what is left then is not measured.
const RUN_LIMIT: Duration = Duration::from_secs(6 * 60);

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Every figure that gates holds its target.
    Holds,
    /// One that gates does not.
    GateMissed,
    /// Something could not be measured.
    Unmeasured,
}

/// Measures, reports.
///
/// # Errors
/// When there is nothing to measure on, or no report can be written. What one measurement meets is in the report.
pub(crate) async fn run(arguments: &Arguments) -> Result<Outcome> {
    // There is one when this program already set it; which is as good.
    let _already = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let plan = if arguments.quick { Plan::QUICK } else { Plan::FULL };
    progress("building the programs, starting the servers, filling the tables");
    let world = World::start(plan, arguments.runner.as_deref()).await?;
    let server = server_version(&world).await?;
    let begun = Instant::now();
    let statements = Statements::observe(&world).await.context("observing the runner's statements")?;

    let mut report = Report::new(Machine::read(server), arguments.quick, statements.clone());
    for measurement in Measurement::value_variants() {
        if !arguments.only.is_empty() && !arguments.only.contains(measurement) {
            continue;
        }
        let name = measurement.name();
        progress(&name);
        let (load, before) = (load(), Busy::read());
        let limit = MEASUREMENT_LIMIT.min(RUN_LIMIT.saturating_sub(begun.elapsed()));
        let outcome = tokio::time::timeout(limit, measurement.run(&world, &statements)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(anyhow::anyhow!("stopped after {limit:?}")));
        let (busy, stolen) = Busy::read().since(before);
        let (figures, error) = match outcome {
            Ok(figures) => (figures, None),
            Err(error) => (Vec::new(), Some(format!("{error:#}"))),
        };
        report.add(Section { name, figures, error, load, busy, stolen });
    }
    report.finish(begun.elapsed());
    let written = report.write(&world.report_directory())?;
    let mut out = std::io::stdout().lock();
    write!(out, "{}", report.summary())?;
    writeln!(out, "\nreport: {}", written.display())?;
    Ok(report.outcome())
}

async fn server_version(world: &World) -> Result<String> {
    let row = world.client(Route::Direct).await?.query_one("SHOW server_version", &[]).await?;
    Ok(format!("PostgreSQL {}", row.try_get::<_, String>(0)?))
}

/// Says what is going on, on standard error; a run is not given up because nobody reads along.
fn progress(what: &str) {
    let _unheard = writeln!(std::io::stderr(), "bench: {what}");
}
