//! How a job's statements run: sent, read, stopped, retried.

use std::sync::Arc;
use std::time::Duration;

use connector_api::{CallContext, Page, RowSink, ServerInfo, Stage};
use connector_model::error::Result;
use connector_model::request::aggregate::Join;
use connector_model::target::Column;
use connector_sql::{Select, Statement, Table};
use tiberius::{QueryItem, Row};

use super::pump::{Fetched, Halt, pump};
use super::running::Running;
use super::size::{TEXT_SIZE, row_too_large};
use super::snapshot::{BEGIN, Consistency, END};
use crate::catalog::{Catalog, Described, describe};
use crate::connect::{Client, Handle, Login};
use crate::error::{failed, is_fatal, is_snapshot_refused, is_stale};
use crate::params::bound;
use crate::types::{Binary, Shape};

/// How long a session may take to come clean after its work was stopped; whoever lent it waits a second.
const SETTLE: Duration = Duration::from_millis(900);

/// A statement made from what the catalogue says of the target.
pub(super) type Make<'m, T> = dyn Fn(&Table) -> Result<T> + Send + Sync + 'm;

/// One connection to SQL Server.
pub(crate) struct SqlServerSession {
    client: Client,
    handle: Handle,
    catalog: Arc<Catalog>,
    binary: Binary,
    version: String,
    database_collation: String,
    consistency: Consistency,
    can_write: Option<bool>,
    /// Whether the last work left the connection in a state nobody knows.
    broken: bool,
}

impl SqlServerSession {
    pub(super) fn new(login: Login, catalog: Arc<Catalog>, binary: Binary) -> Self {
        SqlServerSession {
            client: login.client,
            handle: login.handle,
            catalog,
            binary,
            version: String::new(),
            database_collation: String::new(),
            consistency: Consistency::ReadCommitted,
            can_write: None,
            broken: false,
        }
    }

    /// Takes note of what the server said of itself.
    pub(super) fn learn(&mut self, version: String, database_collation: String, consistency: Consistency) {
        self.version = version;
        self.database_collation = database_collation;
        self.consistency = consistency;
    }

    pub(super) fn set_can_write(&mut self, can_write: bool) {
        self.can_write = Some(can_write);
    }

    pub(super) fn version(&self) -> &str {
        &self.version
    }

    pub(super) fn consistency(&self) -> Consistency {
        self.consistency
    }

    /// The collation of columns that name none.
    pub(crate) fn database_collation(&self) -> &str {
        &self.database_collation
    }

    pub(super) fn binary(&self) -> Binary {
        self.binary
    }

    /// The client, and what stops it.
    pub(super) fn line(&mut self) -> (&mut Client, &Handle) {
        (&mut self.client, &self.handle)
    }

    pub(super) fn is_clean(&self) -> bool {
        !self.broken
    }

    pub(super) fn forget(&self, target: &str) {
        self.catalog.forget(target);
    }

    pub(super) async fn alive(&mut self, cx: &CallContext) -> Result<ServerInfo> {
        self.execute(cx, "SELECT 1").await?;
        Ok(ServerInfo {
            product: "SQL Server".to_owned(),
            version: self.version.clone(),
            can_write: self.can_write,
        })
    }

    /// Runs a batch whose result says nothing.
    pub(super) async fn execute(&mut self, cx: &CallContext, text: &str) -> Result<()> {
        let outcome = self.perform(cx, text).await;
        self.conclude(cx, true, outcome)
    }

    /// As [`SqlServerSession::execute`], the outcome as it came.
    async fn perform(&mut self, cx: &CallContext, text: &str) -> Result<(), Halt> {
        let mut running = Running::batch(&mut self.client, &self.handle, text);
        let outcome = to_the_end(cx, &mut running, None).await;
        let settled = settle(running, &self.handle, outcome.as_ref().err()).await;
        self.broken |= !settled;
        outcome
    }

