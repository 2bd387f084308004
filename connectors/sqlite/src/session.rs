//! The async side of a session: relays rows, passes cancel and deadline on.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use connector_api::{CallContext, Counted, Page, RowSink, ServerInfo, Session, SinkLimits, Stopped};
use connector_model::capability::AggregateCapabilities;
use connector_model::request::{Aggregate, Count, Query, Read};
use connector_model::target::{Location, Target, TargetSchema};
use connector_model::{Conventions, Result};
use connector_sql::sqlite::SCHEMA;
use tokio::sync::oneshot::Receiver;
use tokio::time::{Instant, sleep, timeout};

use crate::answer;
use crate::flow::Flow;
use crate::groups;
use crate::worker::{Database, Worker, died};

/// How long a row waits on the thread for others to fill its block; half of what a started chunk may wait in all.
const BLOCK_AGE: Duration = Duration::from_millis(10);

/// An interrupt ends the statement that runs; one that is just about to run needs another.
const INTERRUPT_EVERY: Duration = Duration::from_millis(2);

/// A session that has not ended its call by then is given up.
const HALT_LIMIT: Duration = Duration::from_secs(1);

/// One open database file, and the thread it lives on.
pub(crate) struct SqliteSession {
    worker: Worker,
    /// Whether a call's work may still be on the thread.
    serving: bool,
}

impl SqliteSession {
    pub(crate) fn new(worker: Worker) -> Self {
        SqliteSession { worker, serving: false }
    }

    async fn call<T: Send + 'static>(
        &mut self,
        cx: &CallContext,
        out: Option<&mut RowSink<'_>>,
        work: impl FnOnce(&mut Database, &Flow) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        cx.check()?;
        let flow = Flow::new(SinkLimits::default().row_bytes);
        self.serving = true;
        let answer = self.worker.run(&flow, work)?;
        let mut call = Call { worker: &self.worker, flow, answer, progress: Progress::Running };
        let outcome = match call.relay(cx, out).await {
            Err(error) if call.progress == Progress::Running => {
                call.halt().await;
                Err(error)
            }
            outcome => outcome,
        };
        self.serving = call.progress != Progress::Ended;
        outcome
    }
}

/// A call whose work is on the thread. Dropped before its end, it stops the work.
struct Call<'s, T> {
    worker: &'s Worker,
    flow: Arc<Flow>,
    answer: Receiver<Result<T>>,
    progress: Progress,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// The work is on the thread.
    Running,
    /// The thread is free again.
    Ended,
    /// The thread is gone.
    Died,
}

enum Event<T> {
    Stopped(Stopped),
    Answered(Result<T>),
    Died,
    Rows,
}

impl<T> Call<'_, T> {
    /// Passes rows on until the answer comes.
    async fn relay(&mut self, cx: &CallContext, mut out: Option<&mut RowSink<'_>>) -> Result<T> {
        loop {
            let rows = out.is_some();
            let (flow, answer) = (&self.flow, &mut self.answer);
            let event = async {
                tokio::select! {
                    biased;
                    stopped = cx.stopped() => Event::Stopped(stopped),
                    answer = answer => answer.map_or(Event::Died, Event::Answered),
                    () = flow.full(), if rows => Event::Rows,
                    () = sleep(BLOCK_AGE), if rows => Event::Rows,
                }
            };
            let event = match &mut out {
                Some(out) => out.wait(event).await?,
                None => event.await,
            };
            let answered = match event {
                Event::Stopped(stopped) => return Err(stopped.error()),
                Event::Rows => None,
                Event::Died => {
                    self.progress = Progress::Died;
                    return Err(died());
                }
                Event::Answered(answer) => {
                    self.progress = Progress::Ended;
                    Some(answer?)
                }
            };
            if let Some(out) = &mut out
                && let Some((rows, objects)) = self.flow.take()
            {
                out.splice(rows, &objects)?;
                out.flush().await?;
            }
            if let Some(answer) = answered {
                return Ok(answer);
            }
        }
    }

    /// Stops the work, and waits until the thread is free again.
    async fn halt(&mut self) {
        let begun = Instant::now();
        self.flow.stop();
        while begun.elapsed() < HALT_LIMIT {
            self.worker.interrupt();
            if let Ok(answer) = timeout(INTERRUPT_EVERY, &mut self.answer).await {
                self.progress = if answer.is_ok() { Progress::Ended } else { Progress::Died };
                return;
            }
        }
    }
}

impl<T> Drop for Call<'_, T> {
    fn drop(&mut self) {
        if self.progress == Progress::Running {
            self.flow.stop();
            self.worker.interrupt();
        }
    }
}

