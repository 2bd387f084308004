//! What a guest answers, as the model's types.

use connector_model::cursor::CursorKind;
use connector_model::target::{Column, LogicalType, Target, TargetColumn, TargetSchema};

use crate::bindings::semilayer::connector::types as wit;

/// The most characters of what a server says of itself.
pub(crate) const MAX_SERVER: usize = 200;

pub(crate) fn target(target: wit::Target) -> Target {
    let wit::Target { name, schema, kind, estimated_rows } = target;
    Target { name, kind, schema, estimated_rows }
}

pub(crate) fn schema(schema: wit::TargetSchema) -> TargetSchema {
    let wit::TargetSchema { name, kind, columns, primary_key, key, row_count } = schema;
    let columns = columns.into_iter().map(target_column).collect();
    TargetSchema { name, kind, columns, primary_key, key, row_count }
}

fn target_column(column: wit::TargetColumn) -> TargetColumn {
    let wit::TargetColumn { name, native_type, logical_type, nullable, primary_key } = column;
    TargetColumn { name, native_type, nullable, primary_key, logical_type: self::logical_type(logical_type) }
}

pub(crate) fn column(column: wit::Column) -> Column {
    Column { name: column.name, logical_type: logical_type(column.logical_type) }
}

pub(crate) fn cursor_kind(kind: wit::CursorKind) -> CursorKind {
    match kind {
        wit::CursorKind::Keyset => CursorKind::Keyset,
        wit::CursorKind::Offset => CursorKind::Offset,
        wit::CursorKind::Scan => CursorKind::Scan,
    }
}

fn logical_type(logical_type: wit::LogicalType) -> LogicalType {
    match logical_type {
        wit::LogicalType::Boolean => LogicalType::Boolean,
        wit::LogicalType::Integer => LogicalType::Integer,
        wit::LogicalType::Float => LogicalType::Float,
        wit::LogicalType::Decimal => LogicalType::Decimal,
        wit::LogicalType::Text => LogicalType::Text,
        wit::LogicalType::Bytes => LogicalType::Bytes,
        wit::LogicalType::Date => LogicalType::Date,
        wit::LogicalType::Time => LogicalType::Time,
        wit::LogicalType::Timestamp => LogicalType::Timestamp,
        wit::LogicalType::TimestampTz => LogicalType::TimestampTz,
        wit::LogicalType::Uuid => LogicalType::Uuid,
        wit::LogicalType::Json => LogicalType::Json,
        wit::LogicalType::Array => LogicalType::Array,
        wit::LogicalType::Geometry => LogicalType::Geometry,
        wit::LogicalType::Unknown => LogicalType::Unknown,
    }
}
