//! Lists, each as one parameter or as a few.

use connector_model::filter::Typed;

use super::literal;
use super::number::{MAX_DIGITS, Plain};
use super::operand::{COMPUTED_SCALE, exact, single, within};
use super::types::Kind;
use crate::statement::ParamType;

/// How much text one list is at most; a longer one becomes several. Servers take 128 KiB of one parameter
/// (`http_max_field_value_size`).
const MAX_LIST_BYTES: usize = 64 * 1024;
/// How the members of a list are sent.
pub(super) struct Members {
    pub(super) native: String,
    pub(super) param: ParamType,
    pub(super) before: &'static str,
    pub(super) behind: &'static str,
}

/// The values of a list that a column can have, in one type.
pub(super) fn members(column: &Kind, values: Vec<Typed>) -> (Vec<Typed>, Members) {
    let plain =
        |native: &str, param| Members { native: format!("Array({native})"), param, before: "", behind: "" };
    match values.first() {
        Some(Typed::Integer(_) | Typed::Decimal(_)) => {
            let fits = |value: &Typed| match (column, value) {
                (Kind::Decimal { digits: Some((all, scale)) }, Typed::Integer(whole)) => {
                    Plain::read(&whole.to_string()).whole_digits() <= all - scale
                }
                (Kind::Decimal { digits: Some((all, scale)) }, Typed::Decimal(text)) => {
                    Plain::read(text).whole_digits() <= all - scale
                }
                _ => true,
            };
            let sent: Vec<(Typed, String)> =
                values.into_iter().filter(fits).map(|value| exact(column, value)).collect();
            let native = match sent.first() {
                Some((_, first)) if sent.iter().all(|(_, native)| native == first) => first.clone(),
                _ => "Int256".to_owned(),
            };
            let native = match column {
                // Each was written with as many digits behind the point as it has.
                Kind::Decimal { digits: None } => format!("Decimal({MAX_DIGITS}, {COMPUTED_SCALE})"),
                _ => native,
            };
            (sent.into_iter().map(|(value, _)| value).collect(), plain(&native, ParamType::Numeric))
        }
        Some(Typed::Float(_)) if *column == (Kind::Float { single: true }) => {
            let singles = values.into_iter().map(|value| match value {
                Typed::Float(number) => single(number),
                other => other,
            });
            (both_zeros(singles.collect()), plain("Float32", ParamType::Float4))
        }
        Some(Typed::Float(_)) => (both_zeros(values), plain("Float64", ParamType::Float8)),
        Some(Typed::Boolean(_)) => (values, plain("Bool", ParamType::Boolean)),
        Some(Typed::Date(_)) => (values, plain("Date32", ParamType::Date)),
        Some(Typed::Uuid(_)) => (values, plain("UUID", ParamType::Uuid)),
        Some(Typed::Timestamp(_) | Typed::TimestampTz(_)) => {
            let held = values.into_iter().map(|value| match value {
                Typed::Timestamp(micros) | Typed::TimestampTz(micros) => {
                    Typed::TimestampTz(within(column, micros))
                }
                other => other,
            });
            let moments = Members {
                native: "Array(Int64)".to_owned(),
                param: ParamType::TimestampTz,
                before: "arrayMap(x -> fromUnixTimestamp64Micro(x, 'UTC'), ",
                behind: ")",
            };
            (held.collect(), moments)
        }
        _ => (values, plain("String", ParamType::Text)),
    }
}

/// The list with both zeros, if one is in it: a list tells a zero from its negative, a comparison does not.
fn both_zeros(mut values: Vec<Typed>) -> Vec<Typed> {
    if values.iter().any(|value| matches!(value, Typed::Float(number) if *number == 0.0)) {
        values.extend([Typed::Float(0.0), Typed::Float(-0.0)]);
    }
    values
}

/// The values in lists none of which is too long for a server.
pub(super) fn chunks(values: Vec<Typed>) -> Vec<Vec<Typed>> {
    let mut lists: Vec<Vec<Typed>> = vec![Vec::new()];
    let mut size = 0;
    for value in values {
        size += literal::member_size(&value);
        match lists.last_mut() {
            Some(last) if size <= MAX_LIST_BYTES || last.is_empty() => last.push(value),
            _ => {
                size = literal::member_size(&value);
                lists.push(vec![value]);
            }
        }
    }
    lists
}
