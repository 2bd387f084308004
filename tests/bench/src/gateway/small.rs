//! Small jobs: one row by its key, in a closed loop.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Result, bail, ensure};

use super::{Event, Query, Session};
use crate::keys::Keys;
use crate::world::{REFERENCE, Route};

/// When a loop is over.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Until {
    /// After as many jobs.
    Jobs(u64),
    /// After this time.
    Time(Duration),
}

/// What a loop did.
#[derive(Debug)]
pub(crate) struct Loop {
    /// From the first job to the last answer.
    pub(crate) elapsed: Duration,
    /// Each job's time, from its frame's writing to its `done`.
    pub(crate) latencies: Vec<Duration>,
}

impl Loop {
    /// Jobs a second.
    pub(crate) fn rate(&self) -> f64 {
        crate::statistics::rate(self.latencies.len() as u64, self.elapsed)
    }
}

/// The options of a small job.
pub(crate) fn options(key: i32) -> String {
    format!(r#"{{"where":{{"id":{key}}}}}"#)
}

/// Sends a small job with the next flush, and gives its id.
///
/// # Errors
/// When the socket is gone.
pub(crate) async fn feed(session: &mut Session, route: Route, key: i32) -> Result<u64> {
    session
        .feed_job(Query { kind: "query", source: route.into(), target: REFERENCE, options: &options(key) })
        .await
}

/// Keeps `at_once` jobs under way. Each must answer with its one row.
///
/// # Errors
/// When a job fails or answers otherwise.
pub(crate) async fn jobs(
    session: &mut Session,
    rows: u32,
    route: Route,
    at_once: usize,
    until: Until,
) -> Result<Loop> {
    let mut keys = Keys::new(rows);
    let mut under_way = HashMap::with_capacity(at_once);
    let mut latencies = Vec::new();
    let start = Instant::now();
    let mut sent = 0;
    let more = |sent: u64| match until {
        Until::Jobs(jobs) => sent < jobs,
        Until::Time(time) => start.elapsed() < time,
    };
    loop {
        while under_way.len() < at_once && more(sent) {
            under_way.insert(feed(session, route, keys.next()).await?, Instant::now());
            sent += 1;
        }
        if under_way.is_empty() {
            return Ok(Loop { elapsed: start.elapsed(), latencies });
        }
        match session.next().await? {
            Event::Done { job, rows, .. } => {
                ensure!(rows == 1, "a key has {rows} rows");
                let Some(begun) = under_way.remove(&job) else { bail!("job {job} ended twice") };
                latencies.push(begun.elapsed());
            }
            Event::Failed(error) => bail!("a small job failed: {} {}", error.code, error.message),
            Event::Chunk { .. } | Event::Other => {}
        }
    }
}
