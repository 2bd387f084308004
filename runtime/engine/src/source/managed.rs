//! Configurations that the gateway chose.
//!
//! Hosts are judged when they are dialled, by the source's address filter, files and unix sockets when they are
//! opened, by its path rules; here, whether the configuration is used at all.

use connector_model::error::{Error, ErrorCode, Result};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use zeroize::Zeroize;

use crate::settings::ManagedRules;

/// The setting that decides, as an operator knows it.
const ENABLED: &str = "[managed] enabled in the configuration file";

/// Parses a managed configuration, if such are used. The value is wiped with [`wipe`] after use.
///
/// # Errors
/// `POLICY_DENIED` naming the rule; `SOURCE_NOT_CONFIGURED` for a text that is no JSON.
pub(super) fn admit(source: &str, config: &SecretString, rules: &ManagedRules) -> Result<Value> {
    if !rules.enabled {
        let message =
            format!("the source \"{source}\" is configured by the gateway, which {ENABLED} forbids");
        return Err(Error::new(ErrorCode::PolicyDenied, message).with("rule", "managed.enabled"));
    }
    // The parser's own words would quote the text.
    serde_json::from_str(config.expose_secret()).map_err(|_| {
        let message = format!("the gateway's configuration of the source \"{source}\" is not valid JSON");
        Error::new(ErrorCode::SourceNotConfigured, message).with("source", source)
    })
}

/// Overwrites every text in it.
pub(super) fn wipe(json: &mut Value) {
    match json {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(entries) => entries.values_mut().for_each(wipe),
        _ => {}
    }
}