    /// Runs a catalogue query.
    ///
    /// # Errors
    /// `SOURCE_QUERY_FAILED`, `SOURCE_UNREACHABLE`; `CANCELLED` and `QUERY_TIMEOUT` when the call ends first.
    pub(crate) async fn collect(&mut self, cx: &CallContext, statement: &Statement) -> Result<Vec<Row>> {
        let rows = self.all_rows(cx, statement).await;
        self.conclude(cx, true, rows)
    }

    /// Runs a statement of few rows to its end.
    pub(super) async fn all_rows(
        &mut self,
        cx: &CallContext,
        statement: &Statement,
    ) -> Result<Vec<Row>, Halt> {
        let mut rows = Vec::new();
        let mut running = Running::query(&mut self.client, &self.handle, bound(statement)?);
        let outcome = to_the_end(cx, &mut running, Some(&mut rows)).await;
        let settled = settle(running, &self.handle, outcome.as_ref().err()).await;
        self.broken |= !settled;
        outcome.map(|()| rows)
    }

    /// Passes an outcome on as a job's; the session is clean, or broken, when this returns.
    pub(super) fn conclude<T>(
        &mut self,
        cx: &CallContext,
        settled: bool,
        outcome: Result<T, Halt>,
    ) -> Result<T> {
        self.broken |= !settled;
        outcome.map_err(|halt| match halt {
            Halt::Ours(error) => error,
            // Read no further, or cut in the middle of a character.
            Halt::Server(error) if self.handle.row_bytes() >= TEXT_SIZE && is_fatal(&error) => {
                row_too_large()
            }
            // Somebody's KILL, or a deadline that struck while the response was on its way.
            Halt::Server(error) => match cx.check() {
                Err(stopped) if !is_fatal(&error) => stopped,
                _ => failed(&error, Stage::Query),
            },
        })
    }

    /// What the catalogue says of a target.
    pub(super) async fn described(&mut self, cx: &CallContext, target: &str) -> Result<Arc<Described>> {
        if let Some(known) = self.catalog.get(target) {
            return Ok(known);
        }
        let described = Arc::new(describe(self, cx, target).await?);
        self.catalog.put(target, described.clone());
        Ok(described)
    }

    /// What the catalogue says of the joined targets.
    pub(super) async fn joined(&mut self, cx: &CallContext, joins: &[Join]) -> Result<Vec<Arc<Described>>> {
        let mut joined = Vec::with_capacity(joins.len());
        for (at, join) in joins.iter().enumerate() {
            let described = self.described(cx, &join.target).await;
            joined.push(described.map_err(|error| error.with("option", format!("joins[{at}].target")))?);
        }
        Ok(joined)
    }

    /// Runs a `SELECT` into the sink; the total comes from the result where it shows it, else from `count`, which
    /// sees the same snapshot where the database keeps any.
    pub(super) async fn rows(
        &mut self,
        cx: &CallContext,
        (target, joins): (&str, &[Join]),
        select: impl Fn(&Table, &[&Table]) -> Result<Select> + Send + Sync,
        count: Option<&Make<'_, Statement>>,
        out: &mut RowSink<'_>,
    ) -> Result<Page> {
        let mut retried = false;
        loop {
            let described = self.described(cx, target).await?;
            let joined = self.joined(cx, joins).await?;
            let tables: Vec<&Table> = joined.iter().map(|joined| &joined.table).collect();
            let plan = select(&described.table, &tables)?;
            out.columns(&visible(&plan, plan.table(&described.table))?);
            let snapshot =
                self.consistency == Consistency::Snapshot && plan.limit.is_some() && count.is_some();
            let page = match snapshot {
                true => self.in_snapshot(cx, &described, &plan, count, out).await,
                false => self.page(cx, &described, &plan, count, out).await,
            };
            match page {
                Ok(page) => return Ok(page),
                Err(Halt::Server(error))
                    if snapshot && out.rows() == 0 && is_snapshot_refused(&error) && self.is_clean() =>
                {
                    self.consistency = Consistency::ReadCommitted;
                }
                Err(Halt::Server(error))
                    if !retried && out.rows() == 0 && is_stale(&error) && self.is_clean() =>
                {
                    retried = true;
                    self.forget(target);
                    joins.iter().for_each(|join| self.forget(&join.target));
                }
                Err(halt) => return self.conclude(cx, true, Err(halt)),
            }
        }
    }

