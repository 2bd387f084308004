//! Tables for MariaDB, MySQL and their relatives.

use connector_memory::{ColumnDef, Table, Value};
use connector_model::json;
use connector_model::target::LogicalType;
use connector_model::time::{DAY_US, civil};

use super::{ROWS_PER_INSERT, hex};
use crate::subject::{Range, StoredType};

/// The types of MariaDB that the suite stores, by the names that `COLUMN_TYPE` gives them. UUIDs are left out: they
/// stand in an order of their own.
pub const MARIADB_TYPES: &[StoredType] = &[
    StoredType::new(LogicalType::Boolean, "tinyint(1)", Range::Full),
    StoredType::new(LogicalType::Integer, "bigint(20)", Range::Bits(64)),
    StoredType::new(LogicalType::Integer, "int(11)", Range::Bits(32)),
    StoredType::new(LogicalType::Integer, "smallint(6)", Range::Bits(16)),
    StoredType::new(LogicalType::Integer, "bigint(20) unsigned", Range::Unsigned),
    StoredType::new(LogicalType::Float, "double", Range::Full),
    StoredType::new(LogicalType::Float, "float", Range::Single),
    StoredType::new(LogicalType::Decimal, "decimal(38,3)", Range::Full),
    StoredType::new(LogicalType::Text, "varchar(100)", Range::Full),
    StoredType::new(LogicalType::Bytes, "varbinary(100)", Range::Full),
    StoredType::new(LogicalType::Date, "date", Range::Full),
    StoredType::new(LogicalType::Time, "time(6)", Range::Full),
    StoredType::new(LogicalType::Timestamp, "datetime(6)", Range::Full),
    StoredType::new(LogicalType::Json, "json", Range::Full),
    StoredType::new(LogicalType::Unknown, "enum('sad','ok','happy')", Range::Words),
];

/// The types of MySQL 8 that the suite stores: integers have no width there.
pub const MYSQL_TYPES: &[StoredType] = &[
    StoredType::new(LogicalType::Boolean, "tinyint(1)", Range::Full),
    StoredType::new(LogicalType::Integer, "bigint", Range::Bits(64)),
    StoredType::new(LogicalType::Integer, "int", Range::Bits(32)),
    StoredType::new(LogicalType::Integer, "smallint", Range::Bits(16)),
    StoredType::new(LogicalType::Integer, "bigint unsigned", Range::Unsigned),
    StoredType::new(LogicalType::Float, "double", Range::Full),
    StoredType::new(LogicalType::Float, "float", Range::Single),
    StoredType::new(LogicalType::Decimal, "decimal(38,3)", Range::Full),
    StoredType::new(LogicalType::Text, "varchar(100)", Range::Full),
    StoredType::new(LogicalType::Bytes, "varbinary(100)", Range::Full),
    StoredType::new(LogicalType::Date, "date", Range::Full),
    StoredType::new(LogicalType::Time, "time(6)", Range::Full),
    StoredType::new(LogicalType::Timestamp, "datetime(6)", Range::Full),
    StoredType::new(LogicalType::Unknown, "enum('sad','ok','happy')", Range::Words),
];

/// A collation of MariaDB in which texts are what their bytes are, spaces at the end included.
pub const MARIADB_COLLATION: &str = "utf8mb4_nopad_bin";
/// The same of MySQL 8.
pub const MYSQL_COLLATION: &str = "utf8mb4_0900_bin";

/// The longest text of a column that an index may have.
const SHORT_TEXT: usize = 100;
/// Days of 0001-01-01 and 9999-12-31: dates before and after are not stored.
const CALENDAR: std::ops::RangeInclusive<i64> = -719_162..=2_932_896;

/// The table as these servers can hold it: no name ends with a space or has a character beyond the basic plane, no date
/// lies outside the calendar, decimals have the digits of their column.
pub fn mysql_fitted(mut table: Table) -> Table {
    table.name = name(&table.name);
    for column in &mut table.columns {
        column.name = name(&column.name);
    }
    for row in &mut table.rows {
        for value in row {
            if let Value::Decimal(digits) = value {
                *digits = three_digits(digits);
            }
        }
    }
    table.rows.retain(|row| row.iter().all(in_calendar));
    table
}

