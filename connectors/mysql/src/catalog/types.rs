//! What a declared type means.

use connector_model::target::LogicalType;

use crate::types::{Binary, Decoder};
use crate::wire::ResultColumn;

/// A column's meaning and its type in the server's words: from what the server says its values will be, and from what
/// it was declared as.
pub(super) fn meaning(declared: &str, result: &ResultColumn) -> (LogicalType, String) {
    let decoder = Decoder::of(result, Binary::Base64);
    let logical = match decoder.logical_type() {
        // So booleans are declared, and nothing else tells them from numbers.
        LogicalType::Integer if is_boolean(declared) => LogicalType::Boolean,
        // An enumeration is ordered by position and compared by text: it has no order that a page could resume in.
        LogicalType::Text if is_enumerated(declared) => LogicalType::Unknown,
        LogicalType::Text if is_address(declared) => LogicalType::Unknown,
        logical => logical,
    };
    // MariaDB calls a JSON column by the name of the text it is kept in.
    let native = match (logical, declared) {
        (LogicalType::Json, "longtext") => "json".to_owned(),
        _ => declared.to_owned(),
    };
    (logical, native)
}

fn is_boolean(declared: &str) -> bool {
    matches!(declared, "tinyint(1)" | "bit(1)")
}

fn is_enumerated(declared: &str) -> bool {
    declared.starts_with("enum(") || declared.starts_with("set(")
}

fn is_address(declared: &str) -> bool {
    matches!(declared, "inet4" | "inet6")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{ColumnFormat, ColumnType};

    fn result(kind: ColumnType, format: ColumnFormat) -> ResultColumn {
        ResultColumn { kind, format, unsigned: false, binary: false }
    }

    #[test]
    fn declarations_decide_where_values_do_not() {
        let plain = |kind, declared| meaning(declared, &result(kind, ColumnFormat::Plain)).0;
        assert_eq!(plain(ColumnType::Tiny, "tinyint(1)"), LogicalType::Boolean);
        assert_eq!(plain(ColumnType::Tiny, "tinyint(4)"), LogicalType::Integer);
        assert_eq!(plain(ColumnType::Bit, "bit(1)"), LogicalType::Boolean);
        assert_eq!(plain(ColumnType::Bit, "bit(9)"), LogicalType::Integer);
        assert_eq!(plain(ColumnType::String, "enum('a','b')"), LogicalType::Unknown);
        assert_eq!(plain(ColumnType::String, "varchar(9)"), LogicalType::Text);
        let json = meaning("longtext", &result(ColumnType::String, ColumnFormat::Json));
        assert_eq!(json, (LogicalType::Json, "json".to_owned()));
    }
}
