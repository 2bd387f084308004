//! The columns that identify a row.

use connector_sql::TableColumn;
use rusqlite::Connection;

use crate::error::Fault;

/// An index that allows each value once, over whole columns and all rows.
#[derive(Debug, Clone)]
pub(super) struct UniqueIndex {
    name: String,
    pub(super) is_primary_key: bool,
}

/// A table's unique indexes, the primary key's first; partial ones left out.
pub(super) fn unique_indexes(connection: &Connection, table: &str) -> Result<Vec<UniqueIndex>, Fault> {
    let mut statement = connection.prepare_cached(
        "SELECT name, origin = 'pk' FROM pragma_index_list(?1, 'main') WHERE \"unique\" AND NOT partial \
         ORDER BY origin = 'pk' DESC, name",
    )?;
    let found = statement
        .query_map([table], |row| Ok(UniqueIndex { name: row.get(0)?, is_primary_key: row.get(1)? }))?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// The columns of the first index that identifies every row; none when there is no such index.
pub(super) fn choose(
    connection: &Connection,
    table: &str,
    columns: &[TableColumn],
    indexes: Vec<UniqueIndex>,
) -> Result<Vec<usize>, Fault> {
    for index in indexes {
        if let Some(key) = identifying(connection, table, columns, &index.name)? {
            return Ok(key);
        }
    }
    Ok(Vec::new())
}

/// The index's columns, if no two rows are equal in them: none may be NULL (NULLs differ from each other), none an
/// expression, and what the index holds apart, the column's own collation must hold apart too.
fn identifying(
    connection: &Connection,
    table: &str,
    columns: &[TableColumn],
    index: &str,
) -> Result<Option<Vec<usize>>, Fault> {
    let mut statement = connection
        .prepare_cached("SELECT name, coll FROM pragma_index_xinfo(?1, 'main') WHERE key ORDER BY seqno")?;
    let parts = statement
        .query_map([index], |row| Ok((row.get::<_, Option<String>>(0)?, row.get::<_, String>(1)?)))?
        .collect::<Result<Vec<_>, _>>()?;
    let mut key = Vec::with_capacity(parts.len());
    for (name, collation) in parts {
        let position = columns.iter().position(|column| Some(&column.name) == name.as_ref());
        let Some((position, column)) = position.and_then(|at| columns.get(at).map(|column| (at, column)))
        else {
            return Ok(None);
        };
        if column.nullable || !tells_apart(connection, table, &column.name, &collation)? {
            return Ok(None);
        }
        key.push(position);
    }
    Ok((!key.is_empty()).then_some(key))
}

/// Whether values that differ by the index's collation differ in the column's own, by which rows are ordered.
fn tells_apart(connection: &Connection, table: &str, column: &str, index: &str) -> Result<bool, Fault> {
    let (_, own, _, _, _) = connection.column_metadata(Some("main"), table, column)?;
    let own = own.map_or("BINARY".into(), |name| name.to_string_lossy());
    Ok(own.eq_ignore_ascii_case("BINARY") || own.eq_ignore_ascii_case(index))
}