#[async_trait]
impl Session for SqliteSession {
    fn reusable(&self) -> bool {
        !self.serving && self.worker.is_alive()
    }

    async fn ping(&mut self, cx: &CallContext) -> Result<ServerInfo> {
        self.call(cx, None, |database, _| answer::ping(database)).await
    }

    async fn read(&mut self, cx: &CallContext, request: &Read, out: &mut RowSink<'_>) -> Result<Page> {
        let (request, now) = (request.clone(), Instant::now());
        self.call(cx, Some(out), move |database, flow| answer::read(database, flow, &request, now)).await
    }

    async fn query(&mut self, cx: &CallContext, request: &Query, out: &mut RowSink<'_>) -> Result<Page> {
        let (request, now) = (request.clone(), Instant::now());
        self.call(cx, Some(out), move |database, flow| answer::query(database, flow, &request, now)).await
    }

    async fn count(&mut self, cx: &CallContext, request: &Count) -> Result<Counted> {
        let (request, now) = (request.clone(), Instant::now());
        self.call(cx, None, move |database, flow| answer::count(database, flow, &request, now)).await
    }

    fn conventions(&self) -> Conventions {
        Conventions { moments_in_text: true, ..Conventions::default() }
    }

    fn aggregates(&self) -> AggregateCapabilities {
        AggregateCapabilities::RELATIONAL
    }

    async fn aggregate(
        &mut self,
        cx: &CallContext,
        request: &Aggregate,
        out: &mut RowSink<'_>,
    ) -> Result<()> {
        let (request, now) = (request.clone(), Instant::now());
        self.call(cx, Some(out), move |database, flow| groups::aggregate(database, flow, &request, now)).await
    }

    async fn list_targets(&mut self, cx: &CallContext) -> Result<Vec<Target>> {
        self.call(cx, None, |database, _| answer::list_targets(database)).await
    }

    async fn introspect(&mut self, cx: &CallContext, target: &str) -> Result<TargetSchema> {
        let target = target.to_owned();
        self.call(cx, None, move |database, _| answer::introspect(database, &target)).await
    }

    async fn locate(&mut self, cx: &CallContext, target: &str) -> Result<Option<Location>> {
        let target = target.to_owned();
        let name = self.call(cx, None, move |database, _| answer::named(database, &target)).await?;
        Ok(Some(Location { schema: Some(SCHEMA.to_owned()), name }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::Catalog;
    use connector_sql::sqlite::Binary;

    async fn session() -> SqliteSession {
        let flow = Flow::new(1_000);
        let open = || {
            let connection = rusqlite::Connection::open_in_memory().unwrap();
            Ok(Database { connection, catalog: Arc::new(Catalog::default()), binary: Binary::Base64 })
        };
        SqliteSession::new(Worker::start(&flow, open).await.unwrap())
    }

    const ENDLESS: &str =
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";

    fn endless(database: &mut Database) -> Result<i64> {
        let counted = database.connection.query_row(ENDLESS, [], |row| row.get(0));
        counted.map_err(|error| crate::error::query_failed(&error))
    }

    async fn ends(session: SqliteSession) {
        let thread = session.worker.into_thread();
        let joined = tokio::task::spawn_blocking(move || thread.join());
        timeout(Duration::from_secs(10), joined).await.unwrap().unwrap().unwrap();
    }

    #[tokio::test]
    async fn a_dropped_session_ends_its_thread() {
        let mut session = session().await;
        assert_eq!(session.ping(&CallContext::within(HALT_LIMIT)).await.unwrap().product, "SQLite");
        ends(session).await;
    }

    #[tokio::test]
    async fn a_session_dropped_in_the_middle_of_a_call_ends_its_thread_too() {
        let mut session = session().await;
        let cx = CallContext::within(Duration::from_secs(60));
        let dropped = session.call(&cx, None, |database, _| endless(database));
        timeout(Duration::from_millis(20), dropped).await.unwrap_err();
        assert!(!session.reusable());
        ends(session).await;
    }

    #[tokio::test]
    async fn work_that_panics_loses_its_session_and_nothing_else() {
        let mut session = session().await;
        let cx = CallContext::within(Duration::from_secs(60));
        let error = session.call(&cx, None, |_, _| -> Result<()> { panic!("on purpose") }).await.unwrap_err();
        assert_eq!(error.code(), connector_model::ErrorCode::Internal);
        let error = session.ping(&cx).await.unwrap_err();
        assert_eq!(error.code(), connector_model::ErrorCode::Internal);
        assert!(!session.reusable());
    }
}