fn name(name: &str) -> String {
    let plain: String = name.chars().map(|c| if u32::from(c) > 0xffff { 'ж' } else { c }).collect();
    match plain.strip_suffix(' ') {
        Some(shorter) => format!("{shorter}·"),
        None => plain,
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
    format!("`{}`", identifier.replace('`', "``"))
}

/// The table that a view shows all of.
fn base(table: &Table) -> String {
    if table.kind == "view" { format!("{} base", table.name) } else { table.name.clone() }
}

/// The statements that create a table with its rows, its texts in `collation`.
pub fn mysql(table: &Table, collation: &str) -> Vec<String> {
    let stored = quoted(&base(table));
    let is_short = |at: usize| {
        let texts = table.rows.iter().filter_map(|row| row.get(at));
        !texts
            .into_iter()
            .any(|value| matches!(value, Value::Text(text) if text.chars().count() > SHORT_TEXT))
    };
    let mut parts: Vec<String> = table
        .columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let null = if column.nullable { "NULL" } else { "NOT NULL" };
            let native = if is_short(at) { column.native_type.as_str() } else { "longtext" };
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
    let mut all = vec![format!(
        "CREATE TABLE {stored} ({}) DEFAULT CHARACTER SET utf8mb4 COLLATE {collation}",
        parts.join(", ")
    )];
    all.extend(mysql_rows(table, &table.rows));
    if table.kind == "view" {
        all.push(format!("CREATE VIEW {} AS SELECT * FROM {stored}", quoted(&table.name)));
    }
    all
}

/// The statements that put rows into a table that is there.
pub fn mysql_rows(table: &Table, rows: &[Vec<Value>]) -> Vec<String> {
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
pub fn mysql_without(table: &Table, row: &[Value]) -> String {
    let all: Vec<usize> = (0..table.columns.len()).collect();
    let key = if table.key().is_empty() { &all } else { table.key() };
    let same = |at: &usize| -> Option<String> {
        let column: &ColumnDef = table.columns.get(*at)?;
        Some(format!("{} <=> {}", quoted(&column.name), value(row.get(*at)?)))
    };
    let same: Vec<String> = key.iter().filter_map(same).collect();
    format!("DELETE FROM {} WHERE {} LIMIT 1", quoted(&base(table)), same.join(" AND "))
}

/// Texts go as hex, which no mode of the server reads in another way.
fn value(value: &Value) -> String {
    match value {
        Value::Null => "NULL".to_owned(),
        Value::Boolean(flag) => i32::from(*flag).to_string(),
        Value::Integer(whole) => whole.to_string(),
        Value::Unsigned(whole) => whole.to_string(),
        Value::Float(number) => format!("{number:e}"),
        Value::Real(number) => format!("{:e}", f64::from(*number)),
        Value::Decimal(digits) => digits.clone(),
        Value::Text(text) | Value::Json(text) => format!("_utf8mb4 X'{}'", hex(text.as_bytes())),
        Value::Bytes(bytes) => format!("X'{}'", hex(bytes)),
        Value::Date(days) => format!("'{}'", day(*days)),
        Value::Time(micros) => format!("'{}'", clock(*micros)),
        Value::Timestamp(micros) | Value::TimestampTz(micros) => {
            format!("'{} {}'", day(micros.div_euclid(DAY_US)), clock(micros.rem_euclid(DAY_US)))
        }
        Value::Uuid(bytes) => {
            let mut quoted = Vec::new();
            json::uuid(&mut quoted, bytes);
            String::from_utf8_lossy(&quoted).replace('"', "'")
        }
    }
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
            name: "we`ird 🦀 ".into(),
            kind: "table".into(),
            columns: vec![
                column("id", LogicalType::Integer, "bigint(20)"),
                column("text ", LogicalType::Text, "varchar(100)"),
                column("n", LogicalType::Decimal, "decimal(38,3)"),
                column("d", LogicalType::Date, "date"),
            ],
            primary_key: vec![0],
            unique_index: Vec::new(),
            rows: vec![
                vec![
                    Value::Integer(1),
                    Value::Text("it's".into()),
                    Value::Decimal("1.5".into()),
                    Value::Date(0),
                ],
                vec![Value::Integer(2), Value::Null, Value::Null, Value::Date(4_000_000)],
            ],
        }
    }

    #[test]
    fn a_table_is_made_to_fit() {
        let fitted = mysql_fitted(table());
        assert_eq!(fitted.name, "we`ird ж·");
        assert_eq!(fitted.columns[1].name, "text·");
        assert_eq!(fitted.rows.len(), 1);
        assert_eq!(fitted.rows[0][2], Value::Decimal("1.500".into()));
    }

    #[test]
    fn names_and_values_are_quoted_as_the_engine_wants_them() {
        let statements = mysql(&mysql_fitted(table()), MARIADB_COLLATION);
        assert_eq!(
            statements,
            [
                "CREATE TABLE `we``ird ж·` (`id` bigint(20) NULL, `text·` varchar(100) NULL, `n` decimal(38,3) NULL, \
                 `d` date NULL, PRIMARY KEY (`id`)) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin",
                "INSERT INTO `we``ird ж·` VALUES (1, _utf8mb4 X'69742773', 1.500, '1970-01-01')",
            ]
        );
    }
}
