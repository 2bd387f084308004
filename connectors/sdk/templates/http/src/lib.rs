//! A connector to a service that answers HTTP with JSON.
//!
//! It works as it is, against the service that `cargo run --example serve` starts. What is marked with `Yours:` is
//! what makes it a connector to your service.

use std::time::Duration;

use semilayer_connector::error::{forbidden, internal, not_found, query_failed, unauthenticated};
use semilayer_connector::evaluate::Table;
use semilayer_connector::http::{Client, Response};
use semilayer_connector::model::time::parse_moment;
use semilayer_connector::prelude::*;
use semilayer_connector::schema;
use serde::Deserialize;

/// What a source is configured with.
#[derive(Debug, Config)]
pub struct Settings {
    #[config(label = "URL", placeholder = "http://host:8080", hint = "Where the service answers.")]
    url: String,
    #[config(label = "Token", hint = "What the service knows this runner by.")]
    token: Option<Secret>,
}

/// The connector. Yours: the bridge's name, by which sources ask for it.
pub struct NewConnector;

#[connector(
    bridge = "@acme/bridge-new-connector",
    display_name = "New connector",
    url_placeholder = "http://host:8080",
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
impl Connector for NewConnector {
    type Config = Settings;
    type Session = Service;

    fn open(config: Settings, _deadline: Duration) -> Result<Service> {
        let mut client = Client::new(&config.url)?;
        if let Some(token) = &config.token {
            client = client.bearer(token.expose())?;
        }
        let mut service = Service { client };
        // A wrong token shows here, and not with the first job.
        service.ping()?;
        Ok(service)
    }
}

/// One session: the client that keeps asking.
#[derive(Debug)]
pub struct Service {
    client: Client,
}

/// Yours: how the service says who it is.
#[derive(Debug, Deserialize)]
struct About {
    version: String,
}

/// Yours: one row as the service sends it.
#[derive(Debug, Deserialize)]
struct Item {
    id: i64,
    name: String,
    price: Option<String>,
    changed: String,
}

/// Yours: the only target there is. A service with more of them has a shape and a scan for each.
const ITEMS: &str = "items";

/// How many rows are asked for at once.
const PAGE: usize = 100;

fn items() -> TargetSchema {
    schema::table(ITEMS)
        .key("id", LogicalType::Integer, "integer")
        .column("name", LogicalType::Text, "string")
        .nullable("price", LogicalType::Decimal, "decimal")
        .column("changed", LogicalType::TimestampTz, "date-time")
        .into()
}

impl Session for Service {
    fn ping(&mut self) -> Result<ServerInfo> {
        let about: About = checked(self.client.get("/about").send()?)?.body.json()?;
        Ok(ServerInfo { product: "Items".to_owned(), version: about.version, ..ServerInfo::default() })
    }

    fn list_targets(&mut self) -> Result<Vec<Target>> {
        let name = ITEMS.to_owned();
        Ok(vec![Target { name, kind: "table".to_owned(), schema: None, estimated_rows: None }])
    }

    fn introspect(&mut self, target: &str) -> Result<TargetSchema> {
        if target == ITEMS { Ok(items()) } else { Err(not_found(target, [ITEMS])) }
    }

    // The service filters and sorts nothing, so that all of its rows are asked for and the SDK does the rest. One that
    // filters can be told so in the scan: then fewer rows come, and the answer is the same.
    fn read(&mut self, _call: &Call, request: &Read) -> Result<BoxedRows<Self>> {
        let schema = self.introspect(&request.target)?;
        Table::new(&schema).read(request, Box::new(Scan::default()))
    }

    fn query(&mut self, _call: &Call, request: &Query) -> Result<BoxedRows<Self>> {
        let schema = self.introspect(&request.target)?;
        Table::new(&schema).query(request, Box::new(Scan::default()))
    }

    fn count(&mut self, _call: &Call, request: &Count) -> Result<Counted> {
        let schema = self.introspect(&request.target)?;
        Table::new(&schema).count(self, request, Box::new(Scan::default()))
    }
}

/// All rows, page by page.
#[derive(Debug, Default)]
struct Scan {
    /// The last key that was read.
    after: Option<i64>,
}

impl Rows<Service> for Scan {
    fn columns(&self) -> Vec<Column> {
        schema::columns(&items())
    }

    fn fill(&mut self, service: &mut Service, out: &mut RowWriter) -> Result<Fill> {
        let mut request = service.client.get("/items").query("limit", &PAGE.to_string());
        if let Some(after) = self.after {
            request = request.query("after", &after.to_string());
        }
        let page: Vec<Item> = checked(request.send()?)?.body.json()?;
        for item in &page {
            let changed = parse_moment(&item.changed)
                .ok_or_else(|| internal(format!("item {} has no moment in `changed`", item.id)))?;
            out.row(|row| {
                row.integer("id", item.id)?;
                row.text("name", &item.name)?;
                if let Some(price) = &item.price {
                    row.decimal("price", price)?;
                }
                row.timestamp_tz("changed", changed)
            })?;
            self.after = Some(item.id);
        }
        Ok(if page.len() < PAGE { Fill::END } else { Fill::More })
    }
}

/// Yours: what the service's refusals mean.
fn checked(response: Response) -> Result<Response> {
    match response.status {
        200..=299 => Ok(response),
        401 => Err(unauthenticated("the service does not accept the token; check the setting `token`")),
        403 => Err(forbidden("the token does not allow this")),
        status => Err(query_failed(status.to_string(), response.body.excerpt(1_000))),
    }
}
