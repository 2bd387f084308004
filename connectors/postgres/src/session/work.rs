//! How a job's statements run: surrounded, pipelined, stopped, retried.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use connector_api::{CallContext, OpenContext, Page, RowSink, ServerInfo, Stage, StageReport};
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::request::aggregate::Join;
use connector_model::target::Column;
use connector_sql::{Select, Statement, Table};
use tokio::runtime::Handle;
use tokio_postgres::{Client, RowStream};

use super::pump::{Halt, pump, send};
use super::quiet::quiet;
use super::statements::Statements;
use super::transaction::{Around, Commit, around, session_settings, statement_timeout};
use crate::catalog::{Catalog, Described, describe};
use crate::connect::{CancelRoute, Connection, Login, Mode, Probe};
use crate::error::{failed, is_cancelled, is_stale};
use crate::family::Family;
use crate::params::{Bound, declared};
use crate::types::Binary;

/// The statement timeout that a direct session begins with. A job's own deadline is kept by cancelling it; this ends
/// the work of a runner that is gone.
const BACKSTOP: Duration = Duration::from_secs(10 * 60);
/// How much longer than the deadline the server's own timeout is: ours comes first, and says whose it was.
const GRACE: Duration = Duration::from_secs(5);
/// How long a session may take to come clean after its work was stopped; whoever lent it waits a second.
const SETTLE: Duration = Duration::from_millis(900);
/// A statement made from what the catalogue says of the target.
pub(super) type Make<'m, T> = dyn Fn(&Table) -> Result<T> + Send + Sync + 'm;

/// One connection to PostgreSQL.
pub(crate) struct PgSession {
    family: &'static Family,
    client: Client,
    /// Ends the connection when the session is dropped.
    _connection: Connection,
    cancel: CancelRoute,
    probe: Probe,
    catalog: Arc<Catalog>,
    binary: Binary,
    statements: Statements,
    backstop: Duration,
    can_write: Option<bool>,
    /// Whether the last work left the connection in a state nobody knows.
    broken: bool,
}

impl PgSession {
    /// Makes a session of a login.
    pub(crate) async fn begin(
        cx: &OpenContext,
        family: &'static Family,
        login: Login,
        catalog: Arc<Catalog>,
        binary: Binary,
    ) -> Result<Self> {
        let by = login.by;
        let mut session = PgSession {
            family,
            client: login.client,
            _connection: login.connection,
            cancel: login.cancel,
            probe: login.probe,
            catalog,
            binary,
            statements: Statements::default(),
            backstop: BACKSTOP,
            can_write: None,
            broken: false,
        };
        if session.probe.mode == Mode::Direct {
            let settings = session_settings(BACKSTOP);
            by.run(&cx.call, Stage::Query, session.execute(&cx.call, &settings)).await??;
        }
        if cx.observer.is_some() {
            session.report_rights(cx).await?;
        }
        Ok(session)
    }

    async fn report_rights(&mut self, cx: &OpenContext) -> Result<()> {
        let started = std::time::Instant::now();
        let found = cx.call.run(self.client.query_typed(self.family.queries.can_write, &[])).await?;
        let found = found.map_err(|error| failed(&error, Stage::ReadOnly))?;
        let can_write = found.first().and_then(|row| row.try_get::<_, bool>(0).ok()).unwrap_or(false);
        self.can_write = Some(can_write);
        let report = StageReport::new(Stage::ReadOnly, started.elapsed(), "every transaction is read-only");
        cx.passed(match can_write {
            false => report,
            true => report.with_warning(
                "this login may write; the runner never does, but a login with SELECT only is safer",
            ),
        });
        Ok(())
    }

