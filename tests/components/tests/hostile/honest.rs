//! An honest module at work: one job after the other, each timed, until the test is over.

use std::sync::Arc;
use std::time::{Duration, Instant};

use connector_host::load::LoadedModule;
use connector_model::config::Origin;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::asked::{Answer, ask};
use crate::beside::{LONG, context, open};

/// Rows of the table that the honest module has, and of every answer.
const ROWS: u64 = 1_000;

/// The time between two jobs: the test is about latency, not about how much a machine can do.
const PAUSE: Duration = Duration::from_millis(5);

/// What most jobs have to be quicker than, on a machine that builds and tests other things beside it.
const USUAL: Duration = Duration::from_millis(250);

/// What every job has to be quicker than: a guest that nobody interrupts would take its whole running time.
const WORST: Duration = Duration::from_millis(1_500);

/// The fewest jobs that say anything.
const FEWEST: usize = 10;

/// The jobs of an honest module.
pub(crate) struct Honest {
    stop: CancellationToken,
    working: JoinHandle<Vec<Duration>>,
}

impl Honest {
    /// Begins, with one job done.
    pub(crate) async fn begin(module: Arc<LoadedModule>) -> Honest {
        let stop = CancellationToken::new();
        let rows = ROWS.to_string();
        job(&module, &rows).await;
        let stopped = stop.clone();
        let working = tokio::spawn(async move {
            let mut took = Vec::new();
            while !stopped.is_cancelled() || took.len() < FEWEST {
                took.push(job(&module, &rows).await);
                tokio::time::sleep(PAUSE).await;
            }
            took
        });
        Honest { stop, working }
    }

    /// Ends. Every job was right, and none took longer than it should.
    pub(crate) async fn end(self) {
        self.stop.cancel();
        let mut took = self.working.await.expect("an honest job failed");
        took.sort_unstable();
        let (usual, worst) = (took[took.len() / 2], took[took.len() - 1]);
        assert!(
            usual <= USUAL && worst <= WORST,
            "{} honest jobs: usually {usual:?}, at worst {worst:?}",
            took.len()
        );
    }
}

/// One job on a session of its own.
async fn job(module: &LoadedModule, rows: &str) -> Duration {
    let begun = Instant::now();
    let mut session = open(module, Origin::Local, &[("rows", rows)], &context(LONG)).await.unwrap();
    let Answer { rows, .. } = ask(session.as_mut(), "numbers", LONG).await.unwrap();
    assert_eq!(rows, ROWS);
    begun.elapsed()
}
