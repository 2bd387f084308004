//! The indexes that may identify a row.

use connector_sql::sqlite::{IndexPart, UniqueIndex};
use rusqlite::Connection;

use crate::error::Fault;

/// A table's unique indexes, the primary key's first; partial ones left out.
pub(super) fn unique_indexes(connection: &Connection, table: &str) -> Result<Vec<UniqueIndex>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT name, origin = 'pk' FROM pragma_index_list(?1, 'main') WHERE \"unique\" AND NOT partial \
         ORDER BY origin = 'pk' DESC, name",
    )?;
    let named = statement
        .query_map([table], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<Vec<(String, bool)>, _>>()?;
    let index = |(name, is_primary_key): (String, bool)| {
        Ok(UniqueIndex { is_primary_key, parts: parts(connection, &name)? })
    };
    named.into_iter().map(index).collect()
}

fn parts(connection: &Connection, index: &str) -> Result<Vec<IndexPart>, Fault> {
    let mut statement = connection
        .prepare_cached("SELECT name, coll FROM pragma_index_xinfo(?1, 'main') WHERE key ORDER BY seqno")?;
    let parts =
        statement.query_map([index], |row| Ok(IndexPart { column: row.get(0)?, collation: row.get(1)? }))?;
    Ok(parts.collect::<Result<_, _>>()?)
}

/// By what a column's texts are compared.
pub(super) fn collation(connection: &Connection, table: &str, column: &str) -> Result<String, Fault> {
    let (_, own, _, _, _) = connection.column_metadata(Some("main"), table, column)?;
    Ok(own.map_or_else(|| "BINARY".to_owned(), |name| name.to_string_lossy().into_owned()))
}
