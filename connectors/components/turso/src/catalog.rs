//! Tables, views, their columns and keys, from SQLite's pragmas (sqlite.org/pragma.html).

use std::collections::HashMap;
use std::rc::Rc;
use std::time::{Duration, Instant};

use connector_sql::sqlite::{
    Described, DescribedColumn, IndexPart, Named, UniqueIndex, column_collation, estimate, resolve,
};
use connector_sql::{Dialect, LibSql, ParamType, Statement, Value};
use semilayer_connector::error::internal;
use semilayer_connector::model::filter::Typed;
use semilayer_connector::prelude::*;

use crate::answer::{Cell, Cells, Results, results};
use crate::error::{Fault, Hint};
use crate::pipeline::Pipeline;

/// How long a description is believed.
const LIFE: Duration = Duration::from_secs(60);

/// More targets than this are described anew each time; a description is about a kilobyte.
const MOST: usize = 500;

/// Left out: SQLite's own tables and the servers' (libSQL's vector indexes and WASM functions, Litestream's, `tursodb`'s).
const LIST: &str = "SELECT name, type, wr FROM pragma_table_list \
     WHERE schema = 'main' AND type IN ('table', 'view', 'virtual') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
     AND name NOT IN ('libsql_wasm_func_table', 'libsql_vector_meta_shadow', '_litestream_seq', '_litestream_lock') \
     AND name NOT LIKE '\\_\\_turso\\_internal\\_%' ESCAPE '\\' ORDER BY name";

/// Whether `ANALYZE` ever ran.
const ANALYZED: &str = "SELECT count(*) FROM sqlite_schema WHERE name = 'sqlite_stat1'";

const STATISTICS: &str =
    "SELECT tbl, stat FROM sqlite_stat1 WHERE typeof(tbl) = 'text' AND typeof(stat) = 'text'";

/// A session's catalogue.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    known: HashMap<String, Known>,
}

#[derive(Debug, Clone)]
struct Known {
    described: Rc<Described>,
    since: Instant,
}

impl Catalog {
    /// What a target is, and whether that was read just now.
    ///
    /// # Errors
    /// `INVALID_TARGET` with the nearest names; what the server refuses.
    pub(crate) fn target(
        &mut self,
        pipeline: &mut Pipeline,
        target: &str,
    ) -> Result<(Rc<Described>, bool), Fault> {
        if let Some(known) = self.known.get(target)
            && known.since.elapsed() < LIFE
        {
            return Ok((Rc::clone(&known.described), false));
        }
        self.known.remove(target);
        let named = resolve(&list(pipeline)?, target)?;
        let described = Rc::new(describe(pipeline, &named)?);
        if self.known.len() >= MOST {
            self.known.clear();
        }
        let known = Known { described: Rc::clone(&described), since: Instant::now() };
        self.known.insert(target.to_owned(), known);
        Ok((described, true))
    }

    /// Forgets what may be out of date.
    pub(crate) fn forget(&mut self, target: &str) {
        self.known.remove(target);
    }
}

/// Tables, virtual tables and views, by name.
///
/// # Errors
/// What the server refuses.
pub(crate) fn list(pipeline: &mut Pipeline) -> Result<Vec<Named>, Fault> {
    let body = pipeline.run(&[plain(LIST)])?;
    let named = |row: &Vec<Cell<'_>>| {
        let [name, kind, without_rowid] = row.as_slice() else { return Err(unexpected()) };
        Ok(Named {
            name: name.to_text()?,
            kind: kind.to_text()?,
            without_rowid: without_rowid.to_integer()? != 0,
        })
    };
    Ok(rows(&results(&body, 1)?, 0)?.iter().map(named).collect::<Result<_>>()?)
}

/// How many rows `ANALYZE` counted in each table, where it ever ran.
///
/// # Errors
/// What the server refuses.
pub(crate) fn estimates(pipeline: &mut Pipeline) -> Result<HashMap<String, u64>, Fault> {
    let body = pipeline.run(&[plain(ANALYZED)])?;
    let analyzed = single(&results(&body, 1)?)?.to_integer()?;
    let mut found: HashMap<String, u64> = HashMap::new();
    if analyzed == 0 {
        return Ok(found);
    }
    let body = pipeline.run(&[plain(STATISTICS)])?;
    for row in rows(&results(&body, 1)?, 0)? {
        let [table, stat] = row.as_slice() else { return Err(unexpected().into()) };
        if let Some(count) = estimate(&stat.to_text()?) {
            let most = found.entry(table.to_text()?).or_default();
            *most = count.max(*most);
        }
    }
    Ok(found)
}

