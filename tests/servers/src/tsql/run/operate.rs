//! Operators.

use std::cmp::Ordering;

use crate::tsql::ast::{Arithmetic, Comparison};
use crate::tsql::decimal::{Decimal, power};
use crate::tsql::error::{Result, SqlError};
use crate::tsql::types::SqlType;
use crate::tsql::value::Value;

/// Whether a comparison holds for values in this order.
pub(super) const fn holds(comparison: Comparison, order: Ordering) -> bool {
    match comparison {
        Comparison::Equal => order.is_eq(),
        Comparison::NotEqual => order.is_ne(),
        Comparison::Less => order.is_lt(),
        Comparison::LessOrEqual => order.is_le(),
        Comparison::Greater => order.is_gt(),
        Comparison::GreaterOrEqual => order.is_ge(),
    }
}

pub(super) fn negate(value: Value) -> Result<Value> {
    Ok(match value {
        Value::Int(whole) => Value::Int(whole.checked_neg().ok_or_else(|| SqlError::overflow("bigint"))?),
        Value::Real(number) => Value::Real(-number),
        Value::Float(number) => Value::Float(-number),
        Value::Decimal(number) => Value::Decimal(Decimal::new(-number.units, number.scale)),
        other => other,
    })
}

fn divided_by_zero() -> SqlError {
    SqlError::new(8134, "Divide by zero error encountered.")
}

/// Both values are not NULL.
pub(super) fn arithmetic(operator: Arithmetic, left: &Value, right: &Value, ty: SqlType) -> Result<Value> {
    match (left, right) {
        (Value::Int(left), Value::Int(right)) => whole(operator, *left, *right, ty),
        (Value::Bit(left), Value::Bit(right)) => Ok(Value::Bit(match operator {
            Arithmetic::BitAnd => left & right,
            Arithmetic::BitOr => left | right,
            _ => left ^ right,
        })),
        (Value::Real(left), Value::Real(right)) =>
        {
            #[allow(clippy::cast_possible_truncation, reason = "the result is a real")]
            float(operator, f64::from(*left), f64::from(*right), ty).map(|number| Value::Real(number as f32))
        }
        (Value::Float(left), Value::Float(right)) => float(operator, *left, *right, ty).map(Value::Float),
        (Value::Decimal(left), Value::Decimal(right)) => decimal(operator, *left, *right, ty),
        (Value::Text(left), Value::Text(right)) => {
            let joined = Value::text(format!("{left}{right}"));
            crate::tsql::convert::convert(joined, ty, ty, 0)
        }
        (Value::Bytes(left), Value::Bytes(right)) => Ok(Value::Bytes([&**left, &**right].concat().into())),
        _ => Err(SqlError::new(402, "The data types are incompatible in the operator.")),
    }
}

fn whole(operator: Arithmetic, left: i64, right: i64, ty: SqlType) -> Result<Value> {
    let result = match operator {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Divide | Arithmetic::Modulo if right == 0 => return Err(divided_by_zero()),
        Arithmetic::Divide => left.checked_div(right),
        Arithmetic::Modulo => left.checked_rem(right),
        Arithmetic::BitAnd => Some(left & right),
        Arithmetic::BitOr => Some(left | right),
        Arithmetic::BitXor => Some(left ^ right),
    };
    let result = result.ok_or_else(|| SqlError::overflow(ty.name()))?;
    crate::tsql::convert::convert(Value::Int(result), SqlType::BigInt, ty, 0)
        .map_err(|_| SqlError::overflow(ty.name()))
}

fn float(operator: Arithmetic, left: f64, right: f64, ty: SqlType) -> Result<f64> {
    let result = match operator {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide | Arithmetic::Modulo if right == 0.0 => return Err(divided_by_zero()),
        Arithmetic::Divide => left / right,
        _ => left % right,
    };
    let limit = if ty == SqlType::Real { f64::from(f32::MAX) } else { f64::MAX };
    if result.abs() <= limit { Ok(result) } else { Err(SqlError::overflow(ty.name())) }
}

