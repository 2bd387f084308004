//! How a job's statements run: prepared, in a transaction where they have to agree, stopped, retried.

use std::sync::Arc;
use std::time::{Duration, Instant};

use connector_api::{CallContext, OpenContext, Page, RowSink, ServerInfo, Stage, StageReport};
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::request::aggregate::Join;
use connector_model::target::Column;
use connector_sql::{Select, Statement, Table};
use tokio::runtime::Handle;

use super::exchange::{fetch, run};
use super::pump::{Halt, Pumped, pump};
use super::quiet::{drain, quiet};
use super::settings::{settings, statement_limit};
use super::statements::Statements;
use crate::catalog::{Catalog, Described, describe};
use crate::connect::{Login, Probe, StopRoute};
use crate::error::{failed, is_foreign_text, is_stale, is_stopped, refused};
use crate::params::arguments;
use crate::types::Binary;
use crate::wire::Wire;

/// The limit of a statement's time that a session begins with. A job's own deadline is kept by stopping it; this ends
/// the work of a runner that is gone.
const BACKSTOP: Duration = Duration::from_secs(10 * 60);
/// How much longer than the deadline the server's own limit is: ours comes first, and says whose it was.
const GRACE: Duration = Duration::from_secs(5);
/// How long a session may take to come clean after its work was stopped; whoever lent it waits a second.
const SETTLE: Duration = Duration::from_millis(900);
/// Whether this login could write, if its transactions were not read-only. The views show a login its own rights.
const CAN_WRITE: &str = "SELECT CONCAT(COUNT(*)) FROM (\
     SELECT PRIVILEGE_TYPE FROM information_schema.USER_PRIVILEGES \
     UNION ALL SELECT PRIVILEGE_TYPE FROM information_schema.SCHEMA_PRIVILEGES \
     UNION ALL SELECT PRIVILEGE_TYPE FROM information_schema.TABLE_PRIVILEGES) p \
     WHERE PRIVILEGE_TYPE IN ('INSERT', 'UPDATE', 'DELETE', 'CREATE', 'DROP', 'ALTER', 'INDEX', 'TRIGGER', 'SUPER')";

/// A statement made from what the catalogue says of the target.
pub(super) type Make<'m, T> = dyn Fn(&Table) -> Result<T> + Send + Sync + 'm;

/// One connection to a server.
pub(crate) struct MySession {
    pub(super) wire: Wire,
    pub(super) statements: Statements,
    stop: StopRoute,
    pub(super) probe: Probe,
    catalog: Arc<Catalog>,
    pub(super) binary: Binary,
    backstop: Duration,
    can_write: Option<bool>,
    /// Whether the last work left the connection in a state nobody knows.
    broken: bool,
}

impl MySession {
    /// Makes a session of a login.
    pub(crate) async fn begin(
        cx: &OpenContext,
        login: Login,
        catalog: Arc<Catalog>,
        binary: Binary,
    ) -> Result<Self> {
        let Login { wire, statements, stop, probe, by } = login;
        let mut session = MySession {
            wire,
            statements,
            stop,
            probe,
            catalog,
            binary,
            backstop: BACKSTOP,
            can_write: None,
            broken: false,
        };
        for setting in settings(&session.probe, BACKSTOP) {
            by.run(&cx.call, Stage::Query, session.execute(&cx.call, &setting)).await??;
        }
        if cx.observer.is_some() {
            session.report_rights(cx).await?;
        }
        Ok(session)
    }

