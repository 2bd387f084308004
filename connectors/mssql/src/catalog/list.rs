//! Everything that can be read.

use connector_model::error::Result;
use connector_model::target::Target;
use tiberius::Row;

use super::row::{number, text};

/// The schema whose targets are named without it.
pub(super) const DEFAULT_SCHEMA: &str = "dbo";

/// Tables and views; the catalogue shows a login what it has a permission on ("Metadata visibility configuration").
pub(crate) const LIST: &str = "SELECT s.name, o.name, o.type, \
     (SELECT SUM(p.rows) FROM sys.partitions AS p WHERE p.object_id = o.object_id AND p.index_id IN (0, 1)) \
     FROM sys.objects AS o JOIN sys.schemas AS s ON s.schema_id = o.schema_id \
     WHERE o.type IN ('U', 'V') AND o.is_ms_shipped = 0 AND s.name NOT IN ('sys', 'INFORMATION_SCHEMA')";

/// The targets in rows of [`LIST`], those of the default schema first.
pub(crate) fn list(rows: &[Row]) -> Result<Vec<Target>> {
    let target = |row: &Row| {
        let (schema, name) = (text(row, 0)?, text(row, 1)?);
        Ok(Target {
            name: canonical(&schema, &name),
            kind: kind_name(&text(row, 2)?).to_owned(),
            schema: Some(schema),
            estimated_rows: number(row, 3)?.and_then(|rows| u64::try_from(rows).ok()),
        })
    };
    let mut targets = rows.iter().map(target).collect::<Result<Vec<_>>>()?;
    let elsewhere = |target: &Target| target.schema.as_deref() != Some(DEFAULT_SCHEMA);
    targets.sort_by(|a, b| (elsewhere(a), &a.schema, &a.name).cmp(&(elsewhere(b), &b.schema, &b.name)));
    Ok(targets)
}

/// The name that other jobs take.
pub(super) fn canonical(schema: &str, name: &str) -> String {
    if schema == DEFAULT_SCHEMA { name.to_owned() } else { format!("{schema}.{name}") }
}

/// What kind of target a `sys.objects.type` is; it is padded to two characters.
pub(super) fn kind_name(object_type: &str) -> &'static str {
    if object_type.trim_end() == "V" { "view" } else { "table" }
}
