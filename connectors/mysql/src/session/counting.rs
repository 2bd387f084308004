//! How many rows there are: seen in the result, or counted.

use connector_api::{CallContext, RowSink};
use connector_model::error::{Error, Result};
use connector_sql::{Select, Statement, Table};

use super::exchange::fetch;
use super::pump::{Halt, Pumped};
use super::work::{Make, MySession, widened};
use crate::catalog::Described;
use crate::error::{is_foreign_text, is_stale};

impl MySession {
    /// The total behind a page: from the result where it shows it, else counted, in the rows' own transaction where
    /// there is one.
    pub(super) async fn total_of(
        &mut self,
        cx: &CallContext,
        pumped: &Pumped,
        plan: &Select,
        count: &Make<'_, Statement>,
        described: &Described,
        out: &mut RowSink<'_>,
    ) -> Result<Option<u64>, Halt> {
        if !pumped.more && (pumped.rows > 0 || plan.offset == 0) && plan.limit != Some(0) {
            return Ok(Some(plan.offset.saturating_add(pumped.rows)));
        }
        // The rows go out before the count begins: a slow one holds back nothing but the end.
        out.flush().await?;
        self.counted(cx, &count(&described.table)?).await.map(Some)
    }

    /// Runs a count of its own.
    pub(super) async fn total(
        &mut self,
        cx: &CallContext,
        target: &str,
        count: impl Fn(&Table) -> Result<Statement> + Send + Sync,
    ) -> Result<u64> {
        self.prepare_for(cx).await?;
        let (mut retried, mut wide) = (false, false);
        loop {
            let described = widened(self.described(cx, target).await?, &[], wide);
            let statement = count(&described.table)?;
            match self.counted(cx, &statement).await {
                Ok(total) => return Ok(total),
                Err(Halt::Server(error)) if !retried && is_stale(&error) => {
                    retried = true;
                    self.start_over(target, &[]);
                }
                Err(Halt::Server(error)) if !wide && is_foreign_text(&error) => wide = true,
                Err(halt) => return Err(self.halted(cx, halt).await),
            }
        }
    }

    async fn counted(&mut self, cx: &CallContext, count: &Statement) -> Result<u64, Halt> {
        self.check_size(count)?;
        let MySession { wire, statements, .. } = self;
        let rows = cx.run(fetch(wire, statements, count)).await??;
        let total = rows.first().and_then(|row| row.first()?.as_ref()?.parse().ok());
        total.ok_or_else(|| Halt::Ours(Error::internal("a count came without a number")))
    }
}
