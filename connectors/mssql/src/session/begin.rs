//! The first statements of a session.

use std::sync::Arc;
use std::time::Instant;

use connector_api::{OpenContext, Stage, StageReport};
use connector_model::error::{Error, Result};
use connector_sql::Statement;

use super::size::TEXT_SIZE;
use super::snapshot::Consistency;
use super::work::SqlServerSession;
use crate::catalog::{Catalog, column, number};
use crate::connect::Login;
use crate::types::Binary;

/// What a session's results depend on, besides `TEXTSIZE`, which keeps a value from filling the memory. `LOCK_TIMEOUT`
/// ends a wait for a writer that nobody cancels any more: deadlines are kept from here, by attention.
const SETTINGS: &str = "SET NOCOUNT ON; SET ANSI_NULLS ON; SET QUOTED_IDENTIFIER ON; SET ANSI_PADDING ON; \
     SET ANSI_WARNINGS ON; SET CONCAT_NULL_YIELDS_NULL ON; SET ARITHABORT ON; SET LOCK_TIMEOUT 600000; \
     SET TRANSACTION ISOLATION LEVEL READ COMMITTED";

const WHO: &str = "SELECT CAST(SERVERPROPERTY('ProductVersion') AS nvarchar(128)), \
     CAST(DATABASEPROPERTYEX(DB_NAME(), 'Collation') AS nvarchar(128)), \
     (SELECT d.snapshot_isolation_state FROM sys.databases AS d WHERE d.database_id = DB_ID())";

/// Whether this login could write anywhere in the database, if anything here wrote.
const CAN_WRITE: &str = "SELECT HAS_PERMS_BY_NAME(DB_NAME(), 'DATABASE', 'INSERT')";

impl SqlServerSession {
    /// Makes a session of a login.
    pub(crate) async fn begin(
        cx: &OpenContext,
        login: Login,
        catalog: Arc<Catalog>,
        binary: Binary,
    ) -> Result<Self> {
        let started = Instant::now();
        let by = login.by;
        let mut session = SqlServerSession::new(login, catalog, binary);
        let settings = format!("{SETTINGS}; SET TEXTSIZE {TEXT_SIZE}");
        by.run(&cx.call, Stage::Query, session.execute(&cx.call, &settings)).await??;
        let who = by.run(&cx.call, Stage::Query, session.collect(&cx.call, &statement(WHO))).await??;
        let who = who.first().ok_or_else(|| Error::internal("the first query returned no row"))?;
        let text = |position| Ok(column::<&str>(who, position)?.unwrap_or_default().to_owned());
        session.learn(text(0)?, text(1)?, Consistency::of(number(who, 2)?));
        let note = format!("SQL Server {}, {}", session.version(), session.consistency().note());
        cx.passed(StageReport::new(Stage::Query, started.elapsed(), note));
        if cx.observer.is_some() {
            session.report_rights(cx).await?;
        }
        Ok(session)
    }

    async fn report_rights(&mut self, cx: &OpenContext) -> Result<()> {
        let started = Instant::now();
        let found = self.collect(&cx.call, &statement(CAN_WRITE)).await?;
        let can_write = found.first().map(|row| number(row, 0)).transpose()?.flatten() == Some(1);
        self.set_can_write(can_write);
        let note = "only SELECT is ever sent";
        let report = StageReport::new(Stage::ReadOnly, started.elapsed(), note);
        cx.passed(match can_write {
            false => report,
            true => report.with_warning(
                "this login may write, and SQL Server has no read-only transactions: nothing here writes, but a login \
                 with db_datareader only is safer",
            ),
        });
        Ok(())
    }
}

fn statement(text: &str) -> Statement {
    Statement { text: text.to_owned(), params: Vec::new() }
}
