//! SQL Server's T-SQL.
//!
//! Comparisons, `$in` and orders follow the collation of the column: in most databases case does not count there,
//! and never do blanks at the end. The text tests do not: `$like` is exact, the others fold case by `LOWER` and
//! compare binary.

mod json_list;
mod moment;
pub(super) mod number;
mod types;

use std::cmp::Ordering;

use connector_model::filter::{TextTest, Typed};
use connector_model::target::LogicalType;
use connector_model::time::DAY_US;

use self::json_list::{json_list, list_column, of_one_type};
use self::number::{Fit, typed_fit};
use self::types::Declared;
use super::{Dialect, Nulls, like_pattern};
use crate::statement::{ParamType, Statement, Value};
use crate::table::{Reading, TableColumn};

/// T-SQL, from SQL Server 2016 (compatibility level 130) on.
#[derive(Debug, Clone, Copy, Default)]
pub struct SqlServer;

/// A list of up to so many members is bound one by one; a longer one is a JSON parameter. A statement takes at most
/// 2,100 parameters, and each number of them is a plan of its own.
const MAX_BOUND: usize = 16;

/// In which the text tests compare: by code unit, whatever the column's collation ignores.
const BINARY: &str = " COLLATE Latin1_General_100_BIN2";

/// The longest text that is cast to the width of a `varchar` column.
const MAX_NARROW: usize = 8_000;

impl SqlServer {
    fn placeholder(sql: &mut Statement, value: Value, kind: ParamType) {
        let number = sql.bind(value, kind);
        sql.push("@P");
        sql.push(&number.to_string());
    }

    fn text_placeholder(sql: &mut Statement, text: String) {
        Self::placeholder(sql, Value::One(Typed::Text(text)), ParamType::Text);
    }

    fn cast_placeholder(sql: &mut Statement, value: Typed, kind: ParamType, to: &str) {
        sql.push("CAST(");
        Self::placeholder(sql, Value::One(value), kind);
        sql.push(" AS ");
        sql.push(to);
        sql.push(")");
    }

    /// `before`, the column, `after`.
    fn wrapped(&self, sql: &mut Statement, before: &str, column: &TableColumn, after: &str) {
        sql.push(before);
        self.reference(sql, column);
        sql.push(after);
    }

    /// The column as text whose code units are compared.
    fn wide_text(&self, sql: &mut Statement, column: &TableColumn) {
        match (column.logical_type, Declared::read(&column.native_type)) {
            (LogicalType::Text, declared) if !declared.is_narrow_text() && !declared.is_legacy_text() => {
                self.reference(sql, column);
            }
            // Narrow text would change its code page with its collation.
            (LogicalType::Text, _) => self.wrapped(sql, "CAST(", column, " AS nvarchar(max))"),
            _ => self.as_text(sql, column),
        }
    }

    fn members(&self, sql: &mut Statement, column: &TableColumn, values: Vec<Typed>, negated: bool) {
        self.compared(sql, column);
        sql.push(if negated { " NOT IN (" } else { " IN (" });
        if values.len() <= MAX_BOUND {
            for (position, value) in values.into_iter().enumerate() {
                sql.push(if position > 0 { ", " } else { "" });
                self.value(sql, column, value);
            }
            return sql.push(")");
        }
        let declared = Declared::read(&column.native_type);
        let read = list_column(declared, &values);
        sql.push(&format!("SELECT {} FROM OPENJSON(", read.expression));
        Self::text_placeholder(sql, json_list(declared, &values));
        sql.push(&format!(") WITH (v {} '$'))", read.sql_type));
    }
}

/// The parameter type of a value; numbers are as wide as they need to be.
fn param_type(declared: Declared<'_>, value: &Typed) -> ParamType {
    match value {
        Typed::Boolean(_) => ParamType::Boolean,
        Typed::Integer(whole) if i64::try_from(*whole).is_ok() => ParamType::Int8,
        Typed::Integer(_) | Typed::Decimal(_) => ParamType::Numeric,
        // Beyond single precision, a double says so.
        Typed::Float(number) if declared.name == "real" && is_single(*number) => ParamType::Float4,
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

/// Whether single precision has a number near this one.
#[allow(
    clippy::cast_possible_truncation,
    reason = "what is too great becomes infinite, which is what is asked"
)]
fn is_single(number: f64) -> bool {
    (number as f32).is_finite()
}

