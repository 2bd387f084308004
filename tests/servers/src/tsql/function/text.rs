//! Functions of texts. Positions and lengths count UTF-16 units, as in a collation without supplementary characters.

use super::{Arguments, Definition, Function, Gives, Takes};
use crate::tsql::convert::{bytes_of, convert};
use crate::tsql::error::{Result, SqlError};
use crate::tsql::run::like_position;
use crate::tsql::types::{Collation, SqlType};
use crate::tsql::value::{Value, lower, upper};

use Takes::{Any, Int, Text};

const INT: Gives = Gives::Type(SqlType::Int);

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new(Function::strict("LEN", len), (1, 1), &[Text], Gives::Long(0)),
    Definition::new(Function::strict("DATALENGTH", data_length), (1, 1), &[Any], Gives::Long(0)),
    Definition::new(Function::strict("LOWER", |a| Ok(mapped(a, lower))), (1, 1), &[Text], Gives::Text(0)),
    Definition::new(Function::strict("UPPER", |a| Ok(mapped(a, upper))), (1, 1), &[Text], Gives::Text(0)),
    Definition::new(
        Function::strict("LTRIM", |a| Ok(mapped(a, |text| text.trim_start_matches(' ').to_owned()))),
        (1, 1),
        &[Text],
        Gives::Text(0),
    ),
    Definition::new(
        Function::strict("RTRIM", |a| Ok(mapped(a, |text| text.trim_end_matches(' ').to_owned()))),
        (1, 1),
        &[Text],
        Gives::Text(0),
    ),
    Definition::new(
        Function::strict("TRIM", |a| Ok(mapped(a, |text| text.trim_matches(' ').to_owned()))),
        (1, 1),
        &[Text],
        Gives::Text(0),
    ),
    Definition::new(
        Function::strict("REVERSE", |a| Ok(mapped(a, |text| text.chars().rev().collect()))),
        (1, 1),
        &[Text],
        Gives::Text(0),
    ),
    Definition::new(Function::strict("LEFT", left), (2, 2), &[Text, Int], Gives::Text(0)),
    Definition::new(Function::strict("RIGHT", right), (2, 2), &[Text, Int], Gives::Text(0)),
    Definition::new(Function::strict("SUBSTRING", substring), (3, 3), &[Any, Int, Int], Gives::Text(0)),
    Definition::new(Function::strict("REPLACE", replace), (3, 3), &[Text, Text, Text], Gives::LongText(0)),
    Definition::new(Function::strict("STUFF", stuff), (4, 4), &[Text, Int, Int, Text], Gives::LongText(0)),
    Definition::new(Function::strict("REPLICATE", replicate), (2, 2), &[Text, Int], Gives::LongText(0))
        .nullable(),
    Definition::new(Function::strict("CHARINDEX", char_index), (2, 3), &[Text, Text, Int], INT),
    Definition::new(Function::strict("PATINDEX", pattern_index), (2, 2), &[Text, Text], INT),
    Definition::new(Function::strict("UNICODE", unicode), (1, 1), &[Takes::Unicode], INT).nullable(),
    Definition::new(Function::strict("NCHAR", character), (1, 1), &[Int], Gives::Type(SqlType::NChar(1)))
        .nullable(),
    Definition::new(Function::strict("CHAR", character), (1, 1), &[Int], Gives::Type(SqlType::Char(1)))
        .nullable(),
    Definition::new(
        Function::lenient("QUOTENAME", quote_name),
        (1, 2),
        &[Takes::Unicode],
        Gives::Type(SqlType::NVarChar(crate::tsql::types::Length::Of(258))),
    )
    .nullable(),
];

fn mapped(arguments: &Arguments<'_>, map: impl Fn(&str) -> String) -> Value {
    arguments.text(0).map_or(Value::Null, |text| Value::text(map(text)))
}

fn units(text: &str) -> Vec<u16> {
    text.encode_utf16().collect()
}

fn of_units(units: &[u16]) -> Value {
    Value::text(String::from_utf16_lossy(units))
}

fn whole(count: usize) -> Value {
    Value::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

/// Blanks at the end do not count.
fn len(arguments: &Arguments<'_>) -> Result<Value> {
    let text = arguments.text(0).unwrap_or_default();
    Ok(whole(text.trim_end_matches(' ').encode_utf16().count()))
}

fn data_length(arguments: &Arguments<'_>) -> Result<Value> {
    let (value, ty) = (arguments.get(0), arguments.type_at(0));
    let (value, ty) = match value {
        Value::Variant(inner) => (&inner.1, inner.0),
        value => (value, ty),
    };
    let clock = |scale: u8| match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    };
    let bytes = match ty {
        SqlType::Real => 4,
        SqlType::Float | SqlType::Money | SqlType::DateTime => 8,
        SqlType::SmallMoney | SqlType::SmallDateTime => 4,
        SqlType::Decimal(precision, _) => match precision {
            0..=9 => 5,
            10..=19 => 9,
            20..=28 => 13,
            _ => 17,
        },
        SqlType::Date => 3,
        SqlType::Time(scale) => clock(scale),
        SqlType::DateTime2(scale) => clock(scale) + 3,
        SqlType::DateTimeOffset(scale) => clock(scale) + 5,
        _ => bytes_of(value, ty).map_or(0, |bytes| bytes.len()),
    };
    Ok(whole(bytes))
}

fn invalid_length(name: &str) -> SqlError {
    SqlError::new(537, format!("Invalid length parameter passed to the {name} function."))
}

