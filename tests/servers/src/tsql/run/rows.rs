//! A result as it is fetched: made row by row where its order allows.

use std::sync::Arc;

use super::Run;
use crate::tsql::error::Result;
use crate::tsql::plan::{Plan, SelectPlan};
use crate::tsql::value::Row;

/// The rows of a statement.
#[derive(Debug)]
pub(crate) struct RowStream {
    run: Run,
    state: State,
}

#[derive(Debug)]
enum State {
    /// A scan of one table that needs neither order nor groups.
    Scan {
        plan: Box<SelectPlan>,
        rows: Arc<Vec<Row>>,
        at: usize,
        skip: u64,
        left: u64,
    },
    Made(std::vec::IntoIter<Row>),
}

impl RowStream {
    pub(crate) fn start(run: Run, plan: Plan) -> Result<Self> {
        let state = match plan {
            Plan::Select(select) if streams(&select) => {
                let (skip, left) = run.limits(&select, None)?;
                let rows = run.shared(&select.input, None)?;
                State::Scan { plan: select, rows, at: 0, skip, left }
            }
            plan => State::Made(run.rows(&plan, None)?.into_iter()),
        };
        Ok(Self { run, state })
    }

    pub(crate) fn next_row(&mut self) -> Result<Option<Row>> {
        match &mut self.state {
            State::Made(rows) => {
                self.run.check()?;
                Ok(rows.next())
            }
            State::Scan { plan, rows, at, skip, left } => {
                while *left > 0 {
                    let Some(row) = rows.get(*at) else { return Ok(None) };
                    *at += 1;
                    if !self.run.passes(plan.condition.as_ref(), row, None)? {
                        continue;
                    }
                    if *skip > 0 {
                        *skip -= 1;
                        continue;
                    }
                    *left -= 1;
                    return self.run.items(plan, row, &[], None).map(Some);
                }
                Ok(None)
            }
        }
    }
}

fn streams(plan: &SelectPlan) -> bool {
    plan.group.is_none() && plan.windows.is_empty() && plan.distinct.is_none() && plan.order.is_empty()
}
