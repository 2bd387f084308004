//! What a declared type says of a column.

use connector_model::target::LogicalType;

/// What a column of this declared type holds: SQLite's affinity rules (sqlite.org/datatype3.html, 3.1) where they
/// say something, else what the word says. Dates are texts, as that is how SQLite's own functions write them.
pub fn logical(declared: &str) -> LogicalType {
    const WORDS: [(&str, LogicalType); 21] = [
        ("JSON", LogicalType::Json),
        ("INT", LogicalType::Integer),
        ("CHAR", LogicalType::Text),
        ("CLOB", LogicalType::Text),
        ("TEXT", LogicalType::Text),
        ("BLOB", LogicalType::Bytes),
        ("REAL", LogicalType::Float),
        ("FLOA", LogicalType::Float),
        ("DOUB", LogicalType::Float),
        ("BOOL", LogicalType::Boolean),
        ("DATE", LogicalType::Text),
        ("TIME", LogicalType::Text),
        ("DEC", LogicalType::Decimal),
        ("NUM", LogicalType::Decimal),
        ("MONEY", LogicalType::Decimal),
        ("STRING", LogicalType::Text),
        ("ENUM", LogicalType::Text),
        ("UUID", LogicalType::Text),
        ("GUID", LogicalType::Text),
        ("UNIQUEIDENTIFIER", LogicalType::Text),
        ("BINARY", LogicalType::Bytes),
    ];
    let declared = declared.to_ascii_uppercase();
    let found = WORDS.iter().find(|(word, _)| declared.contains(word));
    found.map_or(LogicalType::Unknown, |(_, logical)| *logical)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declared_types_follow_the_affinity_rules() {
        use LogicalType::{Boolean, Bytes, Decimal, Float, Integer, Json, Text, Unknown};
        for (declared, expected) in [
            ("INTEGER", Integer),
            ("unsigned big int", Integer),
            ("VARCHAR(255)", Text),
            ("native character(70)", Text),
            ("CHARINT", Integer),
            ("BLOB", Bytes),
            ("DOUBLE PRECISION", Float),
            ("FLOATING POINT", Integer),
            ("BOOLEAN", Boolean),
            ("DATETIME", Text),
            ("TIMESTAMP WITH TIME ZONE", Text),
            ("DECIMAL(10,5)", Decimal),
            ("NUMERIC", Decimal),
            ("JSON", Json),
            ("jsonb", Json),
            ("UUID", Text),
            ("VARBINARY(16)", Bytes),
            ("", Unknown),
            ("ANY", Unknown),
        ] {
            assert_eq!(logical(declared), expected, "{declared}");
        }
    }
}
