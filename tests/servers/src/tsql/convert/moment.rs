//! To days, times of day and moments.

use crate::tsql::decimal::Decimal;
use crate::tsql::error::{Result, SqlError};
use crate::tsql::moment::{
    DAY_1900, MAX_DAY, Parsed, TICKS_PER_DAY, TICKS_PER_SECOND, parse, round, round_datetime, round_minute,
};
use crate::tsql::types::SqlType;
use crate::tsql::value::Value;

const MINUTE: i64 = 60 * TICKS_PER_SECOND;
/// More days than there are: what is as far away is refused, however far.
const FAR: i64 = 4_000_000;

pub(super) fn to_moment(value: &Value, from: SqlType, to: SqlType) -> Result<Value> {
    // Ticks of the local clock, and the zone where there is one.
    let (ticks, zone) = match value {
        Value::Date(days) => (days * TICKS_PER_DAY, None),
        Value::Time(ticks) => (DAY_1900 * TICKS_PER_DAY + ticks, None),
        Value::Moment(ticks) => (*ticks, None),
        Value::Zoned(utc, minutes) => (utc + i64::from(*minutes) * MINUTE, Some(*minutes)),
        Value::Text(text) => of_text(text, to)?,
        // A number is a count of days since 1900.
        Value::Bit(flag) => ((DAY_1900 + i64::from(*flag)) * TICKS_PER_DAY, None),
        Value::Int(days) => ((DAY_1900 + days.clamp(&-FAR, &FAR)) * TICKS_PER_DAY, None),
        Value::Real(days) => (of_days(f64::from(*days)), None),
        Value::Float(days) => (of_days(*days), None),
        Value::Decimal(days) => (of_decimal_days(*days), None),
        _ => return Err(SqlError::conversion(from.name(), to.name())),
    };
    let (day, clock) = (ticks.div_euclid(TICKS_PER_DAY), ticks.rem_euclid(TICKS_PER_DAY));
    let value = match to {
        SqlType::Date => Value::Date(day),
        // A time of day that is rounded up at midnight begins again.
        SqlType::Time(scale) => Value::Time(round(clock, scale) % TICKS_PER_DAY),
        SqlType::DateTime => Value::Moment(day * TICKS_PER_DAY + round_datetime(clock)),
        SqlType::SmallDateTime => Value::Moment(day * TICKS_PER_DAY + round_minute(clock)),
        SqlType::DateTime2(scale) => Value::Moment(rounded(ticks, scale)),
        SqlType::DateTimeOffset(scale) => {
            let minutes = zone.unwrap_or(0);
            Value::Zoned(rounded(ticks, scale) - i64::from(minutes) * MINUTE, minutes)
        }
        _ => return Err(SqlError::conversion(from.name(), to.name())),
    };
    in_range(value, from, to)
}

/// The last tick of the last year is not rounded out of the range.
fn rounded(ticks: i64, scale: u8) -> i64 {
    let rounded = round(ticks, scale);
    if rounded > (MAX_DAY + 1) * TICKS_PER_DAY - 1 {
        ticks - ticks % 10_i64.pow(u32::from(7 - scale))
    } else {
        rounded
    }
}

fn in_range(value: Value, from: SqlType, to: SqlType) -> Result<Value> {
    let first = match to {
        SqlType::DateTime => 639_905, // 1753-01-01
        SqlType::SmallDateTime => DAY_1900,
        _ => 0,
    };
    let last = if to == SqlType::SmallDateTime { 759_129 } else { MAX_DAY };
    let day = match &value {
        Value::Date(day) => *day,
        Value::Moment(ticks) | Value::Zoned(ticks, _) => ticks.div_euclid(TICKS_PER_DAY),
        _ => return Ok(value),
    };
    if (first..=last).contains(&day) {
        return Ok(value);
    }
    let message = format!(
        "The conversion of a {} data type to a {} data type resulted in an out-of-range value.",
        from.name(),
        to.name()
    );
    Err(SqlError { state: 3, ..SqlError::new(242, message) })
}

fn of_text(text: &str, to: SqlType) -> Result<(i64, Option<i16>)> {
    let message = "Conversion failed when converting date and/or time from character string.";
    let failed = || SqlError::new(241, message);
    if text.trim().is_empty() {
        return Ok((DAY_1900 * TICKS_PER_DAY, None));
    }
    let Parsed { day, ticks, zone } = parse(text).ok_or_else(failed)?;
    // The old types know neither zones nor more than three digits of fraction.
    if matches!(to, SqlType::DateTime | SqlType::SmallDateTime) && ticks % 10_000 != 0 {
        return Err(failed());
    }
    let day = day.unwrap_or(DAY_1900);
    Ok((day * TICKS_PER_DAY + ticks, zone))
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "far values are refused afterwards"
)]
fn of_days(days: f64) -> i64 {
    DAY_1900 * TICKS_PER_DAY + (days.clamp(-1e6, 4e6) * TICKS_PER_DAY as f64) as i64
}

fn of_decimal_days(days: Decimal) -> i64 {
    of_days(days.to_f64())
}
