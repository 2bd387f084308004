//! A page of rows: its statement, its order, what follows each row to tell where it ended.

use connector_sql::{
    ClickHouse as Dialect, ClickHouseType, Dialect as _, Reading, Select, Statement, Table, TableColumn,
};
use semilayer_connector::error::{internal, invalid_request};
use semilayer_connector::model::cursor::Scope;
use semilayer_connector::model::filter::{Comparison, Operand, Test};
use semilayer_connector::model::json;
use semilayer_connector::model::time::DAY_US;
use semilayer_connector::prelude::*;

use crate::catalog::Described;
use crate::position::Position;
use crate::resume::from_position;

/// Where a row of a MergeTree is stored (documentation, "Virtual columns"): it tells rows apart that are equal in all they
/// are ordered by, until the server merges their parts.
const PART: [(&str, &str); 2] = [("_part", "String"), ("_part_offset", "UInt64")];

/// What is asked for: a `read`, or a `query`.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) target: String,
    /// What errors call `columns`.
    pub(crate) option: &'static str,
    pub(crate) columns: Option<Vec<String>>,
    pub(crate) filter: Filter,
    pub(crate) changed_since: Option<ChangedSince>,
    pub(crate) order_by: Vec<Order>,
    pub(crate) limit: Option<u64>,
    pub(crate) offset: u64,
    pub(crate) cursor: Option<String>,
}

impl From<&Read> for Job {
    fn from(read: &Read) -> Job {
        Job {
            target: read.target.clone(),
            option: "fields",
            columns: read.fields.clone(),
            filter: Filter::TRUE,
            changed_since: read.changed_since.clone(),
            order_by: Vec::new(),
            limit: Some(read.limit),
            offset: 0,
            cursor: read.cursor.clone(),
        }
    }
}

impl From<&Query> for Job {
    fn from(query: &Query) -> Job {
        Job {
            target: query.target.clone(),
            option: "select",
            columns: query.select.clone(),
            filter: query.filter.clone(),
            changed_since: None,
            order_by: query.order_by.clone(),
            limit: query.limit,
            offset: query.offset,
            cursor: query.cursor.clone(),
        }
    }
}

/// One column of an order, in which a page can begin behind a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Ordered {
    pub(crate) column: String,
    pub(crate) native_type: String,
    pub(crate) logical_type: LogicalType,
    pub(crate) descending: bool,
    pub(crate) nullable: bool,
}

/// A page.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) statement: Statement,
    pub(crate) columns: Vec<Column>,
    pub(crate) has_floats: bool,
    /// The caller's limit. The statement asks for one row more, which says whether the limit cut the result.
    pub(crate) limit: Option<u64>,
    pub(crate) start: Position,
    /// `,"name":` of what follows each row: the values of `ordered`, as texts.
    pub(crate) mark: Option<Vec<u8>>,
    /// How a cursor is issued.
    target: String,
    signature: String,
    plain: bool,
    has_key: bool,
}

impl Plan {
    /// # Errors
    /// `INVALID_JOB` naming the option.
    pub(crate) fn new(described: &Described, job: &Job) -> Result<Plan> {
        let table = &described.table;
        let visible = visible(table, job)?;
        let pages = job.limit.is_some() || job.offset > 0 || job.cursor.is_some();
        let order = order(described, job, pages)?;
        let ordered = ordered(table, job, pages);
        let signature = signature(&order);
        let plain = match (ordered.as_slice(), job.order_by.as_slice()) {
            ([only], []) => {
                use LogicalType::{Integer, Text, Uuid};
                matches!(only.logical_type, Integer | Text | Uuid) && table.key.len() == 1
            }
            _ => false,
        };
        let scope = Scope { target: &table.name, order: &signature, plain };
        let start = match &job.cursor {
            Some(cursor) => Position::read(cursor, &scope, &ordered)?,
            None => Position::rows(job.offset),
        };
        let filter = [Some(job.filter.clone()), changed(table, job)?, Some(from_position(&start, &ordered))];
        let filter = Filter::And(filter.into_iter().flatten().filter(|part| !part.is_true()).collect());
        let mark = (pages && job.limit.is_some() && !ordered.is_empty()).then(|| free_name(table));
        let statement = statement(
            described,
            &visible,
            filter,
            order,
            mark.as_deref().map(|name| (name, ordered.as_slice())),
        )?;
        let mut plan = Plan {
            statement,
            columns: visible.iter().map(|column| shown(column)).collect(),
            has_floats: visible.iter().any(|column| ClickHouseType::parse(&column.native_type).has_floats()),
            limit: job.limit,
            mark: mark.map(|name| lead(&name)),
            target: table.name.clone(),
            signature,
            plain,
            has_key: !table.key.is_empty(),
            start,
        };
        // One row beyond the limit, where servers can count that far.
        let most = job.limit.map(|limit| limit.saturating_add(1).min(i64::MAX.unsigned_abs()));
        Dialect.window(&mut plan.statement, most, plan.start.skip);
        Ok(plan)
    }

