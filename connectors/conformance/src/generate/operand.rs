//! Operands for a column: values that are in it, values beside those, and what can be no value of it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connector_memory::{ColumnDef, Profile, Table, Value};
use connector_model::filter::{Cast, Operand, cast};
use connector_model::json;
use connector_model::target::LogicalType;
use serde_json::{Value as Json, json};

/// How many of a column's values operands are made of: enough for hits and misses.
const DRAWN: usize = 8;

/// What a column can be held against.
#[derive(Debug, Clone)]
pub(super) struct Operands {
    /// Casts to the column's type.
    pub(super) castable: Vec<Json>,
    /// Whatever a caller may send.
    pub(super) any: Vec<Json>,
    /// Patterns and literal pieces for the text operators; empty where each engine has a text of its own.
    pub(super) texts: Vec<String>,
}

impl Operands {
    /// The operands for the column at `at`.
    pub(super) fn of(table: &Table, profile: &Profile, at: usize) -> Option<Operands> {
        let column = table.columns.get(at)?;
        let mut values: Vec<&Value> = Vec::new();
        for value in table.rows.iter().filter_map(|row| row.get(at)) {
            let is_moment = !matches!(value, Value::Float(_) | Value::Real(_));
            // An infinite moment cannot be written.
            let is_written = *value != Value::Null && !(is_moment && value.is_beyond());
            if is_written && !values.contains(&value) && values.len() < DRAWN {
                values.push(value);
            }
        }
        let mut any: Vec<Json> = values.iter().flat_map(|value| forms(value)).collect();
        any.extend(values.iter().flat_map(|value| neighbours(value)));
        any.extend(strangers());
        any.extend(edges(column.logical_type));
        let castable: Vec<Json> =
            any.iter().filter(|json| casts(json, column.logical_type)).cloned().collect();
        Some(Operands { castable, any, texts: texts(column, profile, &values) })
    }
}

