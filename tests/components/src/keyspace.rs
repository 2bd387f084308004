//! Tables of the conformance suite as keys and values: a row is a JSON object at a key that its table's name begins.

use anyhow::Result;
use connector_conformance::{Range, StoredType};
use connector_memory::profile::{Booleans, Int64, Nulls, Uuids};
use connector_memory::{ColumnDef, Profile, Table, Value};
use connector_model::json;
use connector_model::target::LogicalType;
use test_servers::RedisClient;

/// How rows are shown and ordered.
pub const PROFILE: Profile = Profile {
    nulls: Nulls::Smallest,
    int64: Int64::NumberWhileExact,
    short_integers: &[],
    booleans: Booleans::Words,
    moments_in_text: true,
    uuids: Uuids::Bytes,
};

/// What a JSON object's members can be, and what a column of them is called.
pub const TYPES: &[StoredType] = &[
    StoredType::new(LogicalType::Integer, "integer", Range::Bits(64)),
    StoredType::new(LogicalType::Text, "string", Range::Full),
    StoredType::new(LogicalType::Boolean, "boolean", Range::Full),
    StoredType::new(LogicalType::Float, "number", Range::Full),
    StoredType::new(LogicalType::Array, "array", Range::Numbers),
    StoredType::new(LogicalType::Text, "string", Range::Moments),
];

/// The table as there can be one: identified by its keys alone, every other column nullable, at least one row, and in
/// every column at least one value, for that is where its type is seen.
#[must_use]
pub fn fitted(table: Table) -> Table {
    // What stands before the first colon is the target.
    let name = table.name.replace(':', ";");
    let key = ColumnDef {
        name: "_key".to_owned(),
        logical_type: LogicalType::Text,
        native_type: "string".to_owned(),
        nullable: false,
    };
    let others = table.columns.into_iter().map(|column| ColumnDef { nullable: true, ..column });
    let columns: Vec<ColumnDef> = std::iter::once(key).chain(others).collect();
    let mut rows = table.rows;
    if rows.is_empty() {
        rows.push(vec![Value::Null; columns.len() - 1]);
    }
    for (at, column) in columns.iter().skip(1).enumerate() {
        if rows.iter().all(|row| row.get(at) == Some(&Value::Null))
            && let Some(cell) = rows.first_mut().and_then(|row| row.get_mut(at))
        {
            *cell = some(column);
        }
    }
    let rows = (0..).zip(rows).map(|(number, row)| {
        let key = Value::Text(format!("{name}:{:05}", scattered(number)));
        std::iter::once(key).chain(row).collect()
    });
    Table {
        kind: "prefix".to_owned(),
        primary_key: vec![0],
        unique_index: Vec::new(),
        rows: rows.collect(),
        columns,
        name,
    }
}

/// Each number below 10,007 as another one: rows do not come in the order of their keys.
fn scattered(number: u32) -> u32 {
    number * 7_919 % 10_007
}

fn some(column: &ColumnDef) -> Value {
    match column.logical_type {
        LogicalType::Integer => Value::Integer(7),
        LogicalType::Boolean => Value::Boolean(true),
        LogicalType::Float => Value::Float(0.5),
        LogicalType::Array => Value::Json("[7]".to_owned()),
        _ => Value::Text("2024-03-01".to_owned()),
    }
}

/// Fills a server with fitted tables.
///
/// # Errors
/// When it does not take them.
pub async fn load(client: &mut RedisClient, tables: &[Table]) -> Result<()> {
    let mut commands = Vec::new();
    for table in tables {
        let first = table.rows.iter().filter_map(|row| key(row)).min();
        for row in &table.rows {
            let Some(key) = key(row) else { continue };
            // Members that are not there are NULL too; the first row has them all, so that their order is seen.
            let object = object(table, row, Some(key) == first);
            commands.push(vec![b"SET".to_vec(), key.as_bytes().to_vec(), object]);
        }
    }
    for reply in client.ask_all(&commands).await? {
        anyhow::ensure!(
            reply == test_servers::RedisReply::Text(b"OK".to_vec()),
            "SET is answered with {reply:?}"
        );
    }
    Ok(())
}

fn key(row: &[Value]) -> Option<&str> {
    match row.first()? {
        Value::Text(key) => Some(key),
        _ => None,
    }
}

fn object(table: &Table, row: &[Value], whole: bool) -> Vec<u8> {
    let mut out = vec![b'{'];
    for (column, value) in table.columns.iter().zip(row).skip(1) {
        if *value == Value::Null && !whole {
            continue;
        }
        if out.len() > 1 {
            out.push(b',');
        }
        json::text(&mut out, &column.name);
        out.push(b':');
        match value {
            // In all its digits, whatever a reader can hold.
            Value::Integer(whole) => json::integer(&mut out, *whole),
            Value::Float(number) => {
                let start = out.len();
                json::float64(&mut out, *number);
                // Without a fraction it would be seen as a whole number.
                if out.iter().skip(start).all(|byte| byte.is_ascii_digit() || *byte == b'-') {
                    out.extend_from_slice(b".0");
                }
            }
            value => PROFILE.write(&mut out, column, value),
        }
    }
    out.push(b'}');
    out
}
