//! A filter tree to a condition.

use std::cmp::Ordering;

use connector_model::error::{Error, Result};
use connector_model::filter::{Cast, Comparison, Filter, Operand, Test, Typed, cast};
use connector_model::target::LogicalType;

use crate::dialect::Dialect;
use crate::statement::Statement;
use crate::table::{Table, TableColumn};

const TRUE: &str = "1 = 1";
const FALSE: &str = "1 = 0";

/// A longer chain of AND or OR is split in halves: engines read a chain as a tree as deep as it is long, and SQLite's
/// may have 1,000 levels.
const CHAIN: usize = 8;

/// Appends the condition. Every operator's operands stand in brackets where they could be read otherwise: by the
/// tree's structure, never by looking at text. `option` is what holds the condition in the job, for errors.
pub(crate) fn condition(
    sql: &mut Statement,
    dialect: &dyn Dialect,
    table: &Table,
    filter: &Filter,
    option: &str,
) -> Result<()> {
    match filter {
        Filter::And(parts) => join(sql, dialect, table, parts, option, (" AND ", TRUE)),
        Filter::Or(parts) => join(sql, dialect, table, parts, option, (" OR ", FALSE)),
        Filter::Not(part) => {
            sql.push("NOT (");
            condition(sql, dialect, table, part, option)?;
            sql.push(")");
            Ok(())
        }
        Filter::Column(name, test) => {
            let column = table.column(table.position(option, name)?)?;
            column_test(sql, dialect, column, test, option)
        }
    }
}

fn join(
    sql: &mut Statement,
    dialect: &dyn Dialect,
    table: &Table,
    parts: &[Filter],
    option: &str,
    (word, empty): (&str, &str),
) -> Result<()> {
    if parts.is_empty() {
        sql.push(empty);
    }
    if parts.len() > CHAIN {
        let (left, right) = parts.split_at(parts.len() / 2);
        sql.push("(");
        join(sql, dialect, table, left, option, (word, empty))?;
        sql.push(&format!("){word}("));
        join(sql, dialect, table, right, option, (word, empty))?;
        sql.push(")");
        return Ok(());
    }
    for (position, part) in parts.iter().enumerate() {
        if position > 0 {
            sql.push(word);
        }
        sql.push("(");
        condition(sql, dialect, table, part, option)?;
        sql.push(")");
    }
    Ok(())
}

/// Appends the test of one column; `option` is what an operand that cannot be compared is found in.
pub(crate) fn column_test(
    sql: &mut Statement,
    dialect: &dyn Dialect,
    column: &TableColumn,
    test: &Test,
    option: &str,
) -> Result<()> {
    match test {
        Test::Equal(operand) => match typed(dialect, column, operand) {
            Cast::Value(value) if unheld(dialect, column, &value) => constant(sql, dialect, column, false),
            Cast::Value(value) => {
                dialect.compared(sql, column);
                sql.push(" = ");
                dialect.value(sql, column, value);
            }
            Cast::Null => null_test(sql, dialect, column, false),
            Cast::Impossible => sql.push(FALSE),
        },
        Test::NotEqual(operand) => match typed(dialect, column, operand) {
            Cast::Value(value) if unheld(dialect, column, &value) => constant(sql, dialect, column, true),
            Cast::Value(value) => {
                dialect.compared(sql, column);
                sql.push(" <> ");
                dialect.value(sql, column, value);
            }
            // Every value differs from what can be none; NULL rows are left out either way.
            Cast::Null | Cast::Impossible => null_test(sql, dialect, column, true),
        },
        Test::Compare(comparison, operand) => match typed(dialect, column, operand) {
            Cast::Value(value) => {
                if let Some(side) = dialect.beyond(&value) {
                    constant(sql, dialect, column, beyond_holds(*comparison, side));
                    return Ok(());
                }
                let (word, value) = match dialect.between(column, &value) {
                    // Nothing is equal: above it is above its neighbour below.
                    Some(below) => (beside(*comparison), below),
                    None => (comparison.sql(), value),
                };
                dialect.compared(sql, column);
                sql.push(" ");
                sql.push(word);
                sql.push(" ");
                dialect.value(sql, column, value);
            }
            Cast::Null | Cast::Impossible => return Err(incomparable(column, *comparison, option)),
        },
        Test::In(operands) => list(sql, dialect, column, operands, false),
        Test::NotIn(operands) => list(sql, dialect, column, operands, true),
        Test::Text(_, operand) if !dialect.storable(&Typed::Text(operand.clone())) => sql.push(FALSE),
        Test::Text(test, operand) => dialect.text_test(sql, column, *test, operand),
        Test::Never => sql.push(FALSE),
        Test::Exists(exists) => null_test(sql, dialect, column, *exists),
    }
    Ok(())
}

