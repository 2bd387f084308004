//! One target: its columns, their types, its key.

use connector_api::CallContext;
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::nearest::suggestion;
use connector_model::target::LogicalType;
use connector_sql::{Reading, Table, TableColumn};
use tokio_postgres::types::Type;
use tokio_postgres::{Client, Row};

use super::list::{DEFAULT_SCHEMA, canonical, estimate, kind_name};
use super::rows::{column, rows};
use super::{Described, names};
use crate::types::{Binary, Decoder};

/// The best match of several readings of a name, a row a column. Domains are followed to the type below them, which
/// is what the server sends; the key is the primary key, else the first unique index of columns without NULLs.
const DESCRIBE: &str = "\
WITH wanted AS (
  SELECT c.oid, n.nspname, c.relname, c.relkind, c.reltuples
  FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w(nspname, relname, rank)
  JOIN pg_catalog.pg_namespace n ON n.nspname = w.nspname
  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname = w.relname
  WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')
  ORDER BY w.rank LIMIT 1
), keys AS (
  SELECT i.indisprimary, (i.indkey::int2[])[0:i.indnkeyatts - 1] AS columns
  FROM wanted w JOIN pg_catalog.pg_index i ON i.indrelid = w.oid
  WHERE i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
    AND (i.indisprimary OR NOT EXISTS (
      SELECT 1 FROM pg_catalog.pg_attribute k
      WHERE k.attrelid = w.oid AND k.attnum = ANY((i.indkey::int2[])[0:i.indnkeyatts - 1]) AND NOT k.attnotnull))
  ORDER BY i.indisprimary DESC, i.indnkeyatts, i.indexrelid LIMIT 1
)
SELECT w.nspname::text, w.relname::text, w.relkind::text, w.reltuples::float8,
  a.attname::text, pg_catalog.format_type(a.atttypid, a.atttypmod), a.attnotnull,
  base.oid::int8, base.typcategory::text, pg_catalog.format_type(base.oid, NULL),
  coalesce(pg_catalog.array_position((SELECT columns FROM keys), a.attnum), 0)::int4,
  coalesce((SELECT indisprimary FROM keys), false)
FROM wanted w
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = w.oid AND a.attnum > 0 AND NOT a.attisdropped
LEFT JOIN LATERAL (
  WITH RECURSIVE chain AS (
    SELECT t.oid, t.typtype, t.typbasetype, t.typcategory FROM pg_catalog.pg_type t WHERE t.oid = a.atttypid
    UNION ALL
    SELECT t.oid, t.typtype, t.typbasetype, t.typcategory
    FROM chain JOIN pg_catalog.pg_type t ON chain.typtype = 'd' AND t.oid = chain.typbasetype
  )
  SELECT oid, typcategory FROM chain WHERE typtype <> 'd'
) base ON true
ORDER BY a.attnum";

/// Describes the target of that name: `table` in the default schema, or `schema.table` split at any of its dots,
/// since either part may hold one.
///
/// # Errors
/// `INVALID_TARGET` with the nearest names.
pub(crate) async fn describe(client: &Client, cx: &CallContext, target: &str) -> Result<Described> {
    let splits =
        target.match_indices('.').filter_map(|(dot, _)| Some((target.get(..dot)?, target.get(dot + 1..)?)));
    let (schemas, tables): (Vec<&str>, Vec<&str>) =
        std::iter::once((DEFAULT_SCHEMA, target)).chain(splits).unzip();
    let parameters: [(&(dyn tokio_postgres::types::ToSql + Sync), Type); 2] =
        [(&schemas, Type::TEXT_ARRAY), (&tables, Type::TEXT_ARRAY)];
    let found = rows(client, cx, DESCRIBE, &parameters).await?;
    match found.first() {
        Some(first) => described(first, &found),
        None => Err(unknown(client, cx, target).await?),
    }
}

async fn unknown(client: &Client, cx: &CallContext, target: &str) -> Result<Error> {
    let known = names(client, cx).await?;
    let hint = suggestion(target, known.iter().map(String::as_str));
    let message = format!("there is no target \"{target}\" that this login can see{hint}");
    Ok(Error::new(ErrorCode::InvalidTarget, message).with("target", target))
}

fn described(first: &Row, found: &[Row]) -> Result<Described> {
    let (schema, name, kind): (String, String, String) =
        (column(first, 0)?, column(first, 1)?, column(first, 2)?);
    let primary: bool = column(first, 11)?;
    let mut columns = Vec::with_capacity(found.len());
    let mut key: Vec<(i32, usize)> = Vec::new();
    for row in found {
        // A table may have no column at all.
        let Some(column_name) = column::<Option<String>>(row, 4)? else { continue };
        let rank: i32 = column(row, 10)?;
        if rank > 0 {
            key.push((rank, columns.len()));
        }
        columns.push(table_column(row, column_name)?);
    }
    key.sort_unstable();
    let key: Vec<usize> = key.into_iter().map(|(_, position)| position).collect();
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
    let category: String = column(row, 8)?;
    let base_type: String = column(row, 9)?;
    let (logical_type, reading) = meaning(base, &category);
    // Comparisons look at the type below a domain, without its precision.
    let native_type = if matches!(base_type.as_str(), "real" | "money") { base_type } else { native_type };
    Ok(TableColumn { name, logical_type, native_type, nullable: !not_null, reading, qualified: None })
}

/// What a type's values are, and how they are fetched: natively when their binary form is known here. Everything
/// else (enums, composites, types of extensions) goes as the server's text, so that every result column has a type
/// that is built in.
fn meaning(oid: u32, category: &str) -> (LogicalType, Reading) {
    let logical_type = match oid {
        16 => LogicalType::Boolean,
        20 | 21 | 23 | 26 => LogicalType::Integer,
        700 | 701 => LogicalType::Float,
        1700 | 790 => LogicalType::Decimal,
        18 | 19 | 25 | 1042 | 1043 => LogicalType::Text,
        17 => LogicalType::Bytes,
        1082 => LogicalType::Date,
        1083 => LogicalType::Time,
        1114 => LogicalType::Timestamp,
        1184 => LogicalType::TimestampTz,
        2950 => LogicalType::Uuid,
        114 | 3802 => LogicalType::Json,
        600 => LogicalType::Geometry,
        _ if category == "A" => LogicalType::Array,
        _ => LogicalType::Unknown,
    };
    let reading = match (Decoder::for_oid(oid, Binary::Base64), category) {
        (Some(_), _) => Reading::Native,
        (None, "A") => Reading::AsTextArray,
        (None, _) => Reading::AsText,
    };
    (logical_type, reading)
}
