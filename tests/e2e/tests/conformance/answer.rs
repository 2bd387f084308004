//! An answer of the HTTP API as the outcome of a job.

use connector_conformance::job::Outcome;
use connector_model::cursor::CursorKind;
use connector_model::error::{Error, ErrorCode};
use connector_model::request::Kind;
use connector_model::target::{LogicalType, Target, TargetColumn, TargetSchema};
use e2e_tests::Answer;
use reqwest::StatusCode;
use serde_json::{Map, Value};

/// What became of a job of this kind.
pub(crate) fn outcome(kind: Kind, answer: &Answer) -> Outcome {
    let body = &answer.body;
    // A gateway has no address for what no connector has.
    if answer.status == StatusCode::NOT_FOUND && matches!(kind, Kind::Search | Kind::Similar) {
        return Outcome::Failed(Error::new(ErrorCode::UnsupportedJob, answer.code()));
    }
    // An error after the first rows stands where `meta` would.
    let error = body.get("error").filter(|error| error.is_object()).unwrap_or(body);
    if !answer.status.is_success() || body.get("error").is_some() {
        return failed(error).unwrap_or_else(|| Outcome::Garbled(format!("{}: {body}", answer.status)));
    }
    let Some(meta) = body.get("meta").and_then(Value::as_object) else {
        return Outcome::Garbled(format!("an answer without its end: {body}"));
    };
    let rows = answer.rows();
    let read = match kind {
        Kind::Count => counted(meta),
        Kind::ListTargets => rows.iter().map(target).collect::<Option<_>>().map(Outcome::Targets),
        Kind::IntrospectTarget => rows.first().and_then(schema).map(Outcome::Schema),
        Kind::Test => Some(Outcome::Alive),
        _ => page(meta).map(|page| Outcome::Rows(rows.to_vec(), page)),
    };
    read.unwrap_or_else(|| Outcome::Garbled(format!("an answer to another kind of job: {body}")))
}

fn failed(body: &Value) -> Option<Outcome> {
    let code = body.get("code")?.as_str()?;
    let code = ErrorCode::ALL.iter().copied().find(|known| known.as_str() == code)?;
    let message = body.get("message")?.as_str()?;
    let detail =
        body.as_object()?.iter().filter(|(key, _)| !matches!(key.as_str(), "code" | "message" | "error"));
    let error = Error::new(code, message);
    Some(Outcome::Failed(detail.fold(error, |error, (key, value)| error.with(key, value.clone()))))
}

fn page(meta: &Map<String, Value>) -> Option<connector_conformance::job::Page> {
    let cursor_kind = match meta.get("cursorKind").map(Value::as_str) {
        None => None,
        Some(Some("keyset")) => Some(CursorKind::Keyset),
        Some(Some("offset")) => Some(CursorKind::Offset),
        Some(_) => return None,
    };
    Some(connector_conformance::job::Page {
        next_cursor: meta.get("nextCursor").and_then(Value::as_str).map(str::to_owned),
        cursor_kind,
        total: meta.get("total").and_then(Value::as_u64),
    })
}

fn counted(meta: &Map<String, Value>) -> Option<Outcome> {
    let total = meta.get("total")?.as_u64()?;
    let approximate = meta.get("approximate").and_then(Value::as_bool).unwrap_or(false);
    Some(Outcome::Counted(connector_conformance::job::Counted { total, approximate }))
}

fn text(row: &Value, key: &str) -> Option<String> {
    row.get(key)?.as_str().map(str::to_owned)
}

fn target(row: &Value) -> Option<Target> {
    Some(Target {
        name: text(row, "name")?,
        kind: text(row, "kind")?,
        schema: text(row, "schema"),
        estimated_rows: row.get("estimatedRows").and_then(Value::as_u64),
    })
}

fn schema(row: &Value) -> Option<TargetSchema> {
    let column = |column: &Value| {
        Some(TargetColumn {
            name: text(column, "name")?,
            native_type: text(column, "type")?,
            nullable: column.get("nullable")?.as_bool()?,
            primary_key: column.get("primaryKey")?.as_bool()?,
            // It does not travel.
            logical_type: LogicalType::Unknown,
        })
    };
    Some(TargetSchema {
        name: text(row, "name")?,
        kind: text(row, "kind")?,
        columns: row.get("columns")?.as_array()?.iter().map(column).collect::<Option<_>>()?,
        primary_key: row
            .get("primaryKey")?
            .as_array()?
            .iter()
            .map(|name| name.as_str().map(str::to_owned))
            .collect::<Option<_>>()?,
        // That does not travel either.
        key: Vec::new(),
        row_count: row.get("rowCount").and_then(Value::as_u64),
    })
}
