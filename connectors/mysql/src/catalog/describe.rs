//! One target: its columns, their types, its key.

use connector_api::{CallContext, Stage};
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::filter::Typed;
use connector_model::nearest::suggestion;
use connector_sql::{Dialect as _, MySql, Param, ParamType, Reading, Statement, Table, TableColumn, Value};

use super::Described;
use super::list::{canonical, kind_name, list, rows};
use super::types::meaning;
use crate::connect::Probe;
use crate::error::failed;
use crate::session::Statements;
use crate::wire::{Event, Failure, ResultColumn, Wire};

const TABLES: &str = "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, CONCAT(TABLE_ROWS) \
     FROM information_schema.TABLES WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ?";
const COLUMNS: &str = "SELECT COLUMN_NAME, COLUMN_TYPE, IS_NULLABLE, CHARACTER_SET_NAME FROM information_schema.COLUMNS \
     WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? ORDER BY ORDINAL_POSITION";
/// The columns of unique indexes of whole columns without NULLs, the primary key first, then the shortest.
const KEYS: &str = "SELECT INDEX_NAME, COLUMN_NAME, CONCAT(SUB_PART), NULLABLE FROM information_schema.STATISTICS \
     WHERE TABLE_SCHEMA = ? AND TABLE_NAME = ? AND NON_UNIQUE = 0 \
     ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME, SEQ_IN_INDEX";

/// What a table is called, what it is, and how many rows it may have.
struct Found {
    schema: String,
    name: String,
    kind: &'static str,
    estimated_rows: Option<u64>,
}

/// Describes the target of that name: `table` in the session's schema, or `schema.table` split at any of its dots,
/// since either part may hold one.
///
/// # Errors
/// `INVALID_TARGET` with the nearest names.
pub(crate) async fn describe(
    wire: &mut Wire,
    statements: &mut Statements,
    probe: &Probe,
    cx: &CallContext,
    target: &str,
) -> Result<Described> {
    let splits =
        target.match_indices('.').filter_map(|(dot, _)| Some((target.get(..dot)?, target.get(dot + 1..)?)));
    let own = probe.schema.as_deref().map(|schema| (schema, target));
    for (schema, name) in own.into_iter().chain(splits) {
        if let Some(found) = find(wire, statements, probe, cx, schema, name).await? {
            return described(wire, statements, probe, cx, found).await;
        }
    }
    let known = list(wire, statements, probe, cx).await?;
    let hint = suggestion(target, known.iter().map(|target| target.name.as_str()));
    let message = format!("there is no target \"{target}\" that this login can see{hint}");
    Err(Error::new(ErrorCode::InvalidTarget, message).with("target", target))
}

fn asked(text: &str, schema: &str, name: &str) -> Statement {
    let param = |text: &str| Param { value: Value::One(Typed::Text(text.to_owned())), kind: ParamType::Text };
    Statement { text: text.to_owned(), params: vec![param(schema), param(name)] }
}

async fn find(
    wire: &mut Wire,
    statements: &mut Statements,
    probe: &Probe,
    cx: &CallContext,
    schema: &str,
    name: &str,
) -> Result<Option<Found>> {
    // Names are of the basic plane only ("Schema Object Names"), and the catalogue cannot be asked for others.
    if [schema, name].iter().any(|text| text.contains(|character| u32::from(character) > 0xffff)) {
        return Ok(None);
    }
    let found = rows(wire, statements, cx, &asked(TABLES, schema, name)).await?;
    // The catalogue compares names without regard to case or accents; whether the server does, it says itself.
    let is_it = |known: &str, wanted: &str| {
        known == wanted || (probe.folds_names && known.to_lowercase() == wanted.to_lowercase())
    };
    Ok(found.into_iter().find_map(|row| {
        let [found_schema, found_name, kind, estimate] = <[Option<String>; 4]>::try_from(row).ok()?;
        let (found_schema, found_name, kind) = (found_schema?, found_name?, kind?);
        let matches = is_it(&found_schema, schema) && is_it(&found_name, name);
        (matches && kind != "SYSTEM VIEW").then(|| Found {
            kind: kind_name(&kind),
            estimated_rows: estimate.and_then(|rows| rows.parse().ok()),
            schema: found_schema,
            name: found_name,
        })
    }))
}

