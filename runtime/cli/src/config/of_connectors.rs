//! What the operator says of connector modules.

use connector_host::ModulePolicy;

use super::rows::{Row, Value, printable};
use crate::settings::{Layers, Origin};

/// `[connectors.NAME]`, each key with what holds for it.
pub(super) fn rows(layers: &Layers) -> Vec<Row> {
    let default = ModulePolicy::default();
    let mut rows = Vec::new();
    for (name, entry) in &layers.file.connectors.0 {
        let section = format!("connectors.{}", printable(name));
        let policy = &entry.policy;
        let mut row = |key: &str, value: String, is_set: bool| {
            let origin = if is_set { layers.file.origin(&section, key) } else { Origin::Default };
            rows.push(Row {
                section: section.clone(),
                key: key.to_owned(),
                value: Value::Shown(printable(&value)),
                origin,
            });
        };
        let hosts: Vec<String> = policy.allow_hosts.iter().map(ToString::to_string).collect();
        let or = |text: Option<String>, otherwise: &str| text.unwrap_or_else(|| otherwise.to_owned());
        let file = entry.file.as_ref().map(|file| file.display().to_string());
        row("file", or(file, "the one of that bridge name"), entry.file.is_some());
        row("sha256", or(policy.sha256.map(|digest| digest.to_string()), "any"), policy.sha256.is_some());
        let signature = policy.signature.as_ref().map(ToString::to_string);
        row("signature", or(signature, "none asked for"), policy.signature.is_some());
        let allowed = (!hosts.is_empty()).then(|| hosts.join(", "));
        row("allow_hosts", or(allowed, "what its source names"), !hosts.is_empty());
        row("memory", format!("{} MiB", policy.memory >> 20), policy.memory != default.memory);
        let millis = policy.running.as_millis().to_string();
        row("running_ms_per_call", millis, policy.running != default.running);
        row("max_sessions", policy.max_sessions.to_string(), policy.max_sessions != default.max_sessions);
    }
    rows
}
