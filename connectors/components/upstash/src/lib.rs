//! Upstash: Redis over HTTP.
//!
//! - [`settings`]: what a source is configured with
//! - [`rest`]: commands as requests, responses as answers
//! - [`answer`]: the JSON of an answer
//! - `keyspace`: what rows are, shared with the connector to Redis

pub mod answer;
pub mod rest;
pub mod settings;

use std::time::Duration;

use keyspace::Keyspace;
use semilayer_connector::prelude::*;

use rest::Rest;
use settings::Settings;

/// The connector.
pub struct Upstash;

#[connector(
    bridge = "@semilayer/bridge-upstash",
    display_name = "Upstash Redis",
    icon = "upstash",
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
    egress = ["{url}"]
)]
impl Connector for Upstash {
    type Config = Settings;
    type Session = Keyspace<Rest>;

    fn open(config: Settings, _deadline: Duration) -> Result<Keyspace<Rest>> {
        Ok(Keyspace::new(Rest::open(&config)?, config.sample_rows.into()))
    }
}
