//! MySQL, MariaDB, and whatever speaks their SQL.

use connector_model::filter::{TextTest, Typed};
use connector_model::json;
use connector_model::target::LogicalType;
use connector_model::time::DAY_US;

use super::mssql::number::below;
use super::{Dialect, Nulls, compares_as_text, like_pattern};
use crate::statement::{ParamType, Statement, Value};
use crate::table::{Reading, TableColumn};

/// The SQL of MySQL 5.7 and later and MariaDB 10.2 and later (MySQL Reference Manual, chapters 11 to 14).
///
/// Placeholders are positional: every parameter is bound where its `?` is written. Texts are compared and ordered by
/// their column's collation, as the column's own indexes are: whether `a` equals `A` is the column's choice. Patterns
/// are not: `$like` tells case apart whatever the collation, and the others fold letters as the server's `LOWER` does,
/// which goes beyond ASCII, and never accents.
///
/// Keys of several columns are compared in the expanded form: the optimizer finds no range in an inequality of rows
/// ("Row Constructor Expression Optimization").
#[derive(Debug, Clone, Copy, Default)]
pub struct MySql;

/// What escapes in patterns. A backslash would have to be written in another way with `NO_BACKSLASH_ESCAPES` than
/// without.
const ESCAPE: char = '|';
/// A shorter list is filled up to the next power of two with its last member, so that lists of all lengths share a
/// few prepared statements.
const FILLED: usize = 1_024;
/// The most parameters that lists take. A statement has room for 65,535, and the rest of it needs some as well.
const MOST_BOUND: usize = 50_000;

impl MySql {
    fn placeholder(sql: &mut Statement, value: Typed, kind: ParamType) {
        sql.bind(Value::One(value), kind);
        sql.push("?");
    }
}

/// The type that a value is sent as when it is compared with `column`.
fn param_type(column: &TableColumn, value: &Typed) -> ParamType {
    match value {
        Typed::Boolean(_) => ParamType::Boolean,
        Typed::Integer(_) => ParamType::Int8,
        Typed::Decimal(_) => ParamType::Numeric,
        // 0.1 as a double is not 0.1 as a float: the column's own precision decides.
        Typed::Float(_) if column.native_type.starts_with("float") => ParamType::Float4,
        Typed::Float(_) => ParamType::Float8,
        Typed::Text(_) => ParamType::Text,
        Typed::Bytes(_) => ParamType::Bytes,
        Typed::Date(_) => ParamType::Date,
        Typed::Time(_) => ParamType::Time,
        Typed::Timestamp(_) => ParamType::Timestamp,
        Typed::TimestampTz(_) => ParamType::TimestampTz,
        Typed::Uuid(_) => ParamType::Uuid,
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A value as a literal that holds nothing but digits, signs, points, colons and hex.
fn literal(value: Typed) -> String {
    let written = |prefix: &str, write: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        write(&mut out);
        let text: String = String::from_utf8_lossy(&out).trim_matches('"').to_owned();
        format!("{prefix}'{}'", text.replace('T', " ").trim_end_matches('Z'))
    };
    match value {
        Typed::Boolean(flag) => u8::from(flag).to_string(),
        Typed::Integer(whole) => whole.to_string(),
        Typed::Float(number) => format!("{number:e}"),
        Typed::Text(text) => format!("_utf8mb4 X'{}'", hex(text.as_bytes())),
        Typed::Decimal(digits) => format!("CAST(_utf8mb4 X'{}' AS DECIMAL(65,30))", hex(digits.as_bytes())),
        Typed::Bytes(bytes) => format!("X'{}'", hex(&bytes)),
        Typed::Date(days) => written("TIMESTAMP", &|out| json::date(out, days)),
        Typed::Time(micros) => written("TIME", &|out| json::time_of_day(out, micros)),
        Typed::Timestamp(micros) | Typed::TimestampTz(micros) => {
            written("TIMESTAMP", &|out| json::timestamp(out, micros))
        }
        Typed::Uuid(bytes) => written("", &|out| json::uuid(out, &bytes)),
    }
}

/// How many digits an exact number of this column has behind the point: 2 in `decimal(10,2)`.
fn scale(column: &TableColumn) -> Option<usize> {
    if column.logical_type == LogicalType::Integer {
        return Some(0);
    }
    let (_, declared) = column.native_type.strip_prefix("decimal(")?.split_once(',')?;
    declared.split_once(')')?.0.trim().parse().ok()
}

fn is_bits(column: &TableColumn) -> bool {
    column.native_type.starts_with("bit")
}

/// Whether the column is text to comparisons, though not to orders.
fn is_enumerated(column: &TableColumn) -> bool {
    column.native_type.starts_with("enum(") || column.native_type.starts_with("set(")
}

/// The pattern with another escape character; what is escaped without need stands for itself.
fn escaped(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len() + 8);
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        let literal = match character {
            '\\' => characters.next().unwrap_or('\\'),
            ESCAPE => ESCAPE,
            other => {
                out.push(other);
                continue;
            }
        };
        if matches!(literal, '%' | '_' | ESCAPE) {
            out.push(ESCAPE);
        }
        out.push(literal);
    }
    out
}

impl Dialect for MySql {
    fn quote(&self, sql: &mut Statement, identifier: &str) {
        sql.push("`");
        sql.push(&identifier.replace('`', "``"));
        sql.push("`");
    }

    fn nulls(&self) -> Nulls {
        Nulls::First
    }

    fn mixes_types(&self) -> bool {
        // A `tinyint(1)` may hold 2, and a text a NUL.
        true
    }

