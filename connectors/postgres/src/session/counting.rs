//! How many rows there are: seen in the result, or counted.

use std::pin::pin;

use connector_api::{CallContext, RowSink};
use connector_model::error::{Error, Result};
use connector_sql::{Select, Statement, Table};

use super::pump::{Halt, Pumped};
use super::transaction::{Around, Commit};
use super::work::{Make, PgSession};
use crate::catalog::Described;
use crate::error::is_stale;

impl PgSession {
    /// The total behind a page: from the result where it shows it, else counted.
    pub(super) async fn total_of(
        &mut self,
        cx: &CallContext,
        pumped: &Pumped,
        plan: &Select,
        count: &Make<'_, Statement>,
        described: &Described,
        out: &mut RowSink<'_>,
    ) -> Result<Option<u64>, Halt> {
        if !pumped.more && (pumped.rows > 0 || plan.offset == 0) {
            return Ok(Some(plan.offset + pumped.rows));
        }
        // The rows go out before the count begins: a slow one holds back nothing but the end.
        out.flush().await?;
        // In the rows' own transaction where there is one.
        let around = match plan.limit {
            Some(_) => Around { begin: None, commit: Commit::None },
            None => self.around(cx, false, described.needs_settings),
        };
        self.counted(cx, &around, &count(&described.table)?).await.map(Some)
    }

    /// Runs a count of its own.
    pub(super) async fn total(
        &mut self,
        cx: &CallContext,
        target: &str,
        count: impl Fn(&Table) -> Result<Statement> + Send + Sync,
    ) -> Result<u64> {
        self.raise_backstop(cx).await?;
        let mut retried = false;
        loop {
            let described = self.described(cx, target).await?;
            let statement = count(&described.table)?;
            let around = self.around(cx, false, described.needs_settings);
            match self.counted(cx, &around, &statement).await {
                Ok(total) => return Ok(total),
                Err(Halt::Server(error)) if !retried && is_stale(&error) => {
                    retried = true;
                    self.start_over(target, &[]);
                }
                Err(halt) => return Err(self.halted(cx, halt).await),
            }
        }
    }

    async fn counted(&mut self, cx: &CallContext, around: &Around, count: &Statement) -> Result<u64, Halt> {
        let stream = self.start(cx, around, count).await?;
        let row = cx.run(async {
            let mut stream = pin!(stream);
            let mut counted = None;
            while let Some(row) = futures_util::StreamExt::next(&mut stream).await {
                counted = Some(row?);
            }
            Ok(counted)
        });
        let row = row.await?.map_err(Halt::Server)?;
        let total =
            row.and_then(|row| row.try_get::<_, i64>(0).ok()).and_then(|total| u64::try_from(total).ok());
        total.ok_or_else(|| Halt::Ours(Error::internal("a count came without a number")))
    }
}
