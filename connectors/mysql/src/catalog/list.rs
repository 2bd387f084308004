//! Everything that can be read.

use connector_api::{CallContext, Stage};
use connector_model::error::Result;
use connector_model::target::Target;
use connector_sql::Statement;

use crate::connect::Probe;
use crate::error::failed;
use crate::session::{PlainRow, Statements, fetch};
use crate::wire::Wire;

/// Tables and views that this login may see something of; the servers' own are left out.
const LIST: &str = "SELECT TABLE_SCHEMA, TABLE_NAME, TABLE_TYPE, CONCAT(TABLE_ROWS) FROM information_schema.TABLES \
     WHERE TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys', '_vt') \
     AND TABLE_TYPE <> 'SYSTEM VIEW'";

/// Runs a query of the catalogue.
///
/// # Errors
/// `SOURCE_QUERY_FAILED`, `SOURCE_UNREACHABLE`; `CANCELLED` and `QUERY_TIMEOUT` when the call ends first.
pub(super) async fn rows(
    wire: &mut Wire,
    statements: &mut Statements,
    cx: &CallContext,
    statement: &Statement,
) -> Result<Vec<PlainRow>> {
    let rows = cx.run(fetch(wire, statements, statement)).await?;
    rows.map_err(|failure| failed(&failure, Stage::Query))
}

/// The targets of the server, those of the session's own schema first.
pub(crate) async fn list(
    wire: &mut Wire,
    statements: &mut Statements,
    probe: &Probe,
    cx: &CallContext,
) -> Result<Vec<Target>> {
    let statement = Statement { text: LIST.to_owned(), params: Vec::new() };
    let found = rows(wire, statements, cx, &statement).await?;
    let mut targets: Vec<Target> = found
        .into_iter()
        .filter_map(|row| {
            let [schema, name, kind, estimate] = <[Option<String>; 4]>::try_from(row).ok()?;
            let (schema, name) = (schema?, name?);
            Some(Target {
                name: canonical(probe, &schema, &name),
                kind: kind_name(&kind.unwrap_or_default()).to_owned(),
                schema: Some(schema),
                estimated_rows: estimate.and_then(|rows| rows.parse().ok()),
            })
        })
        .collect();
    targets.sort_by(|left, right| {
        let foreign = |target: &Target| target.schema != probe.schema;
        (foreign(left), &left.schema, &left.name).cmp(&(foreign(right), &right.schema, &right.name))
    });
    Ok(targets)
}

/// The name that other jobs take.
pub(super) fn canonical(probe: &Probe, schema: &str, name: &str) -> String {
    if probe.schema.as_deref() == Some(schema) { name.to_owned() } else { format!("{schema}.{name}") }
}

/// What kind of target a `TABLE_TYPE` is.
pub(super) fn kind_name(table_type: &str) -> &'static str {
    match table_type {
        "VIEW" => "view",
        "SEQUENCE" => "sequence",
        _ => "table",
    }
}
