//! A column's type: as T-SQL declares it, what its values are, and how they are fetched.

use connector_model::target::LogicalType;
use connector_sql::Reading;

/// What `sys.columns` and `sys.types` say of a column.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'r> {
    /// The type's name; of an alias type, the name of what it stands for.
    pub(super) base: &'r str,
    /// Whether it is a CLR type.
    pub(super) assembly: bool,
    /// Bytes; -1 is `max`.
    pub(super) length: i64,
    pub(super) precision: i64,
    pub(super) scale: i64,
    pub(super) collation: Option<&'r str>,
}

impl Facts<'_> {
    /// The type as it would stand in `CREATE TABLE`; the collation only where it is not the database's own.
    pub(super) fn declared(&self, database_collation: &str) -> String {
        let Facts { base, length, precision, scale, .. } = *self;
        let sized =
            |length: i64| if length < 0 { format!("{base}(max)") } else { format!("{base}({length})") };
        let declared = match base {
            "char" | "varchar" | "binary" | "varbinary" => sized(length),
            "nchar" | "nvarchar" => sized(if length < 0 { length } else { length / 2 }),
            "decimal" | "numeric" => format!("{base}({precision},{scale})"),
            "time" | "datetime2" | "datetimeoffset" => format!("{base}({scale})"),
            _ => base.to_owned(),
        };
        match self.collation {
            Some(collation) if collation != database_collation && self.is_text() => {
                format!("{declared} COLLATE {collation}")
            }
            _ => declared,
        }
    }

    fn is_text(&self) -> bool {
        matches!(self.base, "char" | "varchar" | "text" | "nchar" | "nvarchar" | "ntext")
    }

    /// What its values are.
    pub(super) fn logical_type(&self) -> LogicalType {
        match self.base {
            "geometry" | "geography" => LogicalType::Geometry,
            _ if self.assembly => LogicalType::Unknown,
            "bit" => LogicalType::Boolean,
            "tinyint" | "smallint" | "int" | "bigint" => LogicalType::Integer,
            "real" | "float" => LogicalType::Float,
            "decimal" | "numeric" | "money" | "smallmoney" => LogicalType::Decimal,
            "char" | "varchar" | "text" | "nchar" | "nvarchar" | "ntext" => LogicalType::Text,
            "binary" | "varbinary" | "image" | "timestamp" | "rowversion" => LogicalType::Bytes,
            "date" => LogicalType::Date,
            "time" => LogicalType::Time,
            "datetime" | "smalldatetime" | "datetime2" => LogicalType::Timestamp,
            "datetimeoffset" => LogicalType::TimestampTz,
            "uniqueidentifier" => LogicalType::Uuid,
            "json" => LogicalType::Json,
            _ => LogicalType::Unknown,
        }
    }

    /// How they are fetched: as they are, or as the server's text.
    pub(super) fn reading(&self) -> Reading {
        match self.base {
            "geometry" | "geography" => Reading::AsWkb,
            _ if self.assembly => Reading::AsText,
            // Only the code page that every one of these collations has is read here; the server knows them all.
            "char" | "varchar" if !self.collation.is_some_and(is_windows_1252) => Reading::AsText,
            "xml" | "sql_variant" => Reading::Native,
            _ if self.logical_type() == LogicalType::Unknown => Reading::AsText,
            "json" | "text" | "ntext" | "image" => Reading::AsText,
            _ => Reading::Native,
        }
    }
}

/// Whether texts of this collation are in Windows code page 1252.
fn is_windows_1252(collation: &str) -> bool {
    let latin = collation.starts_with("Latin1_General_") || collation.starts_with("SQL_Latin1_General_CP1_");
    latin && !collation.ends_with("_UTF8")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn facts(base: &'static str, length: i64, precision: i64, scale: i64) -> Facts<'static> {
        let collation = matches!(base, "varchar" | "nvarchar").then_some("Latin1_General_100_CI_AS");
        Facts { base, assembly: false, length, precision, scale, collation }
    }

    #[test]
    fn a_type_is_shown_as_it_is_declared() {
        let database = "Latin1_General_100_CI_AS";
        assert_eq!(facts("nvarchar", 100, 0, 0).declared(database), "nvarchar(50)");
        assert_eq!(facts("nvarchar", -1, 0, 0).declared(database), "nvarchar(max)");
        assert_eq!(
            facts("varchar", 50, 0, 0).declared("Japanese_CI_AS"),
            "varchar(50) COLLATE Latin1_General_100_CI_AS"
        );
        assert_eq!(facts("decimal", 9, 10, 2).declared(database), "decimal(10,2)");
        assert_eq!(facts("datetime2", 8, 27, 7).declared(database), "datetime2(7)");
        assert_eq!(facts("float", 8, 53, 0).declared(database), "float");
    }

    #[test]
    fn text_in_a_code_page_that_is_not_read_here_is_fetched_as_unicode() {
        let with = |collation| Facts { collation: Some(collation), ..facts("varchar", 10, 0, 0) };
        for collation in ["SQL_Latin1_General_CP1_CI_AS", "Latin1_General_100_BIN2"] {
            assert_eq!(with(collation).reading(), Reading::Native, "{collation}");
        }
        for collation in
            ["Latin1_General_100_CI_AS_SC_UTF8", "Cyrillic_General_CI_AS", "SQL_Latin1_General_CP437_CI_AS"]
        {
            assert_eq!(with(collation).reading(), Reading::AsText, "{collation}");
        }
    }

    #[test]
    fn what_is_not_known_is_text() {
        let clr = Facts { assembly: true, ..facts("Point3", -1, 0, 0) };
        assert_eq!((clr.logical_type(), clr.reading()), (LogicalType::Unknown, Reading::AsText));
        assert_eq!(facts("vector", 8, 0, 0).reading(), Reading::AsText);
        assert_eq!(facts("xml", -1, 0, 0).reading(), Reading::Native);
    }
}