    pub(super) fn family(&self) -> &'static Family {
        self.family
    }

    pub(super) fn binary(&self) -> Binary {
        self.binary
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    pub(super) fn is_clean(&self) -> bool {
        !self.broken && !self.client.is_closed()
    }

    pub(super) fn forget(&self, target: &str) {
        self.catalog.forget(target);
    }

    /// Forgets what turned out stale.
    pub(super) fn start_over(&mut self, target: &str, joins: &[Join]) {
        self.catalog.forget(target);
        joins.iter().for_each(|join| self.catalog.forget(&join.target));
        self.statements.clear();
    }

    pub(super) async fn alive(&mut self, cx: &CallContext) -> Result<ServerInfo> {
        self.execute(cx, "SELECT 1").await?;
        Ok(ServerInfo {
            product: self.family.display_name.to_owned(),
            version: self.probe.version.clone(),
            can_write: self.can_write,
        })
    }

    async fn execute(&mut self, cx: &CallContext, text: &str) -> Result<()> {
        let done = cx.run(self.client.batch_execute(text)).await;
        let done = done.and_then(|done| done.map_err(|error| failed(&error, Stage::Query)));
        self.settled(done).await
    }

    /// What the catalogue says of a target.
    pub(super) async fn described(&mut self, cx: &CallContext, target: &str) -> Result<Arc<Described>> {
        if let Some(known) = self.catalog.get(target) {
            return Ok(known);
        }
        let described = describe(&self.client, cx, &self.family.queries, target).await;
        let described = Arc::new(self.settled(described).await?);
        self.catalog.put(target, described.clone());
        Ok(described)
    }

    /// Runs a `SELECT` into the sink; the total comes from the result where it shows it, else from `count`, which
    /// then sees the same snapshot.
    pub(super) async fn rows(
        &mut self,
        cx: &CallContext,
        (target, joins): (&str, &[Join]),
        select: impl Fn(&Table, &[&Table]) -> Result<Select> + Send + Sync,
        count: Option<&Make<'_, Statement>>,
        out: &mut RowSink<'_>,
    ) -> Result<Page> {
        self.raise_backstop(cx).await?;
        let mut retried = false;
        loop {
            let described = self.described(cx, target).await?;
            let joined = self.joined(cx, joins).await?;
            let settings = described.needs_settings || joined.iter().any(|joined| joined.needs_settings);
            let tables: Vec<&Table> = joined.iter().map(|joined| &joined.table).collect();
            let plan = select(&described.table, &tables)?;
            out.columns(&visible(&plan, plan.table(&described.table))?);
            match self.page(cx, (&described, settings), &plan, count, out).await {
                Ok(page) => return Ok(page),
                Err(Halt::Server(error)) if !retried && out.rows() == 0 && is_stale(&error) => {
                    retried = true;
                    self.start_over(target, joins);
                }
                Err(halt) => return Err(self.halted(cx, halt).await),
            }
        }
    }

    async fn page(
        &mut self,
        cx: &CallContext,
        (described, settings): (&Described, bool),
        plan: &Select,
        count: Option<&Make<'_, Statement>>,
        out: &mut RowSink<'_>,
    ) -> Result<Page, Halt> {
        let snapshot = plan.limit.is_some() && count.is_some();
        let around = self.around(cx, snapshot, settings);
        let pumped = match self.start(cx, &around, &plan.statement).await {
            Ok(stream) => pump(cx, stream, plan, plan.table(&described.table), self.binary, out).await,
            Err(halt) => Err(halt),
        };
        let pumped = match pumped {
            Ok(pumped) => pumped,
            Err(halt) => {
                self.end(&around, "ROLLBACK").await;
                return Err(halt);
            }
        };
        let total = match count {
            Some(count) => self.total_of(cx, &pumped, plan, count, described, out).await,
            None => Ok(None),
        };
        self.end(&around, if total.is_ok() { "COMMIT" } else { "ROLLBACK" }).await;
        let next = match (pumped.more, pumped.rows) {
            (true, 1..) => Some(plan.next_cursor(pumped.key, pumped.rows)?),
            _ => None,
        };
        let (next_cursor, cursor_kind) = next.unzip();
        Ok(Page { next_cursor, cursor_kind, total: total? })
    }

    /// What surrounds a statement; `settings` says that it shows texts whose form follows the session's.
    pub(super) fn around(&self, cx: &CallContext, snapshot: bool, settings: bool) -> Around {
        around(self.probe.mode, snapshot, settings, cx.remaining() + GRACE)
    }

    /// Sends `BEGIN` where there is one, the statement, and `COMMIT` where it goes along, in one flush; waits for the
    /// statement's first answer.
    pub(super) async fn start(
        &mut self,
        cx: &CallContext,
        around: &Around,
        sql: &Statement,
    ) -> Result<RowStream, Halt> {
        let PgSession { client, statements, .. } = self;
        let prepared = match self.probe.mode {
            Mode::Direct => Some(cx.run(statements.get(client, sql)).await?.map_err(Halt::Server)?),
            Mode::Pooled => None,
        };
        if let Some(begin) = &around.begin {
            send(pin!(client.batch_execute(begin))).await;
        }
        let started = async {
            let mut query = pin!(async {
                match &prepared {
                    Some(prepared) => client.query_raw(prepared, sql.params.iter().map(Bound)).await,
                    None => {
                        let typed = sql.params.iter().map(|param| (Bound(param), declared(param)));
                        client.query_typed_raw(&sql.text, typed).await
                    }
                }
            });
            if around.commit == Commit::WithStatement {
                send_before(query.as_mut(), client.batch_execute("COMMIT")).await
            } else {
                query.await
            }
        };
        cx.run(started).await?.map_err(Halt::Server)
    }

    /// Ends the transaction that was left open, without waiting for the server's word: the next statement goes
    /// behind it.
    async fn end(&mut self, around: &Around, word: &'static str) {
        if around.commit == Commit::Later {
            send(pin!(self.client.batch_execute(word))).await;
        }
    }

    /// A direct session's own timeout lies behind every deadline it serves.
    pub(super) async fn raise_backstop(&mut self, cx: &CallContext) -> Result<()> {
        let needed = cx.remaining() + GRACE;
        if self.probe.mode == Mode::Direct && needed > self.backstop {
            self.execute(cx, &statement_timeout(needed * 2)).await?;
            self.backstop = needed * 2;
        }
        Ok(())
    }

    /// The error that the job ends with; the session is clean, or broken, when this returns.
    pub(super) async fn halted(&mut self, cx: &CallContext, halt: Halt) -> Error {
        match halt {
            // The server's own timeout, or somebody's pg_cancel_backend.
            Halt::Server(error) if is_cancelled(&error) => match cx.check() {
                Err(stopped) => stopped,
                Ok(()) => failed(&error, Stage::Query),
            },
            Halt::Server(error) => failed(&error, Stage::Query),
            Halt::Ours(error) => {
                self.settle().await;
                error
            }
        }
    }

    /// Passes an outcome on; after a stop, the session is made clean first.
    pub(super) async fn settled<T>(&mut self, outcome: Result<T>) -> Result<T> {
        let stopped = |error: &Error| matches!(error.code(), ErrorCode::Cancelled | ErrorCode::QueryTimeout);
        if outcome.as_ref().is_err_and(stopped) {
            self.settle().await;
        }
        outcome
    }

    /// Stops what the server is doing and waits until nothing of it is left on the connection.
    async fn settle(&mut self) {
        self.broken = true;
        if !self.client.is_closed() {
            let quiet = tokio::time::timeout(SETTLE, quiet(&self.client, &self.cancel)).await;
            self.broken = !quiet.unwrap_or(false);
        }
    }
}

impl Drop for PgSession {
    /// A session that is dropped in the middle of its work (it did not come clean in time) leaves a server process
    /// that works on; a last cancel request goes after it on its own.
    fn drop(&mut self) {
        if let (true, false, Ok(runtime)) = (self.broken, self.client.is_closed(), Handle::try_current()) {
            let cancel = self.cancel.clone();
            runtime.spawn(async move { cancel.cancel().await });
        }
    }
}

/// The columns that the caller sees.
fn visible(plan: &Select, table: &Table) -> Result<Vec<Column>> {
    let visible = plan.fetched.iter().take(plan.visible);
    visible
        .map(|position| {
            let column = table.column(*position)?;
            Ok(Column { name: column.name.clone(), logical_type: column.logical_type })
        })
        .collect()
}

/// Puts `first` on the wire, then `second`, and waits for `first`.
async fn send_before<F: Future>(mut first: std::pin::Pin<&mut F>, second: impl Future) -> F::Output {
    let mut second = pin!(second);
    let mut sent = false;
    std::future::poll_fn(|task| {
        let polled = first.as_mut().poll(task);
        if !std::mem::replace(&mut sent, true) {
            let _ = second.as_mut().poll(task);
        }
        polled
    })
    .await
}
