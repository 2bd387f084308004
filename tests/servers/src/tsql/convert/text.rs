//! To text.

use super::{Fit, guid_text, hex};
use crate::tsql::charset;
use crate::tsql::decimal::Decimal;
use crate::tsql::error::{Result, SqlError};
use crate::tsql::moment::{
    TICKS_PER_DAY, TICKS_PER_SECOND, civil, round, write_date, write_time, write_zone,
};
use crate::tsql::types::{Length, SqlType};
use crate::tsql::value::Value;

pub(super) fn to_text(value: &Value, from: SqlType, to: SqlType, style: i32, fit: Fit) -> Result<Value> {
    let text = match value {
        Value::Text(text) => text.to_string(),
        Value::Bit(flag) => u8::from(*flag).to_string(),
        Value::Int(whole) => whole.to_string(),
        Value::Real(number) => float(f64::from(*number), style, 8),
        Value::Float(number) => float(*number, style, 17),
        Value::Decimal(number) if matches!(from, SqlType::Money | SqlType::SmallMoney) => {
            money(*number, style)
        }
        Value::Decimal(number) => number.to_string(),
        Value::Guid(bytes) => guid_text(bytes),
        Value::Bytes(bytes) => match style {
            1 => format!("0x{}", hex(bytes)),
            2 => hex(bytes),
            _ if to.is_national() => {
                let (units, _) = bytes.as_chunks::<2>();
                String::from_utf16_lossy(
                    &units.iter().map(|unit| u16::from_le_bytes(*unit)).collect::<Vec<_>>(),
                )
            }
            _ => charset::decode(bytes),
        },
        Value::Date(_) | Value::Time(_) | Value::Moment(_) | Value::Zoned(..) => moment(value, from, style)?,
        Value::Null | Value::Variant(_) => return Err(SqlError::conversion(from.name(), to.name())),
    };
    let text = if to.is_national() { text } else { charset::narrow(&text) };
    fitted(text, from, to, fit).map(|text| Value::text(&text))
}

/// The text as long as its type wants it.
fn fitted(text: String, from: SqlType, to: SqlType, fit: Fit) -> Result<String> {
    let (limit, padded) = match to {
        SqlType::Char(length) | SqlType::NChar(length) => (usize::from(length), true),
        SqlType::VarChar(Length::Of(length)) | SqlType::NVarChar(Length::Of(length)) => {
            (usize::from(length), false)
        }
        _ => return Ok(text),
    };
    let width = |character: char| if to.is_national() { character.len_utf16() } else { 1 };
    let length: usize = text.chars().map(width).sum();
    if length <= limit {
        let blanks = if padded { limit - length } else { 0 };
        return Ok(text + &" ".repeat(blanks));
    }
    if fit == Fit::Refuse && text.trim_end_matches(' ').chars().map(width).sum::<usize>() > limit {
        return Err(SqlError::new(2628, "String or binary data would be truncated."));
    }
    if from.is_number() {
        return Err(SqlError::overflow(to.name()));
    }
    if from == SqlType::UniqueIdentifier {
        let message = "Insufficient result space to convert uniqueidentifier value to char.";
        return Err(SqlError::new(8170, message));
    }
    let mut taken = 0;
    Ok(text
        .chars()
        .take_while(|character| {
            taken += width(*character);
            taken <= limit
        })
        .collect())
}

/// Six digits, unless the style wants all of them.
fn float(number: f64, style: i32, all: usize) -> String {
    match style {
        1 => scientific(number, 7),
        2 => scientific(number, 15),
        3 => scientific(number, all - 1),
        _ => general(number),
    }
}

/// `1.2340000e+001`: the exponent has three digits.
fn scientific(number: f64, digits: usize) -> String {
    let written = format!("{number:.digits$e}");
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{mantissa}e{sign}{exponent:0>3}")
}

fn general(number: f64) -> String {
    let rounded = format!("{number:.5e}");
    let exponent: i32 = rounded.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or(0);
    let trimmed = |text: &str| match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text.to_owned(),
    };
    if (-4..6).contains(&exponent) {
        let places = usize::try_from(5 - exponent).unwrap_or(0);
        return trimmed(&format!("{number:.places$}"));
    }
    let written = scientific(number, 5);
    let (mantissa, exponent) = written.split_once('e').unwrap_or((&written, "+000"));
    format!("{}e{exponent}", trimmed(mantissa))
}

