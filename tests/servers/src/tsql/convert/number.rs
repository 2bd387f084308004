//! To numbers.

use crate::tsql::decimal::Decimal;
use crate::tsql::error::{Result, SqlError};
use crate::tsql::moment::{DAY_1900, TICKS_PER_DAY};
use crate::tsql::types::SqlType;
use crate::tsql::value::Value;

pub(super) fn to_integer(value: &Value, from: SqlType, to: SqlType) -> Result<Value> {
    if to == SqlType::Bit {
        return to_bit(value, from);
    }
    let whole = match value {
        Value::Bit(flag) => i128::from(*flag),
        Value::Int(whole) => i128::from(*whole),
        Value::Real(number) => whole_of(f64::from(*number), to)?,
        Value::Float(number) => whole_of(*number, to)?,
        Value::Decimal(number) if matches!(from, SqlType::Money | SqlType::SmallMoney) => {
            number.rescale(0).map_or(0, |number| number.units)
        }
        Value::Decimal(number) => number.truncate(0).units,
        Value::Moment(ticks) => i128::from((ticks + TICKS_PER_DAY / 2).div_euclid(TICKS_PER_DAY) - DAY_1900),
        Value::Bytes(bytes) => {
            let tail = bytes.iter().rev().take(8).rev();
            i128::from(i64::from_be_bytes(
                tail.fold(0_u64, |all, byte| all << 8 | u64::from(*byte)).to_be_bytes(),
            ))
        }
        Value::Text(text) => match text.trim() {
            "" => 0,
            digits => digits.parse().map_err(|_| not_a_number(text, from, to))?,
        },
        _ => return Err(SqlError::conversion(from.name(), to.name())),
    };
    let (low, high): (i64, i64) = match to {
        SqlType::TinyInt => (0, 255),
        SqlType::SmallInt => (i64::from(i16::MIN), i64::from(i16::MAX)),
        SqlType::Int => (i64::from(i32::MIN), i64::from(i32::MAX)),
        _ => (i64::MIN, i64::MAX),
    };
    match i64::try_from(whole) {
        Ok(whole) if (low..=high).contains(&whole) => Ok(Value::Int(whole)),
        _ if matches!(value, Value::Text(_)) && to == SqlType::Int => Err(SqlError::new(
            248,
            format!("The conversion of the {} value overflowed an int column.", from.name()),
        )),
        _ if matches!(to, SqlType::TinyInt | SqlType::SmallInt) => Err(SqlError::new(
            220,
            format!("Arithmetic overflow error for data type {}, value = {whole}.", to.name()),
        )),
        _ => Err(SqlError::overflow(to.name())),
    }
}

fn to_bit(value: &Value, from: SqlType) -> Result<Value> {
    let flag = match value {
        Value::Bit(flag) => *flag,
        Value::Int(whole) => *whole != 0,
        Value::Real(number) => *number != 0.0,
        Value::Float(number) => *number != 0.0,
        Value::Decimal(number) => !number.is_zero(),
        Value::Bytes(bytes) => bytes.iter().any(|byte| *byte != 0),
        Value::Text(text) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => true,
            "false" | "" => false,
            digits => digits.parse::<i64>().map_err(|_| not_a_number(text, from, SqlType::Bit))? != 0,
        },
        _ => return Err(SqlError::conversion(from.name(), "bit")),
    };
    Ok(Value::Bit(flag))
}

#[allow(clippy::cast_possible_truncation, reason = "the range is checked before")]
fn whole_of(number: f64, to: SqlType) -> Result<i128> {
    if number.abs() < 1e30 { Ok(number.trunc() as i128) } else { Err(SqlError::overflow(to.name())) }
}

fn not_a_number(text: &str, from: SqlType, to: SqlType) -> SqlError {
    if to == SqlType::BigInt {
        return SqlError::conversion(from.name(), to.name());
    }
    let message = format!(
        "Conversion failed when converting the {} value '{text}' to data type {}.",
        from.name(),
        to.name()
    );
    SqlError::new(245, message)
}

