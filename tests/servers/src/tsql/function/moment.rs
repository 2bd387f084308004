//! Functions of dates and times.

use super::calendar::{date_add, date_diff, date_trunc};
use super::{Arguments, Definition, Function, Gives, Takes};
use crate::tsql::convert::convert;
use crate::tsql::error::{Result, SqlError};
use crate::tsql::moment::{TICKS_PER_DAY, TICKS_PER_SECOND, civil, day, month_days};
use crate::tsql::types::SqlType;
use crate::tsql::value::Value;

use Takes::{Any, BigInt, Date, Int, Moment, OldMoment, Part};

const INT: Gives = Gives::Type(SqlType::Int);
pub(super) const MINUTE: i64 = 60 * TICKS_PER_SECOND;

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new(Function::strict("DATEPART", date_part), (2, 2), &[Part, Moment], INT),
    Definition::new(
        Function::strict("DATENAME", date_name),
        (2, 2),
        &[Part, Moment],
        Gives::Type(SqlType::NVarChar(crate::tsql::types::Length::Of(30))),
    ),
    Definition::new(Function::strict("YEAR", |a| part_of(a, "year", 0)), (1, 1), &[Moment], INT),
    Definition::new(Function::strict("MONTH", |a| part_of(a, "month", 0)), (1, 1), &[Moment], INT),
    Definition::new(Function::strict("DAY", |a| part_of(a, "day", 0)), (1, 1), &[Moment], INT),
    Definition::new(Function::strict("DATEADD", date_add), (3, 3), &[Part, BigInt, OldMoment], Gives::As(2)),
    Definition::new(Function::strict("DATEDIFF", date_diff), (3, 3), &[Part, Moment, Moment], INT),
    Definition::new(
        Function::strict("DATEDIFF_BIG", date_diff),
        (3, 3),
        &[Part, Moment, Moment],
        Gives::Type(SqlType::BigInt),
    ),
    Definition::new(Function::strict("DATETRUNC", date_trunc), (2, 2), &[Part, OldMoment], Gives::As(1)),
    Definition::new(
        Function::strict("EOMONTH", end_of_month),
        (1, 2),
        &[Date, Int],
        Gives::Type(SqlType::Date),
    ),
    Definition::new(
        Function::strict("DATEFROMPARTS", from_parts),
        (3, 3),
        &[Int],
        Gives::Type(SqlType::Date),
    ),
    Definition::new(
        Function::strict("DATETIME2FROMPARTS", from_parts),
        (8, 8),
        &[Int],
        Gives::Type(SqlType::DateTime2(7)),
    ),
    Definition::new(Function::strict("SWITCHOFFSET", switch_offset), (2, 2), &[Moment, Any], Gives::Zoned(0)),
    Definition::new(
        Function::strict("TODATETIMEOFFSET", to_offset),
        (2, 2),
        &[OldMoment, Any],
        Gives::Zoned(0),
    ),
    Definition::new(Function::strict("GETDATE", now), (0, 0), &[], Gives::Type(SqlType::DateTime)),
    Definition::new(Function::strict("GETUTCDATE", now), (0, 0), &[], Gives::Type(SqlType::DateTime)),
    Definition::new(Function::strict("CURRENT_TIMESTAMP", now), (0, 0), &[], Gives::Type(SqlType::DateTime)),
    Definition::new(Function::strict("SYSDATETIME", now), (0, 0), &[], Gives::Type(SqlType::DateTime2(7))),
    Definition::new(Function::strict("SYSUTCDATETIME", now), (0, 0), &[], Gives::Type(SqlType::DateTime2(7))),
    Definition::new(
        Function::strict("SYSDATETIMEOFFSET", now),
        (0, 0),
        &[],
        Gives::Type(SqlType::DateTimeOffset(7)),
    ),
];

/// AT TIME ZONE 'UTC' of a moment that has a zone.
pub(crate) const TO_UTC: Function = Function::strict("AT TIME ZONE", |arguments| {
    Ok(match arguments.get(0) {
        Value::Zoned(utc, _) => Value::Zoned(*utc, 0),
        other => other.clone(),
    })
});

