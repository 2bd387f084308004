//! Turso and libSQL servers, by Hrana over HTTP: <https://github.com/tursodatabase/libsql/blob/main/docs/HTTP_V2_SPEC.md>.
//!
//! The server runs SQLite and is asked in SQLite's SQL. It answers a statement with all its rows at once, so a result is
//! read page by page, each behind the last row's key: memory holds one page, whatever the result's size. Pages are
//! snapshots of their own. Nothing but `SELECT` and the pragmas that describe tables is ever sent.
//!
//! - `location`: the URL that a source names
//! - `request`, `answer`: the protocol's JSON; `pipeline`: its exchange
//! - `catalog`: tables, views, columns and keys
//! - `session`: requests; `pages`: a result's rows; `groups`: those of an aggregate
//! - `error`: what servers refuse

mod answer;
mod catalog;
mod error;
mod groups;
mod location;
mod pages;
mod pipeline;
mod request;
mod session;

use std::time::Duration;

use connector_sql::sqlite::Binary;
use semilayer_connector::prelude::*;

use crate::location::Location;
use crate::pipeline::Pipeline;
pub use crate::session::TursoSession;

/// What a source is configured with.
#[derive(Debug, Config)]
pub struct Settings {
    #[config(
        label = "URL",
        placeholder = "libsql://db-name.turso.io",
        hint = "libsql:// and https:// speak TLS, http:// does not.",
        alias = "connectionString"
    )]
    url: Secret,
    #[config(
        label = "Auth token",
        hint = "A token of the database or its group; read-only is enough.",
        alias = "token"
    )]
    auth_token: Option<Secret>,
    #[config(
        label = "Blobs as",
        hint = "\"base64\" for texts, \"buffer\" for objects as Node writes a Buffer.",
        default = "base64",
        advanced
    )]
    binary: String,
}

/// Turso and libSQL servers.
#[derive(Debug)]
pub struct Turso;

#[connector(
    bridge = "@semilayer/bridge-turso",
    display_name = "Turso",
    icon = "turso",
    url_schemes = ["libsql"],
    url_placeholder = "libsql://db-name.turso.io",
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
        top_k,
        first_last,
        having_on_aggregates,
        pushdown_order_limit,
        joins,
    ),
    conventions(moments_in_text),
    egress = ["{url}"],
)]
impl Connector for Turso {
    type Config = Settings;
    type Session = TursoSession;

    fn open(config: Settings, _deadline: Duration) -> Result<TursoSession> {
        let location = Location::parse(config.url.expose())?;
        let binary = Binary::named(Some(&config.binary))?;
        let token = location.token(config.auth_token.as_ref());
        let pipeline = Pipeline::new(&location, token)?;
        let is_exposed = token.is_some() && location.is_open_to_others();
        let mut session = TursoSession::new(pipeline, binary, is_exposed);
        session.greet()?;
        Ok(session)
    }
}
