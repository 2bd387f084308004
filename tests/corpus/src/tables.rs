//! The tables that the input is held against.

use connector_model::target::LogicalType;
use connector_sql::{Reading, Table, TableColumn};

fn column(name: &str, logical_type: LogicalType, native: &str, nullable: bool) -> TableColumn {
    TableColumn {
        name: name.to_owned(),
        logical_type,
        native_type: native.to_owned(),
        nullable,
        reading: Reading::Native,
        qualified: None,
    }
}

fn table(columns: Vec<TableColumn>, key: Vec<usize>) -> Table {
    Table { name: "t".to_owned(), path: vec!["s".to_owned(), "t".to_owned()], columns, key }
}

/// A column of every kind behind an integer key.
pub(crate) fn keyed() -> Table {
    use LogicalType as L;
    let columns = vec![
        column("id", L::Integer, "bigint", false),
        column("a", L::Text, "text", true),
        column("b", L::Integer, "integer", true),
        column("c", L::Decimal, "numeric", true),
        column("d", L::Float, "double precision", true),
        column("e", L::Boolean, "boolean", true),
        column("f", L::Date, "date", true),
        column("g", L::Timestamp, "timestamp", true),
        column("h", L::TimestampTz, "timestamptz", true),
        column("i", L::Time, "time", true),
        column("j", L::Uuid, "uuid", true),
        column("k", L::Bytes, "bytea", true),
        column("l", L::Json, "json", true),
        column("m", L::Unknown, "inet", true),
        column("we\"ir`d].'x", L::Text, "text", true),
    ];
    table(columns, vec![0])
}

/// The same without a key.
pub(crate) fn keyless() -> Table {
    Table { key: Vec::new(), ..keyed() }
}

/// A key of a text, a moment and an integer.
pub(crate) fn composite() -> Table {
    use LogicalType as L;
    let columns = vec![
        column("a", L::Text, "text", false),
        column("g", L::Timestamp, "timestamp", false),
        column("id", L::Integer, "bigint", false),
        column("n", L::Decimal, "numeric", true),
    ];
    table(columns, vec![0, 1, 2])
}