/// Reads a target's columns and key. Pragmas rather than the functions of their names: `tursodb` 0.6 does not take every
/// table's name as a function's argument.
fn describe(pipeline: &mut Pipeline, named: &Named) -> Result<Described, Fault> {
    let is_table = named.kind == "table";
    let mut statements = vec![pragma("table_xinfo", &named.name)];
    if is_table {
        statements.push(pragma("index_list", &named.name));
        let mut definition = plain("SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ");
        let place = definition.bind(Value::One(Typed::Text(named.name.clone())), ParamType::Text);
        definition.push(&format!("?{place}"));
        statements.push(definition);
    }
    let body = pipeline.run(&statements)?;
    let answered = results(&body, statements.len())?;
    let numbered: Vec<(i64, DescribedColumn)> =
        rows(&answered, 0)?.iter().filter_map(|row| column(row).transpose()).collect::<Result<_>>()?;
    let names: HashMap<i64, String> =
        numbered.iter().map(|(number, column)| (*number, column.name.clone())).collect();
    let columns = numbered.into_iter().map(|(_, column)| column).collect();
    if !is_table {
        return Described::new(named, columns, &[], |_| Ok(String::new()));
    }
    let mut indexes =
        rows(&answered, 1)?.iter().filter_map(|row| index(row).transpose()).collect::<Result<Vec<_>>>()?;
    indexes.sort_by(|left, right| (!left.0, &left.1).cmp(&(!right.0, &right.1)));
    let definition =
        rows(&answered, 2)?.first().and_then(|row| row.first()).map(Cell::to_text).transpose()?;
    let indexes = unique_indexes(pipeline, indexes, &names)?;
    let definition = definition.unwrap_or_default();
    Described::new(named, columns, &indexes, |name| Ok(column_collation(&definition, name)))
}

/// The number and the rest of a row of `table_xinfo`: cid, name, type, notnull, dflt_value, pk, hidden. `hidden` 1 is a virtual table's argument; 2
/// and 3 are generated columns, which are read like any other.
fn column(row: &Cells<'_>) -> Result<Option<(i64, DescribedColumn)>> {
    let [number, name, declared, not_null, _, key_place, hidden] = row else { return Err(unexpected()) };
    if hidden.to_integer()? == 1 {
        return Ok(None);
    }
    let described = DescribedColumn {
        name: name.to_text()?,
        // A column without a type has an empty one, or none.
        declared: if declared.is_null() { String::new() } else { declared.to_text()? },
        not_null: not_null.to_integer()? != 0,
        key_place: key_place.to_integer()?,
    };
    Ok(Some((number.to_integer()?, described)))
}

/// One row of `index_list`: seq, name, unique, origin, partial. Whether the index is the primary key's, and its name; none
/// of one that allows a value twice, or is not over all rows.
fn index(row: &Cells<'_>) -> Result<Option<(bool, String)>> {
    let [_, name, unique, origin, partial] = row else { return Err(unexpected()) };
    if unique.to_integer()? == 0 || partial.to_integer()? != 0 {
        return Ok(None);
    }
    Ok(Some((origin.to_text()? == "pk", name.to_text()?)))
}

fn unique_indexes(
    pipeline: &mut Pipeline,
    named: Vec<(bool, String)>,
    columns: &HashMap<i64, String>,
) -> Result<Vec<UniqueIndex>, Fault> {
    if named.is_empty() {
        return Ok(Vec::new());
    }
    let statements: Vec<Statement> = named.iter().map(|(_, name)| pragma("index_xinfo", name)).collect();
    let body = pipeline.run(&statements)?;
    let answered = results(&body, statements.len())?;
    let index = |(position, (is_primary_key, _)): (usize, (bool, String))| {
        let parts = rows(&answered, position)?.iter().filter_map(|row| part(row, columns).transpose());
        Ok(UniqueIndex { is_primary_key, parts: parts.collect::<Result<_>>()? })
    };
    Ok(named.into_iter().enumerate().map(index).collect::<Result<_>>()?)
}

/// One row of `index_xinfo`: seqno, cid, name, desc, coll, key. What is not of the index's key stands there to find the
/// row. The column's number says which it is, as `tursodb` writes its name in lower case; -2 is an expression.
fn part(row: &Cells<'_>, columns: &HashMap<i64, String>) -> Result<Option<IndexPart>> {
    let [_, column, _, _, collation, is_key] = row else { return Err(unexpected()) };
    if is_key.to_integer()? == 0 {
        return Ok(None);
    }
    let column = columns.get(&column.to_integer()?).cloned();
    Ok(Some(IndexPart { column, collation: collation.to_text()? }))
}

fn pragma(pragma: &str, argument: &str) -> Statement {
    let mut statement = plain(&format!("PRAGMA {pragma}("));
    LibSql.quote(&mut statement, argument);
    statement.push(")");
    statement
}

/// A statement without parameters.
pub(crate) fn plain(text: &str) -> Statement {
    Statement { text: text.to_owned(), params: Vec::new() }
}

fn rows<'r, 'a>(results: &'r Results<'a>, statement: usize) -> Result<&'r [Vec<Cell<'a>>]> {
    results.get(statement).map(Vec::as_slice).ok_or_else(unexpected)
}

/// The one value of the first statement.
///
/// # Errors
/// `CONNECTOR_FAILED` when there is none.
pub(crate) fn single<'r, 'a>(results: &'r Results<'a>) -> Result<&'r Cell<'a>> {
    rows(results, 0)?.first().and_then(|row| row.first()).ok_or_else(unexpected)
}

/// Whether a catalogue that is out of date explains it.
pub(crate) fn is_stale(fault: &Fault) -> bool {
    fault.hint == Hint::Stale
}

#[cold]
fn unexpected() -> Error {
    internal("the server's catalogue answers other columns than SQLite's does")
}
