//! The WIT's records to our types and back.

use std::time::Duration;

use connector_model::cursor::CursorKind;
use connector_model::filter::{self, Filter, Names};
use connector_model::request::{self, Aggregate, ChangedSince, Count, Kind, Order, Query, Read, Request};
use connector_model::target::{Column, LogicalType, Target, TargetColumn, TargetSchema};
use connector_model::time;
use serde_json::Value;

use super::bindings::exports::semilayer::connector::source as wit;
use super::bindings::semilayer::connector::types;
use crate::connector::{Call, Counted, ServerInfo};
use crate::error::{Error, ErrorCode, FORBIDDEN, Result};
use crate::rows::End;

/// What a limit that was left out stands for: the largest number that every database takes.
const NO_LIMIT: u64 = i64::MAX as u64;

pub(super) fn call(call: wit::Call) -> Call {
    Call { deadline: Duration::from_millis(call.deadline_ms.into()), token: call.token }
}

pub(super) fn read(request: wit::ReadRequest) -> Result<Read> {
    let changed_since = |(column, moment): (String, String)| match time::parse_moment(&moment) {
        Some(micros) => Ok(ChangedSince { column, micros }),
        None => Err(Error::option("changedSince", "is no moment in RFC 3339")),
    };
    Ok(Read {
        target: request.target,
        fields: request.columns,
        limit: request.limit.unwrap_or(NO_LIMIT),
        cursor: request.cursor,
        changed_since: request.changed_since.map(changed_since).transpose()?,
    })
}

pub(super) fn query(request: wit::QueryRequest, bridge: &str) -> Result<Query> {
    Ok(Query {
        filter: filter(&request.target, request.filter.as_deref(), bridge)?,
        target: request.target,
        select: request.columns,
        joins: Vec::new(),
        order_by: request
            .order_by
            .into_iter()
            .map(|order| Order { column: order.column, descending: order.descending })
            .collect(),
        limit: request.limit,
        offset: request.offset.unwrap_or(0),
        cursor: request.cursor,
        include_total: false,
    })
}

pub(super) fn count(target: String, filter: Option<&str>, bridge: &str) -> Result<Count> {
    Ok(Count { filter: self::filter(&target, filter, bridge)?, target })
}

pub(super) fn aggregate(target: &str, request: &str, bridge: &str) -> Result<Aggregate> {
    match request::parse(Kind::Aggregate, Some(target), Some(request), bridge)? {
        Request::Aggregate(aggregate) => Ok(aggregate),
        _ => Err(Error::option("options", "are no aggregate's")),
    }
}

fn filter(target: &str, json: Option<&str>, bridge: &str) -> Result<Filter> {
    let Some(json) = json else { return Ok(Filter::TRUE) };
    let mut reader = serde_json::Deserializer::from_str(json);
    // The runner took it apart before; how deep it may nest is the filter's own limit.
    reader.disable_recursion_limit();
    let json: Value = serde::Deserialize::deserialize(&mut reader)
        .map_err(|_| Error::option("where", "is not valid JSON"))?;
    filter::parse(&json, Names { bridge, target, option: "where" })
}

pub(super) fn server_info(info: ServerInfo) -> wit::ServerInfo {
    wit::ServerInfo {
        product: info.product,
        version: info.version,
        can_write: info.can_write,
        warnings: info.warnings,
    }
}

pub(super) fn target(target: Target) -> wit::Target {
    wit::Target {
        name: target.name,
        schema: target.schema,
        kind: target.kind,
        estimated_rows: target.estimated_rows,
    }
}

pub(super) fn schema(schema: TargetSchema) -> wit::TargetSchema {
    wit::TargetSchema {
        name: schema.name,
        kind: schema.kind,
        columns: schema.columns.into_iter().map(target_column).collect(),
        primary_key: schema.primary_key,
        key: schema.key,
        row_count: schema.row_count,
    }
}

fn target_column(column: TargetColumn) -> types::TargetColumn {
    types::TargetColumn {
        name: column.name,
        native_type: column.native_type,
        logical_type: logical_type(column.logical_type),
        nullable: column.nullable,
        primary_key: column.primary_key,
    }
}

pub(super) fn column(column: Column) -> wit::Column {
    wit::Column {
        name: column.name,
        logical_type: logical_type(column.logical_type),
        native_type: String::new(),
    }
}

pub(super) fn counted(counted: Counted) -> wit::Counted {
    wit::Counted { value: counted.total, exact: !counted.approximate }
}

pub(super) fn page(end: End) -> types::Page {
    let kind = |kind| match kind {
        CursorKind::Keyset => types::CursorKind::Keyset,
        CursorKind::Offset => types::CursorKind::Offset,
        CursorKind::Scan => types::CursorKind::Scan,
    };
    let next_cursor = end.next_cursor.map(|(text, of)| types::Cursor { text, kind: kind(of) });
    types::Page { next_cursor }
}

fn logical_type(logical_type: LogicalType) -> types::LogicalType {
    match logical_type {
        LogicalType::Boolean => types::LogicalType::Boolean,
        LogicalType::Integer => types::LogicalType::Integer,
        LogicalType::Float => types::LogicalType::Float,
        LogicalType::Decimal => types::LogicalType::Decimal,
        LogicalType::Text => types::LogicalType::Text,
        LogicalType::Bytes => types::LogicalType::Bytes,
        LogicalType::Date => types::LogicalType::Date,
        LogicalType::Time => types::LogicalType::Time,
        LogicalType::Timestamp => types::LogicalType::Timestamp,
        LogicalType::TimestampTz => types::LogicalType::TimestampTz,
        LogicalType::Uuid => types::LogicalType::Uuid,
        LogicalType::Json => types::LogicalType::Json,
        LogicalType::Array => types::LogicalType::Array,
        LogicalType::Geometry => types::LogicalType::Geometry,
        LogicalType::Unknown => types::LogicalType::Unknown,
    }
}

pub(super) fn error(error: Error) -> wit::Error {
    use types::ErrorKind;

    let forbidden = error.detail().contains_key(FORBIDDEN);
    let kind = match error.code() {
        ErrorCode::InvalidJob => ErrorKind::InvalidRequest,
        ErrorCode::UnsupportedJob | ErrorCode::UnsupportedOperator => ErrorKind::Unsupported,
        ErrorCode::SourceUnreachable => ErrorKind::Unreachable,
        ErrorCode::SourceAuthFailed => ErrorKind::Unauthenticated,
        ErrorCode::SourceQueryFailed if forbidden => ErrorKind::Forbidden,
        ErrorCode::SourceQueryFailed => ErrorKind::QueryFailed,
        ErrorCode::InvalidTarget => ErrorKind::NotFound,
        ErrorCode::QueryTimeout => ErrorKind::Timeout,
        ErrorCode::ResultTooLarge => ErrorKind::ResourceExhausted,
        ErrorCode::SourceNotConfigured => ErrorKind::Misconfigured,
        _ => ErrorKind::Internal,
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let detail = error.detail().iter();
    let code = match error.code() {
        ErrorCode::UnsupportedOperator => ErrorCode::UnsupportedOperator.as_str().to_owned(),
        _ => error.detail().get(NATIVE_CODE).map(text).unwrap_or_default(),
    };
    wit::Error {
        kind,
        code,
        message: error.message().to_owned(),
        retryable: error.retryable(),
        detail: detail
            .filter(|(name, _)| !matches!(name.as_str(), NATIVE_CODE | FORBIDDEN))
            .map(|(name, value)| (name.clone(), text(value)))
            .collect(),
    }
}

/// Where an error keeps the database's own code.
const NATIVE_CODE: &str = "nativeCode";