async fn described(
    wire: &mut Wire,
    statements: &mut Statements,
    probe: &Probe,
    cx: &CallContext,
    found: Found,
) -> Result<Described> {
    let Found { schema, name, kind, estimated_rows } = found;
    let declared = rows(wire, statements, cx, &asked(COLUMNS, &schema, &name)).await?;
    let mut narrow = Vec::new();
    let declared: Vec<(String, String, bool)> = declared
        .into_iter()
        .enumerate()
        .filter_map(|(position, row)| {
            let [column, declared, nullable, charset] = <[Option<String>; 4]>::try_from(row).ok()?;
            if charset.is_some_and(|charset| charset != "utf8mb4") {
                narrow.push(position);
            }
            Some((column?, declared?, nullable.as_deref() != Some("NO")))
        })
        .collect();
    let path = vec![schema, name];
    let results = results(wire, cx, &path, declared.iter().map(|(name, _, _)| name.as_str())).await?;
    if declared.is_empty() {
        let name = path.join(".");
        let message =
            format!("target \"{name}\" shows no columns: it may be a view that is broken, or that writes");
        return Err(Error::new(ErrorCode::InvalidTarget, message).with("target", name));
    }
    let columns: Vec<TableColumn> = declared
        .into_iter()
        .zip(&results)
        .map(|((name, declared, nullable), result)| {
            let (logical_type, native_type) = meaning(&declared, result);
            TableColumn {
                name,
                logical_type,
                native_type,
                nullable,
                reading: Reading::Native,
                qualified: None,
            }
        })
        .collect();
    let [schema, name] = path.as_slice() else { return Err(Error::internal("a path has two parts")) };
    let (key, primary) = key(rows(wire, statements, cx, &asked(KEYS, schema, name)).await?, &columns);
    Ok(Described {
        kind,
        primary_key: if primary { key.clone() } else { Vec::new() },
        estimated_rows,
        narrow,
        table: Table { name: canonical(probe, schema, name), path, columns, key },
    })
}

/// What the server says the columns' values will be: a statement that selects them is prepared and never run.
async fn results<'n>(
    wire: &mut Wire,
    cx: &CallContext,
    path: &[String],
    names: impl Iterator<Item = &'n str>,
) -> Result<Vec<ResultColumn>> {
    let mut sql = Statement::default();
    for (position, name) in names.enumerate() {
        sql.push(if position == 0 { "SELECT " } else { ", " });
        MySql.quote(&mut sql, name);
    }
    // The catalogue leaves the columns of a view out that it cannot open; the server itself says why.
    if sql.text.is_empty() {
        sql.push("SELECT *");
    }
    for (position, part) in path.iter().enumerate() {
        sql.push(if position == 0 { " FROM " } else { "." });
        MySql.quote(&mut sql, part);
    }
    wire.prepare(&sql.text);
    let event = cx.run(wire.step()).await?.map_err(|failure| failed(&failure, Stage::Query))?;
    match event {
        Event::Prepared(prepared) => {
            let columns = wire.columns().to_vec();
            wire.close(prepared.statement);
            Ok(columns)
        }
        Event::Refused(error) => Err(failed(&Failure::Refused(error), Stage::Query)),
        _ => Err(failed(&Failure::Garbled("a statement was prepared with another answer"), Stage::Query)),
    }
}

/// The positions of the key's columns, and whether it is the primary key.
fn key(found: Vec<Vec<Option<String>>>, columns: &[TableColumn]) -> (Vec<usize>, bool) {
    let mut indexes: Vec<(String, Option<Vec<usize>>)> = Vec::new();
    for row in found {
        let Ok([Some(index), column, part, nullable]) = <[Option<String>; 4]>::try_from(row) else {
            continue;
        };
        if indexes.last().is_none_or(|(last, _)| *last != index) {
            indexes.push((index, Some(Vec::new())));
        }
        // An expression has no column; a prefix or a NULL makes the index no key.
        let position = column.and_then(|name| columns.iter().position(|known| known.name == name));
        let usable = part.is_none() && nullable.as_deref() != Some("YES");
        if let Some((_, positions)) = indexes.last_mut() {
            *positions = match (positions.take(), position.filter(|_| usable)) {
                (Some(mut positions), Some(position)) => {
                    positions.push(position);
                    Some(positions)
                }
                _ => None,
            };
        }
    }
    let whole = indexes.into_iter().filter_map(|(name, positions)| Some((name, positions?)));
    let best = whole.min_by_key(|(name, positions)| (name != "PRIMARY", positions.len()));
    best.map_or((Vec::new(), false), |(name, positions)| (positions, name == "PRIMARY"))
}