    fn between(&self, column: &TableColumn, value: &Typed) -> Option<Typed> {
        // MariaDB may round a number to what the column can hold before it looks for it, in an index or where the column
        // equals another one as well.
        let (Typed::Decimal(text), Some(scale)) = (value, scale(column)) else { return None };
        let below = below(text, scale)?.text();
        Some(below.parse().map_or_else(|_| Typed::Decimal(below), Typed::Integer))
    }

    fn row_comparison(&self) -> bool {
        false
    }

    fn as_text(&self, sql: &mut Statement, column: &TableColumn) {
        let (before, after) = match column.logical_type {
            LogicalType::Text | LogicalType::Json | LogicalType::Bytes => {
                ("CONVERT(", " USING utf8mb4) COLLATE utf8mb4_bin")
            }
            LogicalType::Geometry => ("CONVERT(ST_AsText(", ") USING utf8mb4) COLLATE utf8mb4_bin"),
            // The text of bits is their bytes; that of their number is its digits.
            _ if is_bits(column) => ("CAST(0 + ", " AS CHAR) COLLATE utf8mb4_bin"),
            _ => ("CAST(", " AS CHAR) COLLATE utf8mb4_bin"),
        };
        sql.push(before);
        self.reference(sql, column);
        sql.push(after);
    }

    fn compared(&self, sql: &mut Statement, column: &TableColumn) {
        if compares_as_text(column) && (!is_enumerated(column) || column.reading == Reading::AsText) {
            self.as_text(sql, column);
        } else {
            self.reference(sql, column);
        }
    }

    /// Which collation a column has is not known here: texts are compared as they are until the server says that
    /// theirs differ, and what the driver then marks to be read as text has one of ours. Nearly every collation tells no
    /// case apart, and so does this one.
    fn equal(&self, sql: &mut Statement, local: &TableColumn, foreign: &TableColumn) {
        for (before, column) in [("", local), (" = ", foreign)] {
            sql.push(before);
            if column.logical_type == LogicalType::Text && column.reading == Reading::AsText {
                sql.push("CONVERT(");
                self.reference(sql, column);
                sql.push(" USING utf8mb4) COLLATE utf8mb4_unicode_ci");
            } else {
                self.compared(sql, column);
            }
        }
    }

    fn value(&self, sql: &mut Statement, column: &TableColumn, value: Typed) {
        let kind = param_type(column, &value);
        Self::placeholder(sql, value, kind);
    }

    fn in_list(&self, sql: &mut Statement, column: &TableColumn, mut values: Vec<Typed>, negated: bool) {
        if values.len() <= FILLED
            && let Some(last) = values.last().cloned()
        {
            values.resize(values.len().next_power_of_two(), last);
        }
        self.compared(sql, column);
        sql.push(if negated { " NOT IN (" } else { " IN (" });
        for (position, value) in values.into_iter().enumerate() {
            sql.push(if position > 0 { ", " } else { "" });
            if sql.params.len() < MOST_BOUND {
                self.value(sql, column, value);
            } else {
                sql.push(&literal(value));
            }
        }
        sql.push(")");
    }

    fn text_test(&self, sql: &mut Statement, column: &TableColumn, test: TextTest, operand: &str) {
        let pattern = escaped(&like_pattern(test, operand));
        let folds = test != TextTest::Like;
        sql.push(if folds { "LOWER(" } else { "" });
        self.as_text(sql, column);
        sql.push(if folds { ") LIKE LOWER(" } else { " LIKE " });
        Self::placeholder(sql, Typed::Text(pattern), ParamType::Text);
        sql.push(if folds { ")" } else { "" });
        sql.push(" ESCAPE '|'");
    }

    fn later_than(&self, sql: &mut Statement, column: &TableColumn, micros: i64) {
        self.reference(sql, column);
        sql.push(" > ");
        match column.logical_type {
            LogicalType::TimestampTz => {
                Self::placeholder(sql, Typed::TimestampTz(micros), ParamType::TimestampTz);
            }
            LogicalType::Date => {
                // A day is later when its midnight is: after the last day that began by then.
                Self::placeholder(sql, Typed::Date(micros.div_euclid(DAY_US)), ParamType::Date);
            }
            LogicalType::Integer | LogicalType::Decimal | LogicalType::Float => {
                let millis = Typed::Integer(i128::from(micros.div_euclid(1_000)));
                Self::placeholder(sql, millis, ParamType::Int8);
            }
            _ => Self::placeholder(sql, Typed::Timestamp(micros), ParamType::Timestamp),
        }
    }

    fn window(&self, sql: &mut Statement, limit: Option<u64>, offset: u64) {
        let count = |sql: &mut Statement, count: u64| {
            Self::placeholder(sql, Typed::Integer(i128::from(count)), ParamType::Int8);
        };
        match (limit, offset) {
            (None, 0) => return,
            (Some(limit), _) => {
                sql.push(" LIMIT ");
                count(sql, limit);
            }
            // An offset needs a limit: more rows than there can be.
            (None, _) => sql.push(" LIMIT 18446744073709551615"),
        }
        if offset > 0 {
            sql.push(" OFFSET ");
            count(sql, offset);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_escape_with_a_bar() {
        assert_eq!(escaped(r"a%b_c\%d\_e|f\\g\x"), r"a%b_c|%d|_e||f\gx");
    }

    #[test]
    fn literals_hold_no_text() {
        assert_eq!(literal(Typed::Text("a'b".into())), "_utf8mb4 X'612762'");
        assert_eq!(literal(Typed::Timestamp(1)), "TIMESTAMP'1970-01-01 00:00:00.000001'");
        assert_eq!(literal(Typed::Date(0)), "TIMESTAMP'1970-01-01 00:00:00.000'");
        assert_eq!(literal(Typed::Float(0.1)), "1e-1");
        assert_eq!(literal(Typed::Decimal("1.5".into())), "CAST(_utf8mb4 X'312e35' AS DECIMAL(65,30))");
    }
}
