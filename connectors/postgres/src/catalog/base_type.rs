//! What a column's values are, and how they are fetched.

use connector_model::target::LogicalType;
use connector_sql::Reading;

use crate::types::{Binary, Decoder};

/// The first object id that is no built-in type's (src/include/access/transam.h).
const FIRST_ADDED: u32 = 16_384;

/// A column's type, below any domain.
pub(super) struct BaseType {
    pub(super) oid: u32,
    /// `pg_type.typcategory`.
    pub(super) category: String,
    /// `pg_type.typname`.
    pub(super) name: String,
    /// `pg_type.typtype`.
    pub(super) kind: String,
}

impl BaseType {
    pub(super) fn logical_type(&self) -> LogicalType {
        match self.oid {
            16 => LogicalType::Boolean,
            20 | 21 | 23 | 26 => LogicalType::Integer,
            700 | 701 => LogicalType::Float,
            1700 | 790 => LogicalType::Decimal,
            18 | 19 | 25 | 1042 | 1043 => LogicalType::Text,
            17 => LogicalType::Bytes,
            1082 => LogicalType::Date,
            1083 => LogicalType::Time,
            1114 => LogicalType::Timestamp,
            1184 => LogicalType::TimestampTz,
            2950 => LogicalType::Uuid,
            114 | 3802 => LogicalType::Json,
            600..=604 => LogicalType::Geometry,
            _ if self.category == "A" => LogicalType::Array,
            _ if self.is_postgis() => LogicalType::Geometry,
            _ => LogicalType::Unknown,
        }
    }

    /// Natively where the binary form is known here. Everything else (enums, composites, types of extensions) goes as
    /// the server's text, so that every result column has a type that is built in.
    pub(super) fn reading(&self) -> Reading {
        match (Decoder::for_oid(self.oid, Binary::Base64), self.category.as_str()) {
            (Some(_), _) => Reading::Native,
            (None, _) if self.is_postgis() => Reading::AsWkb,
            (None, "A") => Reading::AsTextArray,
            (None, _) => Reading::AsText,
        }
    }

    /// The name that SQL about it goes by, where it matters what is below a domain.
    pub(super) fn said_as(&self) -> Option<&'static str> {
        Some(match self.oid {
            700 => "real",
            790 => "money",
            791 => "money[]",
            869 => "inet",
            _ => return None,
        })
    }

    /// PostGIS's types, and arrays of them; CockroachDB's own have their names.
    fn is_postgis(&self) -> bool {
        let element =
            if self.category == "A" { self.name.strip_prefix('_') } else { Some(self.name.as_str()) };
        self.oid >= FIRST_ADDED && self.kind == "b" && matches!(element, Some("geometry" | "geography"))
    }
}
