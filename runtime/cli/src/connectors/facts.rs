//! What there is to say of a module, in words. `list`, `inspect` and `doctor` say the same.

use connector_host::Module;
use connector_model::manifest::FieldKind;
use serde_json::{Value, json};

/// A line for each thing, with its name before it.
pub(crate) fn lines(module: &Module) -> Vec<(&'static str, String)> {
    let manifest = &module.manifest.manifest;
    let policy = &module.policy;
    let mut lines = vec![
        ("bridge", format!("{} {}", manifest.package_name, manifest.version)),
        ("shown as", manifest.display_name.to_string()),
        ("sha256", format!("{}{}", module.digest, if policy.sha256.is_some() { "  (pinned)" } else { "" })),
        ("contract", format!("semilayer:connector {}", module.manifest.connector_api)),
        ("imports", imports(module)),
        ("asks for", asked(module)),
    ];
    if let Some(key) = &policy.signature {
        lines.push(("signed by", key.to_string()));
    }
    let allowed = &policy.allow_hosts;
    let beyond = if module.manifest.egress.is_empty() {
        "nothing, as it asks for nothing".to_owned()
    } else if allowed.is_empty() {
        "what its source's own configuration names, with the first port it asks for where that names none; on public \
         addresses unless that is written on this machine"
            .to_owned()
    } else {
        let hosts: Vec<String> = allowed.iter().map(ToString::to_string).collect();
        format!(
            "what its source's own configuration names, with the first port it asks for where that names none, and of \
             what it asks for {}",
            hosts.join(", ")
        )
    };
    lines.push(("granted", beyond));
    lines.push((
        "limits",
        format!(
            "{} MiB a session, {} ms of computing a call, {} sessions",
            policy.memory >> 20,
            policy.running.as_millis(),
            policy.max_sessions
        ),
    ));
    lines
}

/// The host's interfaces one by one, as they are what it can do, and of the rest the packages: those are empty here.
fn imports(module: &Module) -> String {
    let mut names: Vec<&str> = Vec::new();
    for import in &module.imports {
        let name = import.split_once('@').map_or(import.as_str(), |(name, _)| name);
        let name = match name.split_once('/') {
            Some((package, _)) if package.starts_with("wasi:") => package,
            // What it shares with the host are words, nothing to call.
            Some((_, "types")) => continue,
            _ => name,
        };
        if !names.contains(&name) {
            names.push(name);
        }
    }
    listed(names.into_iter())
}

/// Where it wants to connect to, in its own words.
fn asked(module: &Module) -> String {
    if module.manifest.egress.is_empty() {
        return "no connection at all".to_owned();
    }
    listed(module.manifest.egress.iter().map(AsRef::as_ref))
}

fn listed<'t>(texts: impl Iterator<Item = &'t str>) -> String {
    let texts: Vec<&str> = texts.collect();
    if texts.is_empty() { "nothing".to_owned() } else { texts.join(", ") }
}

/// The fields of its configuration, a line each.
pub(crate) fn fields(module: &Module) -> Vec<String> {
    let kind = |kind: FieldKind| match kind {
        FieldKind::String => "text",
        FieldKind::Number => "number",
        FieldKind::Boolean => "true or false",
        FieldKind::Password => "secret",
    };
    let line = |field: &connector_model::manifest::Field| {
        let required = if field.required { ", required" } else { "" };
        let default = field.default.as_ref().map(|text| format!(", default {text}")).unwrap_or_default();
        format!("{:<24} {}{required}{default}", field.key, kind(field.kind))
    };
    module.manifest.manifest.fields.iter().map(line).collect()
}

/// The same for machines.
pub(crate) fn json(module: &Module) -> Value {
    let policy = &module.policy;
    json!({
        "bridge": module.bridge(),
        "version": module.manifest.manifest.version,
        "sha256": module.digest.to_string(),
        "connectorApi": module.manifest.connector_api,
        "imports": module.imports,
        "file": module.path.display().to_string(),
        "manifest": module.manifest,
        "policy": {
            "sha256": policy.sha256.map(|digest| digest.to_string()),
            "signature": policy.signature.as_ref().map(ToString::to_string),
            "allowHosts": policy.allow_hosts.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "memoryBytes": policy.memory,
            "runningMsPerCall": u64::try_from(policy.running.as_millis()).unwrap_or(u64::MAX),
            "maxSessions": policy.max_sessions,
        },
    })
}
