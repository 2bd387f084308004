//! ClickHouse.

mod list;
mod literal;
mod number;
mod operand;
mod pattern;
mod shown;
mod types;

use std::cmp::Ordering;

use connector_model::filter::{TextTest, Typed};
use connector_model::time::DAY_US;

pub use types::ClickHouseType;
pub(crate) use types::Kind;

use self::list::{chunks, members};
use self::number::Plain;
use self::operand::{exact, single, within};
use super::mssql::number::below;
use super::{Dialect, Nulls, like_pattern};
use crate::statement::{ParamType, Statement, Value};
use crate::table::TableColumn;

/// The SQL of ClickHouse 21 and later (documentation, "SQL reference").
///
/// Parameters are named by their number and typed where they stand: `{p1:Int64}`; [`ClickHouse::parameters`] gives the
/// names and the texts that a request carries. What is written here counts on settings that the driver sends along:
/// `prefer_column_name_to_alias`, since a fetched column keeps its name where an expression stands for it;
/// `join_use_nulls`; `union_default_mode = 'DISTINCT'`.
///
/// Texts are compared byte by byte, UUIDs in the server's order of them, enumerations and addresses as their texts.
/// NULL and NaN come last in an ascending order, and first in a descending one.
#[derive(Debug, Clone, Copy, Default)]
pub struct ClickHouse;

/// Days of 1900-01-01 and 2299-12-31, between which every date and moment is (documentation, `DateTime64`).
const FIRST_DAY: i64 = -25_567;
const LAST_DAY: i64 = 120_529;
impl ClickHouse {
    /// The names and the texts of a statement's parameters, for `param_NAME=TEXT`.
    pub fn parameters(statement: &Statement) -> impl Iterator<Item = (String, String)> {
        (1..).zip(&statement.params).map(|(at, param)| (literal::name(at), literal::text(param)))
    }

    /// The column as a part of a cursor: `=` and the text that a `where` takes for its value, `?` for a value that no text
    /// stands for (an infinity, NaN, a text that is no UTF-8), NULL for NULL.
    pub fn resumable(&self, column: &TableColumn) -> String {
        let value = text_of(self, column);
        let form = match kind(column) {
            Kind::Date | Kind::Moment { .. } => shown_of(column, &value).unwrap_or(value),
            Kind::Decimal { digits: Some((_, scale)) } => format!("toDecimalString({value}, {scale})"),
            Kind::Fixed => shown::filled(&value),
            Kind::Text => value,
            Kind::Float { .. } => {
                return format!("if(NOT isFinite({value}), '?', concat('=', toString({value})))");
            }
            _ => format!("toString({value})"),
        };
        match kind(column) {
            // What is no UTF-8 arrives changed.
            Kind::Text | Kind::Fixed => format!("if(NOT isValidUTF8({form}), '?', concat('=', {form}))"),
            _ => format!("concat('=', {form})"),
        }
    }
}

/// What a column's type is.
pub(crate) fn kind(column: &TableColumn) -> Kind {
    ClickHouseType::parse(&column.native_type).kind
}

/// The column as it is fetched; `None` where that is its value itself.
pub(crate) fn shown_of(column: &TableColumn, value: &str) -> Option<String> {
    shown::shown(&ClickHouseType::parse(&column.native_type), value, 0)
}

/// The column's name in a statement.
pub(crate) fn text_of(dialect: &ClickHouse, column: &TableColumn) -> String {
    let mut sql = Statement::default();
    dialect.reference(&mut sql, column);
    sql.text
}

fn placeholder(sql: &mut Statement, value: Value, kind: ParamType, native: &str) {
    let number = sql.bind(value, kind);
    sql.push(&format!("{{{}:{native}}}", literal::name(number)));
}

/// A text that a `LIKE` takes apart, of any column.
fn searched(sql: &mut Statement, column: &TableColumn) {
    match kind(column) {
        Kind::Text => ClickHouse.reference(sql, column),
        _ => ClickHouse.as_text(sql, column),
    }
}

