//! What is taken out of every text of a bundle, whoever wrote it.
//!
//! What the runner itself writes holds no secret anyway. A log that somebody hands in may come from anywhere, so whatever
//! looks like a credential in the present configuration is taken out of all files alike.

use connector_host::Secrets;
use connector_model::manifest::FieldKind;
use runner_engine::variable_name;

use super::clear;
use crate::drivers;
use crate::settings::Layers;

/// Keys of which nothing is secret, as variables spell them: hiding a port would hide half of a log.
const PLAIN: [&str; 4] = ["DRIVER", "HOST", "PORT", "USER"];

/// The secrets of the configuration: every value that is not known to be harmless, and what `_FILE` variables name.
pub(super) fn of(layers: &Layers) -> Secrets {
    let plain = plain_keys();
    let is_plain = |name: &str| {
        let upper = name.to_ascii_uppercase();
        plain.iter().any(|key| upper == *key || upper.ends_with(&format!("_{key}")))
    };
    let mut texts: Vec<String> = Vec::new();
    let of_variables = layers.variables.names().filter(|name| {
        name.starts_with("SEMILAYER_SOURCE_") || name.contains("TOKEN") || name.contains("PASSWORD")
    });
    for name in of_variables {
        let value = layers.variables.get(name).unwrap_or_default();
        match name.strip_suffix("_FILE") {
            Some(key) if !is_plain(key) => {
                texts.extend(std::fs::read_to_string(value).ok().map(|text| text.trim_end().to_owned()));
            }
            _ if !is_plain(name) => texts.push(value.to_owned()),
            _ => {}
        }
    }
    texts.extend(layers.flags.token.iter().map(|token| clear(&token.0).to_owned()));
    texts.extend(layers.file.runner.get("token").map(|token| clear(token).to_owned()));
    for source in layers.file.sources.values() {
        let secret = source.entries.iter().filter(|(key, _)| !is_plain(&spelled(key)));
        texts.extend(secret.map(|(_, text)| clear(text).to_owned()));
    }
    Secrets::texts(texts.iter().map(String::as_str))
}

/// The keys that some driver knows and that no driver takes for a secret.
fn plain_keys() -> Vec<String> {
    let drivers = drivers::served();
    let fields = || drivers.iter().flat_map(|driver| &driver.connector.manifest().fields);
    let secret: Vec<String> = fields()
        .filter(|field| field.kind == FieldKind::Password)
        .flat_map(|field| std::iter::once(&field.key).chain(&field.aliases))
        .map(|key| spelled(key))
        .collect();
    let mut plain: Vec<String> = PLAIN.map(str::to_owned).to_vec();
    plain.extend(
        fields()
            .flat_map(|field| std::iter::once(&field.key).chain(&field.aliases))
            .map(|key| spelled(key))
            .filter(|key| !secret.contains(key)),
    );
    plain
}

/// A key as variables spell it, near enough to compare by.
fn spelled(key: &str) -> String {
    variable_name(key)
}
