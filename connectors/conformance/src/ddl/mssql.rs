//! Tables for SQL Server.

use connector_memory::{ColumnDef, Table, Value};
use connector_model::json;
use connector_model::target::LogicalType;
use connector_model::time::{DAY_US, civil};

use super::{ROWS_PER_INSERT, hex};
use crate::subject::{Range, StoredType};

/// The types of SQL Server that the suite stores. The database compares by code unit (`Latin1_General_100_BIN2`), and
/// texts are as short as a key may be. Bytes are left out: zeros at their end make them no different there.
pub const MSSQL_TYPES: &[StoredType] = &[
    StoredType::new(LogicalType::Boolean, "bit", Range::Full),
    StoredType::new(LogicalType::Integer, "bigint", Range::Bits(64)),
    StoredType::new(LogicalType::Integer, "int", Range::Bits(32)),
    StoredType::new(LogicalType::Integer, "smallint", Range::Bits(16)),
    StoredType::new(LogicalType::Float, "float", Range::Full),
    StoredType::new(LogicalType::Float, "real", Range::Single),
    StoredType::new(LogicalType::Decimal, "decimal(38,3)", Range::Full),
    StoredType::new(LogicalType::Text, "nvarchar(400)", Range::Full),
    StoredType::new(LogicalType::Date, "date", Range::Full),
    StoredType::new(LogicalType::Time, "time(6)", Range::Full),
    StoredType::new(LogicalType::Timestamp, "datetime2(6)", Range::Full),
    StoredType::new(LogicalType::TimestampTz, "datetimeoffset(6)", Range::Full),
    StoredType::new(LogicalType::Uuid, "uniqueidentifier", Range::Full),
];

/// The longest text that such a column holds, in UTF-16 code units.
const SHORT_TEXT: usize = 400;
/// Days of 0001-01-01 and 9999-12-31: dates before and after are not stored.
const CALENDAR: std::ops::RangeInclusive<i64> = -719_162..=2_932_896;

/// The table as SQL Server can hold it: no name ends with a space, no date lies outside the calendar, decimals have the
/// digits of their column, and no text ends with a space, since one more or less makes texts no different there.
pub fn mssql_fitted(mut table: Table) -> Table {
    table.name = unspaced(&table.name);
    for column in &mut table.columns {
        column.name = unspaced(&column.name);
    }
    for row in &mut table.rows {
        for value in row {
            match value {
                Value::Decimal(digits) => *digits = three_digits(digits),
                Value::Text(text) => {
                    *text = unspaced(text);
                    // What is shorter is filled with spaces, which come after control characters.
                    if text.starts_with(char::is_control) {
                        text.insert(0, '·');
                    }
                }
                // The next number that is no longer denormal: SQL Server stores none of those.
                Value::Float(number) if number.is_subnormal() => {
                    *number = f64::MIN_POSITIVE.copysign(*number)
                }
                Value::Real(number) if number.is_subnormal() => *number = f32::MIN_POSITIVE.copysign(*number),
                _ => {}
            }
        }
    }
    table.rows.retain(|row| row.iter().all(in_calendar));
    // What was changed may have made two keys one.
    let mut rows: Vec<Vec<Value>> = Vec::with_capacity(table.rows.len());
    for row in std::mem::take(&mut table.rows) {
        if table.key().is_empty() || !rows.iter().any(|known| table.same_key(known, &row)) {
            rows.push(row);
        }
    }
    table.rows = rows;
    table
}

fn unspaced(text: &str) -> String {
    match text.strip_suffix(' ') {
        Some(shorter) => format!("{shorter}·"),
        None => text.to_owned(),
    }
}

fn three_digits(digits: &str) -> String {
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    format!("{whole}.{fraction:0<3}")
}

fn in_calendar(value: &Value) -> bool {
    match value {
        Value::Date(days) => CALENDAR.contains(days),
        Value::Timestamp(micros) | Value::TimestampTz(micros) => {
            CALENDAR.contains(&micros.div_euclid(DAY_US))
        }
        _ => true,
    }
}

fn quoted(identifier: &str) -> String {
    format!("[{}]", identifier.replace(']', "]]"))
}

/// The table that a view shows all of.
fn base(table: &Table) -> String {
    if table.kind == "view" { format!("{} base", table.name) } else { table.name.clone() }
}

/// The statements that create a table with its rows, each a batch of its own.
pub fn mssql(table: &Table) -> Vec<String> {
    let stored = quoted(&base(table));
    let is_short = |at: usize| {
        let mut values = table.rows.iter().filter_map(|row| row.get(at));
        !values.any(|value| matches!(value, Value::Text(text) if text.encode_utf16().count() > SHORT_TEXT))
    };
    let mut parts: Vec<String> = table
        .columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let null = if column.nullable { "NULL" } else { "NOT NULL" };
            let native = match is_short(at) {
                true => column.native_type.clone(),
                false => column.native_type.replace("(400)", "(max)"),
            };
            format!("{} {native} {null}", quoted(&column.name))
        })
        .collect();
    for (clause, positions) in [("PRIMARY KEY", &table.primary_key), ("UNIQUE", &table.unique_index)] {
        let columns = positions.iter().filter_map(|at| table.columns.get(*at));
        let names: Vec<String> = columns.map(|column| quoted(&column.name)).collect();
        if !names.is_empty() {
            parts.push(format!("{clause} ({})", names.join(", ")));
        }
    }
    let mut all = vec![format!("CREATE TABLE {stored} ({})", parts.join(", "))];
    all.extend(mssql_rows(table, &table.rows));
    if table.kind == "view" {
        all.push(format!("CREATE VIEW {} AS SELECT * FROM {stored}", quoted(&table.name)));
    }
    all
}

