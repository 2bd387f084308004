//! Write a connector for your database as a sandboxed WASM component.
//!
//! A connector is two traits: [`Connector`] opens a session, [`Session`] answers. The attribute [`macro@connector`] makes
//! a component of them when they are compiled for `wasm32-wasip2`; natively they are plain Rust, to be tested and
//! debugged like anything else.
//!
//! ```
//! use std::time::Duration;
//!
//! use semilayer_connector::evaluate::Table;
//! use semilayer_connector::http::Client;
//! use semilayer_connector::prelude::*;
//! use semilayer_connector::testing::{self, FakeHttp, FakeResponse};
//! use semilayer_connector::{error, schema};
//! use serde_json::json;
//!
//! /// What a source is configured with.
//! #[derive(Config)]
//! struct Settings {
//!     #[config(label = "URL", placeholder = "http://host:8080")]
//!     url: String,
//!     #[config(label = "Token", advanced)]
//!     token: Option<Secret>,
//! }
//!
//! struct Inventory;
//!
//! #[connector(
//!     bridge = "@acme/bridge-inventory",
//!     display_name = "Inventory",
//!     url_placeholder = "http://host:8080",
//!     operations = [list_targets, introspect, query],
//!     capabilities(where_pushdown, order_by_pushdown, limit_pushdown, select_projection, cursor),
//!     egress = ["{url}"],
//! )]
//! impl Connector for Inventory {
//!     type Config = Settings;
//!     type Session = Shelf;
//!
//!     fn open(config: Settings, _deadline: Duration) -> Result<Shelf> {
//!         let client = Client::new(&config.url)?;
//!         Ok(Shelf(match config.token {
//!             Some(token) => client.bearer(token.expose())?,
//!             None => client,
//!         }))
//!     }
//! }
//!
//! /// One session.
//! struct Shelf(Client);
//!
//! impl Session for Shelf {
//!     fn ping(&mut self) -> Result<ServerInfo> {
//!         self.0.get("/health").send()?;
//!         Ok(ServerInfo { product: "Inventory".into(), ..ServerInfo::default() })
//!     }
//!
//!     fn list_targets(&mut self) -> Result<Vec<Target>> {
//!         Ok(vec![Target { name: "items".into(), kind: "table".into(), schema: None, estimated_rows: None }])
//!     }
//!
//!     fn introspect(&mut self, target: &str) -> Result<TargetSchema> {
//!         match target {
//!             "items" => Ok(schema::table("items")
//!                 .key("id", LogicalType::Integer, "int")
//!                 .nullable("name", LogicalType::Text, "string")
//!                 .into()),
//!             _ => Err(error::not_found(target, ["items"])),
//!         }
//!     }
//!
//!     fn query(&mut self, _: &Call, request: &Query) -> Result<BoxedRows<Self>> {
//!         // The service cannot filter, sort or page: it is done here, over a scan of all rows.
//!         let schema = self.introspect(&request.target)?;
//!         Table::new(&schema).query(request, Box::new(Scan(schema::columns(&schema))))
//!     }
//! }
//!
//! /// All items: the service sends them in one answer.
//! struct Scan(Vec<Column>);
//!
//! impl Rows<Shelf> for Scan {
//!     fn columns(&self) -> Vec<Column> {
//!         self.0.clone()
//!     }
//!
//!     fn fill(&mut self, shelf: &mut Shelf, out: &mut RowWriter) -> Result<Fill> {
//!         let items: Vec<(i64, Option<String>)> = shelf.0.get("/items").send()?.body.json()?;
//!         for (id, name) in items {
//!             out.row(|row| {
//!                 row.integer("id", id)?;
//!                 name.iter().try_for_each(|name| row.text("name", name))
//!             })?;
//!         }
//!         Ok(Fill::END)
//!     }
//! }
//!
//! // A test of it, without a server and without a runner.
//! let _service = FakeHttp::install(|request| match request.path() {
//!     "/items" => FakeResponse::json(200, &json!([[1, "nut"], [2, null], [3, "bolt"]])),
//!     _ => FakeResponse::text(200, "ok"),
//! });
//! let mut inventory = testing::native::<Inventory>(&json!({"url": "http://inventory.example"}))?;
//! let named = json!({"where": {"name": {"$exists": true}}, "orderBy": {"name": "asc"}, "limit": 1});
//! assert_eq!(inventory.query("items", &named)?, [json!({"id": 3, "name": "bolt"})]);
//! # Ok::<(), Error>(())
//! ```
//!
//! - `connector`, `rows`, `row_writer`: what a connector implements, and what it writes rows with
//! - `config`: its settings
//! - `error`: errors by name
//! - `evaluate`: filters, orders and pages for a source that has none
//! - `net`, `http`, `url`: connections, requests, and where they go
//! - `testing`: a connector in a test, without a runner
//! - `log`: lines in the runner's log
//! - `component` (for `wasm32` only): the exports

extern crate self as semilayer_connector;

#[cfg(target_arch = "wasm32")]
#[doc(hidden)]
pub mod component;
pub mod config;
pub mod connector;
pub mod error;
pub mod evaluate;
pub mod http;
pub mod log;
pub mod net;
mod pull;
pub mod row_writer;
pub mod rows;
pub mod schema;
#[cfg(not(target_arch = "wasm32"))]
pub mod testing;
#[doc(hidden)]
pub mod text;
pub mod url;

pub use connector_model as model;
pub use connector_model::filter;
pub use connector_model::request;
pub use semilayer_connector_macros::connector;

pub use config::Config;
pub use connector::{Connector, Described, Session};
pub use row_writer::RowWriter;
pub use rows::{Fill, Rows};

/// Everything that a connector usually names.
pub mod prelude {
    pub use connector_model::cursor::CursorKind;
    pub use connector_model::filter::Filter;
    pub use connector_model::request::{Aggregate, ChangedSince, Count, Order, Query, Read};
    pub use connector_model::target::{Column, LogicalType, Target, TargetColumn, TargetSchema};
    pub use semilayer_connector_macros::{Config, connector};

    pub use crate::config::{Config, Secret};
    pub use crate::connector::{BoxedRows, Call, Connector, Counted, Described, ServerInfo, Session};
    pub use crate::error::{Error, ErrorCode, Result};
    pub use crate::row_writer::{Row, RowWriter};
    pub use crate::rows::{End, Fill, Rows};
}
