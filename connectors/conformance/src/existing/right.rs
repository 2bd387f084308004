//! What should become of a request: which of the rows that came, in which runs.

use std::collections::HashMap;
use std::fmt;

use connector_memory::order::RowOrder;
use connector_memory::{Database, Profile, Table, Value, aggregate, answer};
use connector_model::Capabilities;
use connector_model::error::{Error, Result};
use connector_model::request::{Aggregate, Query, Read, Request};
use connector_model::target::{LogicalType, TargetSchema};
use serde_json::Value as Json;

use super::typed::Loaded;
use crate::groups::ExpectedGroups;
use crate::job::Job;

/// The target's rows, typed and as they came.
pub(super) struct Oracle {
    database: Database,
    table: Table,
    /// The table with only those columns compared that the oracle writes as the connector does: what is grouped by is
    /// written anew.
    written_alike: Table,
    rows: Vec<Json>,
    /// Which row begins at an address.
    positions: HashMap<usize, usize>,
    schema: TargetSchema,
    folds_beyond_ascii: bool,
}

/// What should become of a request.
#[derive(Debug)]
pub(super) enum Right {
    Refused(Error),
    Rows(Box<RightRows>),
    Count(u64),
    Groups(ExpectedGroups),
    /// An answer of this kind that only has to be one.
    Answered,
}

/// Rows that should come.
#[derive(Debug)]
pub(super) struct RightRows {
    pub(super) request: Request,
    /// Positions of the rows without limit and offset. Within a run they may stand in any sequence.
    pub(super) runs: Vec<Vec<usize>>,
    /// The columns to return.
    pub(super) selection: Vec<String>,
    /// The total, where it has to be there.
    pub(super) total: Option<u64>,
    pub(super) limit: Option<u64>,
    pub(super) offset: u64,
}

impl Oracle {
    pub(super) fn new(loaded: Loaded, schema: TargetSchema) -> Result<Oracle> {
        let Loaded { table, rows, profile, folds_beyond_ascii } = loaded;
        let written_alike = written_alike(&table, &rows, &profile);
        let database = Database::new(vec![table.clone()], profile)?;
        let stored = database.table(&table.name)?;
        let positions = stored.rows.iter().enumerate().map(|(at, row)| (row.as_ptr().addr(), at)).collect();
        Ok(Oracle { table, written_alike, rows, positions, schema, folds_beyond_ascii, database })
    }

    pub(super) fn table(&self) -> &Table {
        &self.table
    }

    pub(super) fn written_alike(&self) -> &Table {
        &self.written_alike
    }

    pub(super) fn profile(&self) -> &Profile {
        self.database.profile()
    }

    pub(super) fn schema(&self) -> &TargetSchema {
        &self.schema
    }

    /// The rows as they came.
    pub(super) fn rows(&self) -> &[Json] {
        &self.rows
    }

    /// What requests are generated of: what the connector declares, without what the oracle does otherwise by right.
    pub(super) fn generated(&self, declared: &Capabilities) -> Capabilities {
        let mut capabilities = declared.clone();
        let beyond_ascii = |value: &Value| matches!(value, Value::Text(text) if !text.is_ascii());
        if self.folds_beyond_ascii && self.table.rows.iter().flatten().any(beyond_ascii) {
            capabilities.where_string_ops.retain(|operator| *operator != "$ilike");
        }
        capabilities
    }

    /// What should become of the job.
    pub(super) fn right(&self, job: &Job, bridge: &str) -> Right {
        let answered = job.request(bridge, &job.target).and_then(|request| match &request {
            Request::Read(read) => self.read(&request, read).map(|rows| Right::Rows(Box::new(rows))),
            Request::Query(query) => self.query(&request, query).map(|rows| Right::Rows(Box::new(rows))),
            Request::Count(count) => answer::count(&self.database, count).map(Right::Count),
            Request::Aggregate(aggregate) => self.groups(aggregate).map(Right::Groups),
            Request::Introspect(name) => self.database.table(name).map(|_| Right::Answered),
            Request::ListTargets | Request::Test => Ok(Right::Answered),
        });
        answered.unwrap_or_else(Right::Refused)
    }