/// The operand as a value that the column can hold.
fn typed(dialect: &dyn Dialect, column: &TableColumn, operand: &Operand) -> Cast {
    match cast(operand, column.logical_type) {
        Cast::Value(value) if !dialect.storable(&value) && dialect.between(column, &value).is_none() => {
            Cast::Impossible
        }
        other => other,
    }
}

/// Whether every value compares so with one that is on this side of all of them.
fn beyond_holds(comparison: Comparison, side: Ordering) -> bool {
    match comparison {
        Comparison::Less | Comparison::LessOrEqual => side == Ordering::Greater,
        Comparison::Greater | Comparison::GreaterOrEqual => side == Ordering::Less,
    }
}

/// How a value compares with the neighbour below of what it is to be compared with.
fn beside(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Greater | Comparison::GreaterOrEqual => ">",
        Comparison::Less | Comparison::LessOrEqual => "<=",
    }
}

/// Whether no column of this type can hold the value, though it compares with those that it holds.
fn unheld(dialect: &dyn Dialect, column: &TableColumn, value: &Typed) -> bool {
    dialect.beyond(value).is_some() || dialect.between(column, value).is_some()
}

/// A test that comes out the same for every value, and unknown for NULL.
fn constant(sql: &mut Statement, dialect: &dyn Dialect, column: &TableColumn, holds: bool) {
    dialect.compared(sql, column);
    sql.push(if holds { " = " } else { " <> " });
    dialect.compared(sql, column);
}

fn null_test(sql: &mut Statement, dialect: &dyn Dialect, column: &TableColumn, present: bool) {
    dialect.reference(sql, column);
    sql.push(if present { " IS NOT NULL" } else { " IS NULL" });
}

fn list(
    sql: &mut Statement,
    dialect: &dyn Dialect,
    column: &TableColumn,
    operands: &[Operand],
    negated: bool,
) {
    let mut with_null = false;
    let mut beyond = false;
    let mut values = Vec::with_capacity(operands.len());
    for operand in operands {
        match typed(dialect, column, operand) {
            Cast::Value(value) if unheld(dialect, column, &value) => beyond = true,
            Cast::Value(value) => values.push(value),
            Cast::Null => with_null = true,
            // No row holds it: it matches none. Negated, every value differs from it, but NULL is no value.
            Cast::Impossible => with_null |= negated,
        }
    }
    match (values.is_empty(), beyond) {
        (true, false) => {
            return match with_null {
                true => null_test(sql, dialect, column, negated),
                false => sql.push(if negated { TRUE } else { FALSE }),
            };
        }
        (true, true) => constant(sql, dialect, column, negated),
        (false, _) => dialect.in_list(sql, column, values, negated),
    }
    if with_null {
        sql.push(if negated { " AND " } else { " OR " });
        null_test(sql, dialect, column, negated);
    }
}

fn incomparable(column: &TableColumn, comparison: Comparison, option: &str) -> Error {
    let expected = match column.logical_type {
        LogicalType::Boolean => "true or false",
        LogicalType::Integer | LogicalType::Float | LogicalType::Decimal => "a number",
        LogicalType::Date | LogicalType::Timestamp | LogicalType::TimestampTz => {
            "an ISO 8601 date or date and time"
        }
        LogicalType::Time => "a time of day, HH:MM:SS",
        LogicalType::Uuid => "a UUID",
        LogicalType::Bytes => "bytes in base64",
        _ => "a text",
    };
    let problem = format!(
        "column \"{}\": {} takes {expected} (the column is {})",
        column.name,
        comparison.operator(),
        column.native_type
    );
    Error::option(option, problem).with("column", column.name.clone())
}