    /// The cursor of a page that ends at a position.
    pub(crate) fn cursor(&self, position: &Position) -> (String, CursorKind) {
        let scope = Scope { target: &self.target, order: &self.signature, plain: self.plain };
        // What the server keeps rows in the order of tells them apart in most tables; where nothing does, no promise is made.
        let kind = if self.has_key && position.is_fixed() { CursorKind::Keyset } else { CursorKind::Offset };
        (position.issue(&scope), kind)
    }
}

fn shown(column: &TableColumn) -> Column {
    Column { name: column.name.clone(), logical_type: column.logical_type }
}

fn visible<'t>(table: &'t Table, job: &Job) -> Result<Vec<&'t TableColumn>> {
    match &job.columns {
        Some(names) => names.iter().map(|name| table.column(table.position(job.option, name)?)).collect(),
        None => Ok(table.columns.iter().collect()),
    }
}

/// The whole order: the caller's; where pages have to continue one another, then that in which rows are kept, then what
/// tells them apart.
fn order(described: &Described, job: &Job, pages: bool) -> Result<Vec<Order>> {
    let table = &described.table;
    let mut order: Vec<Order> = Vec::new();
    for wanted in &job.order_by {
        table.position("orderBy", &wanted.column)?;
        if order.iter().all(|known| known.column != wanted.column) {
            order.push(wanted.clone());
        }
    }
    if !pages {
        return Ok(order);
    }
    let every = |position: &usize| table.columns.get(*position).is_some_and(|of| of.logical_type.orderable());
    let is_kept = !table.key.is_empty();
    let rest: Vec<&str> = match is_kept {
        true => table.key.iter().filter_map(|at| table.columns.get(*at)).map(|of| of.name.as_str()).collect(),
        false => (0..table.columns.len())
            .filter(every)
            .filter_map(|at| table.columns.get(at))
            .map(|of| of.name.as_str())
            .collect(),
    };
    let parts = PART.iter().map(|(name, _)| *name).filter(|_| is_kept && has_parts(described));
    for name in rest.into_iter().chain(parts) {
        if order.iter().all(|known| known.column != name) {
            order.push(Order { column: name.to_owned(), descending: false });
        }
    }
    Ok(order)
}

/// Whether the columns that say where a row is stored can be asked for.
fn has_parts(described: &Described) -> bool {
    let taken = |name: &str| described.table.columns.iter().any(|column| column.name == name);
    described.has_parts && !PART.iter().any(|(name, _)| taken(name))
}

/// As much of the order, from its beginning, as a page can begin behind values of.
fn ordered(table: &Table, job: &Job, pages: bool) -> Vec<Ordered> {
    let of_key = table.key.iter().filter_map(|at| table.columns.get(*at)).map(|column| (&column.name, false));
    let all = job.order_by.iter().map(|order| (&order.column, order.descending)).chain(of_key);
    let mut ordered: Vec<Ordered> = Vec::new();
    for (name, descending) in all.filter(|_| pages) {
        let Some(column) = table.columns.iter().find(|column| column.name == *name) else { break };
        if ordered.iter().any(|known| known.column == *name) {
            continue;
        }
        if !ClickHouseType::parse(&column.native_type).resumes() {
            break;
        }
        ordered.push(Ordered {
            column: name.clone(),
            native_type: column.native_type.clone(),
            logical_type: column.logical_type,
            descending,
            nullable: column.nullable,
        });
    }
    ordered
}

