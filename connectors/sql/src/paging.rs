//! The order of a result, and where its next page begins.

use connector_model::cursor::{CursorKind, Position, Scope};
use connector_model::error::{Error, Result};
use connector_model::filter::Typed;
use connector_model::request::Order;
use connector_model::target::LogicalType;

use crate::dialect::{Dialect, Nulls};
use crate::statement::Statement;
use crate::table::{Table, TableColumn};

/// One ordered column: its position in the table, its type, and its direction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ordered {
    pub(crate) column: usize,
    logical_type: LogicalType,
    pub(crate) descending: bool,
}

/// A total order where the table has a key, else the best there is.
#[derive(Debug, Clone)]
pub(crate) struct Paging {
    pub(crate) target: String,
    pub(crate) order: Vec<Ordered>,
    pub(crate) kind: CursorKind,
    /// The order as text, to recognise a cursor of another one.
    signature: String,
    /// Whether the cursor is the plain text of one key.
    plain: bool,
}

impl Paging {
    /// `order_by`, then the key; without a key, then every column that has an order.
    pub(crate) fn new(table: &Table, order_by: &[Order]) -> Result<Paging> {
        let mut order: Vec<Ordered> = Vec::new();
        for wanted in order_by {
            let column = table.position("orderBy", &wanted.column)?;
            let logical_type = table.column(column)?.logical_type;
            order.push(Ordered { column, logical_type, descending: wanted.descending });
        }
        let rest: Vec<usize> = match table.key.as_slice() {
            [] => (0..table.columns.len()).filter(|column| orderable(table, *column)).collect(),
            key => key.to_vec(),
        };
        for column in rest {
            if order.iter().all(|known| known.column != column) {
                let logical_type = table.column(column)?.logical_type;
                order.push(Ordered { column, logical_type, descending: false });
            }
        }
        let keyset = !table.key.is_empty() && order.iter().all(|ordered| orderable(table, ordered.column));
        let kind = if keyset { CursorKind::Keyset } else { CursorKind::Offset };
        let plain = keyset && order_by.is_empty() && single_plain_key(table, &order);
        let signature = order
            .iter()
            .map(|ordered| {
                let column = table.column(ordered.column)?;
                Ok(format!("{} {}", column.name, if ordered.descending { "desc" } else { "asc" }))
            })
            .collect::<Result<Vec<_>>>()?
            .join(", ");
        Ok(Paging { target: table.name.clone(), order, kind, signature, plain })
    }

    fn scope(&self) -> Scope<'_> {
        Scope { target: &self.target, order: &self.signature, plain: self.plain }
    }

    /// Where `cursor` says that this page begins.
    pub(crate) fn read(&self, cursor: &str) -> Result<Position> {
        let position = self.scope().read(cursor, self.order.len())?;
        match (&position, self.kind) {
            (Position::After(_), CursorKind::Keyset) | (Position::Offset(_), CursorKind::Offset) => {
                Ok(position)
            }
            _ => Err(Error::option("cursor", "belongs to another order; keep `orderBy` while paging")),
        }
    }

    /// The cursor behind a row with these values of the ordered columns.
    pub(crate) fn after(&self, values: Vec<Option<Typed>>) -> String {
        let parts = values.into_iter().zip(&self.order);
        let texts = parts.map(|(value, ordered)| value.map(|value| part_text(value, ordered.logical_type)));
        self.scope().issue(&Position::After(texts.collect()))
    }

    /// The cursor behind this many rows.
    pub(crate) fn at(&self, rows: u64) -> String {
        self.scope().issue(&Position::Offset(rows))
    }

    /// Appends `ORDER BY …`, if there is any order.
    pub(crate) fn order_by(&self, sql: &mut Statement, dialect: &dyn Dialect, table: &Table) -> Result<()> {
        for (position, ordered) in self.order.iter().enumerate() {
            sql.push(if position == 0 { " ORDER BY " } else { ", " });
            let column = table.column(ordered.column)?;
            dialect.ordered(sql, column);
            if ordered.descending {
                sql.push(dialect.descending(column));
            }
        }
        Ok(())
    }

    /// Appends the condition that a row comes after these values.
    pub(crate) fn condition(
        &self,
        sql: &mut Statement,
        dialect: &dyn Dialect,
        table: &Table,
        parts: Vec<Option<String>>,
    ) -> Result<()> {
        let mut bounds = Vec::with_capacity(parts.len());
        for (ordered, part) in self.order.iter().zip(parts) {
            let column = table.column(ordered.column)?;
            let value = part.map(|text| part_value(dialect, &text, column)).transpose()?;
            bounds.push(Bound { column, descending: ordered.descending, value });
        }
        if dialect.row_comparison() && rows_compare(&bounds) {
            row_comparison(sql, dialect, bounds);
        } else {
            expanded(sql, dialect, &bounds);
        }
        Ok(())
    }
}

