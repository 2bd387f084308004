//! Functions of numbers.

use super::{Arguments, Definition, Function, Gives, Takes};
use crate::tsql::convert::convert;
use crate::tsql::decimal::Decimal;
use crate::tsql::error::{Result, SqlError};
use crate::tsql::types::SqlType;
use crate::tsql::value::Value;

use Takes::{Float, Int, Number};

const FLOAT: Gives = Gives::Type(SqlType::Float);

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new(Function::strict("ABS", abs), (1, 1), &[Number], Gives::As(0)),
    Definition::new(Function::strict("SIGN", sign), (1, 1), &[Number], Gives::As(0)),
    Definition::new(
        Function::strict("FLOOR", |a| rounded(a, f64::floor, false)),
        (1, 1),
        &[Number],
        Gives::As(0),
    ),
    Definition::new(
        Function::strict("CEILING", |a| rounded(a, f64::ceil, true)),
        (1, 1),
        &[Number],
        Gives::As(0),
    ),
    Definition::new(Function::strict("ROUND", round), (2, 3), &[Number, Int, Int], Gives::As(0)),
    Definition::new(Function::strict("POWER", power), (2, 2), &[Number, Float], Gives::As(0)),
    Definition::new(Function::strict("SQRT", |a| float(a, f64::sqrt)), (1, 1), &[Float], FLOAT),
    Definition::new(Function::strict("SQUARE", |a| float(a, |x| x * x)), (1, 1), &[Float], FLOAT),
    Definition::new(Function::strict("EXP", |a| float(a, f64::exp)), (1, 1), &[Float], FLOAT),
    Definition::new(Function::strict("LOG", logarithm), (1, 2), &[Float], FLOAT),
    Definition::new(Function::strict("LOG10", |a| float(a, f64::log10)), (1, 1), &[Float], FLOAT),
    Definition::new(Function::strict("SIN", |a| float(a, f64::sin)), (1, 1), &[Float], FLOAT),
    Definition::new(Function::strict("COS", |a| float(a, f64::cos)), (1, 1), &[Float], FLOAT),
    Definition::new(Function::strict("TAN", |a| float(a, f64::tan)), (1, 1), &[Float], FLOAT),
    Definition::new(Function::strict("PI", |_| Ok(Value::Float(std::f64::consts::PI))), (0, 0), &[], FLOAT),
];

fn argument(arguments: &Arguments<'_>, position: usize) -> f64 {
    match arguments.get(position) {
        Value::Float(number) => *number,
        _ => 0.0,
    }
}

/// A result that is no number is an error, as everywhere in SQL Server.
fn checked(number: f64) -> Result<Value> {
    if number.is_finite() {
        return Ok(Value::Float(number));
    }
    Err(SqlError::new(3623, "An invalid floating point operation occurred."))
}

fn float(arguments: &Arguments<'_>, map: impl Fn(f64) -> f64) -> Result<Value> {
    checked(map(argument(arguments, 0)))
}

fn logarithm(arguments: &Arguments<'_>) -> Result<Value> {
    let number = argument(arguments, 0);
    checked(if arguments.values.len() > 1 { number.log(argument(arguments, 1)) } else { number.ln() })
}

fn abs(arguments: &Arguments<'_>) -> Result<Value> {
    Ok(match arguments.get(0) {
        Value::Int(whole) => match whole.checked_abs() {
            Some(whole) => convert(Value::Int(whole), SqlType::BigInt, arguments.ty, 0)?,
            None => return Err(SqlError::overflow(arguments.ty.name())),
        },
        Value::Float(number) => Value::Float(number.abs()),
        Value::Decimal(number) => Value::Decimal(Decimal::new(number.units.abs(), number.scale)),
        other => other.clone(),
    })
}

fn sign(arguments: &Arguments<'_>) -> Result<Value> {
    Ok(match arguments.get(0) {
        Value::Int(whole) => Value::Int(whole.signum()),
        Value::Float(number) => Value::Float(if *number == 0.0 { 0.0 } else { number.signum() }),
        Value::Decimal(number) => {
            let one = Decimal::new(number.units.signum(), 0);
            Value::Decimal(one.rescale(number.scale).unwrap_or(one))
        }
        other => other.clone(),
    })
}

fn rounded(arguments: &Arguments<'_>, map: impl Fn(f64) -> f64, up: bool) -> Result<Value> {
    Ok(match arguments.get(0) {
        Value::Float(number) => Value::Float(map(*number)),
        Value::Decimal(number) => {
            let cut = number.truncate(0);
            let exact = cut == *number;
            let step = match (exact, up, number.units < 0) {
                (false, true, false) => 1,
                (false, false, true) => -1,
                _ => 0,
            };
            let whole = Decimal::new(cut.units + step, 0);
            let scale = if arguments.ty == SqlType::Money { 4 } else { 0 };
            Value::Decimal(whole.rescale(scale).unwrap_or(whole))
        }
        other => other.clone(),
    })
}

fn round(arguments: &Arguments<'_>) -> Result<Value> {
    let places = arguments.int(1).unwrap_or(0);
    let cut = arguments.int(2).is_some_and(|function| function != 0);
    let scale_back = |number: Decimal| {
        // A negative number of places rounds before the point.
        let shifted = |places: i64| {
            let scale = u8::try_from(i64::from(number.scale) - places).ok()?;
            let coarse = Decimal::new(number.units, scale);
            let coarse = if cut { Some(coarse.truncate(0)) } else { coarse.rescale(0) }?;
            let factor = crate::tsql::decimal::power(scale)?;
            coarse.units.checked_mul(factor).map(|units| Decimal::new(units, number.scale))
        };
        if places >= i64::from(number.scale) { Some(number) } else { shifted(places) }
    };
    Ok(match arguments.get(0) {
        Value::Float(number) => {
            let factor = 10_f64.powi(i32::try_from(places).unwrap_or(0));
            let scaled = number * factor;
            Value::Float(if cut { scaled.trunc() } else { scaled.round() } / factor)
        }
        Value::Decimal(number) => {
            Value::Decimal(scale_back(*number).unwrap_or(Decimal::new(0, number.scale)))
        }
        Value::Int(whole) => {
            let number = scale_back(Decimal::new(i128::from(*whole), 0)).unwrap_or(Decimal::new(0, 0));
            convert(Value::Decimal(number), SqlType::Decimal(38, 0), arguments.ty, 0)?
        }
        other => other.clone(),
    })
}

fn power(arguments: &Arguments<'_>) -> Result<Value> {
    let base = convert(arguments.get(0).clone(), arguments.type_at(0), SqlType::Float, 0)?;
    let Value::Float(base) = base else { return Ok(Value::Null) };
    convert(checked(base.powf(argument(arguments, 1)))?, SqlType::Float, arguments.ty, 0)
}
