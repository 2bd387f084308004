//! The movements: what came and went.

use semilayer_connector::error::internal;
use semilayer_connector::model::time::parse_moment;
use semilayer_connector::prelude::*;
use semilayer_connector::schema;
use serde::Deserialize;

use crate::service::Service;

pub(crate) const NAME: &str = "movements";

pub(crate) fn schema() -> TargetSchema {
    schema::table(NAME)
        .key("id", LogicalType::Integer, "integer")
        .column("sku", LogicalType::Text, "string")
        .column("change", LogicalType::Integer, "integer")
        .nullable("weight", LogicalType::Float, "number")
        .column("inbound", LogicalType::Boolean, "boolean")
        .column("updated_at", LogicalType::TimestampTz, "date-time")
        .into()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Movement {
    id: i64,
    sku: String,
    change: i64,
    weight: Option<f64>,
    inbound: bool,
    updated_at: String,
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Movements {
    /// The last key that was read.
    after: Option<String>,
}

impl Rows<Service> for Movements {
    fn columns(&self) -> Vec<Column> {
        schema::columns(&schema())
    }

    fn fill(&mut self, service: &mut Service, out: &mut RowWriter) -> Result<Fill> {
        let (movements, is_last) = service.page::<Movement>("/movements", self.after.as_deref(), None)?;
        for movement in movements {
            let updated_at = parse_moment(&movement.updated_at)
                .ok_or_else(|| internal(format!("movement {} has no moment in `updatedAt`", movement.id)))?;
            out.row(|row| {
                row.integer("id", movement.id)?;
                row.text("sku", &movement.sku)?;
                row.integer("change", movement.change)?;
                if let Some(weight) = movement.weight {
                    row.float("weight", weight)?;
                }
                row.boolean("inbound", movement.inbound)?;
                row.timestamp_tz("updated_at", updated_at)
            })?;
            self.after = Some(movement.id.to_string());
        }
        Ok(if is_last { Fill::END } else { Fill::More })
    }
}
