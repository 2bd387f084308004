//! T-SQL as a tree.

use super::decimal::Decimal;
use super::types::SqlType;

/// A name of several parts: `schema.table`, `alias.column`.
pub(crate) type Name = Vec<String>;

/// A literal.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Literal {
    Null,
    Int(i32),
    Decimal(Decimal),
    Float(f64),
    /// The text, and whether N stood before it.
    Text(String, bool),
    Bytes(Vec<u8>),
}

/// An expression or a condition.
#[derive(Debug, Clone)]
pub(crate) enum Expr {
    Literal(Literal),
    Variable(String),
    Column(Name),
    Negate(Box<Expr>),
    Arithmetic(Arithmetic, Box<Expr>, Box<Expr>),
    Compare(Comparison, Box<Expr>, Box<Expr>),
    And(Box<Expr>, Box<Expr>),
    Or(Box<Expr>, Box<Expr>),
    Not(Box<Expr>),
    IsNull {
        expr: Box<Expr>,
        negated: bool,
    },
    Like {
        expr: Box<Expr>,
        pattern: Box<Expr>,
        escape: Option<Box<Expr>>,
        negated: bool,
    },
    Between {
        expr: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        negated: bool,
    },
    InList {
        expr: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
    },
    InQuery {
        expr: Box<Expr>,
        query: Box<Query>,
        negated: bool,
    },
    Exists(Box<Query>),
    Subquery(Box<Query>),
    Case {
        operand: Option<Box<Expr>>,
        branches: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    /// CAST, CONVERT and their TRY_ forms.
    Convert {
        expr: Box<Expr>,
        to: SqlType,
        style: Option<Box<Expr>>,
        lenient: bool,
    },
    Call(Call),
    Collate(Box<Expr>, String),
    AtTimeZone(Box<Expr>, Box<Expr>),
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    BitAnd,
    BitOr,
    BitXor,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// A function call.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    /// In upper case.
    pub(crate) name: String,
    pub(crate) arguments: Vec<Expr>,
    /// `(*)`.
    pub(crate) star: bool,
    pub(crate) distinct: bool,
    pub(crate) within_group: Vec<Order>,
    pub(crate) over: Option<Window>,
}

/// `OVER (…)`.
#[derive(Debug, Clone)]
pub(crate) struct Window {
    pub(crate) partition: Vec<Expr>,
    pub(crate) order: Vec<Order>,
    pub(crate) frame: Frame,
}

/// The rows of the partition that an aggregate looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Frame {
    /// None was given: up to the row's peers when there is an order, else all.
    Default,
    /// `ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW`.
    RowsToCurrent,
    /// `… BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING`.
    Whole,
}

/// A column of an order.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    pub(crate) expr: Expr,
    pub(crate) descending: bool,
}

/// A query with its order.
#[derive(Debug, Clone)]
pub(crate) struct Query {
    pub(crate) tables: Vec<CommonTable>,
    pub(crate) body: Body,
    pub(crate) order: Vec<Order>,
    pub(crate) offset: Option<Expr>,
    pub(crate) fetch: Option<Expr>,
}

/// `WITH name (columns) AS (query)`.
#[derive(Debug, Clone)]
pub(crate) struct CommonTable {
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    pub(crate) query: Query,
}

/// What a query consists of.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    Select(Box<Select>),
    Set { kind: SetKind, left: Box<Body>, right: Box<Body> },
    Values(Vec<Vec<Expr>>),
    Nested(Box<Query>),
}

/// How two queries are put together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SetKind {
    UnionAll,
    Union,
    Except,
    Intersect,
}

/// `SELECT …`.
#[derive(Debug, Clone)]
pub(crate) struct Select {
    pub(crate) distinct: bool,
    pub(crate) top: Option<Expr>,
    pub(crate) items: Vec<Item>,
    pub(crate) from: Vec<TableRef>,
    pub(crate) condition: Option<Expr>,
    pub(crate) group: Vec<Expr>,
    pub(crate) having: Option<Expr>,
}

/// A member of the select list.
#[derive(Debug, Clone)]
pub(crate) enum Item {
    Expr {
        expr: Expr,
        alias: Option<String>,
    },
    /// `*` or `alias.*`.
    Star(Option<String>),
    /// `SELECT @x = expr`.
    Assign {
        variable: String,
        expr: Expr,
    },
}