impl Dialect for ClickHouse {
    fn quote(&self, sql: &mut Statement, identifier: &str) {
        sql.push("`");
        sql.push(&identifier.replace('\\', "\\\\").replace('`', "\\`"));
        sql.push("`");
    }

    fn nulls(&self) -> Nulls {
        Nulls::Last
    }

    fn descending(&self, column: &TableColumn) -> &'static str {
        // NULL and NaN come last in either direction, unless it is said otherwise.
        let of = ClickHouseType::parse(&column.native_type);
        let first = column.nullable || of.nullable || matches!(of.kind, Kind::Float { .. });
        if first { " DESC NULLS FIRST" } else { " DESC" }
    }

    fn beyond(&self, value: &Typed) -> Option<Ordering> {
        let day = |day: i64| match day {
            ..FIRST_DAY => Some(Ordering::Less),
            FIRST_DAY..=LAST_DAY => None,
            _ => Some(Ordering::Greater),
        };
        match value {
            Typed::Decimal(digits) => Plain::read(digits).beyond(),
            Typed::Date(days) => day(*days),
            Typed::Timestamp(micros) | Typed::TimestampTz(micros) => day(micros.div_euclid(DAY_US)),
            _ => None,
        }
    }

    fn between(&self, column: &TableColumn, value: &Typed) -> Option<Typed> {
        let Typed::Decimal(text) = value else { return None };
        let scale = match kind(column) {
            Kind::Integer { .. } => 0,
            Kind::Decimal { digits: Some((_, scale)) } => scale,
            _ => return None,
        };
        let below = below(text, scale)?.text();
        Some(below.parse().map_or_else(|_| Typed::Decimal(below), Typed::Integer))
    }

    fn as_text(&self, sql: &mut Statement, column: &TableColumn) {
        let value = text_of(self, column);
        sql.push(&match kind(column) {
            Kind::Text => value,
            Kind::Fixed => shown::filled(&value),
            Kind::Date | Kind::Moment { .. } => shown_of(column, &value).unwrap_or(value),
            Kind::Decimal { digits: Some((_, scale)) } => format!("toDecimalString({value}, {scale})"),
            Kind::Array(_) | Kind::Map(..) | Kind::Tuple(_) | Kind::Point | Kind::Geometry(..) => {
                format!("toJSONString({})", shown_of(column, &value).unwrap_or(value))
            }
            Kind::State => shown_of(column, &value).unwrap_or(value),
            _ => format!("toString({value})"),
        });
    }

    fn value(&self, sql: &mut Statement, column: &TableColumn, value: Typed) {
        let of = kind(column);
        let (value, param, native) = match value {
            Typed::Boolean(_) => (value, ParamType::Boolean, "Bool".to_owned()),
            Typed::Integer(_) | Typed::Decimal(_) => {
                let (value, native) = exact(&of, value);
                (value, ParamType::Numeric, native)
            }
            // 0.1 as a double is not 0.1 as a float: the column's own precision decides.
            Typed::Float(number) if of == (Kind::Float { single: true }) => {
                (single(number), ParamType::Float4, "Float32".to_owned())
            }
            Typed::Float(_) => (value, ParamType::Float8, "Float64".to_owned()),
            Typed::Date(_) => (value, ParamType::Date, "Date32".to_owned()),
            Typed::Timestamp(micros) | Typed::TimestampTz(micros) => {
                sql.push("fromUnixTimestamp64Micro(");
                let value = Value::One(Typed::TimestampTz(within(&of, micros)));
                placeholder(sql, value, ParamType::TimestampTz, "Int64");
                return sql.push(", 'UTC')");
            }
            Typed::Uuid(_) => (value, ParamType::Uuid, "UUID".to_owned()),
            Typed::Text(_) | Typed::Bytes(_) | Typed::Time(_) => {
                (value, ParamType::Text, "String".to_owned())
            }
        };
        placeholder(sql, Value::One(value), param, &native);
    }

    fn in_list(&self, sql: &mut Statement, column: &TableColumn, values: Vec<Typed>, negated: bool) {
        let of = kind(column);
        let (values, list) = members(&of, values);
        if values.is_empty() {
            // None of them is a value of the column: it differs from all.
            self.compared(sql, column);
            sql.push(if negated { " = " } else { " <> " });
            return self.compared(sql, column);
        }
        let lists = chunks(values);
        let several = lists.len() > 1;
        sql.push(if several { "(" } else { "" });
        for (place, values) in lists.into_iter().enumerate() {
            if place > 0 {
                sql.push(if negated { " AND " } else { " OR " });
            }
            self.compared(sql, column);
            sql.push(if negated { " NOT IN " } else { " IN " });
            sql.push(list.before);
            placeholder(sql, Value::List(values), list.param, &list.native);
            sql.push(list.behind);
        }
        sql.push(if several { ")" } else { "" });
    }

    fn text_test(&self, sql: &mut Statement, column: &TableColumn, test: TextTest, operand: &str) {
        searched(sql, column);
        sql.push(if test == TextTest::Like { " LIKE " } else { " ILIKE " });
        let pattern = pattern::pattern(&like_pattern(test, operand));
        placeholder(sql, Value::One(Typed::Text(pattern)), ParamType::Text, "String");
    }

    fn later_than(&self, sql: &mut Statement, column: &TableColumn, micros: i64) {
        self.reference(sql, column);
        sql.push(" > ");
        let value = match kind(column) {
            // A day is later when its midnight is: after the last day that began by then.
            Kind::Date => Typed::Date(micros.div_euclid(DAY_US).clamp(FIRST_DAY, LAST_DAY)),
            Kind::Integer { .. } | Kind::Decimal { .. } => {
                Typed::Integer(i128::from(micros.div_euclid(1_000)))
            }
            _ => Typed::TimestampTz(micros),
        };
        self.value(sql, column, value);
    }

    fn window(&self, sql: &mut Statement, limit: Option<u64>, offset: u64) {
        for (word, count) in [(" LIMIT ", limit), (" OFFSET ", (offset > 0).then_some(offset))] {
            if let Some(count) = count {
                sql.push(word);
                let count = Value::One(Typed::Integer(i128::from(count)));
                placeholder(sql, count, ParamType::Int8, "UInt64");
            }
        }
    }

    fn fetched(&self, sql: &mut Statement, column: &TableColumn) {
        let value = text_of(self, column);
        let Some(form) = shown_of(column, &value) else { return sql.push(&value) };
        sql.push(&form);
        if column.qualified.is_none() {
            sql.push(" AS ");
            self.quote(sql, &column.name);
        }
    }

    fn equal(&self, sql: &mut Statement, local: &TableColumn, foreign: &TableColumn) {
        let common = common(&kind(local), &kind(foreign));
        for (column, word) in [(local, ""), (foreign, " = ")] {
            sql.push(word);
            let value = text_of(self, column);
            match common {
                Common::Same => self.compared(sql, column),
                // A join tells a zero from its negative.
                Common::Double => sql.push(&format!("(toFloat64({value}) + 0)")),
                Common::Exact(scale) => sql.push(&format!("toDecimal256({value}, {scale})")),
            }
        }
    }
}

/// What two columns are both brought to before they are held against each other: a server joins only equal types, or
/// such as one of holds the other.
#[derive(Debug, Clone, Copy)]
enum Common {
    Same,
    Double,
    Exact(usize),
}

fn common(local: &Kind, foreign: &Kind) -> Common {
    let scale = |of: &Kind| match of {
        Kind::Integer { .. } => Some(0),
        Kind::Decimal { digits } => digits.map(|(_, scale)| scale),
        _ => None,
    };
    match (local, foreign) {
        (Kind::Float { .. }, _) | (_, Kind::Float { .. }) => Common::Double,
        (left, right) if left == right && !matches!(left, Kind::Integer { .. }) => Common::Same,
        (left, right) => match (scale(left), scale(right)) {
            (Some(left), Some(right)) => Common::Exact(left.max(right)),
            _ => Common::Same,
        },
    }
}
