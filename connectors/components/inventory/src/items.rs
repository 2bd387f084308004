//! The items: what is on the shelves.

use semilayer_connector::error::internal;
use semilayer_connector::filter::{Filter, Operand, Test};
use semilayer_connector::model::time::parse_moment;
use semilayer_connector::prelude::*;
use semilayer_connector::schema;
use serde::Deserialize;
use serde_json::Value;

use crate::service::Service;

pub(crate) const NAME: &str = "items";

/// The column that the service filters by.
const WAREHOUSE: &str = "warehouse";

pub(crate) fn schema() -> TargetSchema {
    schema::table(NAME)
        .key("sku", LogicalType::Text, "string")
        .column("name", LogicalType::Text, "string")
        .column(WAREHOUSE, LogicalType::Text, "string")
        .column("quantity", LogicalType::Integer, "integer")
        .nullable("price", LogicalType::Decimal, "decimal")
        .nullable("dimensions", LogicalType::Json, "object")
        .column("updated_at", LogicalType::TimestampTz, "date-time")
        .into()
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    sku: String,
    name: String,
    warehouse: String,
    quantity: i64,
    price: Option<String>,
    dimensions: Option<Value>,
    updated_at: String,
}

/// All items, or those of one warehouse.
#[derive(Debug)]
pub(crate) struct Items {
    warehouse: Option<String>,
    /// The last key that was read.
    after: Option<String>,
}

impl Items {
    pub(crate) fn matching(filter: &Filter) -> Items {
        Items { warehouse: warehouse(filter), after: None }
    }
}

/// The one warehouse whose items a filter can let pass: one that it asks for, whatever else it asks for besides.
fn warehouse(filter: &Filter) -> Option<String> {
    match filter {
        Filter::And(parts) => parts.iter().find_map(warehouse),
        Filter::Column(name, Test::Equal(Operand::Text(text))) if name == WAREHOUSE => Some(text.clone()),
        _ => None,
    }
}

impl Rows<Service> for Items {
    fn columns(&self) -> Vec<Column> {
        schema::columns(&schema())
    }

    fn fill(&mut self, service: &mut Service, out: &mut RowWriter) -> Result<Fill> {
        let warehouse = self.warehouse.as_deref().map(|warehouse| (WAREHOUSE, warehouse));
        let (items, is_last) = service.page::<Item>("/items", self.after.as_deref(), warehouse)?;
        for item in items {
            let updated_at = parse_moment(&item.updated_at)
                .ok_or_else(|| internal(format!("item {} has no moment in `updatedAt`", item.sku)))?;
            out.row(|row| {
                row.text("sku", &item.sku)?;
                row.text("name", &item.name)?;
                row.text(WAREHOUSE, &item.warehouse)?;
                row.integer("quantity", item.quantity)?;
                if let Some(price) = &item.price {
                    row.decimal("price", price)?;
                }
                if let Some(dimensions) = &item.dimensions {
                    row.value("dimensions", dimensions)?;
                }
                row.timestamp_tz("updated_at", updated_at)
            })?;
            self.after = Some(item.sku);
        }
        Ok(if is_last { Fill::END } else { Fill::More })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use semilayer_connector::filter::{Names, parse};
    use serde_json::json;

    #[test]
    fn the_service_is_told_of_a_warehouse_only_where_no_other_can_pass() {
        for (filter, told) in [
            (json!({ "warehouse": "north" }), Some("north")),
            (json!({ "quantity": 1, "$and": [{ "warehouse": "north" }] }), Some("north")),
            (json!({ "$or": [{ "warehouse": "north" }, { "quantity": 1 }] }), None),
            (json!({ "$not": { "warehouse": "north" } }), None),
            (json!({ "warehouse": ["north"] }), None),
            (json!({ "warehouse": null }), None),
            (json!({}), None),
        ] {
            let filter = parse(&filter, Names { bridge: "b", target: NAME, option: "where" }).unwrap();
            assert_eq!(warehouse(&filter).as_deref(), told, "{filter:?}");
        }
    }
}
