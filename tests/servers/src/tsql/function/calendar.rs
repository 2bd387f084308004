//! Reckoning with moments: adding to them, the boundaries between them, their beginnings.

use super::Arguments;
use super::moment::{MINUTE, local, weekday};
use crate::tsql::convert::convert;
use crate::tsql::error::{Result, SqlError};
use crate::tsql::moment::{TICKS_PER_DAY, TICKS_PER_SECOND, civil, day, month_days};
use crate::tsql::types::SqlType;
use crate::tsql::value::Value;

/// The value moved by days and ticks; the zone stays.
fn moved(value: &Value, to: (i64, i64), arguments: &Arguments<'_>) -> Result<Value> {
    let (days, ticks) = to;
    let overflow = || {
        let message = format!("Adding a value to a '{}' column caused an overflow.", arguments.ty.name());
        SqlError::new(517, message)
    };
    let total =
        days.checked_mul(TICKS_PER_DAY).and_then(|all| all.checked_add(ticks)).ok_or_else(overflow)?;
    let days = total.div_euclid(TICKS_PER_DAY);
    if !(0..=crate::tsql::moment::MAX_DAY).contains(&days) {
        return Err(overflow());
    }
    let moved = match value {
        Value::Date(_) => Value::Date(days),
        Value::Time(_) => Value::Time(total.rem_euclid(TICKS_PER_DAY)),
        Value::Zoned(_, zone) => Value::Zoned(total - i64::from(*zone) * MINUTE, *zone),
        _ => Value::Moment(total),
    };
    // Rounded as the type wants it.
    convert(moved, arguments.ty, arguments.ty, 0)
}

pub(super) fn date_add(arguments: &Arguments<'_>) -> Result<Value> {
    let name = arguments.text(0).unwrap_or_default();
    let (count, value) = (arguments.int(1).unwrap_or(0), arguments.get(2));
    let (days, ticks, _) = local(value);
    let (year, month, date) = civil(days);
    let months = |months: i64| {
        let total = (year * 12 + month - 1).saturating_add(months);
        let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
        day(year, month, date.min(month_days(year, month))).unwrap_or(-1)
    };
    let clock = |unit: i64| {
        Ok((days, count.checked_mul(unit).and_then(|added| added.checked_add(ticks)).unwrap_or(i64::MAX)))
    };
    let to = match name {
        "year" => Ok((months(count.saturating_mul(12)), ticks)),
        "quarter" => Ok((months(count.saturating_mul(3)), ticks)),
        "month" => Ok((months(count), ticks)),
        "day" | "dayofyear" | "weekday" => Ok((days.saturating_add(count), ticks)),
        "week" => Ok((days.saturating_add(count.saturating_mul(7)), ticks)),
        "hour" => clock(60 * MINUTE),
        "minute" => clock(MINUTE),
        "second" => clock(TICKS_PER_SECOND),
        "millisecond" => clock(10_000),
        "microsecond" => clock(10),
        "nanosecond" => Ok((days, ticks.saturating_add(count / 100))),
        name => Err(SqlError::new(
            9810,
            format!("The datepart {name} is not supported by date function dateadd."),
        )),
    }?;
    moved(value, to, arguments)
}

pub(super) fn date_diff(arguments: &Arguments<'_>) -> Result<Value> {
    let name = arguments.text(0).unwrap_or_default();
    // Of moments with zones the UTC counts.
    let at = |position: usize| match arguments.get(position) {
        Value::Zoned(utc, _) => local(&Value::Moment(*utc)),
        value => local(value),
    };
    let ((from_day, from_ticks, _), (to_day, to_ticks, _)) = (at(1), at(2));
    let ((from_year, from_month, _), (to_year, to_month, _)) = (civil(from_day), civil(to_day));
    let months = (to_year - from_year) * 12 + to_month - from_month;
    let boundaries = |unit: i64| {
        let per_day = TICKS_PER_DAY / unit;
        (to_day - from_day) * per_day + to_ticks / unit - from_ticks / unit
    };
    let difference = match name {
        "year" => to_year - from_year,
        "quarter" => to_year * 4 + (to_month - 1) / 3 - from_year * 4 - (from_month - 1) / 3,
        "month" => months,
        "day" | "dayofyear" | "weekday" => to_day - from_day,
        // Sundays that lie between.
        "week" => (to_day + 1).div_euclid(7) - (from_day + 1).div_euclid(7),
        "iso_week" => to_day.div_euclid(7) - from_day.div_euclid(7),
        "hour" => boundaries(60 * MINUTE),
        "minute" => boundaries(MINUTE),
        "second" => boundaries(TICKS_PER_SECOND),
        "millisecond" => boundaries(10_000),
        "microsecond" => boundaries(10),
        "nanosecond" => boundaries(1).checked_mul(100).ok_or_else(too_far)?,
        name => {
            return Err(SqlError::new(
                9810,
                format!("The datepart {name} is not supported by date function datediff."),
            ));
        }
    };
    convert(Value::Int(difference), SqlType::BigInt, arguments.ty, 0).map_err(|_| too_far())
}

fn too_far() -> SqlError {
    let message = "The datediff function resulted in an overflow. The number of dateparts separating two date/time instances is too large. Try to use datediff with a less precise datepart.";
    SqlError::new(535, message)
}

pub(super) fn date_trunc(arguments: &Arguments<'_>) -> Result<Value> {
    let name = arguments.text(0).unwrap_or_default();
    let value = arguments.get(1);
    let (days, ticks, _) = local(value);
    let (year, month, _) = civil(days);
    let cut = |unit: i64| (days, ticks / unit * unit);
    let to = match name {
        "year" => (day(year, 1, 1).unwrap_or(0), 0),
        "quarter" => (day(year, (month - 1) / 3 * 3 + 1, 1).unwrap_or(0), 0),
        "month" => (day(year, month, 1).unwrap_or(0), 0),
        "week" => (days - (weekday(days) + 1) % 7, 0),
        "iso_week" => (days - weekday(days), 0),
        "day" | "dayofyear" => (days, 0),
        "hour" => cut(60 * MINUTE),
        "minute" => cut(MINUTE),
        "second" => cut(TICKS_PER_SECOND),
        "millisecond" => cut(10_000),
        "microsecond" => cut(10),
        name => {
            return Err(SqlError::new(
                9810,
                format!("The datepart {name} is not supported by date function datetrunc."),
            ));
        }
    };
    moved(value, to, arguments)
}
