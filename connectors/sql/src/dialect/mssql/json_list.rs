//! A long list as one JSON parameter, read by `OPENJSON`: a statement takes at most 2,100 parameters.

use connector_model::filter::Typed;
use connector_model::json;

use super::number::{Exact, Fit, MAX_DIGITS, typed_fit};
use super::types::Declared;

/// The column that `OPENJSON` makes of a list, and what is selected of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ListColumn {
    /// Its SQL type.
    pub(super) sql_type: String,
    /// The selected expression over `v`.
    pub(super) expression: String,
}

/// How the members of a list are read; they are all of one kind, but for whole and decimal numbers.
pub(super) fn list_column(declared: Declared<'_>, values: &[Typed]) -> ListColumn {
    let plain = |sql_type: &str| ListColumn { sql_type: sql_type.to_owned(), expression: "v".to_owned() };
    match values.first() {
        Some(Typed::Boolean(_)) => plain("bit"),
        Some(Typed::Integer(_) | Typed::Decimal(_)) => numbers(values),
        Some(Typed::Float(_)) if declared.name == "real" => plain("real"),
        Some(Typed::Float(_)) => plain("float"),
        Some(Typed::Bytes(_)) => ListColumn {
            sql_type: "nvarchar(max)".to_owned(),
            expression: "CONVERT(varbinary(max), v, 2)".to_owned(),
        },
        Some(Typed::Date(_)) => plain("date"),
        Some(Typed::Time(_)) => plain("time(7)"),
        Some(Typed::Timestamp(_)) if declared.name == "datetime" => plain("datetime"),
        Some(Typed::Timestamp(_)) => plain("datetime2(7)"),
        Some(Typed::TimestampTz(_)) => plain("datetimeoffset(7)"),
        Some(Typed::Uuid(_)) => plain("uniqueidentifier"),
        Some(Typed::Text(_)) | None => texts(declared, values),
    }
}

fn texts(declared: Declared<'_>, values: &[Typed]) -> ListColumn {
    let longest = values.iter().map(|value| match value {
        Typed::Text(text) => text.encode_utf16().count(),
        _ => 0,
    });
    let longest = longest.max().unwrap_or(0);
    let ascii = values.iter().all(|value| !matches!(value, Typed::Text(text) if !text.is_ascii()));
    let sql_type = match (declared.is_narrow_text() && ascii, longest) {
        // In the column's own width, so that its index is used.
        (true, ..=8_000) => "varchar(8000)",
        (true, _) => "varchar(max)",
        (false, ..=4_000) => "nvarchar(4000)",
        (false, _) => "nvarchar(max)",
    };
    // The column's collation decides: OPENJSON's columns have the database's.
    let collation = declared.collation.unwrap_or("DATABASE_DEFAULT");
    ListColumn { sql_type: sql_type.to_owned(), expression: format!("v COLLATE {collation}") }
}

fn numbers(values: &[Typed]) -> ListColumn {
    let sql_type = match values.iter().all(is_bigint) {
        true => "bigint".to_owned(),
        false => format!("decimal({MAX_DIGITS}, {})", common_scale(values)),
    };
    ListColumn { sql_type, expression: "v".to_owned() }
}

fn is_bigint(value: &Typed) -> bool {
    matches!(value, Typed::Integer(whole) if i64::try_from(*whole).is_ok())
}

fn exact(value: &Typed) -> Option<Exact> {
    match typed_fit(value) {
        Some(Fit::Value(exact)) => Some(exact),
        _ => None,
    }
}

fn common_scale(values: &[Typed]) -> usize {
    values.iter().filter_map(exact).map(|exact| exact.scale()).max().unwrap_or(0)
}

/// Splits a list in what one `decimal` type holds, and what has to be bound on its own because its digits before
/// the point leave no room for those that others have behind it.
pub(super) fn of_one_type(values: Vec<Typed>) -> (Vec<Typed>, Vec<Typed>) {
    let scale = common_scale(&values);
    values.into_iter().partition(|value| match exact(value) {
        Some(exact) => exact.whole_digits() + scale <= MAX_DIGITS,
        None => true,
    })
}

/// The JSON array. Numbers beyond 64 bits, decimals and dates are texts, so that no digit passes through a double.
pub(super) fn json_list(declared: Declared<'_>, values: &[Typed]) -> String {
    let mut list = vec![b'['];
    for value in values {
        if list.len() > 1 {
            list.push(b',');
        }
        match value {
            Typed::Boolean(flag) => json::integer(&mut list, i64::from(*flag)),
            Typed::Integer(whole) if is_bigint(value) => {
                list.extend_from_slice(whole.to_string().as_bytes());
            }
            Typed::Integer(_) | Typed::Decimal(_) => {
                let text = exact(value).map(|exact| exact.text()).unwrap_or_default();
                json::text(&mut list, &text);
            }
            Typed::Float(number) => json::float64(&mut list, *number),
            Typed::Text(text) => json::text(&mut list, text),
            Typed::Bytes(bytes) => {
                let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
                json::text(&mut list, &hex);
            }
            Typed::Date(days) => json::text(&mut list, &super::moment::day(*days)),
            Typed::Time(micros) => json::time_of_day(&mut list, *micros),
            // A datetime is read with three digits of a second, and refuses more.
            Typed::Timestamp(micros) if declared.name == "datetime" => {
                json::text(&mut list, &super::moment::moment_millis(micros.saturating_mul(10)));
            }
            Typed::Timestamp(micros) => {
                json::text(&mut list, &super::moment::moment(micros.saturating_mul(10)));
            }
            Typed::TimestampTz(micros) => {
                json::text(&mut list, &format!("{}+00:00", super::moment::moment(micros.saturating_mul(10))));
            }
            Typed::Uuid(bytes) => json::uuid(&mut list, bytes),
        }
    }
    list.push(b']');
    String::from_utf8_lossy(&list).into_owned()
}
