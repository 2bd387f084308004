//! Everything that can be read.

use connector_api::CallContext;
use connector_model::error::Result;
use connector_model::target::Target;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::rows::{column, rows};

/// The schema whose targets are named without it.
pub(super) const DEFAULT_SCHEMA: &str = "public";

/// Tables, views, materialized views, foreign and partitioned tables that this login may select from; partitions
/// are read through their parent.
const LIST: &str = "SELECT n.nspname::text, c.relname::text, c.relkind::text, c.reltuples::float8 \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND NOT c.relispartition \
     AND n.nspname <> 'information_schema' AND n.nspname !~ '^pg_' \
     AND pg_catalog.has_schema_privilege(n.oid, 'USAGE') \
     AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT') \
     ORDER BY n.nspname <> $1, n.nspname, c.relname";

/// The targets of the database.
pub(crate) async fn list(client: &Client, cx: &CallContext) -> Result<Vec<Target>> {
    let found = rows(client, cx, LIST, &[(&DEFAULT_SCHEMA, Type::TEXT)]).await?;
    found
        .iter()
        .map(|row| {
            let (schema, name, kind): (String, String, String) =
                (column(row, 0)?, column(row, 1)?, column(row, 2)?);
            Ok(Target {
                name: canonical(&schema, &name),
                kind: kind_name(&kind).to_owned(),
                schema: Some(schema),
                estimated_rows: estimate(column(row, 3)?),
            })
        })
        .collect()
}

/// The names of all targets, to find the nearest to one that does not exist.
pub(crate) async fn names(client: &Client, cx: &CallContext) -> Result<Vec<String>> {
    Ok(list(client, cx).await?.into_iter().map(|target| target.name).collect())
}

/// The name that other jobs take.
pub(super) fn canonical(schema: &str, name: &str) -> String {
    if schema == DEFAULT_SCHEMA { name.to_owned() } else { format!("{schema}.{name}") }
}

/// What kind of target a `pg_class.relkind` is.
pub(super) fn kind_name(relkind: &str) -> &'static str {
    match relkind {
        "v" => "view",
        "m" => "materializedView",
        "f" => "foreignTable",
        "p" => "partitionedTable",
        _ => "table",
    }
}

/// `pg_class.reltuples`, which is -1 before the first vacuum or analyze.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate, checked to be 0 or more"
)]
pub(super) fn estimate(tuples: f64) -> Option<u64> {
    (tuples >= 0.0).then_some(tuples as u64)
}