#[allow(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    reason = "that is what the conversion does"
)]
pub(super) fn to_float(value: &Value, from: SqlType, to: SqlType) -> Result<Value> {
    let failed = || SqlError::conversion(from.name(), to.name());
    let number = match value {
        Value::Bit(flag) => f64::from(u8::from(*flag)),
        Value::Int(whole) => *whole as f64,
        Value::Real(number) => f64::from(*number),
        Value::Float(number) => *number,
        Value::Decimal(number) => number.to_f64(),
        Value::Moment(ticks) => (ticks - DAY_1900 * TICKS_PER_DAY) as f64 / TICKS_PER_DAY as f64,
        Value::Text(text) => {
            let digits = text.trim();
            // Rust would also read "inf" and "nan", which SQL Server does not have.
            if digits.bytes().any(|byte| byte.is_ascii_alphabetic() && !matches!(byte, b'e' | b'E')) {
                return Err(failed());
            }
            if digits.is_empty() { 0.0 } else { digits.parse().map_err(|_| failed())? }
        }
        _ => return Err(failed()),
    };
    match to {
        SqlType::Real if !(number as f32).is_finite() => Err(SqlError::overflow(to.name())),
        SqlType::Real => Ok(Value::Real(number as f32)),
        _ if !number.is_finite() => Err(SqlError::overflow(to.name())),
        _ => Ok(Value::Float(number)),
    }
}

pub(super) fn to_decimal(value: &Value, from: SqlType, to: SqlType) -> Result<Value> {
    let (precision, scale) = to.as_decimal();
    let money = matches!(to, SqlType::Money | SqlType::SmallMoney);
    let number = match value {
        Value::Bit(flag) => Some(Decimal::new(i128::from(*flag), 0)),
        Value::Int(whole) => Some(Decimal::new(i128::from(*whole), 0)),
        Value::Real(number) => of_float(f64::from(*number), scale),
        Value::Float(number) => of_float(*number, scale),
        Value::Decimal(number) => Some(*number),
        Value::Text(text) => {
            let digits: String = match text.trim() {
                "" if money => "0".to_owned(),
                digits if money => digits.chars().filter(|digit| !matches!(digit, '$' | ',')).collect(),
                digits => digits.to_owned(),
            };
            let number = Decimal::parse(&digits);
            Some(number.ok_or_else(|| {
                SqlError::conversion(from.name(), if money { to.name() } else { "numeric" })
            })?)
        }
        _ => return Err(SqlError::conversion(from.name(), to.name())),
    };
    let fitted = number.and_then(|number| number.rescale(scale)).filter(|number| match to {
        SqlType::Money => i64::try_from(number.units).is_ok(),
        SqlType::SmallMoney => i32::try_from(number.units).is_ok(),
        _ => crate::tsql::decimal::power(precision).is_none_or(|limit| number.units.abs() < limit),
    });
    fitted.map(Value::Decimal).ok_or_else(|| SqlError {
        number: 8115,
        ..SqlError::overflow(if money { to.name() } else { "numeric" })
    })
}

/// A double's digits, as many as a double means: 17.
fn of_float(number: f64, scale: u8) -> Option<Decimal> {
    if number.abs() >= 1e38 {
        return None;
    }
    let rounded = format!("{number:.16e}");
    let (digits, exponent) = rounded.split_once('e')?;
    let exponent: i32 = exponent.parse().ok()?;
    let plain: f64 = rounded.parse().ok()?;
    if exponent > 16 {
        // All digits are before the point.
        let digits = Decimal::parse(digits)?;
        let units = digits.units.checked_mul(10_i128.checked_pow(u32::try_from(exponent - 16).ok()?)?)?;
        return Decimal::new(units, 0).rescale(scale);
    }
    let places = usize::try_from(16 - exponent).ok()?.min(37);
    Decimal::parse(&format!("{plain:.places$}"))?.rescale(scale)
}
