//! PostgreSQL, and whatever speaks its SQL.

use connector_model::filter::{TextTest, Typed};
use connector_model::target::LogicalType;
use connector_model::time::DAY_US;

use super::{Dialect, Nulls, compares_as_text, like_pattern};
use crate::statement::{ParamType, Statement, Value};
use crate::table::{Reading, TableColumn};

/// PostgreSQL's SQL (documentation chapters 4, 8 and 9). Parameters are typed by declaration, not by casts.
#[derive(Debug, Clone, Copy, Default)]
pub struct Postgres;

impl Postgres {
    fn placeholder(sql: &mut Statement, value: Value, kind: ParamType) {
        let number = sql.bind(value, kind);
        sql.push("$");
        sql.push(&number.to_string());
    }
}

/// The type that one value is sent as when it is compared with `column`.
fn param_type(column: &TableColumn, value: &Typed) -> ParamType {
    match value {
        Typed::Boolean(_) => ParamType::Boolean,
        // `numeric` compares with every integer type, and holds what no integer type does.
        Typed::Integer(whole)
            if column.logical_type == LogicalType::Integer && i64::try_from(*whole).is_ok() =>
        {
            ParamType::Int8
        }
        Typed::Integer(_) | Typed::Decimal(_) => ParamType::Numeric,
        // 0.1 as a double is not 0.1 as a real: the column's own precision decides.
        Typed::Float(_) if column.native_type == "real" => ParamType::Float4,
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

impl Dialect for Postgres {
    fn quote(&self, sql: &mut Statement, identifier: &str) {
        sql.push("\"");
        sql.push(&identifier.replace('"', "\"\""));
        sql.push("\"");
    }

    fn nulls(&self) -> Nulls {
        Nulls::Last
    }

    fn as_text(&self, sql: &mut Statement, column: &TableColumn) {
        if column.native_type == "inet" {
            // The cast writes a mask behind every address, also where there is none.
            sql.push("pg_catalog.abbrev(");
            self.reference(sql, column);
            sql.push(")");
            return;
        }
        self.reference(sql, column);
        // The text of `money` follows the server's locale, its number does not.
        sql.push(match column.native_type.as_str() {
            "money" => "::numeric::text",
            "money[]" => "::numeric[]::text",
            _ => "::text",
        });
    }

    fn fetched(&self, sql: &mut Statement, column: &TableColumn) {
        match column.reading {
            Reading::Native => self.reference(sql, column),
            Reading::AsText => self.as_text(sql, column),
            Reading::AsTextArray => {
                self.reference(sql, column);
                sql.push(if column.native_type == "money[]" { "::numeric[]::text[]" } else { "::text[]" });
            }
            Reading::AsWkb => {
                self.reference(sql, column);
                sql.push(if column.logical_type == LogicalType::Array { "::bytea[]" } else { "::bytea" });
            }
        }
    }

    fn compared(&self, sql: &mut Statement, column: &TableColumn) {
        if column.native_type == "money" {
            self.reference(sql, column);
            sql.push("::numeric");
        } else if compares_as_text(column) {
            self.as_text(sql, column);
        } else {
            self.reference(sql, column);
        }
    }

    fn storable(&self, value: &Typed) -> bool {
        // PostgreSQL texts hold every character but NUL.
        !matches!(value, Typed::Text(text) if text.contains('\0'))
    }

    fn value(&self, sql: &mut Statement, column: &TableColumn, value: Typed) {
        let kind = param_type(column, &value);
        Self::placeholder(sql, Value::One(value), kind);
    }

    fn in_list(&self, sql: &mut Statement, column: &TableColumn, values: Vec<Typed>, negated: bool) {
        // A list has one type: `numeric` as soon as one member needs it.
        let kinds = values.iter().map(|value| param_type(column, value));
        let kind = kinds.reduce(|all, one| if all == one { all } else { ParamType::Numeric });
        self.compared(sql, column);
        sql.push(if negated { " <> ALL(" } else { " = ANY(" });
        Self::placeholder(sql, Value::List(values), kind.unwrap_or(ParamType::Text));
        sql.push(")");
    }

    fn text_test(&self, sql: &mut Statement, column: &TableColumn, test: TextTest, operand: &str) {
        match column.logical_type {
            LogicalType::Text => self.compared(sql, column),
            _ => self.as_text(sql, column),
        }
        sql.push(if test == TextTest::Like { " LIKE " } else { " ILIKE " });
        let pattern = like_pattern(test, operand);
        Self::placeholder(sql, Value::One(Typed::Text(pattern)), ParamType::Text);
    }

    fn later_than(&self, sql: &mut Statement, column: &TableColumn, micros: i64) {
        self.reference(sql, column);
        sql.push(" > ");
        match column.logical_type {
            LogicalType::TimestampTz => {
                Self::placeholder(sql, Value::One(Typed::TimestampTz(micros)), ParamType::TimestampTz);
            }
            LogicalType::Date => {
                // A day is later when its midnight is: after the last day that began by then.
                let day = micros.div_euclid(DAY_US);
                Self::placeholder(sql, Value::One(Typed::Date(day)), ParamType::Date);
            }
            LogicalType::Integer | LogicalType::Decimal => {
                let millis = Typed::Integer(i128::from(micros.div_euclid(1_000)));
                Self::placeholder(sql, Value::One(millis), ParamType::Int8);
            }
            _ => Self::placeholder(sql, Value::One(Typed::Timestamp(micros)), ParamType::Timestamp),
        }
    }

    fn window(&self, sql: &mut Statement, limit: Option<u64>, offset: u64) {
        for (word, count) in [(" LIMIT ", limit), (" OFFSET ", (offset > 0).then_some(offset))] {
            if let Some(count) = count {
                sql.push(word);
                Self::placeholder(sql, Value::One(Typed::Integer(i128::from(count))), ParamType::Int8);
            }
        }
    }
}
