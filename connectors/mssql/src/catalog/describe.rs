//! One target: its columns, their types, its key.

use std::collections::HashMap;

use connector_api::CallContext;
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::filter::Typed;
use connector_model::nearest::suggestion;
use connector_sql::{Param, ParamType, Statement, Table, TableColumn, Value};
use tiberius::Row;

use super::Described;
use super::declared::Facts;
use super::keys::{KEYS, key};
use super::list::{DEFAULT_SCHEMA, LIST, canonical, kind_name, list};
use super::row::{column, number, text};
use crate::session::SqlServerSession;

/// The longest name of a target: a schema and a table, each of 128 characters, and the dot between them.
const MAX_NAME: usize = 2 * 128 + 1;

const FIND: &str = "SELECT s.name, o.name, o.type, o.object_id, \
     (SELECT SUM(p.rows) FROM sys.partitions AS p WHERE p.object_id = o.object_id AND p.index_id IN (0, 1)) \
     FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
     WHERE o.type IN ('U', 'V') AND (";

/// A type that stands for another one is followed to that one.
const COLUMNS: &str = "SELECT c.column_id, c.name, COALESCE(b.name, t.name), t.is_assembly_type, c.max_length, \
     c.precision, c.scale, c.is_nullable, c.collation_name \
     FROM sys.columns AS c JOIN sys.types AS t ON t.user_type_id = c.user_type_id \
     LEFT JOIN sys.types AS b ON b.user_type_id = t.system_type_id AND t.is_assembly_type = 0 \
     WHERE c.object_id = @P1 ORDER BY c.column_id";

/// Describes the target of that name: `table` in the default schema, or `schema.table` split at any of its dots,
/// since either part may hold one.
///
/// # Errors
/// `INVALID_TARGET` with the nearest names.
pub(crate) async fn describe(
    session: &mut SqlServerSession,
    cx: &CallContext,
    target: &str,
) -> Result<Described> {
    let found = match target.encode_utf16().count() {
        ..=MAX_NAME => session.collect(cx, &find(target)).await?,
        _ => Vec::new(),
    };
    let Some(found) = best(&found, target)? else { return Err(unknown(session, cx, target).await?) };
    let object = number(found, 3)?.unwrap_or(0);
    let columns = session.collect(cx, &about(COLUMNS, object)).await?;
    let keys = session.collect(cx, &about(KEYS, object)).await?;
    let (schema, name) = (text(found, 0)?, text(found, 1)?);
    let mut table = Table {
        name: canonical(&schema, &name),
        path: vec![schema, name],
        columns: Vec::new(),
        key: Vec::new(),
    };
    let mut positions = HashMap::new();
    for row in &columns {
        positions.insert(number(row, 0)?.unwrap_or(0), table.columns.len());
        table.columns.push(table_column(row, session.database_collation())?);
    }
    let (key, primary) = key(&keys)?;
    table.key = key.iter().filter_map(|id| positions.get(id).copied()).collect();
    Ok(Described {
        kind: kind_name(&text(found, 2)?),
        primary_key: if primary { table.key.clone() } else { Vec::new() },
        estimated_rows: number(found, 4)?.and_then(|rows| u64::try_from(rows).ok()),
        table,
    })
}

/// The ways to read a name: as a table of the default schema, and cut at each of its dots.
fn readings(target: &str) -> impl Iterator<Item = (&str, &str)> {
    let cut =
        target.match_indices('.').filter_map(|(dot, _)| Some((target.get(..dot)?, target.get(dot + 1..)?)));
    std::iter::once((DEFAULT_SCHEMA, target)).chain(cut)
}

fn find(target: &str) -> Statement {
    let mut sql = Statement::default();
    sql.push(FIND);
    for (position, (schema, table)) in readings(target).enumerate() {
        sql.push(if position > 0 { " OR (s.name = @P" } else { "(s.name = @P" });
        let number = sql.bind(Value::One(Typed::Text(schema.to_owned())), ParamType::Text);
        sql.push(&number.to_string());
        sql.push(" AND o.name = @P");
        let number = sql.bind(Value::One(Typed::Text(table.to_owned())), ParamType::Text);
        sql.push(&number.to_string());
        sql.push(")");
    }
    sql.push(")");
    sql
}

fn about(text: &str, object: i64) -> Statement {
    let param = Param { value: Value::One(Typed::Integer(i128::from(object))), kind: ParamType::Int8 };
    Statement { text: text.to_owned(), params: vec![param] }
}

/// The object that the name means: read in the first way that fits exactly, else in the first that fits but for case
/// (names are compared by the database's collation, where `Users` may well be `users`).
fn best<'r>(found: &'r [Row], target: &str) -> Result<Option<&'r Row>> {
    let mut best: Option<(usize, &Row)> = None;
    for row in found {
        let (schema, name) = (text(row, 0)?, text(row, 1)?);
        let exact = readings(target).position(|reading| reading == (schema.as_str(), name.as_str()));
        let rank = exact.unwrap_or(usize::MAX);
        if best.is_none_or(|(known, _)| rank < known) {
            best = Some((rank, row));
        }
    }
    Ok(best.map(|(_, row)| row))
}

async fn unknown(session: &mut SqlServerSession, cx: &CallContext, target: &str) -> Result<Error> {
    let statement = Statement { text: LIST.to_owned(), params: Vec::new() };
    let known = list(&session.collect(cx, &statement).await?)?;
    let hint = suggestion(target, known.iter().map(|target| target.name.as_str()));
    let message = format!("there is no target \"{target}\" that this login can see{hint}");
    Ok(Error::new(ErrorCode::InvalidTarget, message).with("target", target))
}

fn table_column(row: &Row, database_collation: &str) -> Result<TableColumn> {
    let whole = |position| Ok(number(row, position)?.unwrap_or(0));
    let base = text(row, 2)?;
    let facts = Facts {
        base: &base,
        assembly: whole(3)? == 1,
        length: whole(4)?,
        precision: whole(5)?,
        scale: whole(6)?,
        collation: column::<&str>(row, 8)?,
    };
    Ok(TableColumn {
        name: text(row, 1)?,
        logical_type: facts.logical_type(),
        native_type: facts.declared(database_collation),
        nullable: whole(7)? == 1,
        reading: facts.reading(),
        qualified: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_read_in_every_way_and_bound() {
        let statement = find("a.b'c].d");
        assert!(statement.text.ends_with(
            "((s.name = @P1 AND o.name = @P2) OR (s.name = @P3 AND o.name = @P4) OR (s.name = @P5 AND o.name = @P6))"
        ));
        let texts: Vec<_> = statement.params.iter().map(|param| &param.value).collect();
        let text = |text: &str| Value::One(Typed::Text(text.to_owned()));
        assert_eq!(texts[..4], [&text("dbo"), &text("a.b'c].d"), &text("a"), &text("b'c].d")]);
    }
}
