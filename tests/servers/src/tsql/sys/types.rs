//! `sys.types`.

use super::{NAME, SystemView, bit, columns_of, int, text};
use crate::tsql::types::{Collation, SqlType};
use crate::tsql::value::Value;

/// Every type's name.
pub(crate) const TYPE_NAMES: [&str; 34] = [
    "image",
    "text",
    "uniqueidentifier",
    "date",
    "time",
    "datetime2",
    "datetimeoffset",
    "tinyint",
    "smallint",
    "int",
    "smalldatetime",
    "real",
    "money",
    "datetime",
    "float",
    "sql_variant",
    "ntext",
    "bit",
    "decimal",
    "numeric",
    "smallmoney",
    "bigint",
    "hierarchyid",
    "geometry",
    "geography",
    "varbinary",
    "varchar",
    "binary",
    "char",
    "timestamp",
    "nvarchar",
    "nchar",
    "xml",
    "sysname",
];

/// The numbers `system_type_id` and `user_type_id` of a type.
pub(crate) fn type_id(name: &str) -> (u8, i32) {
    let id = match name {
        "image" => 34,
        "text" => 35,
        "uniqueidentifier" => 36,
        "date" => 40,
        "time" => 41,
        "datetime2" => 42,
        "datetimeoffset" => 43,
        "tinyint" => 48,
        "smallint" => 52,
        "int" | "integer" => 56,
        "smalldatetime" => 58,
        "real" => 59,
        "money" => 60,
        "datetime" => 61,
        "float" | "double" => 62,
        "sql_variant" => 98,
        "ntext" => 99,
        "bit" => 104,
        "decimal" | "dec" => 106,
        "numeric" => 108,
        "smallmoney" => 122,
        "bigint" => 127,
        "hierarchyid" => return (240, 128),
        "geometry" => return (240, 129),
        "geography" => return (240, 130),
        "varbinary" => 165,
        "varchar" => 167,
        "binary" => 173,
        "char" => 175,
        "timestamp" => 189,
        "nvarchar" => 231,
        "nchar" => 239,
        "sysname" => return (231, 256),
        _ => 241,
    };
    (id, i32::from(id))
}

/// `max_length`, `precision` and `scale` as the catalogue tells them.
pub(super) fn sizes(ty: SqlType) -> (i16, u8, u8) {
    use crate::tsql::types::Length;
    let clock = |scale: u8| match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    };
    let fraction = |scale: u8| if scale == 0 { 0 } else { scale + 1 };
    let bytes = |length: u16| i16::try_from(length).unwrap_or(i16::MAX);
    let of = |length: Length, unit: u16| match length {
        Length::Of(length) => bytes(length * unit),
        Length::Max => -1,
    };
    match ty {
        SqlType::Bit | SqlType::Boolean => (1, 1, 0),
        SqlType::TinyInt => (1, 3, 0),
        SqlType::SmallInt => (2, 5, 0),
        SqlType::Int | SqlType::Null => (4, 10, 0),
        SqlType::BigInt => (8, 19, 0),
        SqlType::Real => (4, 24, 0),
        SqlType::Float => (8, 53, 0),
        SqlType::Decimal(precision, scale) => {
            let width = match precision {
                0..=9 => 5,
                10..=19 => 9,
                20..=28 => 13,
                _ => 17,
            };
            (width, precision, scale)
        }
        SqlType::SmallMoney => (4, 10, 4),
        SqlType::Money => (8, 19, 4),
        SqlType::Date => (3, 10, 0),
        SqlType::Time(scale) => (clock(scale), 8 + fraction(scale), scale),
        SqlType::SmallDateTime => (4, 16, 0),
        SqlType::DateTime => (8, 23, 3),
        SqlType::DateTime2(scale) => (clock(scale) + 3, 19 + fraction(scale), scale),
        SqlType::DateTimeOffset(scale) => (clock(scale) + 5, 26 + fraction(scale), scale),
        SqlType::Char(length) | SqlType::Binary(length) => (bytes(length), 0, 0),
        SqlType::NChar(length) => (bytes(length * 2), 0, 0),
        SqlType::VarChar(length) | SqlType::VarBinary(length) => (of(length, 1), 0, 0),
        SqlType::NVarChar(length) => (of(length, 2), 0, 0),
        SqlType::Text | SqlType::NText | SqlType::Image => (16, 0, 0),
        SqlType::Xml => (-1, 0, 0),
        SqlType::UniqueIdentifier => (16, 0, 0),
        SqlType::Variant => (8_016, 0, 0),
    }
}

pub(super) fn types() -> SystemView {
    let columns = columns_of(&[
        ("name", NAME),
        ("system_type_id", SqlType::TinyInt),
        ("user_type_id", SqlType::Int),
        ("schema_id", SqlType::Int),
        ("max_length", SqlType::SmallInt),
        ("precision", SqlType::TinyInt),
        ("scale", SqlType::TinyInt),
        ("collation_name?", NAME),
        ("is_nullable?", SqlType::Bit),
        ("is_user_defined", SqlType::Bit),
        ("is_assembly_type", SqlType::Bit),
        ("is_table_type", SqlType::Bit),
    ]);
    let row = |name: &&str| {
        let (system, user) = type_id(name);
        let textual =
            matches!(*name, "text" | "ntext" | "varchar" | "char" | "nvarchar" | "nchar" | "sysname");
        let collation = if textual { text(Collation::DEFAULT_NAME) } else { Value::Null };
        vec![
            text(name),
            int(system),
            int(user),
            int(4),
            int(8),
            int(0),
            int(0),
            collation,
            bit(*name != "sysname"),
            bit(false),
            bit(matches!(*name, "hierarchyid" | "geometry" | "geography")),
            bit(false),
        ]
    };
    SystemView { columns, rows: TYPE_NAMES.iter().map(row).collect() }
}