/// Two digits of fraction; style 2 gives all four, style 1 puts commas between thousands.
fn money(number: Decimal, style: i32) -> String {
    if style == 2 {
        return number.to_string();
    }
    let text = number.rescale(2).unwrap_or(number).to_string();
    if style != 1 {
        return text;
    }
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("-", digits));
    let mut grouped = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at) % 3 == 0 {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped}.{fraction}")
}

const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// Digits of the second's fraction that a type shows.
fn scale_of(ty: SqlType) -> u8 {
    match ty {
        SqlType::Time(scale) | SqlType::DateTime2(scale) | SqlType::DateTimeOffset(scale) => scale,
        SqlType::DateTime => 3,
        _ => 0,
    }
}

fn moment(value: &Value, ty: SqlType, style: i32) -> Result<String> {
    let scale = scale_of(ty);
    let (days, ticks, zone) = match value {
        Value::Date(days) => (Some(*days), None, None),
        Value::Time(ticks) => (None, Some(*ticks), None),
        Value::Zoned(utc, minutes) => {
            // Style 127 shows the moment in UTC.
            let minutes = if style == 127 { &0 } else { minutes };
            let local = utc + i64::from(*minutes) * 60 * TICKS_PER_SECOND;
            (Some(local.div_euclid(TICKS_PER_DAY)), Some(local.rem_euclid(TICKS_PER_DAY)), Some(*minutes))
        }
        Value::Moment(ticks) => {
            (Some(ticks.div_euclid(TICKS_PER_DAY)), Some(ticks.rem_euclid(TICKS_PER_DAY)), None)
        }
        _ => (None, None, None),
    };
    // A third of a hundredth is shown in three digits.
    let ticks = if ty == SqlType::DateTime { ticks.map(|ticks| round(ticks, 3)) } else { ticks };
    let old = matches!(ty, SqlType::DateTime | SqlType::SmallDateTime);
    let mut text = String::new();
    match style {
        0 | 100 if old => old_style(&mut text, days.unwrap_or(0), ticks.unwrap_or(0)),
        0 | 20 | 21 | 25 | 120 | 121 | 126 | 127 => {
            let iso = style >= 126;
            let fraction = match style {
                20 | 120 => 0,
                126 | 127 if ticks.is_some_and(|ticks| ticks % TICKS_PER_SECOND == 0) => 0,
                _ if ty == SqlType::SmallDateTime && !iso => 3,
                _ => scale,
            };
            if let Some(days) = days {
                write_date(&mut text, days);
            }
            if let Some(ticks) = ticks {
                text.push_str(match (days, iso) {
                    (None, _) => "",
                    (Some(_), true) => "T",
                    (Some(_), false) => " ",
                });
                write_time(&mut text, ticks, fraction);
            }
            match zone {
                Some(0) if style == 127 => text.push('Z'),
                Some(minutes) => {
                    let before = text.len();
                    write_zone(&mut text, minutes);
                    if iso {
                        let _blank = text.remove(before);
                    }
                }
                None => {}
            }
        }
        23 => write_date(&mut text, days.unwrap_or(0)),
        112 => {
            write_date(&mut text, days.unwrap_or(0));
            text.retain(|character| character != '-');
        }
        8 | 24 | 108 => write_time(&mut text, ticks.unwrap_or(0), 0),
        14 | 114 => write_time(&mut text, ticks.unwrap_or(0), scale),
        _ => {
            let message = format!(
                "{style} is not a valid style number when converting from {} to a character string.",
                ty.name()
            );
            return Err(SqlError { state: 10, ..SqlError::new(281, message) });
        }
    }
    Ok(text)
}

/// `Mar  1 2024 12:00PM`.
fn old_style(text: &mut String, days: i64, ticks: i64) {
    let (year, month, day) = civil(days);
    let name = usize::try_from(month - 1).ok().and_then(|month| MONTHS.get(month)).copied().unwrap_or("");
    let minutes = ticks / TICKS_PER_SECOND / 60;
    let (hours, minutes) = (minutes / 60, minutes % 60);
    let hour = if hours % 12 == 0 { 12 } else { hours % 12 };
    let half = if hours < 12 { "AM" } else { "PM" };
    text.push_str(&format!("{name} {day:2} {year:04} {hour:2}:{minutes:02}{half}"));
}
