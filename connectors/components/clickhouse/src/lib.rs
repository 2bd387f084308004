//! ClickHouse, over its HTTP interface (documentation, "HTTP interface").
//!
//! A statement and its bound parameters go out in one request; rows come back as JSON, one on a line, and are handed on
//! as the server wrote them: what it would write in another form than every connector does, the statement itself brings
//! into that form. Nothing but `SELECT` is sent, with `readonly` set, and `KILL QUERY` for what the connector has started.
//!
//! - `location`: where a source is, and who logs in; `server`: requests; `request`: their parameters; `settings`
//! - `exception`: what servers refuse, before a result and in the middle of it
//! - `catalog`: targets and their columns
//! - `session`: the jobs; `plan`, `position`, `resume`: a page and where it begins; `pages`, `lines`, `numbers`: its rows
//! - `groups`: those of an aggregate

mod catalog;
mod exception;
mod groups;
mod lines;
mod location;
mod numbers;
mod pages;
mod plan;
mod position;
mod request;
mod resume;
mod server;
mod session;
mod settings;
mod version;

use std::time::Duration;

use semilayer_connector::prelude::*;

use crate::location::Location;
use crate::server::Server;
pub use crate::session::ClickHouseSession;

/// What a source is configured with.
#[derive(Debug, Config)]
pub struct Settings {
    #[config(
        label = "URL",
        placeholder = "https://user:password@host:8443/database",
        hint = "Instead of the fields below, or together with them; a field wins.",
        alias = "connectionString"
    )]
    url: Option<Secret>,
    #[config(label = "Host", placeholder = "localhost")]
    host: Option<String>,
    #[config(label = "Port", hint = "That of the HTTP interface: 8123, or 8443 with TLS, unless it is set.")]
    port: Option<u16>,
    #[config(label = "Database", placeholder = "default", alias = "db")]
    database: Option<String>,
    #[config(label = "Username", placeholder = "default", alias = "user", advanced)]
    username: Option<String>,
    #[config(label = "Password", alias = "pass", advanced)]
    password: Option<Secret>,
    #[config(label = "Protocol", hint = "http or https; http unless it is set.", advanced)]
    protocol: Option<String>,
}

/// ClickHouse.
#[derive(Debug)]
pub struct ClickHouse;

#[connector(
    bridge = "@semilayer/bridge-clickhouse",
    display_name = "ClickHouse",
    icon = "clickhouse",
    url_schemes = ["clickhouse", "clickhouses"],
    url_placeholder = "https://user:password@host:8443/database",
    operations = [list_targets, introspect, read, query, count, aggregate],
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
    aggregates(
        supports,
        group_by,
        time_bucket,
        numeric_bucket,
        count,
        count_distinct = "exact",
        sum,
        avg,
        min_max,
        percentile = "exact",
        top_k,
        first_last,
        having_on_aggregates,
        pushdown_order_limit,
        joins,
    ),
    conventions(nulls_last, folds_beyond_ascii, single_precision = ["Float32", "BFloat16"]),
    egress = ["{url}:8123|8443", "{host}:{port}", "{host}:8123|8443"],
)]
impl Connector for ClickHouse {
    type Config = Settings;
    type Session = ClickHouseSession;

    fn open(config: Settings, _deadline: Duration) -> Result<ClickHouseSession> {
        let location = Location::of(&config)?;
        // Nothing is connected yet: the first answer is what proves the login.
        ClickHouseSession::open(Server::new(&location)?, location)
    }

    fn interrupt(config: Settings, token: &str) -> Result<()> {
        Server::new(&Location::of(&config)?)?.kill(token).map_err(|fault| fault.error)
    }
}
