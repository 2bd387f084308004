//! What there is to read.

use std::collections::HashMap;

use connector_sql::sqlite::{self, Named};
use rusqlite::Connection;

use crate::error::Fault;

/// Tables, virtual tables and views, by name. Left out: SQLite's own, and the shadow tables in which virtual tables
/// keep their data.
pub(crate) fn list(connection: &Connection) -> Result<Vec<Named>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT name, type, wr FROM pragma_table_list \
         WHERE schema = 'main' AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
         ORDER BY name",
    )?;
    let named = statement.query_map([], |row| {
        Ok(Named { name: row.get(0)?, kind: row.get(1)?, without_rowid: row.get(2)? })
    })?;
    Ok(named.collect::<Result<_, _>>()?)
}

/// The table or view that a job means.
pub(crate) fn resolve(connection: &Connection, target: &str) -> Result<Named, Fault> {
    Ok(sqlite::resolve(&list(connection)?, target)?)
}

/// How many rows `ANALYZE` counted in each table, where it ever ran.
pub(crate) fn estimates(connection: &Connection) -> Result<HashMap<String, u64>, Fault> {
    let analyzed: bool = connection.query_row(
        "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'",
        [],
        |row| row.get(0),
    )?;
    let mut found: HashMap<String, u64> = HashMap::new();
    if !analyzed {
        return Ok(found);
    }
    let mut statement = connection
        .prepare("SELECT tbl, stat FROM sqlite_stat1 WHERE typeof(tbl) = 'text' AND typeof(stat) = 'text'")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (table, stat): (String, String) = (row.get(0)?, row.get(1)?);
        if let Some(count) = sqlite::estimate(&stat) {
            let most = found.entry(table).or_default();
            *most = count.max(*most);
        }
    }
    Ok(found)
}
