//! Values as the texts that `param_…` of a request takes.
//!
//! ClickHouse reads such a text as a field of its tab-separated format (documentation, "HTTP interface": queries with
//! parameters): a backslash escapes, alone as well as between the quotes of an array's members.

use connector_model::filter::Typed;
use connector_model::json;

use crate::statement::{Param, Value};

/// What a request calls the parameter of a number: `{p1:Int64}` in the statement, `param_p1` beside it.
pub(super) fn name(number: usize) -> String {
    format!("p{number}")
}

/// The text of a parameter's value.
pub(super) fn text(param: &Param) -> String {
    match &param.value {
        Value::One(value) => one(value),
        Value::List(values) => {
            let members: Vec<String> = values.iter().map(member).collect();
            format!("[{}]", members.join(","))
        }
    }
}

fn one(value: &Typed) -> String {
    match value {
        Typed::Text(text) => escaped(text),
        value => bare(value),
    }
}

/// How long a member of a list is at most, with its comma.
pub(super) fn member_size(value: &Typed) -> usize {
    match value {
        Typed::Text(text) => 2 * text.len() + 3,
        Typed::Decimal(digits) => digits.len() + 1,
        _ => 48,
    }
}

fn member(value: &Typed) -> String {
    match value {
        Typed::Text(text) => format!("'{}'", escaped(text)),
        Typed::Date(_) | Typed::Uuid(_) => format!("'{}'", bare(value)),
        value => bare(value),
    }
}

/// A value whose text has no character with a meaning of its own.
fn bare(value: &Typed) -> String {
    match value {
        Typed::Boolean(flag) => flag.to_string(),
        Typed::Integer(whole) => whole.to_string(),
        Typed::Float(number) if number.is_finite() => format!("{number:e}"),
        Typed::Float(number) if *number > 0.0 => "inf".to_owned(),
        Typed::Float(number) => if number.is_nan() { "nan" } else { "-inf" }.to_owned(),
        Typed::Decimal(digits) => digits.clone(),
        Typed::Text(text) => text.clone(),
        Typed::Bytes(bytes) => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
        Typed::Date(days) => {
            written(|out| json::date(out, *days)).chars().take_while(|at| *at != 'T').collect()
        }
        Typed::Time(micros) => written(|out| json::time_of_day(out, *micros)),
        Typed::Timestamp(micros) | Typed::TimestampTz(micros) => micros.to_string(),
        Typed::Uuid(bytes) => written(|out| json::uuid(out, bytes)),
    }
}

/// What a JSON writer writes, without its quotes.
fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut out = Vec::new();
    write(&mut out);
    String::from_utf8_lossy(&out).trim_matches('"').to_owned()
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            '\'' => out.push_str("\\'"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\0' => out.push_str("\\0"),
            other => out.push(other),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::ParamType;

    fn of(value: Value) -> String {
        text(&Param { value, kind: ParamType::Text })
    }

    #[test]
    fn nothing_in_a_text_means_anything_to_the_server() {
        let text = Typed::Text("a'b\\c\n\t\0]".into());
        assert_eq!(of(Value::One(text.clone())), "a\\'b\\\\c\\n\\t\\0]");
        assert_eq!(of(Value::List(vec![text, Typed::Text(String::new())])), "['a\\'b\\\\c\\n\\t\\0]','']");
    }

    #[test]
    fn numbers_and_moments_are_exact() {
        assert_eq!(of(Value::One(Typed::Float(5e-324))), "5e-324");
        assert_eq!(of(Value::One(Typed::Float(f64::NEG_INFINITY))), "-inf");
        assert_eq!(of(Value::One(Typed::TimestampTz(-1))), "-1");
        assert_eq!(of(Value::List(vec![Typed::Date(-1), Typed::Date(0)])), "['1969-12-31','1970-01-01']");
        assert_eq!(of(Value::One(Typed::Uuid([0xab; 16]))), "abababab-abab-abab-abab-abababababab");
    }
}