fn decimal(operator: Arithmetic, left: Decimal, right: Decimal, ty: SqlType) -> Result<Value> {
    let (precision, scale) = ty.as_decimal();
    let overflow =
        || SqlError::overflow(if matches!(ty, SqlType::Decimal(..)) { "numeric" } else { ty.name() });
    let common = left.scale.max(right.scale);
    let aligned = || {
        let left = left.rescale(common).ok_or_else(overflow)?;
        let right = right.rescale(common).ok_or_else(overflow)?;
        Ok::<_, SqlError>((left.units, right.units))
    };
    let result = match operator {
        Arithmetic::Add => {
            aligned().map(|(left, right)| left.checked_add(right).map(|sum| Decimal::new(sum, common)))?
        }
        Arithmetic::Subtract => {
            aligned().map(|(left, right)| left.checked_sub(right).map(|rest| Decimal::new(rest, common)))?
        }
        Arithmetic::Multiply => {
            left.units.checked_mul(right.units).map(|product| Decimal::new(product, left.scale + right.scale))
        }
        Arithmetic::Divide | Arithmetic::Modulo if right.is_zero() => return Err(divided_by_zero()),
        Arithmetic::Modulo => {
            aligned().map(|(left, right)| left.checked_rem(right).map(|rest| Decimal::new(rest, common)))?
        }
        // Digits behind the result's scale are cut off.
        Arithmetic::Divide => quotient(left, right, scale),
        _ => return Err(SqlError::new(402, "The data types are incompatible in the operator.")),
    };
    let fitted = result.and_then(|number| number.rescale(scale));
    let fits = |number: &Decimal| power(precision).is_none_or(|limit| number.units.abs() < limit);
    fitted.filter(fits).map(Value::Decimal).ok_or_else(overflow)
}

/// Long division, digit by digit, so that nothing overflows on the way.
fn quotient(left: Decimal, right: Decimal, scale: u8) -> Option<Decimal> {
    // left / right = (left.units / right.units) * 10^(right.scale - left.scale)
    let wanted = i32::from(scale) + i32::from(right.scale) - i32::from(left.scale);
    let negative = (left.units < 0) != (right.units < 0);
    let divisor = right.units.unsigned_abs();
    let mut result = i128::try_from(left.units.unsigned_abs() / divisor).ok()?;
    let mut rest = left.units.unsigned_abs() % divisor;
    if wanted < 0 {
        let cut = power(u8::try_from(-wanted).ok()?)?;
        result /= cut;
    }
    for _ in 0..wanted.max(0) {
        // Ten times the rest may not fit, so it is added up, less the divisor whenever that fits in.
        let (mut digit, mut sum) = (0, 0_u128);
        for _ in 0..10 {
            sum += rest;
            if sum >= divisor {
                (digit, sum) = (digit + 1, sum - divisor);
            }
        }
        rest = sum;
        result = result.checked_mul(10)?.checked_add(digit)?;
    }
    Some(Decimal::new(if negative { -result } else { result }, scale))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal_of(text: &str) -> Value {
        Value::Decimal(Decimal::parse(text).unwrap())
    }

    fn shown(operator: Arithmetic, left: &str, right: &str, ty: SqlType) -> String {
        match arithmetic(operator, &decimal_of(left), &decimal_of(right), ty).unwrap() {
            Value::Decimal(number) => number.to_string(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn decimals_are_exact_and_quotients_cut_off() {
        assert_eq!(shown(Arithmetic::Add, "0.1", "0.22", SqlType::Decimal(10, 2)), "0.32");
        assert_eq!(shown(Arithmetic::Divide, "2", "3", SqlType::Decimal(20, 6)), "0.666666");
        assert_eq!(shown(Arithmetic::Divide, "-10", "4", SqlType::Decimal(20, 6)), "-2.500000");
        assert_eq!(shown(Arithmetic::Divide, "35.75", "0.3", SqlType::Decimal(20, 6)), "119.166666");
        let nines = "9".repeat(38);
        assert_eq!(shown(Arithmetic::Divide, &nines, &nines, SqlType::Decimal(38, 6)), "1.000000");
        assert_eq!(shown(Arithmetic::Multiply, "1.5", "-1.5", SqlType::Decimal(10, 2)), "-2.25");
    }

    #[test]
    fn whole_numbers_divide_to_whole_numbers_and_overflow_by_type() {
        let int =
            |operator, left, right| arithmetic(operator, &Value::Int(left), &Value::Int(right), SqlType::Int);
        assert!(matches!(int(Arithmetic::Divide, -7, 2), Ok(Value::Int(-3))));
        assert_eq!(int(Arithmetic::Divide, 1, 0).unwrap_err().number, 8134);
        assert_eq!(int(Arithmetic::Add, i64::from(i32::MAX), 1).unwrap_err().number, 8115);
    }
}
