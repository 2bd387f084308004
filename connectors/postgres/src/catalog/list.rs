//! Everything that can be read.

use connector_api::CallContext;
use connector_model::error::Result;
use connector_model::target::Target;
use tokio_postgres::Client;
use tokio_postgres::types::Type;

use super::queries::Queries;
use super::rows::{column, rows};

/// The schema whose targets are named without it.
pub(super) const DEFAULT_SCHEMA: &str = "public";

/// The targets of the database.
pub(crate) async fn list(client: &Client, cx: &CallContext, queries: &Queries) -> Result<Vec<Target>> {
    let found = rows(client, cx, queries.list, &[(&DEFAULT_SCHEMA, Type::TEXT)]).await?;
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
pub(crate) async fn names(client: &Client, cx: &CallContext, queries: &Queries) -> Result<Vec<String>> {
    Ok(list(client, cx, queries).await?.into_iter().map(|target| target.name).collect())
}

/// The name that other jobs take.
pub(super) fn canonical(schema: &str, name: &str) -> String {
    if schema == DEFAULT_SCHEMA { name.to_owned() } else { format!("{schema}.{name}") }
}

/// What kind of target a `pg_class.relkind` is, or a partition, which is `P` here.
pub(super) fn kind_name(relkind: &str) -> &'static str {
    match relkind {
        "v" => "view",
        "m" => "materializedView",
        "f" => "foreignTable",
        "p" => "partitionedTable",
        "P" => "partition",
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