    async fn report_rights(&mut self, cx: &OpenContext) -> Result<()> {
        let started = Instant::now();
        let statement = Statement { text: CAN_WRITE.to_owned(), params: Vec::new() };
        let MySession { wire, statements, .. } = self;
        let rows = cx.call.run(fetch(wire, statements, &statement)).await?;
        let rows = rows.map_err(|failure| failed(&failure, Stage::ReadOnly))?;
        let can_write =
            rows.first().and_then(|row| row.first()?.as_deref()).is_some_and(|count| count != "0");
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

    pub(super) fn is_clean(&self) -> bool {
        !self.broken && !self.wire.is_broken()
    }

    pub(super) fn forget(&self, target: &str) {
        self.catalog.forget(target);
    }

    /// Forgets what turned out stale.
    pub(super) fn start_over(&mut self, target: &str, joins: &[Join]) {
        self.catalog.forget(target);
        joins.iter().for_each(|join| self.catalog.forget(&join.target));
        self.statements.clear(&mut self.wire);
    }

    pub(super) async fn alive(&mut self, cx: &CallContext) -> Result<ServerInfo> {
        self.execute(cx, "DO 0").await?;
        Ok(ServerInfo {
            product: self.probe.product().to_owned(),
            version: self.probe.version.clone(),
            can_write: self.can_write,
        })
    }

    async fn execute(&mut self, cx: &CallContext, text: &str) -> Result<()> {
        self.answered(cx).await?;
        let done = cx.run(run(&mut self.wire, text)).await;
        let done = done.and_then(|done| done.map_err(|failure| failed(&failure, Stage::Query)));
        self.settled(done).await
    }

    /// Waits for the answer to what the job before sent last.
    pub(super) async fn answered(&mut self, cx: &CallContext) -> Result<()> {
        if self.wire.is_quiet() {
            return Ok(());
        }
        let drained = cx.run(drain(&mut self.wire)).await;
        let drained = drained.and_then(|done| done.map_err(|failure| failed(&failure, Stage::Query)));
        self.settled(drained).await
    }

    /// Makes the session ready for a job: nothing is due, and the server's own limit lies behind the job's deadline.
    pub(super) async fn prepare_for(&mut self, cx: &CallContext) -> Result<()> {
        self.answered(cx).await?;
        let needed = cx.remaining() + GRACE;
        if needed > self.backstop {
            if let Some(limit) = statement_limit(&self.probe, needed * 2) {
                self.execute(cx, &format!("SET SESSION {limit}")).await?;
            }
            self.backstop = needed * 2;
        }
        Ok(())
    }

    /// What the catalogue says of a target.
    pub(super) async fn described(&mut self, cx: &CallContext, target: &str) -> Result<Arc<Described>> {
        if let Some(known) = self.catalog.get(target) {
            return Ok(known);
        }
        self.answered(cx).await?;
        let MySession { wire, statements, probe, .. } = self;
        let described = describe(wire, statements, probe, cx, target).await;
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
        self.prepare_for(cx).await?;
        let (mut retried, mut wide) = (false, false);
        loop {
            let described = widened(self.described(cx, target).await?, joins, wide);
            let joined: Vec<_> =
                self.joined(cx, joins).await?.into_iter().map(|joined| widened(joined, &[], wide)).collect();
            let tables: Vec<&Table> = joined.iter().map(|joined| &joined.table).collect();
            let plan = select(&described.table, &tables)?;
            out.columns(&visible(&plan, plan.table(&described.table))?);
            match self.page(cx, &described, &plan, count, out).await {
                Ok(page) => return Ok(page),
                Err(Halt::Server(error)) if !retried && out.rows() == 0 && is_stale(&error) => {
                    retried = true;
                    self.start_over(target, joins);
                }
                Err(Halt::Server(error)) if !wide && out.rows() == 0 && is_foreign_text(&error) => {
                    wide = true
                }
                Err(halt) => return Err(self.halted(cx, halt).await),
            }
        }
    }

    async fn page(
        &mut self,
        cx: &CallContext,
        described: &Described,
        plan: &Select,
        count: Option<&Make<'_, Statement>>,
        out: &mut RowSink<'_>,
    ) -> Result<Page, Halt> {
        let snapshot = plan.limit.is_some() && count.is_some();
        if snapshot {
            let begin = "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY";
            cx.run(run(&mut self.wire, begin)).await??;
        }
        let answer = self.rows_and_total(cx, described, plan, count, out).await;
        if snapshot && self.wire.is_quiet() {
            self.end_transaction(if answer.is_ok() { "COMMIT" } else { "ROLLBACK" }).await?;
        }
        let (pumped, total) = answer?;
        let next = match (pumped.more, pumped.rows) {
            (true, 1..) => Some(plan.next_cursor(pumped.key, pumped.rows)?),
            _ => None,
        };
        let (next_cursor, cursor_kind) = next.unzip();
        Ok(Page { next_cursor, cursor_kind, total })
    }

    async fn rows_and_total(
        &mut self,
        cx: &CallContext,
        described: &Described,
        plan: &Select,
        count: Option<&Make<'_, Statement>>,
        out: &mut RowSink<'_>,
    ) -> Result<(Pumped, Option<u64>), Halt> {
        self.start(cx, &plan.statement).await?;
        let pumped = pump(cx, &mut self.wire, (plan, plan.table(&described.table)), self.binary, out).await?;
        let total = match count {
            Some(count) => self.total_of(cx, &pumped, plan, count, described, out).await?,
            None => None,
        };
        Ok((pumped, total))
    }

    /// Sends a statement with its arguments; the answer is due then.
    pub(super) async fn start(&mut self, cx: &CallContext, sql: &Statement) -> Result<(), Halt> {
        self.check_size(sql)?;
        let MySession { wire, statements, .. } = self;
        let kept = cx.run(statements.get(wire, &sql.text)).await??;
        wire.execute(kept, &arguments(sql));
        Ok(())
    }

    /// Refuses what the server would end the connection for.
    pub(super) fn check_size(&self, sql: &Statement) -> Result<()> {
        let arguments: usize = arguments(sql).iter().map(crate::wire::Argument::size).sum();
        let size = sql.text.len().max(arguments);
        if size > self.probe.max_request {
            let message = format!(
                "the request is {size} bytes for the database, which takes {} (max_allowed_packet); use shorter lists",
                self.probe.max_request
            );
            return Err(Error::new(ErrorCode::InvalidJob, message));
        }
        Ok(())
    }

    /// Ends a transaction without waiting for the server's word, which the next job takes.
    async fn end_transaction(&mut self, word: &'static str) -> Result<(), Halt> {
        self.wire.query(word);
        Ok(self.wire.send().await?)
    }

    /// The error that the job ends with; the session is clean, or broken, when this returns.
    pub(super) async fn halted(&mut self, cx: &CallContext, halt: Halt) -> Error {
        match halt {
            // The server's own limit, or somebody's KILL QUERY.
            Halt::Server(error) if is_stopped(&error) => match cx.check() {
                Err(stopped) => stopped,
                Ok(()) => refused(&error, Stage::Query),
            },
            Halt::Server(error) => refused(&error, Stage::Query),
            Halt::Lost(failure) => failed(&failure, Stage::Query),
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

    /// Stops what the server is doing and waits until nothing of it is left on the connection. Where it cannot be
    /// stopped from beside, the connection is given up.
    async fn settle(&mut self) {
        self.broken = true;
        if !self.wire.is_broken() && (self.stop.is_known() || self.wire.is_quiet()) {
            let quiet = tokio::time::timeout(SETTLE, quiet(&mut self.wire, &self.stop)).await;
            self.broken = !quiet.unwrap_or(false);
        }
    }
}

impl Drop for MySession {
    /// Says goodbye, which keeps the server's log quiet. A session that is dropped in the middle of its work (it did
    /// not come clean in time) leaves a statement that runs on; a last request to stop it goes after it on its own.
    fn drop(&mut self) {
        let Ok(runtime) = Handle::try_current() else { return };
        if !self.wire.is_quiet() && !self.wire.is_broken() && self.stop.is_known() {
            let stop = self.stop.clone();
            runtime.spawn(async move { stop.stop().await });
        } else if self.is_clean() {
            let wire = std::mem::replace(&mut self.wire, Wire::gone());
            runtime.spawn(async move { tokio::time::timeout(SETTLE, wire.quit()).await });
        }
    }
}

/// The description, or how it is asked about when an operand does not fit a column's character set, or two joined texts
/// have two collations.
pub(super) fn widened(described: Arc<Described>, joins: &[Join], wide: bool) -> Arc<Described> {
    if wide { Arc::new(described.widened(joins)) } else { described }
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
