//! The tables that requests are made for.

use connector_model::target::LogicalType;
use connector_sql::{Reading, Table, TableColumn};

pub(crate) fn column(name: &str, logical_type: LogicalType, native: &str, nullable: bool) -> TableColumn {
    TableColumn {
        name: name.into(),
        logical_type,
        native_type: native.into(),
        nullable,
        reading: match logical_type {
            LogicalType::Geometry | LogicalType::Unknown => Reading::AsText,
            _ => Reading::Native,
        },
        qualified: None,
    }
}

/// One nullable column of every logical type, behind an integer key.
pub(crate) fn everything() -> Table {
    use LogicalType as L;
    let columns = vec![
        column("id", L::Integer, "bigint", false),
        column("boolean", L::Boolean, "boolean", true),
        column("integer", L::Integer, "integer", true),
        column("float", L::Float, "double precision", true),
        column("real", L::Float, "real", true),
        column("decimal", L::Decimal, "numeric", true),
        column("text", L::Text, "text", true),
        column("bytes", L::Bytes, "bytea", true),
        column("date", L::Date, "date", true),
        column("time", L::Time, "time without time zone", true),
        column("timestamp", L::Timestamp, "timestamp without time zone", true),
        column("timestamptz", L::TimestampTz, "timestamp with time zone", true),
        column("uuid", L::Uuid, "uuid", true),
        column("json", L::Json, "jsonb", true),
        column("array", L::Array, "integer[]", true),
        column("geometry", L::Geometry, "geometry", true),
        column("unknown", L::Unknown, "tsvector", true),
    ];
    table("everything", columns, &[0])
}

pub(crate) fn table(name: &str, columns: Vec<TableColumn>, key: &[usize]) -> Table {
    Table { name: name.into(), path: vec!["s".into(), name.into()], columns, key: key.to_vec() }
}

/// Two key columns, two others that may be NULL.
pub(crate) fn composite() -> Table {
    use LogicalType as L;
    let columns = vec![
        column("a", L::Integer, "bigint", false),
        column("b", L::Text, "text", false),
        column("n", L::Integer, "integer", true),
        column("m", L::Text, "text", true),
    ];
    table("composite", columns, &[1, 0])
}

/// Names that need their quotes.
pub(crate) fn quoted() -> Table {
    use LogicalType as L;
    let columns = vec![
        column("sel\"ect", L::Integer, "bigint", false),
        column("a`b", L::Text, "text", true),
        column("c.d'; --", L::Text, "text", true),
    ];
    table("we\"ird`.t", columns, &[0])
}

/// No key at all.
pub(crate) fn keyless() -> Table {
    use LogicalType as L;
    let columns = vec![
        column("a", L::Integer, "bigint", true),
        column("doc", L::Json, "jsonb", true),
        column("b", L::Text, "text", true),
    ];
    table("keyless", columns, &[])
}
