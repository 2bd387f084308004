//! Targets (tables, views …) and their columns.

use serde::{Deserialize, Serialize};

/// What kind of thing a column's value is, whatever the engine calls its type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogicalType {
    /// True or false.
    Boolean,
    /// A whole number.
    Integer,
    /// A binary floating-point number.
    Float,
    /// An exact decimal number.
    Decimal,
    /// Text.
    Text,
    /// Bytes.
    Bytes,
    /// A calendar day.
    Date,
    /// A time of day.
    Time,
    /// A date and time without a zone, read as UTC.
    Timestamp,
    /// A moment in time.
    TimestampTz,
    /// A UUID.
    Uuid,
    /// A JSON document.
    Json,
    /// An array.
    Array,
    /// A geometry.
    Geometry,
    /// Anything else; compared and shown as the engine's text.
    Unknown,
}

impl LogicalType {
    /// Whether an order by this type means anything in every engine.
    pub fn orderable(self) -> bool {
        !matches!(self, LogicalType::Json | LogicalType::Array | LogicalType::Geometry | LogicalType::Unknown)
    }
}

/// One column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its name: the key in every row object.
    pub name: String,
    /// What kind of value it holds.
    pub logical_type: LogicalType,
}

/// One thing that can be read: an entry of `listTargets`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// What other jobs take as `target`.
    pub name: String,
    /// `table`, `view`, or the engine's own word for something else.
    pub kind: String,
    /// The schema it lives in, where the engine has schemas.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<String>,
    /// The engine's own estimate; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub estimated_rows: Option<u64>,
}

/// Where a target is, in the catalogue's own spelling.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The schema; `None` where the database has none.
    pub schema: Option<String>,
    /// The target's name in it.
    pub name: String,
}

/// One column as `introspectTarget` shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetColumn {
    /// Its name.
    pub name: String,
    /// Its type in the engine's own words.
    #[serde(rename = "type")]
    pub native_type: String,
    /// Whether it can hold NULL.
    pub nullable: bool,
    /// Whether it is part of the primary key.
    pub primary_key: bool,
    /// What kind of value it holds: for whoever computes with what a query returns. Jobs are not shown it.
    #[serde(skip)]
    pub logical_type: LogicalType,
}

/// The one row that `introspectTarget` answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct TargetSchema {
    /// The target's name as `listTargets` shows it.
    pub name: String,
    /// `table`, `view`, …
    pub kind: String,
    /// Its columns in the engine's order.
    pub columns: Vec<TargetColumn>,
    /// The primary key's columns in key order; empty when there is none.
    pub primary_key: Vec<String>,
    /// The columns that tell rows apart: the primary key's, else those of a unique index without NULLs; empty when there
    /// is neither. Jobs are not shown it.
    #[serde(skip)]
    pub key: Vec<String>,
    /// The engine's estimate of how many rows there are; absent where it has none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub row_count: Option<u64>,
}
