//! A connector to an inventory service that answers HTTP with JSON: what the guide to writing a connector ends with.
//!
//! The service has two lists, each sent page by page in key order: items, which it filters by warehouse, and movements.
//! It sorts nothing and knows no other filter, so that the SDK does the rest over all of its rows.
//!
//! - `service`: requests, and what their refusals mean
//! - `items`, `movements`: each list's columns and rows

mod items;
mod movements;
mod service;

use std::time::Duration;

use semilayer_connector::error::not_found;
use semilayer_connector::evaluate::Table;
use semilayer_connector::filter::Filter;
use semilayer_connector::prelude::*;

pub use service::Service;

/// What a source is configured with.
#[derive(Debug, Config)]
pub struct Settings {
    #[config(
        label = "URL",
        placeholder = "http://inventory.internal:8080",
        hint = "Where the service answers."
    )]
    url: String,
    #[config(label = "Token", hint = "What the service knows this runner by.")]
    token: Option<Secret>,
    #[config(
        label = "Rows a request",
        default = 500,
        hint = "How many rows are asked for at once.",
        advanced
    )]
    page_rows: u32,
}

/// The connector.
pub struct Inventory;

#[connector(
    bridge = "@acme/bridge-inventory",
    display_name = "Inventory",
    icon = "box",
    url_placeholder = "http://inventory.internal:8080",
    operations = [list_targets, introspect, read, query, count],
    capabilities(
        batch_read,
        where_pushdown,
        order_by_pushdown,
        limit_pushdown,
        select_projection,
        cursor,
        changed_since,
        exact_count,
        where_logical_ops = ["$and", "$or", "$not"],
        where_string_ops = ["$like", "$ilike", "$contains", "$startsWith", "$endsWith"],
    ),
    egress = ["{url}"],
)]
impl Connector for Inventory {
    type Config = Settings;
    type Session = Service;

    fn open(config: Settings, _deadline: Duration) -> Result<Service> {
        let mut service = Service::new(&config.url, config.token.as_ref(), config.page_rows)?;
        // A wrong token shows here, and not with the first job.
        service.ping()?;
        Ok(service)
    }
}

impl Session for Service {
    fn ping(&mut self) -> Result<ServerInfo> {
        let version = self.version()?;
        Ok(ServerInfo { product: "Inventory".to_owned(), version, ..ServerInfo::default() })
    }

    fn list_targets(&mut self) -> Result<Vec<Target>> {
        let target = |name: &str| Target {
            name: name.to_owned(),
            kind: "table".to_owned(),
            schema: None,
            estimated_rows: None,
        };
        Ok([items::NAME, movements::NAME].map(target).to_vec())
    }

    fn introspect(&mut self, target: &str) -> Result<TargetSchema> {
        match target {
            items::NAME => Ok(items::schema()),
            movements::NAME => Ok(movements::schema()),
            _ => Err(not_found(target, [items::NAME, movements::NAME])),
        }
    }

    fn read(&mut self, _call: &Call, request: &Read) -> Result<BoxedRows<Self>> {
        let schema = self.introspect(&request.target)?;
        Table::new(&schema).read(request, scan(&schema, &Filter::TRUE))
    }

    fn query(&mut self, _call: &Call, request: &Query) -> Result<BoxedRows<Self>> {
        let schema = self.introspect(&request.target)?;
        Table::new(&schema).query(request, scan(&schema, &request.filter))
    }

    fn count(&mut self, _call: &Call, request: &Count) -> Result<Counted> {
        let schema = self.introspect(&request.target)?;
        Table::new(&schema).count(self, request, scan(&schema, &request.filter))
    }
}

/// The rows that `filter` may let pass, and perhaps others: what the service can be told of it is left to the service.
fn scan(schema: &TargetSchema, filter: &Filter) -> BoxedRows<Service> {
    match schema.name.as_str() {
        items::NAME => Box::new(items::Items::matching(filter)),
        _ => Box::new(movements::Movements::default()),
    }
}
