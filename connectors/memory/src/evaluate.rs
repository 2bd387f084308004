//! The `where` language in SQL's three-valued logic.

use std::cmp::Ordering;

use connector_model::error::{Error, Result};
use connector_model::filter::{Cast, Comparison, Filter, Operand, Test, Typed, cast};

use crate::pattern;
use crate::profile::Profile;
use crate::table::{ColumnDef, Table};
use crate::value::Value;

/// What a condition says of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Truth {
    /// The row passes.
    True,
    /// It does not.
    False,
    /// NULL had a part in it: the row does not pass, and neither does it under a `$not`.
    Unknown,
}

impl Truth {
    fn of(holds: bool) -> Truth {
        if holds { Truth::True } else { Truth::False }
    }

    fn and(self, other: Truth) -> Truth {
        match (self, other) {
            (Truth::False, _) | (_, Truth::False) => Truth::False,
            (Truth::True, Truth::True) => Truth::True,
            _ => Truth::Unknown,
        }
    }

    fn not(self) -> Truth {
        match self {
            Truth::True => Truth::False,
            Truth::False => Truth::True,
            Truth::Unknown => Truth::Unknown,
        }
    }

    fn or(self, other: Truth) -> Truth {
        self.not().and(other.not()).not()
    }
}

/// Checks what does not depend on any row: that every column exists, and that ordering comparisons have an operand
/// of the column's type.
///
/// # Errors
/// `INVALID_JOB` naming `option`, which holds the filter, and the column.
pub fn check(filter: &Filter, table: &Table, option: &str) -> Result<()> {
    match filter {
        Filter::And(parts) | Filter::Or(parts) => {
            parts.iter().try_for_each(|part| check(part, table, option))
        }
        Filter::Not(part) => check(part, table, option),
        Filter::Column(name, test) => {
            let at = table.position(option, name)?;
            let (Test::Compare(comparison, operand), Some(column)) = (test, table.columns.get(at)) else {
                return Ok(());
            };
            match cast(operand, column.logical_type) {
                Cast::Value(_) => Ok(()),
                Cast::Null | Cast::Impossible => {
                    let (operator, native) = (comparison.operator(), &column.native_type);
                    let problem =
                        format_args!("column \"{name}\": {operator} takes a value of type {native}");
                    Err(Error::option(option, problem).with("column", name.as_str()))
                }
            }
        }
    }
}

/// What a checked filter says of a row.
pub fn truth(filter: &Filter, table: &Table, profile: &Profile, row: &[Value]) -> Truth {
    let part = |part: &Filter| truth(part, table, profile, row);
    match filter {
        Filter::And(parts) => parts.iter().map(part).fold(Truth::True, Truth::and),
        Filter::Or(parts) => parts.iter().map(part).fold(Truth::False, Truth::or),
        Filter::Not(inner) => part(inner).not(),
        Filter::Column(name, test) => {
            let cell = table.columns.iter().zip(row).find(|(column, _)| column.name == *name);
            cell.map_or(Truth::Unknown, |(column, value)| tested(test, profile, column, value))
        }
    }
}

fn tested(test: &Test, profile: &Profile, column: &ColumnDef, value: &Value) -> Truth {
    match test {
        Test::Equal(operand) => equal(operand, column, value),
        Test::NotEqual(operand) => not_equal(operand, column, value),
        Test::Compare(comparison, operand) => compared(*comparison, operand, profile, column, value),
        // A list is what its members are, joined: `$in` of `$eq`, `$nin` of `$ne`.
        Test::In(operands) => {
            operands.iter().map(|operand| equal(operand, column, value)).fold(Truth::False, Truth::or)
        }
        Test::NotIn(operands) => {
            operands.iter().map(|operand| not_equal(operand, column, value)).fold(Truth::True, Truth::and)
        }
        Test::Text(test, operand) => match profile.text(column, value) {
            None => Truth::Unknown,
            Some(text) => Truth::of(pattern::passes(*test, &text, operand)),
        },
        Test::Never => Truth::False,
        Test::Exists(exists) => Truth::of((*value != Value::Null) == *exists),
    }
}

fn equal(operand: &Operand, column: &ColumnDef, value: &Value) -> Truth {
    match cast(operand, column.logical_type) {
        Cast::Null => Truth::of(*value == Value::Null),
        Cast::Impossible => Truth::False,
        Cast::Value(typed) => value.compare(&typed).map_or(Truth::Unknown, |order| Truth::of(order.is_eq())),
    }
}

fn not_equal(operand: &Operand, column: &ColumnDef, value: &Value) -> Truth {
    match cast(operand, column.logical_type) {
        Cast::Null | Cast::Impossible => Truth::of(*value != Value::Null),
        Cast::Value(_) => equal(operand, column, value).not(),
    }
}

fn compared(
    comparison: Comparison,
    operand: &Operand,
    profile: &Profile,
    column: &ColumnDef,
    value: &Value,
) -> Truth {
    let Cast::Value(typed) = cast(operand, column.logical_type) else { return Truth::Unknown };
    let holds = |order: Ordering| match comparison {
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
    };
    let order = match (value, &typed) {
        // In the engine's own order.
        (Value::Uuid(_), Typed::Uuid(bytes)) => Some(profile.compare(value, &Value::Uuid(*bytes))),
        _ => value.compare(&typed),
    };
    order.map_or(Truth::Unknown, |order| Truth::of(holds(order)))
}