fn left(arguments: &Arguments<'_>) -> Result<Value> {
    let count = usize::try_from(arguments.int(1).unwrap_or(0)).map_err(|_| invalid_length("LEFT"))?;
    let units = units(arguments.text(0).unwrap_or_default());
    Ok(of_units(units.get(..count.min(units.len())).unwrap_or_default()))
}

fn right(arguments: &Arguments<'_>) -> Result<Value> {
    let count = usize::try_from(arguments.int(1).unwrap_or(0)).map_err(|_| invalid_length("RIGHT"))?;
    let units = units(arguments.text(0).unwrap_or_default());
    Ok(of_units(units.get(units.len().saturating_sub(count)..).unwrap_or_default()))
}

/// The bounds of a part that begins at a position from 1, which may lie outside.
fn part(length: usize, start: i64, count: i64) -> std::ops::Range<usize> {
    let end = start.saturating_add(count).saturating_sub(1).max(0);
    let end = usize::try_from(end).unwrap_or(usize::MAX).min(length);
    let start = usize::try_from(start.saturating_sub(1).max(0)).unwrap_or(usize::MAX).min(end);
    start..end
}

fn substring(arguments: &Arguments<'_>) -> Result<Value> {
    let (start, count) = (arguments.int(1).unwrap_or(0), arguments.int(2).unwrap_or(0));
    if count < 0 {
        return Err(invalid_length("SUBSTRING"));
    }
    match arguments.get(0) {
        Value::Bytes(bytes) => {
            let part = bytes.get(part(bytes.len(), start, count)).unwrap_or_default();
            Ok(Value::Bytes(part.into()))
        }
        Value::Text(text) => {
            let units = units(text);
            Ok(of_units(units.get(part(units.len(), start, count)).unwrap_or_default()))
        }
        _ => Err(SqlError::new(8116, "Argument data type is invalid for argument 1 of substring function.")),
    }
}

fn replace(arguments: &Arguments<'_>) -> Result<Value> {
    let [text, from, to] = [0, 1, 2].map(|position| arguments.text(position).unwrap_or_default());
    Ok(Value::text(if from.is_empty() { text.to_owned() } else { text.replace(from, to) }))
}

fn stuff(arguments: &Arguments<'_>) -> Result<Value> {
    let units = units(arguments.text(0).unwrap_or_default());
    let (start, count) = (arguments.int(1).unwrap_or(0), arguments.int(2).unwrap_or(0));
    let outside = start < 1 || count < 0 || usize::try_from(start).is_ok_and(|start| start > units.len());
    if outside {
        return Ok(Value::Null);
    }
    let cut = part(units.len(), start, count);
    let mut stuffed = units.get(..cut.start).unwrap_or_default().to_vec();
    stuffed.extend(arguments.text(3).unwrap_or_default().encode_utf16());
    stuffed.extend_from_slice(units.get(cut.end.max(cut.start)..).unwrap_or_default());
    Ok(of_units(&stuffed))
}

fn replicate(arguments: &Arguments<'_>) -> Result<Value> {
    let Ok(count) = usize::try_from(arguments.int(1).unwrap_or(0)) else { return Ok(Value::Null) };
    let text = arguments.text(0).unwrap_or_default();
    // What is not of any length ends at 8,000 bytes.
    let limit = if arguments.type_at(0).text_length() == usize::MAX { usize::MAX } else { 8_000 };
    Ok(Value::text(text.repeat(count.min(limit.saturating_div(text.len().max(1))))))
}

fn char_index(arguments: &Arguments<'_>) -> Result<Value> {
    let (wanted, text) =
        (units(arguments.text(0).unwrap_or_default()), units(arguments.text(1).unwrap_or_default()));
    let start = usize::try_from(arguments.int(2).unwrap_or(1).max(1) - 1).unwrap_or(usize::MAX);
    let rest = text.get(start..).unwrap_or_default();
    let found =
        if wanted.is_empty() { None } else { rest.windows(wanted.len()).position(|window| window == wanted) };
    Ok(found.map_or(Value::Int(0), |position| whole(position + start + 1)))
}

fn pattern_index(arguments: &Arguments<'_>) -> Result<Value> {
    let (pattern, text) = (arguments.text(0).unwrap_or_default(), arguments.text(1).unwrap_or_default());
    Ok(whole(like_position(text, pattern, Collation::Binary).map_or(0, |position| position + 1)))
}

fn unicode(arguments: &Arguments<'_>) -> Result<Value> {
    let first = arguments.text(0).and_then(|text| text.encode_utf16().next());
    Ok(first.map_or(Value::Null, |unit| Value::Int(i64::from(unit))))
}

fn character(arguments: &Arguments<'_>) -> Result<Value> {
    let code = arguments.int(0).and_then(|code| u32::try_from(code).ok());
    let limit = if arguments.ty.is_national() { 0xffff } else { 0xff };
    let character = code.filter(|code| *code <= limit).and_then(char::from_u32);
    match character {
        Some(character) => convert(Value::text(character.to_string()), SqlType::nvarchar(1), arguments.ty, 0),
        None => Ok(Value::Null),
    }
}

fn quote_name(arguments: &Arguments<'_>) -> Result<Value> {
    let Some(text) = arguments.text(0) else { return Ok(Value::Null) };
    let (open, close) = match arguments.text(1).unwrap_or("[") {
        "[" | "]" => ('[', ']'),
        "\"" => ('"', '"'),
        "'" => ('\'', '\''),
        _ => return Ok(Value::Null),
    };
    let doubled = text.replace(close, &format!("{close}{close}"));
    Ok(Value::text(format!("{open}{doubled}{close}")))
}