/// Names of parts, and their abbreviations.
const PARTS: &[(&str, &[&str])] = &[
    ("year", &["yy", "yyyy"]),
    ("quarter", &["qq", "q"]),
    ("month", &["mm", "m"]),
    ("dayofyear", &["dy", "y"]),
    ("day", &["dd", "d"]),
    ("week", &["wk", "ww"]),
    ("weekday", &["dw", "w"]),
    ("hour", &["hh"]),
    ("minute", &["mi", "n"]),
    ("second", &["ss", "s"]),
    ("millisecond", &["ms"]),
    ("microsecond", &["mcs"]),
    ("nanosecond", &["ns"]),
    ("tzoffset", &["tz"]),
    ("iso_week", &["isowk", "isoww"]),
];

/// The full name of a date's part.
pub(crate) fn part_name(part: &str, function: Function) -> Result<&'static str> {
    let lower = part.to_lowercase();
    let known = PARTS.iter().find(|(name, short)| *name == lower || short.contains(&lower.as_str()));
    known.map(|(name, _)| *name).ok_or_else(|| invalid_part(part, function))
}

/// The error for a part that there is not.
pub(crate) fn invalid_part(part: &str, function: Function) -> SqlError {
    let name = function.name().to_lowercase();
    SqlError { class: 15, ..SqlError::new(155, format!("'{part}' is not a recognized {name} option.")) }
}

/// Day, ticks of the day, minutes of the zone: of the clock that the value shows.
pub(super) fn local(value: &Value) -> (i64, i64, i64) {
    let split =
        |ticks: i64, zone: i64| (ticks.div_euclid(TICKS_PER_DAY), ticks.rem_euclid(TICKS_PER_DAY), zone);
    match value {
        Value::Date(days) => (*days, 0, 0),
        Value::Time(ticks) => (crate::tsql::moment::DAY_1900, *ticks, 0),
        Value::Moment(ticks) => split(*ticks, 0),
        Value::Zoned(utc, zone) => split(utc + i64::from(*zone) * MINUTE, i64::from(*zone)),
        _ => (0, 0, 0),
    }
}

/// Monday is 0.
pub(super) const fn weekday(days: i64) -> i64 {
    days.rem_euclid(7)
}

/// The first day of the week that has the year's first Thursday.
fn iso_week(days: i64) -> i64 {
    let thursday = days - weekday(days) + 3;
    let (year, ..) = civil(thursday);
    (thursday - day(year, 1, 1).unwrap_or(0)) / 7 + 1
}

fn part(value: &Value, name: &str) -> i64 {
    let (days, ticks, zone) = local(value);
    let (year, month, date) = civil(days);
    let first = day(year, 1, 1).unwrap_or(0);
    match name {
        "year" => year,
        "quarter" => (month - 1) / 3 + 1,
        "month" => month,
        "dayofyear" => days - first + 1,
        "day" => date,
        // Weeks begin on Sunday, as in us_english.
        "week" => (days - first + (weekday(first) + 1) % 7) / 7 + 1,
        "weekday" => (weekday(days) + 1) % 7 + 1,
        "hour" => ticks / (60 * MINUTE),
        "minute" => ticks / MINUTE % 60,
        "second" => ticks / TICKS_PER_SECOND % 60,
        "millisecond" => ticks % TICKS_PER_SECOND / 10_000,
        "microsecond" => ticks % TICKS_PER_SECOND / 10,
        "nanosecond" => ticks % TICKS_PER_SECOND * 100,
        "tzoffset" => zone,
        _ => iso_week(days),
    }
}

fn part_of(arguments: &Arguments<'_>, name: &str, position: usize) -> Result<Value> {
    let clock = matches!(name, "hour" | "minute" | "second" | "millisecond" | "microsecond" | "nanosecond");
    let ty = arguments.type_at(position);
    if (ty == SqlType::Date && clock) || (matches!(ty, SqlType::Time(_)) && !clock) {
        let message = format!(
            "The datepart {name} is not supported by date function datepart for data type {}.",
            ty.name()
        );
        return Err(SqlError::new(9810, message));
    }
    match arguments.get(position) {
        Value::Moment(ticks) if ty == SqlType::DateTime => {
            Ok(Value::Int(part(&Value::Moment(crate::tsql::moment::round(*ticks, 3)), name)))
        }
        value => Ok(Value::Int(part(value, name))),
    }
}

fn date_part(arguments: &Arguments<'_>) -> Result<Value> {
    part_of(arguments, arguments.text(0).unwrap_or_default(), 1)
}

