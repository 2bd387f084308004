//! Queries that are ready to be run: every name is found, every type is known.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use super::ast::{Arithmetic, Comparison, Frame, JoinKind, SetKind};
use super::function::Function;
use super::types::{Collation, SqlType};
use super::value::{Key, Row, Value};

/// An expression.
#[derive(Debug)]
pub(crate) enum Bound {
    Const(Value),
    /// A column of the row at hand (depth 0), or of a row of a query further out.
    Column {
        depth: usize,
        index: usize,
    },
    /// What a window function gave for the row.
    Window(usize),
    Convert {
        expr: Box<Bound>,
        from: SqlType,
        to: SqlType,
        style: Option<Box<Bound>>,
        lenient: bool,
    },
    Negate(Box<Bound>),
    /// The operands have the result's type, but for decimals, which keep their scales.
    Arithmetic {
        operator: Arithmetic,
        left: Box<Bound>,
        right: Box<Bound>,
        ty: SqlType,
    },
    Compare {
        comparison: Comparison,
        left: Box<Bound>,
        right: Box<Bound>,
        collation: Collation,
    },
    And(Box<Bound>, Box<Bound>),
    Or(Box<Bound>, Box<Bound>),
    Not(Box<Bound>),
    IsNull {
        expr: Box<Bound>,
        negated: bool,
    },
    Like {
        expr: Box<Bound>,
        pattern: Box<Bound>,
        escape: Option<Box<Bound>>,
        collation: Collation,
        negated: bool,
    },
    InList {
        expr: Box<Bound>,
        list: Vec<Bound>,
        collation: Collation,
        negated: bool,
    },
    InQuery {
        expr: Box<Bound>,
        query: Arc<Subquery>,
        convert: (SqlType, SqlType),
        collation: Collation,
        negated: bool,
    },
    Exists(Arc<Subquery>),
    Scalar(Arc<Subquery>),
    Case {
        branches: Vec<(Bound, Bound)>,
        otherwise: Option<Box<Bound>>,
    },
    Coalesce(Vec<Bound>),
    Call {
        function: Function,
        arguments: Vec<Bound>,
        types: Vec<SqlType>,
        ty: SqlType,
    },
}

/// A query within an expression.
#[derive(Debug)]
pub(crate) struct Subquery {
    pub(crate) plan: Plan,
    /// Whether it looks at rows of queries further out; if not, it is run once.
    pub(crate) correlated: bool,
    pub(crate) rows: OnceLock<Arc<Vec<Row>>>,
    /// The first column's values as keys, and whether NULL is among them.
    pub(crate) keys: OnceLock<(HashSet<Key>, bool)>,
}

/// Where rows come from.
#[derive(Debug)]
pub(crate) enum Plan {
    Rows(Arc<Vec<Row>>),
    Values(Vec<Vec<Bound>>),
    Join { kind: JoinKind, left: Box<Plan>, right: Box<Plan>, on: Option<Bound>, widths: (usize, usize) },
    Apply { outer: bool, left: Box<Plan>, right: Box<Plan>, width: usize },
    OpenJson(Box<OpenJson>),
    Select(Box<SelectPlan>),
    Set { kind: SetKind, left: Box<Plan>, right: Box<Plan>, collations: Vec<Collation> },
}

/// `OPENJSON`.
#[derive(Debug)]
pub(crate) struct OpenJson {
    pub(crate) json: Bound,
    pub(crate) path: Option<Bound>,
    /// None for the plain form: key, value and type.
    pub(crate) columns: Vec<JsonColumn>,
}

/// A column of `OPENJSON … WITH`.
#[derive(Debug)]
pub(crate) struct JsonColumn {
    pub(crate) path: String,
    pub(crate) ty: SqlType,
    pub(crate) as_json: bool,
}

/// `SELECT`, and what stands behind it.
#[derive(Debug)]
pub(crate) struct SelectPlan {
    pub(crate) input: Plan,
    pub(crate) condition: Option<Bound>,
    pub(crate) group: Option<GroupPlan>,
    pub(crate) windows: Vec<WindowCall>,
    /// The visible items, then those that only the order needs.
    pub(crate) items: Vec<Bound>,
    pub(crate) visible: usize,
    /// The visible items' collations, when only different rows are wanted.
    pub(crate) distinct: Option<Vec<Collation>>,
    pub(crate) order: Vec<OrderKey>,
    pub(crate) offset: Option<Bound>,
    pub(crate) limit: Option<Bound>,
}

/// A column of the order, as a position among the items.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OrderKey {
    pub(crate) item: usize,
    pub(crate) descending: bool,
    pub(crate) collation: Collation,
}

/// GROUP BY. The rows behind it are the keys, then the aggregates.
#[derive(Debug)]
pub(crate) struct GroupPlan {
    pub(crate) keys: Vec<(Bound, Collation)>,
    pub(crate) aggregates: Vec<Aggregate>,
    pub(crate) having: Option<Bound>,
}

/// An aggregate function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AggregateKind {
    CountRows,
    Count,
    Sum,
    Average,
    Min,
    Max,
    /// STDEV, STDEVP, VAR, VARP: whether of the whole population, and whether its root.
    Variance {
        population: bool,
        root: bool,
    },
    StringAgg,
}

/// A call of an aggregate.
#[derive(Debug)]
pub(crate) struct Aggregate {
    pub(crate) kind: AggregateKind,
    pub(crate) distinct: bool,
    pub(crate) argument: Option<Bound>,
    pub(crate) separator: Option<Bound>,
    pub(crate) order: Vec<SortKey>,
    pub(crate) collation: Collation,
    pub(crate) ty: SqlType,
}

/// A window function.
#[derive(Debug)]
pub(crate) enum WindowKind {
    RowNumber,
    Rank,
    DenseRank,
    Ntile(Bound),
    FirstValue(Bound),
    LastValue(Bound),
    /// Value, distance, default.
    Lag(Bound, i64, Option<Bound>),
    /// The share, and whether the value is interpolated.
    Percentile {
        share: Bound,
        value: SortKey,
        continuous: bool,
    },
    Aggregate(Aggregate),
}

/// A call of a window function.
#[derive(Debug)]
pub(crate) struct WindowCall {
    pub(crate) kind: WindowKind,
    pub(crate) partition: Vec<(Bound, Collation)>,
    pub(crate) order: Vec<SortKey>,
    pub(crate) frame: Frame,
}

/// An expression to sort by.
#[derive(Debug)]
pub(crate) struct SortKey {
    pub(crate) expr: Bound,
    pub(crate) descending: bool,
    pub(crate) collation: Collation,
}
