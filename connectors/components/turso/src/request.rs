//! Statements as the protocol's JSON.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use connector_sql::{Param, Statement, Value};
use semilayer_connector::error::internal;
use semilayer_connector::model::filter::Typed;
use semilayer_connector::model::json;
use semilayer_connector::prelude::*;

/// The body of a pipeline: each statement on its own, in order, and at its end, if it `closes`, the stream's end.
///
/// # Errors
/// `CONNECTOR_FAILED` for a kind of value that SQLite has no storage class for.
pub(crate) fn pipeline(statements: &[Statement], closes: bool) -> Result<Vec<u8>> {
    let mut out = br#"{"baton":null,"requests":["#.to_vec();
    for (position, statement) in statements.iter().enumerate() {
        if position > 0 {
            out.push(b',');
        }
        out.extend_from_slice(br#"{"type":"execute","stmt":{"sql":"#);
        json::text(&mut out, &statement.text);
        out.extend_from_slice(br#","args":["#);
        for (position, param) in statement.params.iter().enumerate() {
            if position > 0 {
                out.push(b',');
            }
            argument(&mut out, param)?;
        }
        out.extend_from_slice(br#"],"want_rows":true}}"#);
    }
    if closes {
        out.extend_from_slice(br#",{"type":"close"}"#);
    }
    out.extend_from_slice(b"]}");
    Ok(out)
}

fn argument(out: &mut Vec<u8>, param: &Param) -> Result<()> {
    let typed = |out: &mut Vec<u8>, kind: &str, key: &str| {
        out.extend_from_slice(format!(r#"{{"type":"{kind}","{key}":"#).as_bytes());
    };
    match &param.value {
        Value::One(Typed::Integer(whole)) => {
            typed(out, "integer", "value");
            json::text(out, &whole.to_string());
        }
        Value::One(Typed::Float(number)) if number.is_finite() => {
            typed(out, "float", "value");
            json::float64(out, *number);
        }
        Value::One(Typed::Text(text)) => {
            typed(out, "text", "value");
            json::text(out, text);
        }
        Value::One(Typed::Bytes(bytes)) => {
            typed(out, "blob", "base64");
            json::text(out, &STANDARD.encode(bytes));
        }
        Value::One(_) | Value::List(_) => {
            return Err(internal("a parameter that SQLite has no storage class for"));
        }
    }
    out.push(b'}');
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_sql::ParamType;

    #[test]
    fn every_storage_class_is_typed() {
        let mut statement = Statement::default();
        statement.push("SELECT \"a\\b\", ?1");
        for value in [
            Typed::Integer(i128::from(i64::MIN)),
            Typed::Float(2.0),
            Typed::Text("it's \"\u{0}\" ü".into()),
            Typed::Bytes(vec![1, 255]),
        ] {
            statement.bind(Value::One(value), ParamType::Text);
        }
        let other = Statement { text: "SELECT 1".into(), params: vec![] };
        let body = String::from_utf8(pipeline(&[statement, other], true).unwrap()).unwrap();
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&body).unwrap(),
            serde_json::json!({"baton": null, "requests": [
                {"type": "execute", "stmt": {"sql": "SELECT \"a\\b\", ?1", "want_rows": true, "args": [
                    {"type": "integer", "value": "-9223372036854775808"},
                    {"type": "float", "value": 2},
                    {"type": "text", "value": "it's \"\u{0}\" ü"},
                    {"type": "blob", "base64": "Af8="},
                ]}},
                {"type": "execute", "stmt": {"sql": "SELECT 1", "args": [], "want_rows": true}},
                {"type": "close"},
            ]})
        );
        let body = String::from_utf8(pipeline(&[], false).unwrap()).unwrap();
        assert_eq!(body, r#"{"baton":null,"requests":[]}"#);
    }

    #[test]
    fn a_value_without_a_storage_class_is_a_fault_of_ours() {
        for value in [Typed::Boolean(true), Typed::Float(f64::INFINITY)] {
            let mut statement = Statement::default();
            statement.bind(Value::One(value), ParamType::Text);
            assert_eq!(pipeline(&[statement], true).unwrap_err().code(), ErrorCode::ConnectorFailed);
        }
    }
}
