//! Catalogue queries: one statement in, rows out.

use connector_api::{CallContext, Stage};
use connector_model::error::Result;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Row};

/// A parameter with its declared type: nothing has to be prepared, and so nothing stays behind in a pooler's server.
pub(super) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// Runs a catalogue query.
///
/// # Errors
/// `SOURCE_QUERY_FAILED`, `SOURCE_UNREACHABLE`; `CANCELLED` and `QUERY_TIMEOUT` when the call ends first.
pub(super) async fn rows(
    client: &Client,
    cx: &CallContext,
    query: &str,
    parameters: &[Parameter<'_>],
) -> Result<Vec<Row>> {
    let rows = cx.run(client.query_typed(query, parameters)).await?;
    rows.map_err(|error| crate::error::failed(&error, Stage::Query))
}

/// A column of a catalogue row.
pub(super) fn column<'r, T: tokio_postgres::types::FromSql<'r>>(row: &'r Row, position: usize) -> Result<T> {
    row.try_get(position).map_err(|error| crate::error::failed(&error, Stage::Query))
}