/// How many digits the column has behind the point, where it is a number of a known scale.
fn scale(column: &TableColumn) -> Option<usize> {
    match (column.logical_type, Declared::read(&column.native_type)) {
        (LogicalType::Integer, _) => Some(0),
        (LogicalType::Decimal, declared) if declared.is_money() => Some(4),
        (LogicalType::Decimal, declared) => declared.scale,
        _ => None,
    }
}

/// A decimal in the one form that the driver reads: digits and a point.
fn plain(value: Typed) -> Typed {
    match (&value, typed_fit(&value)) {
        (Typed::Decimal(_), Some(Fit::Value(exact))) => Typed::Decimal(exact.text()),
        _ => value,
    }
}

/// A pattern whose brackets are themselves: they are sets of characters here, which no other engine knows.
fn without_sets(pattern: &str) -> String {
    let mut escaped = String::with_capacity(pattern.len() + 4);
    let mut characters = pattern.chars();
    while let Some(character) = characters.next() {
        if character == '[' {
            escaped.push('\\');
        }
        escaped.push(character);
        if character == '\\' {
            escaped.extend(characters.next());
        }
    }
    escaped
}

impl Dialect for SqlServer {
    fn quote(&self, sql: &mut Statement, identifier: &str) {
        sql.push("[");
        sql.push(&identifier.replace(']', "]]"));
        sql.push("]");
    }

    fn nulls(&self) -> Nulls {
        Nulls::First
    }

    fn storable(&self, value: &Typed) -> bool {
        typed_fit(value) != Some(Fit::Between)
    }

    fn beyond(&self, value: &Typed) -> Option<Ordering> {
        match value {
            Typed::Float(number) if !number.is_finite() => number.partial_cmp(&0.0),
            _ => match typed_fit(value) {
                Some(Fit::Beyond(side)) => Some(side),
                _ => moment::beyond(value),
            },
        }
    }

    /// Decimals of 38 digits are rounded before they are compared with one that has more of them behind the point.
    fn between(&self, column: &TableColumn, value: &Typed) -> Option<Typed> {
        let (Typed::Decimal(text), Some(scale)) = (value, scale(column)) else { return None };
        let below = number::below(text, scale)?.text();
        Some(below.parse().map_or_else(|_| Typed::Decimal(below), Typed::Integer))
    }

    fn row_comparison(&self) -> bool {
        false
    }