    fn read(&self, request: &Request, read: &Read) -> Result<RightRows> {
        let whole = Read { limit: u64::MAX, cursor: None, ..read.clone() };
        let answer = answer::read(&self.database, &whole)?;
        let all = self.positions(&answer.rows)?;
        Ok(RightRows {
            request: request.clone(),
            total: read.cursor.is_none().then_some(all.len() as u64),
            runs: vec![all],
            selection: names(answer.table, &answer.selection),
            limit: Some(read.limit),
            offset: 0,
        })
    }

    fn query(&self, request: &Request, query: &Query) -> Result<RightRows> {
        let whole = Query { limit: None, offset: 0, cursor: None, ..query.clone() };
        let answer = answer::query(&self.database, &whole)?;
        let runs: Result<Vec<Vec<usize>>> = if query.order_by.is_empty() {
            Ok(vec![self.positions(&answer.rows)?])
        } else {
            let asked: Result<Vec<usize>> =
                query.order_by.iter().map(|order| answer.table.position("orderBy", &order.column)).collect();
            // Only what was asked for: the order breaks ties by the key, and this is all of one.
            let keyed = Table { primary_key: asked?, rows: Vec::new(), ..answer.table.clone() };
            let order = RowOrder::new(&keyed, self.profile(), &query.order_by)?;
            let tied = answer.rows.chunk_by(|left, right| order.compare(left, right).is_eq());
            tied.map(|run| self.positions(run)).collect()
        };
        Ok(RightRows {
            request: request.clone(),
            total: (query.include_total && query.cursor.is_none()).then_some(answer.rows.len() as u64),
            runs: runs?,
            selection: names(answer.table, &answer.selection),
            limit: query.limit,
            offset: query.offset,
        })
    }

    fn groups(&self, request: &Aggregate) -> Result<ExpectedGroups> {
        let groups = aggregate::groups(&self.database, request)?;
        Ok(ExpectedGroups::new(request, self.profile(), &groups))
    }

    fn positions(&self, rows: &[&[Value]]) -> Result<Vec<usize>> {
        let known = |row: &&[Value]| self.positions.get(&row.as_ptr().addr()).copied();
        let positions: Option<Vec<usize>> = rows.iter().map(known).collect();
        positions.ok_or_else(|| Error::internal("the oracle answered with a row that it was not given"))
    }
}

fn names(table: &Table, selection: &[usize]) -> Vec<String> {
    table.result_columns(selection).into_iter().map(|column| column.name).collect()
}

fn written_alike(table: &Table, rows: &[Json], profile: &Profile) -> Table {
    let mut alike = table.clone();
    for (at, column) in table.columns.iter().enumerate() {
        let mut cells = table.rows.iter().filter_map(|row| row.get(at)).zip(rows);
        let same = cells.all(|(value, row)| {
            let mut out = Vec::new();
            profile.write(&mut out, column, value);
            serde_json::from_slice::<Json>(&out).ok().as_ref() == row.get(&column.name)
        });
        if same {
            continue;
        }
        if let Some(column) = alike.columns.get_mut(at) {
            column.logical_type = LogicalType::Array;
        }
        for cell in
            alike.rows.iter_mut().filter_map(|row| row.get_mut(at)).filter(|cell| **cell != Value::Null)
        {
            *cell = Value::Json("[]".to_owned());
        }
    }
    alike
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Right::Refused(error) => write!(f, "{error}"),
            Right::Rows(rows) => {
                let matching: usize = rows.runs.iter().map(Vec::len).sum();
                let (start, end) = rows.window();
                write!(f, "{} rows of the {matching} that match", end - start)
            }
            Right::Count(count) => write!(f, "{count}"),
            Right::Groups(groups) => write!(f, "{groups:?}"),
            Right::Answered => f.write_str("an answer"),
        }
    }
}

impl RightRows {
    /// From which to before which of the matching rows the answer goes.
    pub(super) fn window(&self) -> (usize, usize) {
        let matching: usize = self.runs.iter().map(Vec::len).sum();
        let index = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let start = index(self.offset).min(matching);
        let end = self.limit.map_or(matching, |limit| start.saturating_add(index(limit)).min(matching));
        (start, end)
    }
}
