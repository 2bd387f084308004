//! What is said when a connection is not granted.

use connector_model::error::{Error, ErrorCode};
use dial::{Destination, DialError};

/// The longest of a guest's texts that is shown in an error, in characters.
const MAX_SHOWN: usize = 100;

/// The patterns that are listed of a manifest; a reader wants to see which kind they are.
const MAX_LISTED: usize = 5;

/// A host that is none.
pub(super) fn no_host(connector: &str, host: &str, fault: impl std::fmt::Display) -> Error {
    let host = crate::log::shown(host, MAX_SHOWN);
    denied(connector, format!("the connector `{connector}` may not connect to `{host}`: {fault}"))
}

/// The manifest does not ask for it.
pub(super) fn not_asked<'p>(
    connector: &str,
    to: &Destination,
    patterns: impl ExactSizeIterator<Item = &'p dyn std::fmt::Display>,
) -> Error {
    let more = patterns.len().saturating_sub(MAX_LISTED);
    let mut list: Vec<String> = patterns.take(MAX_LISTED).map(|pattern| format!("`{pattern}`")).collect();
    if more > 0 {
        list.push(format!("{more} more"));
    }
    let asks = if list.is_empty() { "nothing".to_owned() } else { list.join(", ") };
    denied(
        connector,
        format!(
            "the connector `{connector}` may not connect to {to}: its manifest asks for {asks}, which is not that \
             with this source's configuration, and [connectors.{connector}] allow_hosts only allows what a manifest \
             asks for"
        ),
    )
}

/// The manifest asks for it; neither the source nor the operator names it.
pub(super) fn not_allowed(connector: &str, to: &Destination) -> Error {
    denied(
        connector,
        format!(
            "the connector `{connector}` may not connect to {to}: this source's configuration does not name it; {}",
            remedy(connector, to)
        ),
    )
}

/// No address of it may be reached.
pub(super) fn by_address(connector: &str, error: &DialError) -> Error {
    let remedy = match (error.destination(), error.address()) {
        (_, Some(address)) => remedy(connector, &Destination::new(address.ip().to_string(), address.port())),
        (Some(to), None) => remedy(connector, to),
        (None, None) => String::new(),
    };
    let failed =
        denied(connector, format!("the connector `{connector}` may not connect to {error}; {remedy}"));
    match error.address() {
        Some(address) => failed.with("address", address.to_string()),
        None => failed,
    }
}

fn remedy(connector: &str, to: &Destination) -> String {
    format!(
        "to allow it, the runner's operator adds \"{to}\" to allow_hosts in [connectors.{connector}] of the configuration file"
    )
}

fn denied(connector: &str, message: String) -> Error {
    Error::new(ErrorCode::PolicyDenied, message)
        .with("rule", format!("connectors.{connector}.allow_hosts"))
        .with("stage", dial::Stage::Policy.name())
        .with("kind", "not_allowed")
}