    fn count_rows(&self) -> &'static str {
        // `count(*)` is an int, and an error beyond 2,147,483,647 rows.
        "COUNT_BIG(*)"
    }

    fn as_text(&self, sql: &mut Statement, column: &TableColumn) {
        match Declared::read(&column.native_type).name {
            "bit" => {
                self.wrapped(sql, "CASE ", column, " WHEN 1 THEN N'true' WHEN 0 THEN N'false' END");
            }
            "money" | "smallmoney" => {
                self.wrapped(sql, "CAST(CAST(", column, " AS decimal(19, 4)) AS nvarchar(max))");
            }
            // Style 3 gives all digits of a float.
            "float" | "real" => self.wrapped(sql, "CONVERT(nvarchar(40), ", column, ", 3)"),
            "date" => self.wrapped(sql, "CONVERT(nvarchar(10), ", column, ", 23)"),
            "datetime" | "smalldatetime" | "datetime2" | "datetimeoffset" => {
                self.wrapped(sql, "CONVERT(nvarchar(40), ", column, ", 126)");
            }
            "binary" | "varbinary" | "timestamp" | "rowversion" => {
                self.wrapped(sql, "CONVERT(nvarchar(max), ", column, ", 2)");
            }
            "image" => {
                self.wrapped(sql, "CONVERT(nvarchar(max), CAST(", column, " AS varbinary(max)), 2)");
            }
            "geometry" | "geography" => self.wrapped(sql, "", column, ".STAsText()"),
            "hierarchyid" => self.wrapped(sql, "", column, ".ToString()"),
            "sql_variant" => self.wrapped(sql, "CAST(", column, " AS nvarchar(4000))"),
            _ => self.wrapped(sql, "CAST(", column, " AS nvarchar(max))"),
        }
    }

    fn fetched(&self, sql: &mut Statement, column: &TableColumn) {
        match (Declared::read(&column.native_type), column.reading) {
            // As it comes on the wire, money is read as a double.
            (declared, _) if declared.is_money() => self.wrapped(sql, "CAST(", column, " AS decimal(19, 4))"),
            (declared, _) if declared.is_legacy_text() => {
                self.wrapped(sql, "CAST(", column, " AS nvarchar(max))");
            }
            (declared, _) if declared.is_spatial() => self.wrapped(sql, "", column, ".STAsBinary()"),
            (Declared { name: "image", .. }, _) => self.wrapped(sql, "CAST(", column, " AS varbinary(max))"),
            (Declared { name: "sql_variant", .. }, _) => {
                // As text of the database: between variants, texts of two collations never equal.
                self.wrapped(
                    sql,
                    "CASE WHEN CAST(SQL_VARIANT_PROPERTY(",
                    column,
                    ", 'BaseType') AS nvarchar(128))",
                );
                self.wrapped(
                    sql,
                    " IN (N'money', N'smallmoney') THEN CAST(CAST(",
                    column,
                    " AS decimal(19, 4)) AS sql_variant)",
                );
                self.wrapped(sql, " ELSE ", column, " END");
            }
            (_, Reading::Native) => self.reference(sql, column),
            (_, Reading::AsText | Reading::AsTextArray | Reading::AsWkb) => self.as_text(sql, column),
        }
    }

    fn compared(&self, sql: &mut Statement, column: &TableColumn) {
        let declared = Declared::read(&column.native_type);
        match column.logical_type {
            LogicalType::Json | LogicalType::Array | LogicalType::Geometry | LogicalType::Unknown => {
                self.as_text(sql, column);
            }
            LogicalType::Text if declared.is_legacy_text() => self.as_text(sql, column),
            LogicalType::Bytes if declared.name == "image" => {
                self.wrapped(sql, "CAST(", column, " AS varbinary(max))");
            }
            _ => self.reference(sql, column),
        }
    }

    /// Texts of two collations are compared by that of the joined one, whose index still serves then.
    fn equal(&self, sql: &mut Statement, local: &TableColumn, foreign: &TableColumn) {
        let collation =
            |column: &TableColumn| Declared::read(&column.native_type).collation.map(str::to_owned);
        let texts = [local, foreign].iter().all(|column| column.logical_type == LogicalType::Text);
        if texts && collation(local) != collation(foreign) {
            self.wide_text(sql, local);
            let name = collation(foreign);
            sql.push(&format!(" COLLATE {}", name.as_deref().unwrap_or("DATABASE_DEFAULT")));
        } else {
            self.compared(sql, local);
        }
        sql.push(" = ");
        self.compared(sql, foreign);
    }

    fn ordered(&self, sql: &mut Statement, column: &TableColumn) {
        self.compared(sql, column);
    }

    fn value(&self, sql: &mut Statement, column: &TableColumn, value: Typed) {
        let declared = Declared::read(&column.native_type);
        let kind = param_type(declared, &value);
        match &value {
            // Held against a wider parameter, a narrow column would be widened row by row, and its index be no use.
            // Only what every code page has may be narrowed.
            Typed::Text(text) if declared.is_narrow_text() && text.is_ascii() && text.len() <= MAX_NARROW => {
                Self::cast_placeholder(sql, value, kind, "varchar(8000)");
            }
            // A datetime is kept in 300ths of a second: the parameter is rounded as the column was.
            Typed::Timestamp(micros) if declared.name == "datetime" && moment::is_datetime(*micros) => {
                Self::cast_placeholder(sql, value, kind, "datetime");
            }
            _ => Self::placeholder(sql, Value::One(plain(value)), kind),
        }
    }

    fn resumed(&self, sql: &mut Statement, column: &TableColumn, value: Typed) {
        let (text, to) = match (value, Declared::read(&column.native_type).name) {
            (Typed::Timestamp(ticks), "datetime") => (moment::moment_millis(ticks), "datetime"),
            (Typed::Timestamp(ticks), _) => (moment::moment(ticks), "datetime2(7)"),
            (Typed::TimestampTz(ticks), _) => {
                (format!("{}+00:00", moment::moment(ticks)), "datetimeoffset(7)")
            }
            (Typed::Time(ticks), _) => (moment::clock(ticks), "time(7)"),
            (value, _) => return self.value(sql, column, value),
        };
        Self::cast_placeholder(sql, Typed::Text(text), ParamType::Text, to);
    }

    fn in_list(&self, sql: &mut Statement, column: &TableColumn, values: Vec<Typed>, negated: bool) {
        let declared = Declared::read(&column.native_type);
        let values: Vec<Typed> = match declared.name {
            // No datetime equals what no datetime holds; the values are not empty, so at least one stays.
            "datetime" if values.len() > MAX_BOUND => {
                let held =
                    |value: &Typed| matches!(value, Typed::Timestamp(micros) if moment::is_datetime(*micros));
                let (held, others): (Vec<_>, Vec<_>) = values.into_iter().partition(held);
                if held.is_empty() { others.into_iter().take(1).collect() } else { held }
            }
            _ => values,
        };
        let (together, alone) =
            if values.len() > MAX_BOUND { of_one_type(values) } else { (values, Vec::new()) };
        match (together.is_empty(), alone.is_empty()) {
            (_, true) => self.members(sql, column, together, negated),
            (true, _) => self.members(sql, column, alone, negated),
            _ => {
                sql.push("(");
                self.members(sql, column, together, negated);
                sql.push(if negated { " AND " } else { " OR " });
                self.members(sql, column, alone, negated);
                sql.push(")");
            }
        }
    }

    fn text_test(&self, sql: &mut Statement, column: &TableColumn, test: TextTest, operand: &str) {
        let pattern = without_sets(&like_pattern(test, operand));
        if test == TextTest::Like {
            self.wide_text(sql, column);
            sql.push(BINARY);
            sql.push(" LIKE ");
            Self::text_placeholder(sql, pattern);
        } else {
            sql.push("LOWER(");
            self.wide_text(sql, column);
            sql.push(")");
            sql.push(BINARY);
            sql.push(" LIKE LOWER(");
            Self::text_placeholder(sql, pattern);
            sql.push(")");
        }
        sql.push(" ESCAPE N'\\'");
    }

    fn later_than(&self, sql: &mut Statement, column: &TableColumn, micros: i64) {
        let micros = moment::clamped(micros);
        self.reference(sql, column);
        sql.push(" > ");
        match column.logical_type {
            LogicalType::TimestampTz => {
                Self::placeholder(sql, Value::One(Typed::TimestampTz(micros)), ParamType::TimestampTz);
            }
            LogicalType::Date => {
                let day = micros.div_euclid(DAY_US);
                Self::placeholder(sql, Value::One(Typed::Date(day)), ParamType::Date);
            }
            LogicalType::Integer | LogicalType::Decimal | LogicalType::Float => {
                let millis = Typed::Integer(i128::from(micros.div_euclid(1_000)));
                Self::placeholder(sql, Value::One(millis), ParamType::Int8);
            }
            LogicalType::Timestamp => self.value(sql, column, Typed::Timestamp(micros)),
            _ => Self::placeholder(sql, Value::One(Typed::Timestamp(micros)), ParamType::Timestamp),
        }
    }

    fn unordered(&self) -> &'static str {
        // OFFSET is part of ORDER BY.
        " ORDER BY (SELECT NULL)"
    }

    fn window(&self, sql: &mut Statement, limit: Option<u64>, offset: u64) {
        if limit.is_none() && offset == 0 {
            return;
        }
        sql.push(" OFFSET ");
        Self::placeholder(sql, Value::One(Typed::Integer(i128::from(offset))), ParamType::Int8);
        sql.push(" ROWS");
        if let Some(limit) = limit {
            sql.push(" FETCH NEXT ");
            Self::placeholder(sql, Value::One(Typed::Integer(i128::from(limit))), ParamType::Int8);
            sql.push(" ROWS ONLY");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_a_pattern_are_themselves() {
        assert_eq!(without_sets(r"a[b]%"), r"a\[b]%");
        assert_eq!(without_sets(r"\[\\[_"), r"\[\\\[_");
    }
}
