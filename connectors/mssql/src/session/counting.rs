//! How many rows there are: seen in the result, or counted.

use connector_api::{CallContext, RowSink};
use connector_model::error::{Error, Result};
use connector_sql::{Select, Statement, Table};

use super::pump::{Halt, Pumped};
use super::work::SqlServerSession;
use crate::catalog::number;
use crate::error::is_stale;

impl SqlServerSession {
    /// The total behind a page: from the result where it shows it, else counted.
    pub(super) async fn total_of(
        &mut self,
        cx: &CallContext,
        pumped: &Pumped,
        plan: &Select,
        count: &Statement,
        out: &mut RowSink<'_>,
    ) -> Result<Option<u64>, Halt> {
        if !pumped.more && (pumped.rows > 0 || plan.offset == 0) {
            return Ok(Some(plan.offset + pumped.rows));
        }
        // The rows go out before the count begins: a slow one holds back nothing but the end.
        out.flush().await?;
        self.counted(cx, count).await.map(Some)
    }

    /// Runs a count of its own.
    pub(super) async fn total(
        &mut self,
        cx: &CallContext,
        target: &str,
        count: impl Fn(&Table) -> Result<Statement> + Send + Sync,
    ) -> Result<u64> {
        let mut retried = false;
        loop {
            let described = self.described(cx, target).await?;
            match self.counted(cx, &count(&described.table)?).await {
                Ok(total) => return Ok(total),
                Err(Halt::Server(error)) if !retried && is_stale(&error) && self.is_clean() => {
                    retried = true;
                    self.forget(target);
                }
                Err(halt) => return self.conclude(cx, true, Err(halt)),
            }
        }
    }

    async fn counted(&mut self, cx: &CallContext, count: &Statement) -> Result<u64, Halt> {
        let rows = self.all_rows(cx, count).await?;
        let total = rows.first().map(|row| number(row, 0)).transpose()?.flatten();
        let total = total.and_then(|total| u64::try_from(total).ok());
        total.ok_or_else(|| Halt::Ours(Error::internal("a count came without a number")))
    }
}
