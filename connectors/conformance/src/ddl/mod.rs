//! Tables as SQL: `CREATE TABLE` and `INSERT` statements, one family of engines a file.

mod mssql;
mod mysql;
mod postgres;
mod sqlite;

pub use mssql::{MSSQL_TYPES, mssql, mssql_fitted, mssql_rows, mssql_without};
pub use mysql::{
    MARIADB_COLLATION, MARIADB_TYPES, MYSQL_COLLATION, MYSQL_TYPES, mysql, mysql_fitted, mysql_rows,
    mysql_without,
};
pub use postgres::{POSTGRES_TYPES, postgres, postgres_change};
pub use sqlite::{SQLITE_TYPES, sqlite, sqlite_change};

use connector_memory::{Nulls, Profile, Table, Uuids, Value};

use crate::subject::Change;

/// How many rows one `INSERT` carries.
const ROWS_PER_INSERT: usize = 200;

/// The table as SQL for a person who wants to see a failure with their own eyes.
pub fn shown(table: &Table, profile: &Profile) -> String {
    let statements = match profile.nulls {
        Nulls::Largest => postgres(table),
        Nulls::Smallest if profile.uuids == Uuids::LastGroupFirst => mssql(table),
        Nulls::Smallest => sqlite(table),
    };
    statements.join("\n")
}

/// An identifier in double quotes, as the SQL standard, PostgreSQL and SQLite have it.
pub fn quoted(identifier: &str) -> String {
    format!("\"{}\"", identifier.replace('"', "\"\""))
}

/// A text literal; backslashes are themselves.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes rows out by their keys and puts others in.
fn change(table: &Table, change: &Change, value: impl Fn(&Value) -> String) -> Vec<String> {
    let name = quoted(&table.name);
    let identified = |row: &Vec<Value>| {
        let part = |at: &usize| {
            Some(format!("{} = {}", quoted(&table.columns.get(*at)?.name), value(row.get(*at)?)))
        };
        table.key().iter().filter_map(part).collect::<Vec<_>>().join(" AND ")
    };
    let gone = change.gone.iter().map(|row| format!("DELETE FROM {name} WHERE {};", identified(row)));
    let come = change.come.iter().map(|row| {
        format!("INSERT INTO {name} VALUES ({});", row.iter().map(&value).collect::<Vec<_>>().join(", "))
    });
    gone.chain(come).collect()
}

/// Creates the table and fills it; `value` gets a cell's position and what is in it.
fn statements(table: &Table, value: impl Fn(usize, &Value) -> String) -> Vec<String> {
    // A view shows all of a table of its own.
    let is_view = table.kind == "view";
    let stored = if is_view { format!("{} base", table.name) } else { table.name.clone() };
    let name = quoted(&stored);
    let mut parts: Vec<String> = table
        .columns
        .iter()
        .map(|column| {
            let null = if column.nullable { "" } else { " NOT NULL" };
            format!("{} {}{null}", quoted(&column.name), column.native_type)
        })
        .collect();
    for (clause, positions) in [("PRIMARY KEY", &table.primary_key), ("UNIQUE", &table.unique_index)] {
        let columns = positions.iter().filter_map(|at| table.columns.get(*at));
        let names: Vec<String> = columns.map(|column| quoted(&column.name)).collect();
        if !names.is_empty() {
            parts.push(format!("{clause} ({})", names.join(", ")));
        }
    }
    let mut all = vec![format!("CREATE TABLE {name} ({});", parts.join(", "))];
    all.extend(table.rows.chunks(ROWS_PER_INSERT).map(|rows| {
        let rows: Vec<String> = rows
            .iter()
            .map(|row| {
                let cells = row.iter().enumerate().map(|(at, cell)| value(at, cell));
                format!("({})", cells.collect::<Vec<_>>().join(", "))
            })
            .collect();
        format!("INSERT INTO {name} VALUES {};", rows.join(", "))
    }));
    if is_view {
        all.push(format!("CREATE VIEW {} AS SELECT * FROM {name};", quoted(&table.name)));
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_memory::ColumnDef;
    use connector_model::target::LogicalType;

    fn table() -> Table {
        let column = |name: &str, logical_type, native: &str, nullable| ColumnDef {
            name: name.into(),
            logical_type,
            native_type: native.into(),
            nullable,
        };
        Table {
            name: "we\"ird.t".into(),
            kind: "table".into(),
            columns: vec![
                column("id", LogicalType::Integer, "bigint", false),
                column("sel ect", LogicalType::Text, "text", true),
                column("n", LogicalType::Float, "double precision", false),
            ],
            primary_key: vec![0, 2],
            unique_index: Vec::new(),
            rows: vec![
                vec![Value::Integer(i64::MIN), Value::Text("it's \\".into()), Value::Float(0.1)],
                vec![Value::Integer(2), Value::Null, Value::Float(-3.0)],
            ],
        }
    }

    #[test]
    fn a_view_has_its_rows_in_a_table_of_its_own() {
        let view = Table { kind: "view".into(), primary_key: vec![], rows: vec![], ..table() };
        let [base, view] = &postgres(&view)[..] else { panic!("two statements") };
        assert!(base.starts_with("CREATE TABLE \"we\"\"ird.t base\" ("), "{base}");
        assert_eq!(view, "CREATE VIEW \"we\"\"ird.t\" AS SELECT * FROM \"we\"\"ird.t base\";");
    }

    #[test]
    fn names_and_values_are_quoted_as_the_engine_wants_them() {
        assert_eq!(
            postgres(&table()),
            [
                "CREATE TABLE \"we\"\"ird.t\" (\"id\" bigint NOT NULL, \"sel ect\" text, \
                 \"n\" double precision NOT NULL, PRIMARY KEY (\"id\", \"n\"));",
                "INSERT INTO \"we\"\"ird.t\" VALUES ('-9223372036854775808', 'it''s \\', '1e-1'), \
                 ('2', NULL, '-3e0');",
            ]
        );
        let [_, insert] = &sqlite(&table())[..] else { panic!("two statements") };
        assert!(insert.contains("(-9223372036854775808, 'it''s \\', (3602879701896397*1.0/"), "{insert}");
        assert!(insert.ends_with("(2, NULL, (-3*1.0));"), "{insert}");
    }
}
