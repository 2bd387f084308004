//! `sys.indexes` and what tells of rows.

use super::{NAME, SystemView, bit, columns_of, count, created, int, text};
use crate::tsql::catalog::{Database, Object, ObjectKind, Table};
use crate::tsql::types::SqlType;
use crate::tsql::value::Value;

fn tables(database: &Database) -> impl Iterator<Item = (&Object, &Table)> {
    database.objects.iter().filter_map(|object| match &object.kind {
        ObjectKind::Table(table) => Some((object, table)),
        _ => None,
    })
}

fn has_heap(table: &Table) -> bool {
    !table.indexes.iter().any(|index| index.clustered)
}

pub(super) fn indexes(database: &Database) -> SystemView {
    let columns = columns_of(&[
        ("object_id", SqlType::Int),
        ("name?", NAME),
        ("index_id", SqlType::Int),
        ("type", SqlType::TinyInt),
        ("type_desc?", SqlType::nvarchar(60)),
        ("is_unique?", SqlType::Bit),
        ("data_space_id?", SqlType::Int),
        ("ignore_dup_key?", SqlType::Bit),
        ("is_primary_key?", SqlType::Bit),
        ("is_unique_constraint?", SqlType::Bit),
        ("is_disabled?", SqlType::Bit),
        ("is_hypothetical?", SqlType::Bit),
        ("has_filter?", SqlType::Bit),
        ("filter_definition?", SqlType::nvarchar(5000)),
    ]);
    let mut rows = Vec::new();
    for (object, table) in tables(database) {
        let row = |name: Value, id: i32, kind: (u8, &str), flags: [bool; 4]| {
            let [unique, primary, constraint, filtered] = flags;
            let filter = if filtered { text("(filtered)") } else { Value::Null };
            vec![
                int(object.id),
                name,
                int(id),
                int(kind.0),
                text(kind.1),
                bit(unique),
                int(1),
                bit(false),
                bit(primary),
                bit(constraint),
                bit(false),
                bit(false),
                bit(filtered),
                filter,
            ]
        };
        if has_heap(table) {
            rows.push(row(Value::Null, 0, (0, "HEAP"), [false; 4]));
        }
        rows.extend(table.indexes.iter().map(|index| {
            let kind = if index.clustered { (1, "CLUSTERED") } else { (2, "NONCLUSTERED") };
            let constraint = index.constraint && !index.primary;
            row(text(&index.name), index.id, kind, [index.unique, index.primary, constraint, index.filtered])
        }));
    }
    SystemView { columns, rows }
}

pub(super) fn index_columns(database: &Database) -> SystemView {
    let columns = columns_of(&[
        ("object_id", SqlType::Int),
        ("index_id", SqlType::Int),
        ("index_column_id", SqlType::Int),
        ("column_id", SqlType::Int),
        ("key_ordinal", SqlType::TinyInt),
        ("partition_ordinal", SqlType::TinyInt),
        ("is_descending_key?", SqlType::Bit),
        ("is_included_column?", SqlType::Bit),
    ]);
    let mut rows = Vec::new();
    for (object, table) in tables(database) {
        for index in &table.indexes {
            let keys = index.columns.iter().enumerate();
            let keys =
                keys.map(|(position, (column, descending))| (*column, position + 1, *descending, false));
            let included = index.included.iter().map(|column| (*column, 0, false, true));
            for (position, (column, ordinal, descending, is_included)) in keys.chain(included).enumerate() {
                rows.push(vec![
                    int(object.id),
                    int(index.id),
                    count(position + 1),
                    count(column + 1),
                    count(ordinal),
                    int(0),
                    bit(descending),
                    bit(is_included),
                ]);
            }
        }
    }
    SystemView { columns, rows }
}

/// Object, index and rows, for each index and heap.
fn each_store(database: &Database) -> Vec<(i32, i32, usize)> {
    let mut stores = Vec::new();
    for (object, table) in tables(database) {
        if has_heap(table) {
            stores.push((object.id, 0, table.rows.len()));
        }
        stores.extend(table.indexes.iter().map(|index| (object.id, index.id, table.rows.len())));
    }
    stores
}

pub(super) fn partitions(database: &Database) -> SystemView {
    let columns = columns_of(&[
        ("partition_id", SqlType::BigInt),
        ("object_id", SqlType::Int),
        ("index_id", SqlType::Int),
        ("partition_number", SqlType::Int),
        ("hobt_id", SqlType::BigInt),
        ("rows?", SqlType::BigInt),
    ]);
    let row = |(object, index, rows): (i32, i32, usize)| {
        let partition = i64::from(object) << 8 | i64::from(index);
        vec![int(partition), int(object), int(index), int(1), int(partition), count(rows)]
    };
    SystemView { columns, rows: each_store(database).into_iter().map(row).collect() }
}

pub(super) fn partition_stats(database: &Database) -> SystemView {
    let columns = columns_of(&[
        ("partition_id?", SqlType::BigInt),
        ("object_id", SqlType::Int),
        ("index_id", SqlType::Int),
        ("partition_number", SqlType::Int),
        ("used_page_count?", SqlType::BigInt),
        ("row_count?", SqlType::BigInt),
    ]);
    let row = |(object, index, rows): (i32, i32, usize)| {
        let partition = i64::from(object) << 8 | i64::from(index);
        vec![int(partition), int(object), int(index), int(1), count(rows / 100 + 1), count(rows)]
    };
    SystemView { columns, rows: each_store(database).into_iter().map(row).collect() }
}

pub(super) fn key_constraints(database: &Database) -> SystemView {
    let columns = columns_of(&[
        ("name", NAME),
        ("object_id", SqlType::Int),
        ("schema_id", SqlType::Int),
        ("parent_object_id", SqlType::Int),
        ("type?", SqlType::Char(2)),
        ("type_desc?", SqlType::nvarchar(60)),
        ("create_date", SqlType::DateTime),
        ("unique_index_id?", SqlType::Int),
        ("is_system_named", SqlType::Bit),
    ]);
    let mut rows = Vec::new();
    for (object, table) in tables(database) {
        for index in table.indexes.iter().filter(|index| index.constraint) {
            let (kind, description) =
                if index.primary { ("PK", "PRIMARY_KEY_CONSTRAINT") } else { ("UQ", "UNIQUE_CONSTRAINT") };
            rows.push(vec![
                text(&index.name),
                int(object.id + index.id),
                int(database.schema_id(&object.schema).unwrap_or(0)),
                int(object.id),
                text(kind),
                text(description),
                created(),
                int(index.id),
                bit(false),
            ]);
        }
    }
    SystemView { columns, rows }
}
