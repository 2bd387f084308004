//! What there is to read.

use std::collections::HashMap;

use connector_model::nearest::suggestion;
use connector_model::{Error, ErrorCode};
use rusqlite::Connection;

use crate::error::Fault;

/// The one schema of a file.
pub(crate) const SCHEMA: &str = "main";

/// A table or a view.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Named {
    pub(crate) name: String,
    /// `table`, `view` or `virtual`.
    pub(crate) kind: String,
    /// Whether it is a table whose rows are kept in its primary key (WITHOUT ROWID).
    pub(crate) without_rowid: bool,
}

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

/// The table or view that a job means: its name, or `main.` and its name. A name with dots is tried whole first.
pub(crate) fn resolve(connection: &Connection, target: &str) -> Result<Named, Fault> {
    let known = list(connection)?;
    let find = |name: &str| known.iter().find(|named| named.name == name);
    let unqualified = target.strip_prefix(SCHEMA).and_then(|rest| rest.strip_prefix('.'));
    find(target).or_else(|| find(unqualified?)).cloned().ok_or_else(|| {
        let hint = suggestion(target, known.iter().map(|named| named.name.as_str()));
        let problem = format!("the database has no table or view \"{target}\"{hint}");
        Error::new(ErrorCode::InvalidTarget, problem).with("target", target).into()
    })
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
        // The first number is how many rows the index has; a partial index has fewer than the table.
        if let Some(count) = stat.split(' ').next().and_then(|count| count.parse::<u64>().ok()) {
            let most = found.entry(table).or_default();
            *most = count.max(*most);
        }
    }
    Ok(found)
}