fn orderable(table: &Table, column: usize) -> bool {
    table.columns.get(column).is_some_and(|column| column.logical_type.orderable())
}

fn single_plain_key(table: &Table, order: &[Ordered]) -> bool {
    let [only] = order else { return false };
    table.columns.get(only.column).is_some_and(|column| {
        matches!(column.logical_type, LogicalType::Integer | LogicalType::Uuid | LogicalType::Text)
    })
}

/// An ordered column with its value in the last row of the page before.
struct Bound<'t> {
    column: &'t TableColumn,
    descending: bool,
    value: Option<Typed>,
}

/// Whether one row comparison says it all: one direction, and NULL nowhere.
fn rows_compare(bounds: &[Bound<'_>]) -> bool {
    let direction = bounds.first().map(|bound| bound.descending);
    bounds
        .iter()
        .all(|bound| Some(bound.descending) == direction && bound.value.is_some() && !bound.column.nullable)
}

fn row_comparison(sql: &mut Statement, dialect: &dyn Dialect, bounds: Vec<Bound<'_>>) {
    let several = bounds.len() > 1;
    let descending = bounds.first().is_some_and(|bound| bound.descending);
    sql.push(if several { "(" } else { "" });
    for (position, bound) in bounds.iter().enumerate() {
        sql.push(if position > 0 { ", " } else { "" });
        dialect.ordered(sql, bound.column);
    }
    sql.push(if several { ")" } else { "" });
    sql.push(if descending { " < " } else { " > " });
    sql.push(if several { "(" } else { "" });
    for (position, bound) in bounds.into_iter().enumerate() {
        sql.push(if position > 0 { ", " } else { "" });
        if let Some(value) = bound.value {
            dialect.resumed(sql, bound.column, value);
        }
    }
    sql.push(if several { ")" } else { "" });
}

/// `a after x OR (a = x AND b after y) OR …`, with NULL where the engine's order puts it.
fn expanded(sql: &mut Statement, dialect: &dyn Dialect, bounds: &[Bound<'_>]) {
    sql.push("(");
    for (position, bound) in bounds.iter().enumerate() {
        sql.push(if position > 0 { " OR (" } else { "(" });
        for equal in bounds.iter().take(position) {
            dialect.ordered(sql, equal.column);
            match &equal.value {
                Some(value) => {
                    sql.push(" = ");
                    dialect.resumed(sql, equal.column, value.clone());
                }
                None => sql.push(" IS NULL"),
            }
            sql.push(" AND ");
        }
        after(sql, dialect, bound);
        sql.push(")");
    }
    sql.push(")");
}

fn after(sql: &mut Statement, dialect: &dyn Dialect, bound: &Bound<'_>) {
    let nulls_last = (dialect.nulls() == Nulls::Last) != bound.descending;
    match &bound.value {
        Some(value) => {
            let null_follows = nulls_last && bound.column.nullable;
            sql.push(if null_follows { "(" } else { "" });
            dialect.ordered(sql, bound.column);
            sql.push(if bound.descending { " < " } else { " > " });
            dialect.resumed(sql, bound.column, value.clone());
            if null_follows {
                sql.push(" OR ");
                dialect.ordered(sql, bound.column);
                sql.push(" IS NULL)");
            }
        }
        None if nulls_last => sql.push("1 = 0"),
        None => {
            dialect.ordered(sql, bound.column);
            sql.push(" IS NOT NULL");
        }
    }
}

/// What begins a part whose value is not of its column's type; the next character says of which it is.
const OTHER_TYPE: char = '\0';

/// The letter of a value's type, if the value cannot be read back as a value of `logical`.
fn other_type(value: &Typed, logical: LogicalType) -> Option<char> {
    use LogicalType::{Boolean, Bytes, Decimal, Float, Integer, Text};
    match value {
        Typed::Integer(_) => matches!(logical, Boolean | Text | Bytes).then_some('i'),
        Typed::Float(number) => match logical {
            Float => None,
            Decimal => (!number.is_finite()).then_some('f'),
            _ => Some('f'),
        },
        Typed::Text(text) => {
            let other = matches!(logical, Boolean | Integer | Float | Decimal | Bytes);
            (other || text.contains('\0')).then_some('t')
        }
        Typed::Bytes(_) => (logical != Bytes).then_some('b'),
        _ => None,
    }
}

/// A key value in a cursor. Dates and moments are their counts of days and microseconds: exact in every year.
fn part_text(value: Typed, logical: LogicalType) -> String {
    match other_type(&value, logical) {
        Some(letter) => format!("{OTHER_TYPE}{letter}{}", plain_text(value)),
        None => plain_text(value),
    }
}

/// The value of a part that names its type.
fn other_value(part: &str) -> Option<Typed> {
    let mut rest = part.chars();
    let letter = rest.next()?;
    let text = rest.as_str();
    match letter {
        'i' => text.parse::<i64>().ok().map(|whole| Typed::Integer(i128::from(whole))),
        'f' => text.parse().ok().map(Typed::Float),
        't' => Some(Typed::Text(text.to_owned())),
        'b' => unhex(text).map(Typed::Bytes),
        _ => None,
    }
}

fn plain_text(value: Typed) -> String {
    match value {
        Typed::Boolean(flag) => flag.to_string(),
        Typed::Integer(whole) => whole.to_string(),
        Typed::Float(number) => number.to_string(),
        Typed::Decimal(text) | Typed::Text(text) => text,
        Typed::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Typed::Date(count) | Typed::Time(count) | Typed::Timestamp(count) | Typed::TimestampTz(count) => {
            count.to_string()
        }
        Typed::Uuid(bytes) => {
            let mut quoted = Vec::with_capacity(38);
            connector_model::json::uuid(&mut quoted, &bytes);
            String::from_utf8_lossy(&quoted).trim_matches('"').to_owned()
        }
    }
}

/// The key value that a cursor holds for `column`.
fn part_value(dialect: &dyn Dialect, text: &str, column: &TableColumn) -> Result<Typed> {
    let count = || text.parse::<i64>().ok();
    let other = text.strip_prefix(OTHER_TYPE).filter(|_| dialect.mixes_types());
    let value = match column.logical_type {
        _ if other.is_some() => other.and_then(other_value),
        LogicalType::Boolean => text.parse().ok().map(Typed::Boolean),
        LogicalType::Integer => text.parse().ok().map(Typed::Integer),
        LogicalType::Float => text.parse().ok().map(Typed::Float),
        LogicalType::Decimal => {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
            let special = matches!(text, "NaN" | "Infinity" | "-Infinity");
            ((digits && !text.is_empty()) || special).then(|| Typed::Decimal(text.to_owned()))
        }
        LogicalType::Bytes => unhex(text).map(Typed::Bytes),
        LogicalType::Date => count().map(Typed::Date),
        LogicalType::Time => count().map(Typed::Time),
        LogicalType::Timestamp => count().map(Typed::Timestamp),
        LogicalType::TimestampTz => count().map(Typed::TimestampTz),
        LogicalType::Uuid => {
            let operand = connector_model::filter::Operand::Text(text.to_owned());
            match connector_model::filter::cast(&operand, LogicalType::Uuid) {
                connector_model::filter::Cast::Value(value) => Some(value),
                _ => None,
            }
        }
        _ => (!text.contains('\0')).then(|| Typed::Text(text.to_owned())),
    };
    value.ok_or_else(|| {
        let problem = format!("does not hold a value of column \"{}\" ({})", column.name, column.native_type);
        Error::option("cursor", problem)
    })
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u32> = text.chars().map(|digit| digit.to_digit(16)).collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    rest.is_empty()
        .then(|| pairs.iter().filter_map(|[high, low]| u8::try_from(high << 4 | low).ok()).collect())
}
