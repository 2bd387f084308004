//! Redis, and what speaks its protocol.
//!
//! - [`settings`]: what a source is configured with
//! - [`resp`]: the protocol
//! - [`connection`], [`login`], `rights`: one connection, its commands and answers
//! - `keyspace`: what rows are, shared with the connector to Upstash

pub mod connection;
pub mod login;
pub mod resp;
mod rights;
pub mod settings;

use std::time::Duration;

use keyspace::Keyspace;
use semilayer_connector::prelude::*;

use connection::Connection;
use settings::{Place, Settings};

/// The connector.
pub struct Redis;

#[connector(
    bridge = "@semilayer/bridge-redis",
    display_name = "Redis",
    icon = "redis",
    url_schemes = ["redis", "rediss"],
    url_placeholder = "redis://user:password@host:6379/0",
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
        where_string_ops = ["$like", "$ilike", "$contains", "$startsWith", "$endsWith"]
    ),
    conventions(moments_in_text),
    egress = ["{url}", "{host}:{port}", "{host}:6379"]
)]
impl Connector for Redis {
    type Config = Settings;
    type Session = Keyspace<Connection>;

    fn open(config: Settings, _deadline: Duration) -> Result<Keyspace<Connection>> {
        let sample_rows = config.sample_rows.into();
        Ok(Keyspace::new(Connection::open(Place::of(config)?)?, sample_rows))
    }
}
