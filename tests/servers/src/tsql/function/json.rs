//! JSON within texts.

use serde_json::Value as Json;

use super::{Arguments, Definition, Function, Gives, Takes};
use crate::tsql::error::{Result, SqlError};
use crate::tsql::types::{Length, SqlType};
use crate::tsql::value::Value;

use Takes::Unicode;

const VALUE: Gives = Gives::Type(SqlType::NVarChar(Length::Of(4_000)));
const QUERY: Gives = Gives::Type(SqlType::NVarChar(Length::Max));

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new(Function::strict("ISJSON", is_json), (1, 1), &[Unicode], Gives::Type(SqlType::Int)),
    Definition::new(Function::strict("JSON_VALUE", json_value), (2, 2), &[Unicode], VALUE).nullable(),
    Definition::new(Function::strict("JSON_QUERY", json_query), (1, 2), &[Unicode], QUERY).nullable(),
];

/// Reads JSON, or says what SQL Server says.
pub(crate) fn parse(text: &str) -> Result<Json> {
    serde_json::from_str(text).map_err(|error| {
        let column = error.column().saturating_sub(1);
        SqlError {
            state: 4,
            ..SqlError::new(
                13609,
                format!(
                    "JSON text is not properly formatted. Unexpected character is found at position {column}."
                ),
            )
        }
    })
}

/// What a path leads to: `$`, `$.a`, `$."a b"`, `$[0]`; with `lax` or `strict` before it.
pub(crate) fn find_path<'j>(json: &'j Json, path: &str) -> Result<Option<&'j Json>> {
    let malformed = || SqlError::new(13607, format!("JSON path '{path}' is not properly formatted."));
    let (strict, rest) = match path.trim() {
        text if text.starts_with("strict ") => (true, text.trim_start_matches("strict ").trim()),
        text => (false, text.trim_start_matches("lax ").trim()),
    };
    let mut rest = rest.strip_prefix('$').ok_or_else(malformed)?;
    let mut found = Some(json);
    while !rest.is_empty() {
        if let Some(tail) = rest.strip_prefix('[') {
            let (index, tail) = tail.split_once(']').ok_or_else(malformed)?;
            let index: usize = index.parse().map_err(|_| malformed())?;
            found = found.and_then(|json| json.get(index));
            rest = tail;
        } else if let Some(tail) = rest.strip_prefix(".\"") {
            let (key, tail) = tail.split_once('"').ok_or_else(malformed)?;
            found = found.and_then(|json| json.get(key));
            rest = tail;
        } else {
            let tail = rest.strip_prefix('.').ok_or_else(malformed)?;
            let end = tail.find(['.', '[']).unwrap_or(tail.len());
            let (key, tail) = tail.split_at_checked(end).ok_or_else(malformed)?;
            found = found.and_then(|json| json.get(key));
            rest = tail;
        }
    }
    if strict && found.is_none() {
        return Err(SqlError::new(13608, "Property cannot be found on the specified JSON path."));
    }
    Ok(found)
}

/// A scalar's text as SQL Server gives it.
pub(crate) fn scalar_text(json: &Json) -> Option<String> {
    match json {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

fn is_json(arguments: &Arguments<'_>) -> Result<Value> {
    // A lone scalar is no JSON text to ISJSON.
    let parsed = parse(arguments.text(0).unwrap_or_default());
    Ok(Value::Int(i64::from(matches!(parsed, Ok(Json::Array(_) | Json::Object(_))))))
}

fn json_value(arguments: &Arguments<'_>) -> Result<Value> {
    let json = parse(arguments.text(0).unwrap_or_default())?;
    let found = find_path(&json, arguments.text(1).unwrap_or_default())?;
    Ok(found.and_then(scalar_text).map_or(Value::Null, Value::text))
}

fn json_query(arguments: &Arguments<'_>) -> Result<Value> {
    let json = parse(arguments.text(0).unwrap_or_default())?;
    let found = find_path(&json, arguments.text(1).unwrap_or("$"))?;
    let composite = found.filter(|json| matches!(json, Json::Array(_) | Json::Object(_)));
    Ok(composite.map_or(Value::Null, |json| Value::text(json.to_string())))
}
