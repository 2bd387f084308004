//! Which collector gets spans and metrics: the variables that OpenTelemetry's specification has for it.

use std::time::Duration;

use runner_telemetry::otlp::{Collector, Encoding, Endpoint, PairsError, pairs};
use secrecy::ExposeSecret;

use super::connection::Connection;
use super::error::ConfigError;
use super::layers::{Layers, Names};
use super::origin::{Origin, Setting};
use crate::version;

const fn otel(variable: &'static str) -> Names {
    Names { flag: "", variable, key: "" }
}

const ENDPOINT: Names = otel("OTEL_EXPORTER_OTLP_ENDPOINT");
const PROTOCOL: Names = otel("OTEL_EXPORTER_OTLP_PROTOCOL");
const HEADERS: Names = otel("OTEL_EXPORTER_OTLP_HEADERS");
const TIMEOUT: Names = otel("OTEL_EXPORTER_OTLP_TIMEOUT");
const SERVICE: Names = otel("OTEL_SERVICE_NAME");
const ATTRIBUTES: Names = otel("OTEL_RESOURCE_ATTRIBUTES");
const TRACES: Names = otel("OTEL_TRACES_EXPORTER");
const METRICS: Names = otel("OTEL_METRICS_EXPORTER");
const SPAN_DELAY: Names = otel("OTEL_BSP_SCHEDULE_DELAY");
const METRIC_INTERVAL: Names = otel("OTEL_METRIC_EXPORT_INTERVAL");
const DISABLED: Names = otel("OTEL_SDK_DISABLED");

/// The name of the service when nobody says.
const DEFAULT_SERVICE: &str = "semilayer-runner";
/// The specification's defaults, in milliseconds.
const DEFAULT_TIMEOUT: u64 = 10_000;
const DEFAULT_SPAN_DELAY: u64 = 5_000;
const DEFAULT_METRIC_INTERVAL: u64 = 60_000;
/// The bounds of those times.
const MILLIS: std::ops::RangeInclusive<u64> = 10..=3_600_000;

/// Takes it from the layers; `None` when no collector is named.
///
/// # Errors
/// A value that cannot be used, named by its variable.
pub fn collector(layers: &Layers, connection: &Connection) -> Result<Option<Collector>, ConfigError> {
    let Some(Setting { value, origin }) = layers.text(None, ENDPOINT)? else { return Ok(None) };
    if layers.switch(None, DISABLED)? == Some(true) {
        return Ok(None);
    }
    let endpoint = Endpoint::parse(&value).map_err(|problem| invalid(&origin, problem))?;
    let signal = |names, path| Ok::<_, ConfigError>(is_sent(layers, names)?.then(|| endpoint.join(path)));
    let (traces, metrics) = (signal(TRACES, "/v1/traces")?, signal(METRICS, "/v1/metrics")?);
    if traces.is_none() && metrics.is_none() {
        return Ok(None);
    }
    let headers = match layers.find(None, HEADERS)? {
        None => Vec::new(),
        Some(Setting { value, origin }) => listed(value.expose_secret(), &origin)?,
    };
    let headers = Collector::headers(headers).map_err(|problem| ConfigError::Invalid {
        origin: Origin::Variable(HEADERS.variable.to_owned()),
        problem: problem.to_string(),
    })?;
    let millis = |names, default| {
        let found = layers.number(None, names, MILLIS)?;
        Ok::<_, ConfigError>(Duration::from_millis(found.unwrap_or(default)))
    };
    Ok(Some(Collector {
        traces,
        metrics,
        encoding: encoding(layers)?,
        headers,
        timeout: millis(TIMEOUT, DEFAULT_TIMEOUT)?,
        span_delay: millis(SPAN_DELAY, DEFAULT_SPAN_DELAY)?,
        metric_interval: millis(METRIC_INTERVAL, DEFAULT_METRIC_INTERVAL)?,
        attributes: attributes(layers, connection)?,
    }))
}

fn is_sent(layers: &Layers, names: Names) -> Result<bool, ConfigError> {
    let Some(Setting { value, origin }) = layers.text(None, names)? else { return Ok(true) };
    match value.as_str() {
        "otlp" => Ok(true),
        "none" => Ok(false),
        _ => Err(invalid(&origin, "must be otlp or none")),
    }
}

fn encoding(layers: &Layers) -> Result<Encoding, ConfigError> {
    let Some(Setting { value, origin }) = layers.text(None, PROTOCOL)? else {
        return Ok(Encoding::default());
    };
    Encoding::from_name(&value).ok_or_else(|| {
        let problem = "must be http/protobuf or http/json; a collector takes either, usually on port 4318";
        invalid(&origin, problem)
    })
}

/// What the runner says of itself; the operator's word comes last and counts.
fn attributes(layers: &Layers, connection: &Connection) -> Result<Vec<(String, String)>, ConfigError> {
    let mut attributes = vec![
        ("service.name".to_owned(), DEFAULT_SERVICE.to_owned()),
        ("service.version".to_owned(), version::VERSION.to_owned()),
        ("service.instance.id".to_owned(), connection.runner_id.value.clone()),
    ];
    let given = match layers.text(None, ATTRIBUTES)? {
        None => Vec::new(),
        Some(Setting { value, origin }) => listed(&value, &origin)?,
    };
    let service = layers.text(None, SERVICE)?.map(|service| ("service.name".to_owned(), service.value));
    for (name, value) in given.into_iter().chain(service) {
        attributes.retain(|(known, _)| *known != name);
        attributes.push((name, value));
    }
    Ok(attributes)
}

fn listed(text: &str, origin: &Origin) -> Result<Vec<(String, String)>, ConfigError> {
    pairs(text).map_err(|problem: PairsError| invalid(origin, problem))
}

fn invalid(origin: &Origin, problem: impl std::fmt::Display) -> ConfigError {
    ConfigError::Invalid { origin: origin.clone(), problem: problem.to_string() }
}
