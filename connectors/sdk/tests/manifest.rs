//! What the attribute writes is a module's manifest, whole.

use std::time::Duration;

use semilayer_connector::model::capability::Answers;
use semilayer_connector::model::module::{ModuleManifest, Operation};
use semilayer_connector::prelude::*;

/// Settings of every type.
#[derive(Debug, Config)]
#[allow(dead_code, reason = "only their fields' descriptions matter")]
struct Settings {
    #[config(label = "URL", alias = "connectionString", hint = "With \"quotes\" and a \\.")]
    url: Option<Secret>,
    #[config(label = "Port", default = 6379)]
    port: u16,
    #[config(label = "Big", default = 5, advanced)]
    big_number: u64,
    #[config(label = "TLS", default = true)]
    tls: bool,
}

struct Everything;

#[connector(
    bridge = "@acme/bridge-everything",
    display_name = "Every \"thing\"",
    icon = "cube",
    url_schemes = ["every", "everys"],
    url_placeholder = "every://host",
    operations = [list_targets, introspect, read, query, count, aggregate],
    capabilities(
        batch_read, where_pushdown, order_by_pushdown, limit_pushdown, select_projection, native_joins = false, cursor,
        changed_since, per_key_limit, exact_count, where_logical_ops = ["$and", "$or", "$not"],
        where_string_ops = ["$like"],
    ),
    aggregates(
        supports, group_by, time_bucket, numeric_bucket, count, count_distinct = "exact", sum, avg, min_max,
        percentile = "both", top_k, first_last, having_on_aggregates, pushdown_order_limit, sampling, joins = false,
    ),
    conventions(nulls_last, moments_in_text, folds_beyond_ascii, single_precision = ["Float32"]),
    egress = ["{url}", "{host}:{port}", "*.example.com:443"],
)]
impl Connector for Everything {
    type Config = Settings;
    type Session = Nothing;

    fn open(_config: Settings, _deadline: Duration) -> Result<Nothing> {
        Ok(Nothing)
    }
}

struct Nothing;

impl Session for Nothing {
    fn ping(&mut self) -> Result<ServerInfo> {
        Ok(ServerInfo::default())
    }
}

struct Least;

/// Nothing to set.
#[derive(Debug, Config)]
struct NoSettings {}

#[connector(bridge = "@acme/bridge-least", display_name = "Least", operations = [query])]
impl Connector for Least {
    type Config = NoSettings;
    type Session = Nothing;

    fn open(_config: NoSettings, _deadline: Duration) -> Result<Nothing> {
        Ok(Nothing)
    }
}

#[test]
fn every_argument_stands_in_the_manifest() {
    let module: ModuleManifest = serde_json::from_str(Everything::MANIFEST).unwrap();
    assert_eq!(module.connector_api, "0.1.0");
    assert_eq!(module.operations.len(), 6);
    assert!(module.operations.contains(&Operation::ListTargets));
    assert_eq!(module.egress, ["{url}", "{host}:{port}", "*.example.com:443"]);
    assert!(module.conventions.nulls_last && module.conventions.is_single("Float32"));
    let manifest = module.manifest;
    assert_eq!(manifest.package_name, "@acme/bridge-everything");
    assert_eq!(manifest.display_name, "Every \"thing\"");
    assert_eq!(manifest.version, env!("CARGO_PKG_VERSION"));
    assert!(manifest.supports_url);
    assert_eq!(manifest.url_schemes, ["every", "everys"]);
    let keys: Vec<&str> = manifest.fields.iter().map(|field| field.key.as_ref()).collect();
    assert_eq!(keys, ["url", "port", "bigNumber", "tls"]);
    assert_eq!(manifest.fields[0].hint.as_deref(), Some("With \"quotes\" and a \\."));
    assert!(manifest.field("connectionString").is_some());
    assert_eq!(manifest.fields[3].default.as_deref(), Some("true"));
    let capabilities = manifest.capabilities;
    assert!(capabilities.batch_read && capabilities.exact_count && !capabilities.native_joins);
    assert_eq!(capabilities.where_logical_ops, ["$and", "$or", "$not"]);
    let aggregates = capabilities.aggregates.unwrap();
    assert_eq!((aggregates.count_distinct, aggregates.percentile), (Answers::Exact, Answers::Both));
    assert!(aggregates.first_last && !aggregates.joins && !aggregates.geo_bucket);
    let raw: serde_json::Value = serde_json::from_str(Everything::MANIFEST).unwrap();
    assert_eq!(raw["name"], env!("CARGO_PKG_NAME"));
}

#[test]
fn what_is_left_out_is_not_there() {
    let module: ModuleManifest = serde_json::from_str(Least::MANIFEST).unwrap();
    assert_eq!(module.operations, [Operation::Query]);
    assert!(module.egress.is_empty() && module.manifest.fields.is_empty());
    assert!(!module.manifest.supports_url && module.manifest.capabilities.aggregates.is_none());
}

#[test]
fn what_the_session_does_not_do_is_refused() {
    let mut session = Everything::open(Settings::from_json("{}").unwrap(), Duration::from_secs(1)).unwrap();
    assert_eq!(session.list_targets().unwrap_err().code(), ErrorCode::UnsupportedJob);
    assert_eq!(session.introspect("t").unwrap_err().code(), ErrorCode::UnsupportedJob);
    Everything::interrupt(Settings::from_json("{}").unwrap(), "t-1").unwrap();
}