fn date_name(arguments: &Arguments<'_>) -> Result<Value> {
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    const MONTHS: [&str; 12] = [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ];
    let name = arguments.text(0).unwrap_or_default();
    let value = arguments.get(1);
    let pick = |names: &[&str], at: i64| {
        usize::try_from(at).ok().and_then(|at| names.get(at).copied()).map(Value::text)
    };
    let named = match name {
        "weekday" => pick(&DAYS, weekday(local(value).0)),
        "month" => pick(&MONTHS, part(value, "month") - 1),
        _ => Some(Value::text(part(value, name).to_string())),
    };
    Ok(named.unwrap_or(Value::Null))
}

fn end_of_month(arguments: &Arguments<'_>) -> Result<Value> {
    let (days, ..) = local(arguments.get(0));
    let (year, month, _) = civil(days);
    let total = year * 12 + month - 1 + arguments.int(1).unwrap_or(0);
    let (year, month) = (total.div_euclid(12), total.rem_euclid(12) + 1);
    let last = day(year, month, month_days(year, month));
    last.map(Value::Date)
        .ok_or_else(|| SqlError::new(517, "Adding a value to a 'date' column caused an overflow."))
}

fn from_parts(arguments: &Arguments<'_>) -> Result<Value> {
    let [year, month, date, hour, minute, second, fraction] =
        [0, 1, 2, 3, 4, 5, 6].map(|position| arguments.int(position).unwrap_or(0));
    let failed = || {
        SqlError::new(
            289,
            "Cannot construct data type, some of the arguments have values which are not valid.",
        )
    };
    let days = day(year, month, date).ok_or_else(failed)?;
    let SqlType::DateTime2(scale) = arguments.ty else { return Ok(Value::Date(days)) };
    let in_range = (0..24).contains(&hour) && (0..60).contains(&minute) && (0..60).contains(&second);
    let unit = 10_i64.pow(u32::from(7 - scale));
    if !in_range || !(0..10_i64.pow(u32::from(scale))).contains(&fraction) {
        return Err(failed());
    }
    let ticks = (hour * 3_600 + minute * 60 + second) * TICKS_PER_SECOND + fraction * unit;
    Ok(Value::Moment(days * TICKS_PER_DAY + ticks))
}

/// `+hh:mm`, or a number of minutes.
fn zone(value: &Value) -> Result<i16> {
    let minutes = match value {
        Value::Int(minutes) => i16::try_from(*minutes).ok(),
        Value::Text(text) => {
            crate::tsql::moment::parse(&format!("00:00 {text}")).and_then(|parsed| parsed.zone)
        }
        _ => None,
    };
    minutes
        .filter(|minutes| minutes.abs() <= 14 * 60)
        .ok_or_else(|| SqlError::new(9812, "The timezone provided to builtin function is invalid."))
}

fn switch_offset(arguments: &Arguments<'_>) -> Result<Value> {
    let zone = zone(arguments.get(1))?;
    let value = convert(arguments.get(0).clone(), arguments.type_at(0), arguments.ty, 0)?;
    Ok(match value {
        Value::Zoned(utc, _) => Value::Zoned(utc, zone),
        other => other,
    })
}

fn to_offset(arguments: &Arguments<'_>) -> Result<Value> {
    let zone = zone(arguments.get(1))?;
    let value = convert(arguments.get(0).clone(), arguments.type_at(0), SqlType::DateTime2(7), 0)?;
    Ok(match value {
        Value::Moment(ticks) => Value::Zoned(ticks - i64::from(zone) * MINUTE, zone),
        other => other,
    })
}

fn now(arguments: &Arguments<'_>) -> Result<Value> {
    let now = arguments.context.facts.now;
    convert(Value::Moment(now), SqlType::DateTime2(7), arguments.ty, 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn iso_weeks_belong_to_the_year_of_their_thursday() {
        for (date, week) in [((2021, 1, 3), 53), ((2021, 1, 4), 1), ((2024, 12, 30), 1), ((2020, 12, 31), 53)]
        {
            let (year, month, of_month) = date;
            assert_eq!(iso_week(day(year, month, of_month).unwrap()), week, "{date:?}");
        }
        // 0001-01-01 was a Monday.
        assert_eq!(weekday(0), 0);
    }
}
