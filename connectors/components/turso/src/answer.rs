//! The protocol's JSON as rows of values.

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use connector_sql::LibSql;
use connector_sql::sqlite::Stored;
use semilayer_connector::error::internal;
use semilayer_connector::prelude::*;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::error::{Fault, Refusal};

/// Servers leave the padding out, or do not.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// One row.
pub(crate) type Cells<'a> = [Cell<'a>];

/// The rows of each statement, borrowed from the body.
pub(crate) type Results<'a> = Vec<Vec<Vec<Cell<'a>>>>;

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow)]
    results: Vec<Outcome<'a>>,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Ok,
    Error,
}

#[derive(Deserialize)]
struct Outcome<'a> {
    #[serde(rename = "type")]
    kind: Kind,
    #[serde(borrow, default)]
    response: Option<Response<'a>>,
    #[serde(default)]
    error: Option<Refusal>,
}

#[derive(Deserialize)]
struct Response<'a> {
    #[serde(borrow, default)]
    result: Option<ResultSet<'a>>,
}

#[derive(Deserialize)]
struct ResultSet<'a> {
    #[serde(borrow)]
    rows: Vec<Vec<Cell<'a>>>,
}

/// One value as it stands in the body: raw, so that a number keeps its digits and a text is not copied before it is
/// wanted.
#[derive(Debug, Deserialize)]
pub(crate) struct Cell<'a> {
    #[serde(rename = "type")]
    class: Class,
    #[serde(borrow, default)]
    value: Option<&'a RawValue>,
    #[serde(borrow, default)]
    base64: Option<&'a RawValue>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Class {
    Null,
    Integer,
    Float,
    Text,
    Blob,
}

/// The rows of as many statements as were sent.
///
/// # Errors
/// What the server refused, of the first statement that it did; `CONNECTOR_FAILED` for what is no answer.
pub(crate) fn results(body: &[u8], statements: usize) -> Result<Results<'_>, Fault> {
    let answer: Answer<'_> = serde_json::from_slice(body).map_err(|error| {
        // Where, not what: the text could quote a value.
        internal(format!(
            "the server's answer is none of Hrana's: line {}, column {}",
            error.line(),
            error.column()
        ))
    })?;
    let mut results = Vec::with_capacity(statements);
    for outcome in answer.results.into_iter().take(statements) {
        match (outcome.kind, outcome.response.and_then(|response| response.result), outcome.error) {
            (Kind::Ok, Some(result), _) => results.push(result.rows),
            (Kind::Error, _, Some(refusal)) => return Err(refusal.fault()),
            _ => {
                return Err(
                    internal("the server's answer to a statement holds neither rows nor an error").into()
                );
            }
        }
    }
    if results.len() < statements {
        return Err(internal("the server answered fewer statements than it was sent").into());
    }
    Ok(results)
}

impl Cell<'_> {
    /// The value; `scratch` keeps what does not stand in the body as it is.
    ///
    /// # Errors
    /// `CONNECTOR_FAILED` for what is no value of its class.
    pub(crate) fn stored<'c>(&'c self, scratch: &'c mut Vec<u8>) -> Result<Stored<'c>> {
        match (self.class, self.value, self.base64) {
            (Class::Null, _, _) => Ok(Stored::Null),
            (Class::Integer, Some(value), _) => {
                let digits = value.get().trim_matches('"');
                digits.parse().map(Stored::Integer).map_err(|_| unreadable("integer"))
            }
            // What JSON has no number for; a cell that is to tell the two infinities apart comes as a blob.
            (Class::Float, None, _) => Ok(Stored::Real(f64::INFINITY)),
            (Class::Float, Some(value), _) => {
                value.get().parse().map(Stored::Real).map_err(|_| unreadable("float"))
            }
            (Class::Text, Some(value), _) => Ok(Stored::Text(text(value, scratch)?)),
            (Class::Blob, _, Some(value)) => {
                let mut digits = Vec::new();
                let digits = text(value, &mut digits)?;
                scratch.clear();
                BASE64.decode_vec(digits, scratch).map_err(|_| unreadable("blob"))?;
                Ok(LibSql::infinity(scratch).map_or(Stored::Blob(scratch), Stored::Real))
            }
            (class, _, _) => Err(unreadable(match class {
                Class::Null => "null",
                Class::Integer => "integer",
                Class::Float => "float",
                Class::Text => "text",
                Class::Blob => "blob",
            })),
        }
    }

    /// Whether it is NULL.
    pub(crate) fn is_null(&self) -> bool {
        self.class == Class::Null
    }

    /// Whether it is a double that no JSON number is, and whose sign nobody sent.
    pub(crate) fn is_unnamed_infinity(&self) -> bool {
        self.class == Class::Float && self.value.is_none()
    }

    /// A text.
    ///
    /// # Errors
    /// `CONNECTOR_FAILED` for anything else.
    pub(crate) fn to_text(&self) -> Result<String> {
        match self.stored(&mut Vec::new())? {
            Stored::Text(text) => Ok(String::from_utf8_lossy(text).into_owned()),
            _ => Err(unreadable("text")),
        }
    }

    /// A whole number.
    ///
    /// # Errors
    /// `CONNECTOR_FAILED` for anything else.
    pub(crate) fn to_integer(&self) -> Result<i64> {
        match self.stored(&mut Vec::new())? {
            Stored::Integer(whole) => Ok(whole),
            _ => Err(unreadable("integer")),
        }
    }
}