/// Whether the operand is a value of the type.
fn casts(json: &Json, logical: LogicalType) -> bool {
    let operand = match json {
        Json::Bool(flag) => Operand::Boolean(*flag),
        Json::String(text) => Operand::Text(text.clone()),
        Json::Number(number) => match number.as_i128() {
            Some(whole) => Operand::Integer(whole),
            None => Operand::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::Null | Json::Array(_) | Json::Object(_) => return false,
    };
    matches!(cast(&operand, logical), Cast::Value(_))
}

/// The ways in which a caller may write a value.
fn forms(value: &Value) -> Vec<Json> {
    match value {
        Value::Null => vec![Json::Null],
        Value::Boolean(flag) => vec![json!(flag), json!(i32::from(*flag)), json!(flag.to_string())],
        Value::Integer(whole) => vec![json!(whole), json!(whole.to_string())],
        Value::Unsigned(whole) => vec![json!(whole), json!(whole.to_string())],
        Value::Float(number) if !number.is_finite() => vec![json!("NaN"), json!("1e400")],
        Value::Float(number) => vec![json!(number), json!(format!("{number:e}"))],
        Value::Real(number) => vec![written(|out| json::float32(out, *number)), json!(number.to_string())],
        Value::Decimal(digits) => {
            vec![json!(digits), json!(digits.trim_end_matches('0').trim_end_matches('.'))]
        }
        Value::Text(text) | Value::Json(text) => vec![json!(text)],
        Value::Bytes(bytes) => vec![json!(STANDARD.encode(bytes))],
        Value::Date(days) => vec![written(|out| json::date(out, *days))],
        Value::Time(micros) => vec![written(|out| json::time_of_day(out, *micros))],
        Value::Timestamp(micros) | Value::TimestampTz(micros) => {
            let mut forms = vec![written(|out| json::timestamp(out, *micros))];
            if micros % 1_000 == 0 {
                forms.push(json!(micros / 1_000));
            }
            forms
        }
        Value::Uuid(bytes) => {
            let lower = written(|out| json::uuid(out, bytes));
            let text = lower.as_str().unwrap_or_default();
            vec![
                json!(text.to_uppercase()),
                json!(format!("{{{text}}}")),
                json!(text.replace('-', "")),
                lower,
            ]
        }
    }
}

/// Values beside this one.
fn neighbours(value: &Value) -> Vec<Json> {
    let moments = |micros: &i64, of: fn(i64) -> Value| {
        [micros.saturating_sub(1_000), micros.saturating_add(1_000)]
            .into_iter()
            .flat_map(|m| forms(&of(m)))
            .collect()
    };
    match value {
        Value::Integer(whole) => {
            let beside = [whole.saturating_add(1), whole.saturating_sub(1)];
            let mut all: Vec<Json> = beside.iter().map(|whole| json!(whole)).collect();
            // Beyond that a half is lost in a double on its way here.
            if whole.unsigned_abs() < 1 << 51 {
                all.push(json!(format!("{whole}.5")));
            }
            all
        }
        Value::Unsigned(whole) => vec![json!(whole.saturating_add(1)), json!(whole.saturating_sub(1))],
        Value::Float(number) => vec![json!(number.next_up()), json!(-number)],
        Value::Real(number) => vec![json!(f64::from(number.next_up())), json!(-f64::from(*number))],
        Value::Decimal(digits) => vec![json!(format!("{digits}1")), json!(digits.replace('-', ""))],
        Value::Text(text) => vec![json!(format!("{text}x")), json!(flipped(text))],
        Value::Bytes(bytes) => {
            vec![json!(STANDARD.encode([bytes.as_slice(), &[0]].concat()))]
        }
        Value::Date(days) => forms(&Value::Date(days + 1)),
        Value::Timestamp(micros) => moments(micros, Value::Timestamp),
        Value::TimestampTz(micros) => moments(micros, Value::TimestampTz),
        Value::Time(_) | Value::Uuid(_) | Value::Boolean(_) | Value::Json(_) | Value::Null => Vec::new(),
    }
}

/// The ends of a type's range, and what lies just outside.
fn edges(logical: LogicalType) -> Vec<Json> {
    match logical {
        LogicalType::Integer => vec![
            json!(i64::MAX),
            json!(i64::MIN),
            json!(9_223_372_036_854_775_808_u64),
            json!("-9223372036854775809"),
            json!(1e30),
            json!(70_000),
            json!(3_000_000_000_u64),
        ],
        LogicalType::Float => vec![json!(1e308), json!("1e400"), json!(-5e-324)],
        LogicalType::Decimal => vec![json!("1e3"), json!("123456789012345678901234567890.1250001")],
        LogicalType::Date | LogicalType::Timestamp | LogicalType::TimestampTz => {
            vec![json!("2024-02-29"), json!("1969-12-31T23:59:59.999+05:30"), json!("9999-12-31")]
        }
        LogicalType::Time => vec![json!("00:00:00"), json!("23:59:59.999999")],
        LogicalType::Uuid => vec![json!("ABABABAB-ABAB-ABAB-ABAB-ABABABABABAB")],
        _ => Vec::new(),
    }
}

/// What somebody sends who has not looked at the column.
fn strangers() -> [Json; 9] {
    [
        json!(0),
        json!(1),
        json!(-1.5),
        json!(true),
        json!(""),
        json!("zz"),
        json!("2024-13-45"),
        json!("' OR 1=1 --"),
        json!("NaN"),
    ]
}

/// Pieces and patterns of the column's texts.
fn texts(column: &ColumnDef, profile: &Profile, values: &[&Value]) -> Vec<String> {
    use LogicalType::{Boolean, Decimal, Integer, Json, Text, Unknown, Uuid};
    if !matches!(column.logical_type, Boolean | Decimal | Integer | Json | Text | Unknown | Uuid) {
        return Vec::new();
    }
    let mut all: Vec<String> =
        ["", "%", "_", "a%", "%b", "_b%", "a\\%c", "\\", "*", "[", "[x]", "?", "1", "%1%", "'", "\"", "\n"]
            .map(str::to_owned)
            .to_vec();
    // As often as the pieces of a column's own texts together: what is literal to one operator is not to another.
    all.extend(["%", "_", "a%", "\\"].map(str::to_owned).into_iter().cycle().take(values.len() * 2));
    for text in values.iter().filter_map(|value| profile.text(column, value)) {
        let count = text.chars().count();
        let head: String = text.chars().take(count.div_ceil(2)).collect();
        let tail: String = text.chars().skip(count / 2).collect();
        let holes: String = (0..).zip(text.chars()).map(|(at, c)| if at == 1 { '_' } else { c }).collect();
        let escaped: String = text
            .chars()
            .flat_map(|c| if matches!(c, '%' | '_' | '\\') { vec!['\\', c] } else { vec![c] })
            .collect();
        all.extend([
            flipped(&text),
            format!("{head}%"),
            format!("%{tail}"),
            escaped,
            head,
            tail,
            holes,
            text,
        ]);
    }
    all
}

/// ASCII letters in the other case.
fn flipped(text: &str) -> String {
    let flip = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
    text.chars().map(flip).collect()
}

fn written(write: impl FnOnce(&mut Vec<u8>)) -> Json {
    let mut out = Vec::new();
    write(&mut out);
    serde_json::from_slice(&out).unwrap_or_default()
}