/// A member of FROM.
#[derive(Debug, Clone)]
pub(crate) enum TableRef {
    Table { name: Name, alias: Option<String>, sample: Option<Sample> },
    Derived { query: Box<Query>, alias: String, columns: Vec<String> },
    OpenJson { json: Expr, path: Option<Expr>, columns: Vec<JsonColumn>, alias: Option<String> },
    Join { kind: JoinKind, left: Box<TableRef>, right: Box<TableRef>, on: Option<Expr> },
    Apply { outer: bool, left: Box<TableRef>, right: Box<TableRef> },
}

/// `TABLESAMPLE (n PERCENT | ROWS) REPEATABLE (seed)`.
#[derive(Debug, Clone)]
pub(crate) struct Sample {
    pub(crate) amount: Expr,
    pub(crate) percent: bool,
}

/// A column of `OPENJSON … WITH`.
#[derive(Debug, Clone)]
pub(crate) struct JsonColumn {
    pub(crate) name: String,
    pub(crate) ty: SqlType,
    pub(crate) path: Option<String>,
    pub(crate) as_json: bool,
}

/// How two tables are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum JoinKind {
    Inner,
    Left,
    Right,
    Full,
    Cross,
}

/// A column of CREATE TABLE.
#[derive(Debug, Clone)]
pub(crate) struct ColumnDefinition {
    pub(crate) name: String,
    pub(crate) ty: SqlType,
    /// The type's name as declared: `numeric` and `decimal` are one type with two names.
    pub(crate) type_name: String,
    pub(crate) collation: Option<String>,
    pub(crate) nullable: Option<bool>,
    pub(crate) identity: Option<(i64, i64)>,
    pub(crate) default: Option<Expr>,
    pub(crate) computed: Option<Expr>,
}

/// PRIMARY KEY, UNIQUE or an index.
#[derive(Debug, Clone)]
pub(crate) struct KeyDefinition {
    pub(crate) name: Option<String>,
    pub(crate) primary: bool,
    pub(crate) unique: bool,
    pub(crate) clustered: bool,
    pub(crate) columns: Vec<(String, bool)>,
    pub(crate) included: Vec<String>,
    /// A filtered index covers only some rows.
    pub(crate) filtered: bool,
}

/// What INSERT inserts.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Query(Box<Query>),
    DefaultValues,
}

/// A statement.
#[derive(Debug, Clone)]
pub(crate) enum Statement {
    Query(Box<Query>),
    Insert {
        table: Name,
        columns: Vec<String>,
        source: Source,
    },
    Update {
        table: Name,
        set: Vec<(String, Expr)>,
        condition: Option<Expr>,
    },
    Delete {
        table: Name,
        top: Option<Expr>,
        condition: Option<Expr>,
    },
    Truncate(Name),
    CreateTable {
        name: Name,
        columns: Vec<ColumnDefinition>,
        keys: Vec<KeyDefinition>,
    },
    CreateView {
        name: Name,
        columns: Vec<String>,
        query: Box<Query>,
    },
    CreateSchema(String),
    CreateIndex {
        table: Name,
        key: KeyDefinition,
    },
    CreateSynonym {
        name: Name,
        target: Name,
    },
    Drop {
        kind: &'static str,
        names: Vec<Name>,
        if_exists: bool,
    },
    Declare(Vec<(String, SqlType, Option<Expr>)>),
    SetVariable(String, Expr),
    /// `SET NOCOUNT ON` and the like: the option in upper case, and its value.
    SetOption(String, String),
    /// `SET IDENTITY_INSERT table ON`.
    IdentityInsert(Name, bool),
    Begin,
    Commit,
    Rollback,
    Save,
    Use(String),
    If {
        condition: Expr,
        then: Box<Statement>,
        otherwise: Option<Box<Statement>>,
    },
    Block(Vec<Statement>),
    Print(Expr),
    Throw {
        number: Expr,
        message: Expr,
        state: Expr,
    },
    RaiseError {
        message: Expr,
        class: Expr,
        state: Expr,
    },
    WaitFor(String),
    /// `EXEC sp_executesql`, or EXEC of a text.
    Execute {
        arguments: Vec<(Option<String>, Expr)>,
        procedure: String,
    },
}