/// A JSON text's characters: mostly they stand in the body as they are.
fn text<'c>(raw: &'c RawValue, scratch: &'c mut Vec<u8>) -> Result<&'c [u8]> {
    let quoted = raw.get().as_bytes();
    if let [b'"', plain @ .., b'"'] = quoted
        && !plain.contains(&b'\\')
    {
        return Ok(plain);
    }
    let text: String = serde_json::from_str(raw.get()).map_err(|_| unreadable("text"))?;
    *scratch = text.into_bytes();
    Ok(scratch)
}

#[cold]
fn unreadable(class: &str) -> Error {
    internal(format!("the server sent a value that is no {class}, though it says so"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(rows: &str) -> String {
        format!(
            r#"{{"baton":null,"results":[{{"type":"ok","response":{{"type":"execute","result":{{"cols":[],"rows":{rows}}}}}}}]}}"#
        )
    }

    fn value(cell: &str) -> Result<String> {
        let body = rows(&format!("[[{cell}]]"));
        let results = results(body.as_bytes(), 1).map_err(|fault| fault.error)?;
        results[0][0][0].stored(&mut Vec::new()).map(|stored| format!("{stored:?}"))
    }

    #[test]
    fn every_class_is_read_whatever_its_form() {
        for (cell, expected) in [
            (r#"{"type":"null"}"#, Stored::Null),
            (r#"{"type":"integer","value":"-9223372036854775808"}"#, Stored::Integer(i64::MIN)),
            (r#"{"value":"5","type":"integer"}"#, Stored::Integer(5)),
            (r#"{"type":"float","value":0.1}"#, Stored::Real(0.1)),
            (r#"{"type":"float","value":1.7976931348623157e308}"#, Stored::Real(f64::MAX)),
            (r#"{"type":"float","value":5}"#, Stored::Real(5.0)),
            (r#"{"type":"text","value":"plain ü"}"#, Stored::Text("plain ü".as_bytes())),
            (r#"{"type":"text","value":"a\"\u0000\ud83d\ude00"}"#, Stored::Text("a\"\0😀".as_bytes())),
            (r#"{"type":"blob","base64":"AQI"}"#, Stored::Blob(&[1, 2])),
            (r#"{"type":"blob","base64":"AQI="}"#, Stored::Blob(&[1, 2])),
            (r#"{"type":"blob","base64":"P5\/\/"}"#, Stored::Blob(&[63, 159, 255])),
            (r#"{"type":"blob","base64":"P50MUqhuSxexxuB9WKL0lgE"}"#, Stored::Real(f64::INFINITY)),
        ] {
            assert_eq!(value(cell).unwrap(), format!("{expected:?}"), "{cell}");
        }
    }

    #[test]
    fn what_is_no_answer_is_never_taken_for_one() {
        for body in [
            "",
            "[]",
            "null",
            r#"{"results":[]}"#,
            r#"{"results":[{"type":"ok"}]}"#,
            r#"{"results":[{"type":"ok","response":{"type":"close"}}]}"#,
            r#"{"results":[{"type":"error"}]}"#,
            r#"{"results":[{"type":"maybe","response":{"result":{"rows":[]}}}]}"#,
        ] {
            let error = results(body.as_bytes(), 1).unwrap_err().error;
            assert_eq!(error.code(), ErrorCode::ConnectorFailed, "{body}");
        }
        for cell in [
            r#"{"type":"integer","value":"1.5"}"#,
            r#"{"type":"integer"}"#,
            r#"{"type":"text","value":5}"#,
            r#"{"type":"blob","base64":"?"}"#,
            r#"{"type":"blob","value":"AQI="}"#,
            r#"{"type":"float","value":"x"}"#,
            r#"{"type":"decimal","value":"1"}"#,
        ] {
            assert_eq!(value(cell).unwrap_err().code(), ErrorCode::ConnectorFailed, "{cell}");
        }
    }

    #[test]
    fn an_infinity_without_its_sign_is_known_as_one() {
        let body = rows(r#"[[{"type":"float","value":null},{"type":"float","value":1.5}]]"#);
        let results = results(body.as_bytes(), 1).unwrap();
        let found: Vec<bool> = results[0][0].iter().map(Cell::is_unnamed_infinity).collect();
        assert_eq!(found, [true, false]);
    }
}
