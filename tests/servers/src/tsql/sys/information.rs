//! `INFORMATION_SCHEMA`.

use super::types::sizes;
use super::{NAME, SystemView, columns_of, count, int, text};
use crate::tsql::catalog::{Database, ObjectKind};
use crate::tsql::types::{Family, Length, SqlType};
use crate::tsql::value::Value;

pub(super) fn tables(name: &str, database: &Database) -> SystemView {
    let columns = columns_of(&[
        ("TABLE_CATALOG?", NAME),
        ("TABLE_SCHEMA?", NAME),
        ("TABLE_NAME", NAME),
        ("TABLE_TYPE?", SqlType::VarChar(Length::Of(10))),
    ]);
    let rows = database.objects.iter().filter_map(|object| {
        let kind = match object.kind {
            ObjectKind::Table(_) => "BASE TABLE",
            ObjectKind::View(_) => "VIEW",
            ObjectKind::Synonym(_) => return None,
        };
        Some(vec![text(name), text(&object.schema), text(&object.name), text(kind)])
    });
    SystemView { columns, rows: rows.collect() }
}

pub(super) fn columns(name: &str, database: &Database) -> SystemView {
    let columns = columns_of(&[
        ("TABLE_CATALOG?", NAME),
        ("TABLE_SCHEMA?", NAME),
        ("TABLE_NAME", NAME),
        ("COLUMN_NAME?", NAME),
        ("ORDINAL_POSITION?", SqlType::Int),
        ("IS_NULLABLE?", SqlType::VarChar(Length::Of(3))),
        ("DATA_TYPE?", NAME),
        ("CHARACTER_MAXIMUM_LENGTH?", SqlType::Int),
        ("NUMERIC_PRECISION?", SqlType::TinyInt),
        ("NUMERIC_SCALE?", SqlType::Int),
        ("DATETIME_PRECISION?", SqlType::SmallInt),
        ("COLLATION_NAME?", NAME),
    ]);
    let mut rows = Vec::new();
    for object in &database.objects {
        let of_object = match &object.kind {
            ObjectKind::Table(table) => &table.columns,
            ObjectKind::View(view) => &view.columns,
            ObjectKind::Synonym(_) => continue,
        };
        for (position, column) in of_object.iter().enumerate() {
            let (_, precision, scale) = sizes(column.ty);
            let length = match column.ty.family() {
                Family::Text | Family::Bytes => {
                    let length = column.ty.text_length();
                    if length == usize::MAX { int(-1) } else { count(length) }
                }
                _ => Value::Null,
            };
            let is_number = column.ty.is_number() && column.ty != SqlType::Bit;
            let is_moment = column.ty.family() == Family::Moment;
            rows.push(vec![
                text(name),
                text(&object.schema),
                text(&object.name),
                text(&column.name),
                count(position + 1),
                text(if column.nullable { "YES" } else { "NO" }),
                text(column.ty.name()),
                length,
                if is_number { int(precision) } else { Value::Null },
                if is_number { int(scale) } else { Value::Null },
                if is_moment { int(scale) } else { Value::Null },
                column.collation_name.as_deref().map_or(Value::Null, text),
            ]);
        }
    }
    SystemView { columns, rows }
}