/// The order as text, to recognise a cursor of another one.
fn signature(order: &[Order]) -> String {
    let part = |order: &Order| format!("{} {}", order.column, if order.descending { "desc" } else { "asc" });
    order.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// What a `count` counts: see [`ChangedSince::counted`].
pub(crate) fn counted(table: &Table, filter: &Filter) -> Filter {
    let kind_of = |name: &str| table.columns.iter().find(|of| of.name == name).map(|of| of.logical_type);
    ChangedSince::counted(filter, kind_of)
}

/// Rows that changed after a moment.
fn changed(table: &Table, job: &Job) -> Result<Option<Filter>> {
    const OPTION: &str = "changeTrackingColumn";
    let Some(since) = &job.changed_since else { return Ok(None) };
    let column = table.column(table.position(OPTION, &since.column)?)?;
    let text = |write: &dyn Fn(&mut Vec<u8>)| {
        let mut quoted = Vec::new();
        write(&mut quoted);
        Operand::Text(String::from_utf8_lossy(&quoted).trim_matches('"').to_owned())
    };
    let operand = match column.logical_type {
        // A day is later when its midnight is: after the last day that began by then.
        LogicalType::Date => text(&|out| json::date(out, since.micros.div_euclid(DAY_US))),
        LogicalType::Timestamp | LogicalType::TimestampTz => text(&|out| json::timestamp(out, since.micros)),
        LogicalType::Integer => Operand::Integer(i128::from(since.micros.div_euclid(1_000))),
        _ => {
            let problem = format!("column \"{}\" holds no moments", since.column);
            return Err(invalid_request(OPTION, problem).with("column", since.column.as_str()));
        }
    };
    Ok(Some(Filter::Column(since.column.clone(), Test::Compare(Comparison::Greater, operand))))
}

/// A name that no column has.
fn free_name(table: &Table) -> String {
    let mut name = "~".to_owned();
    while table.columns.iter().any(|column| column.name == name) {
        name.push('~');
    }
    name
}

/// What stands in a row before the value of its last column.
fn lead(name: &str) -> Vec<u8> {
    let mut lead = vec![b','];
    json::text(&mut lead, name);
    lead.push(b':');
    lead
}

fn statement(
    described: &Described,
    visible: &[&TableColumn],
    filter: Filter,
    order: Vec<Order>,
    mark: Option<(&str, &[Ordered])>,
) -> Result<Statement> {
    let mut table = described.table.clone();
    for (name, native) in PART.iter().filter(|_| has_parts(described)) {
        let of = ClickHouseType::parse(native);
        table.columns.push(TableColumn {
            name: (*name).to_owned(),
            logical_type: of.logical(),
            native_type: (*native).to_owned(),
            nullable: false,
            reading: Reading::Native,
            qualified: None,
        });
    }
    // The order is complete: nothing is to be added to it.
    table.key =
        order.first().and_then(|first| table.position("orderBy", &first.column).ok()).into_iter().collect();
    let query = Query {
        target: table.name.clone(),
        select: Some(visible.iter().map(|column| column.name.clone()).collect()),
        filter,
        joins: Vec::new(),
        order_by: order,
        limit: None,
        offset: 0,
        cursor: None,
        include_total: false,
    };
    let mut statement = Select::query(&Dialect, &table, &query)?.statement;
    if let Some((name, ordered)) = mark {
        let mut list = Statement::default();
        list.push("SELECT ");
        for (at, column) in visible.iter().enumerate() {
            list.push(if at > 0 { ", " } else { "" });
            Dialect.fetched(&mut list, column);
        }
        let begin = list.text.len();
        if !statement.text.starts_with(&list.text) {
            return Err(internal("a statement does not begin with the columns that it fetches"));
        }
        let values: Vec<String> = ordered
            .iter()
            .filter_map(|of| table.columns.iter().find(|column| column.name == of.column))
            .map(|column| Dialect.resumable(column))
            .collect();
        let mut marked = Statement::default();
        marked.push(&format!(", [{}] AS ", values.join(", ")));
        Dialect.quote(&mut marked, name);
        statement.text.insert_str(begin, &marked.text);
    }
    Ok(statement)
}
