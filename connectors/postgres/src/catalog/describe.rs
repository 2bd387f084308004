//! One target: its columns, their types, its key.

use connector_api::CallContext;
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::nearest::suggestion;
use connector_sql::{Reading, Table, TableColumn};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::base_type::BaseType;
use super::list::{DEFAULT_SCHEMA, canonical, estimate, kind_name};
use super::queries::Queries;
use super::rows::{column, rows};
use super::{Described, names};

/// Describes the target of that name: `table` in the default schema, or `schema.table` split at any of its dots,
/// since either part may hold one.
///
/// # Errors
/// `INVALID_TARGET` with the nearest names.
pub(crate) async fn describe(
    client: &Client,
    cx: &CallContext,
    queries: &Queries,
    target: &str,
) -> Result<Described> {
    let splits =
        target.match_indices('.').filter_map(|(dot, _)| Some((target.get(..dot)?, target.get(dot + 1..)?)));
    let (schemas, tables): (Vec<&str>, Vec<&str>) =
        std::iter::once((DEFAULT_SCHEMA, target)).chain(splits).unzip();
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&schemas, Type::TEXT_ARRAY), (&tables, Type::TEXT_ARRAY)];
    let found = rows(client, cx, queries.describe, &parameters).await?;
    match found.first() {
        Some(first) => described(first, &found),
        None => Err(unknown(client, cx, queries, target).await?),
    }
}

async fn unknown(client: &Client, cx: &CallContext, queries: &Queries, target: &str) -> Result<Error> {
    let known = names(client, cx, queries).await?;
    let hint = suggestion(target, known.iter().map(String::as_str));
    let message = format!("there is no target \"{target}\" that this login can see{hint}");
    Ok(Error::new(ErrorCode::InvalidTarget, message).with("target", target))
}

fn described(first: &Row, found: &[Row]) -> Result<Described> {
    let (schema, name, kind): (String, String, String) =
        (column(first, 0)?, column(first, 1)?, column(first, 2)?);
    let key_length: i32 = column(first, 12)?;
    let primary: bool = column(first, 13)?;
    let mut columns = Vec::with_capacity(found.len());
    let mut key: Vec<(i32, usize)> = Vec::new();
    for row in found {
        // A table may have no column at all.
        let Some(column_name) = column::<Option<String>>(row, 4)? else { continue };
        let rank: i32 = column(row, 11)?;
        if rank > 0 {
            key.push((rank, columns.len()));
        }
        columns.push(table_column(row, column_name)?);
    }
    key.sort_unstable();
    let mut key: Vec<usize> = key.into_iter().map(|(_, position)| position).collect();
    if usize::try_from(key_length).is_ok_and(|length| key.len() != length) {
        // Part of it cannot be read, so the rest identifies no row.
        key.clear();
    }
    let needs_settings =
        columns.iter().any(|column| column.reading != Reading::Native || !column.logical_type.orderable());
    Ok(Described {
        kind: kind_name(&kind),
        primary_key: if primary { key.clone() } else { Vec::new() },
        estimated_rows: estimate(column(first, 3)?),
        needs_settings,
        table: Table { name: canonical(&schema, &name), path: vec![schema, name], columns, key },
    })
}

fn table_column(row: &Row, name: String) -> Result<TableColumn> {
    let native_type: String = column(row, 5)?;
    let not_null: bool = column(row, 6)?;
    let base = u32::try_from(column::<i64>(row, 7)?).unwrap_or(0);
    let base =
        BaseType { oid: base, category: column(row, 8)?, name: column(row, 9)?, kind: column(row, 10)? };
    let (logical_type, reading) = (base.logical_type(), base.reading());
    // Comparisons look at the type below a domain, without its precision.
    let native_type = base.said_as().map_or(native_type, str::to_owned);
    Ok(TableColumn { name, logical_type, native_type, nullable: !not_null, reading, qualified: None })
}