    /// A page and its total in a transaction of their own, which has ended when this returns; else the session is
    /// broken.
    async fn in_snapshot(
        &mut self,
        cx: &CallContext,
        described: &Described,
        plan: &Select,
        count: Option<&Make<'_, Statement>>,
        out: &mut RowSink<'_>,
    ) -> Result<Page, Halt> {
        let page = match self.perform(cx, BEGIN).await {
            Ok(()) => self.page(cx, described, plan, count, out).await,
            // The server may have begun it all the same: the answer and the cancel cross on the way.
            Err(halt) => Err(halt),
        };
        if !self.broken {
            // In its own time: the job's may be over. Its answer is there whether or not this succeeds.
            self.broken |= self.perform(&CallContext::within(SETTLE), END).await.is_err();
        }
        page
    }

    async fn page(
        &mut self,
        cx: &CallContext,
        described: &Described,
        plan: &Select,
        count: Option<&Make<'_, Statement>>,
        out: &mut RowSink<'_>,
    ) -> Result<Page, Halt> {
        let fetched = fetched(plan, plan.table(&described.table), self.binary)?;
        let mut running = Running::query(&mut self.client, &self.handle, bound(&plan.statement)?);
        let pumped = pump(cx, &mut running, plan, &fetched, out).await;
        let settled = settle(running, &self.handle, pumped.as_ref().err()).await;
        self.broken |= !settled;
        let pumped = pumped?;
        let total = match count {
            Some(count) => self.total_of(cx, &pumped, plan, &count(&described.table)?, out).await?,
            None => None,
        };
        let next = match (pumped.more, pumped.rows) {
            (true, 1..) => Some(plan.next_cursor(pumped.key, pumped.rows)?),
            _ => None,
        };
        let (next_cursor, cursor_kind) = next.unzip();
        Ok(Page { next_cursor, cursor_kind, total })
    }
}

/// Reads a response to its end, keeping its rows if anybody wants them.
async fn to_the_end(
    cx: &CallContext,
    running: &mut Running<'_>,
    mut rows: Option<&mut Vec<Row>>,
) -> Result<(), Halt> {
    while let Some(item) = cx.run(running.next()).await? {
        if let (QueryItem::Row(row), Some(rows)) = (item.map_err(Halt::Server)?, &mut rows) {
            rows.push(row);
        }
    }
    Ok(())
}

/// Leaves nothing of a statement on the connection; whether that was achieved. One that was stopped is ended by an
/// attention, and its response read to the end.
pub(super) async fn settle(mut running: Running<'_>, handle: &Handle, halt: Option<&Halt>) -> bool {
    match halt {
        None => true,
        Some(Halt::Server(error)) => !is_fatal(error),
        Some(Halt::Ours(_)) => {
            handle.attend();
            let drained = async {
                while let Some(item) = running.next().await {
                    if item.is_err_and(|error| is_fatal(&error)) {
                        return false;
                    }
                }
                handle.quiet().await.is_ok()
            };
            tokio::time::timeout(SETTLE, drained).await.unwrap_or(false)
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

fn fetched(plan: &Select, table: &Table, binary: Binary) -> Result<Vec<Fetched>> {
    let columns = plan.fetched.iter().map(|position| table.column(*position));
    let fetched = columns.map(|column| {
        let column = column?;
        Ok(Fetched { name: column.name.clone(), shape: Shape::of(column.logical_type, binary) })
    });
    fetched.collect()
}