/// The statements that put rows into a table that is there.
pub fn mssql_rows(table: &Table, rows: &[Vec<Value>]) -> Vec<String> {
    let stored = quoted(&base(table));
    let insert = |rows: &[Vec<Value>]| {
        let rows: Vec<String> = rows
            .iter()
            .map(|row| format!("({})", row.iter().map(value).collect::<Vec<_>>().join(", ")))
            .collect();
        format!("INSERT INTO {stored} VALUES {}", rows.join(", "))
    };
    rows.chunks(ROWS_PER_INSERT).map(insert).collect()
}

/// The statement that takes one row out, found by its key, or by all of it where there is none.
pub fn mssql_without(table: &Table, row: &[Value]) -> String {
    let all: Vec<usize> = (0..table.columns.len()).collect();
    let key = if table.key().is_empty() { &all } else { table.key() };
    let same = |at: &usize| -> Option<String> {
        let column: &ColumnDef = table.columns.get(*at)?;
        let name = quoted(&column.name);
        Some(match row.get(*at)? {
            Value::Null => format!("{name} IS NULL"),
            held => format!("{name} = {}", value(held)),
        })
    };
    let same: Vec<String> = key.iter().filter_map(same).collect();
    let one = if table.key().is_empty() { "TOP (1) " } else { "" };
    format!("DELETE {one}FROM {} WHERE {}", quoted(&base(table)), same.join(" AND "))
}

fn value(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Boolean(flag) => i32::from(*flag).to_string(),
        Value::Integer(whole) => whole.to_string(),
        Value::Unsigned(whole) => whole.to_string(),
        // With an exponent it is a float; without, a decimal.
        Value::Float(number) => format!("{number:e}"),
        Value::Real(number) => format!("{:e}", f64::from(*number)),
        Value::Decimal(digits) => digits.clone(),
        Value::Text(text) | Value::Json(text) => format!("N'{}'", text.replace('\'', "''")),
        Value::Bytes(bytes) => format!("0x{}", hex(bytes)),
        Value::Date(days) => format!("'{}'", day(*days)),
        Value::Time(micros) => format!("'{}'", clock(*micros)),
        Value::Timestamp(micros) => format!("'{}'", moment(*micros)),
        Value::TimestampTz(micros) => format!("'{}+00:00'", moment(*micros)),
        Value::Uuid(bytes) => {
            let mut quoted = Vec::new();
            json::uuid(&mut quoted, bytes);
            String::from_utf8_lossy(&quoted).replace('"', "'")
        }
    }
}

fn moment(micros: i64) -> String {
    format!("{}T{}", day(micros.div_euclid(DAY_US)), clock(micros.rem_euclid(DAY_US)))
}

fn day(days: i64) -> String {
    let (year, month, day) = civil(days);
    format!("{year:04}-{month:02}-{day:02}")
}

fn clock(micros: i64) -> String {
    let seconds = micros / 1_000_000;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{:06}", micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(name: &str, logical_type: LogicalType, native: &str) -> ColumnDef {
        ColumnDef { name: name.into(), logical_type, native_type: native.into(), nullable: true }
    }

    fn table() -> Table {
        Table {
            name: "we]ird ".into(),
            kind: "table".into(),
            columns: vec![
                column("id", LogicalType::Integer, "bigint"),
                column("text ", LogicalType::Text, "nvarchar(400)"),
                column("n", LogicalType::Decimal, "decimal(38,3)"),
                column("d", LogicalType::Date, "date"),
            ],
            primary_key: vec![0],
            unique_index: Vec::new(),
            rows: vec![
                vec![
                    Value::Integer(1),
                    Value::Text("it's ".into()),
                    Value::Decimal("1.5".into()),
                    Value::Date(0),
                ],
                vec![Value::Integer(2), Value::Null, Value::Null, Value::Date(4_000_000)],
                vec![Value::Integer(1), Value::Null, Value::Null, Value::Null],
            ],
        }
    }

    #[test]
    fn a_table_is_made_to_fit_and_quoted_as_the_engine_wants_it() {
        assert_eq!(
            mssql(&mssql_fitted(table())),
            [
                "CREATE TABLE [we]]ird·] ([id] bigint NULL, [text·] nvarchar(400) NULL, [n] decimal(38,3) NULL, \
                 [d] date NULL, PRIMARY KEY ([id]))",
                "INSERT INTO [we]]ird·] VALUES (1, N'it''s·', 1.500, '1970-01-01')",
            ]
        );
    }

    #[test]
    fn a_row_is_found_by_its_key_or_by_all_of_it() {
        let keyed = mssql_fitted(table());
        assert_eq!(mssql_without(&keyed, &keyed.rows[0]), "DELETE FROM [we]]ird·] WHERE [id] = 1");
        let keyless = Table { primary_key: Vec::new(), ..keyed };
        let without = mssql_without(&keyless, &[Value::Integer(1), Value::Null, Value::Null, Value::Null]);
        assert!(
            without.ends_with("[id] = 1 AND [text·] IS NULL AND [n] IS NULL AND [d] IS NULL"),
            "{without}"
        );
    }
}
