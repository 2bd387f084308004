//! Large results: chunks taken as they come, credit given back.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use runner_protocol::{Incoming, RunnerFrame, decode_runner, row_slices};

use super::{Event, Query, Session};

/// What a result was.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Streamed {
    /// Rows, as the runner counted them.
    pub(crate) rows: u64,
    /// Frames.
    pub(crate) chunks: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// From the job's frame to the first chunk.
    pub(crate) first: Duration,
    /// From the job's frame to `done`.
    pub(crate) elapsed: Duration,
}

impl Streamed {
    /// Rows a second.
    pub(crate) fn rate(&self) -> f64 {
        crate::statistics::rate(self.rows, self.elapsed)
    }
}

/// Runs one query to its end.
///
/// # Errors
/// When it fails.
pub(crate) async fn query(session: &mut Session, query: Query<'_>) -> Result<Streamed> {
    let all = queries(session, query, 1).await?;
    all.into_iter().next().context("a query without an answer")
}

/// Runs the same query several times at once, to the end of each.
///
/// # Errors
/// When one fails.
pub(crate) async fn queries(
    session: &mut Session,
    query: Query<'_>,
    at_once: usize,
) -> Result<Vec<Streamed>> {
    let start = Instant::now();
    let mut running: HashMap<u64, (Streamed, u64)> = HashMap::new();
    for _ in 0..at_once {
        running.insert(session.job(query).await?, (Streamed::default(), 0));
    }
    let mut ended = Vec::with_capacity(at_once);
    while ended.len() < at_once {
        match session.next().await? {
            Event::Chunk { job, frame } => {
                let (streamed, owed) = running.get_mut(&job).context("rows of no job")?;
                if streamed.chunks == 0 {
                    streamed.first = start.elapsed();
                }
                streamed.chunks += 1;
                streamed.bytes += frame.len() as u64;
                session.taken(job, owed, frame.len()).await?;
            }
            Event::Done { job, rows, .. } => {
                let (streamed, _) = running.remove(&job).context("an end of no job")?;
                ended.push(Streamed { rows, elapsed: start.elapsed(), ..streamed });
            }
            Event::Failed(error) => bail!("a query failed: {} {}", error.code, error.message),
            Event::Other => {}
        }
    }
    Ok(ended)
}

/// Runs one query and looks at every row: that there are as many as the runner says. Not for timing.
///
/// # Errors
/// When it fails, or the rows are others.
pub(crate) async fn verified(session: &mut Session, query: Query<'_>) -> Result<Streamed> {
    let job = session.job(query).await?;
    let mut streamed = Streamed::default();
    let mut seen = 0;
    let mut owed = 0;
    loop {
        match session.next().await? {
            Event::Chunk { frame, .. } => {
                streamed.chunks += 1;
                streamed.bytes += frame.len() as u64;
                let length = frame.len();
                let Ok(Incoming::Frame(RunnerFrame::Chunk(chunk))) = decode_runner(&frame) else {
                    bail!("a chunk that is none")
                };
                for row in row_slices(chunk.rows.as_bytes()) {
                    row.context("a chunk's rows are no list")?;
                    seen += 1;
                }
                session.taken(job, &mut owed, length).await?;
            }
            Event::Done { rows, .. } => {
                ensure!(rows == seen, "the runner says {rows} rows, {seen} came");
                return Ok(Streamed { rows, ..streamed });
            }
            Event::Failed(error) => bail!("a query failed: {} {}", error.code, error.message),
            Event::Other => {}
        }
    }
}

/// Queries that run beside something else: each begins anew when it has ended.
pub(crate) struct Background<'a> {
    query: Query<'a>,
    /// The running jobs and what each is owed.
    running: HashMap<u64, u64>,
}

impl<'a> Background<'a> {
    /// Starts `at_once` of them and waits until each has sent rows.
    ///
    /// # Errors
    /// When one fails.
    pub(crate) async fn start(
        session: &mut Session,
        query: Query<'a>,
        at_once: usize,
    ) -> Result<Background<'a>> {
        let mut background = Background { query, running: HashMap::new() };
        let mut waiting = std::collections::HashSet::new();
        for _ in 0..at_once {
            let job = session.job(query).await?;
            background.running.insert(job, 0);
            waiting.insert(job);
        }
        while !waiting.is_empty() {
            let event = session.next().await?;
            if let Event::Chunk { job, .. } | Event::Done { job, .. } = &event {
                waiting.remove(job);
            }
            background.saw(session, &event).await?;
        }
        Ok(background)
    }

    /// Takes an event of one of them; others are no concern of it.
    ///
    /// # Errors
    /// When one fails.
    pub(crate) async fn saw(&mut self, session: &mut Session, event: &Event) -> Result<()> {
        match event {
            Event::Chunk { job, frame } => {
                if let Some(owed) = self.running.get_mut(job) {
                    session.taken(*job, owed, frame.len()).await?;
                }
            }
            Event::Done { job, .. } => {
                if self.running.remove(job).is_some() {
                    self.running.insert(session.feed_job(self.query).await?, 0);
                }
            }
            Event::Failed(error) => bail!("a query failed: {} {}", error.code, error.message),
            Event::Other => {}
        }
        Ok(())
    }
}
