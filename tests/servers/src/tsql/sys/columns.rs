//! `sys.columns`.

use super::types::{sizes, type_id};
use super::{NAME, SystemView, bit, columns_of, count, int, text};
use crate::tsql::catalog::{Column, Database, ObjectKind};
use crate::tsql::types::SqlType;
use crate::tsql::value::{Row, Value};

pub(super) fn columns(database: &Database) -> SystemView {
    let columns = columns_of(&[
        ("object_id", SqlType::Int),
        ("name?", NAME),
        ("column_id", SqlType::Int),
        ("system_type_id", SqlType::TinyInt),
        ("user_type_id", SqlType::Int),
        ("max_length", SqlType::SmallInt),
        ("precision", SqlType::TinyInt),
        ("scale", SqlType::TinyInt),
        ("collation_name?", NAME),
        ("is_nullable?", SqlType::Bit),
        ("is_ansi_padded", SqlType::Bit),
        ("is_rowguidcol", SqlType::Bit),
        ("is_identity", SqlType::Bit),
        ("is_computed", SqlType::Bit),
        ("default_object_id", SqlType::Int),
        ("is_sparse?", SqlType::Bit),
        ("is_column_set?", SqlType::Bit),
        ("is_hidden?", SqlType::Bit),
        ("is_masked", SqlType::Bit),
        ("encryption_type?", SqlType::Int),
        ("generated_always_type?", SqlType::TinyInt),
    ]);
    let mut rows = Vec::new();
    for object in &database.objects {
        let of_object = match &object.kind {
            ObjectKind::Table(table) => &table.columns,
            ObjectKind::View(view) => &view.columns,
            ObjectKind::Synonym(_) => continue,
        };
        rows.extend(
            of_object.iter().enumerate().map(|(position, column)| row(object.id, position + 1, column)),
        );
    }
    SystemView { columns, rows }
}

fn row(object: i32, position: usize, column: &Column) -> Row {
    // Types with several names are known by the declared one, where it is one of the catalogue's.
    let declared = match column.type_name.as_str() {
        name @ ("numeric" | "sysname") => name,
        _ => column.ty.name(),
    };
    let (system, user) = type_id(declared);
    let (length, precision, scale) = sizes(column.ty);
    vec![
        int(object),
        text(&column.name),
        count(position),
        int(system),
        int(user),
        int(length),
        int(precision),
        int(scale),
        column.collation_name.as_deref().map_or(Value::Null, text),
        bit(column.nullable),
        bit(true),
        bit(false),
        bit(column.identity.is_some()),
        bit(column.computed.is_some()),
        int(0),
        bit(false),
        bit(false),
        bit(false),
        bit(false),
        Value::Null,
        int(0),
    ]
}
