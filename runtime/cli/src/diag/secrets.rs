//! What is taken out of every text of a bundle, whoever wrote it.
//!
//! What the runner itself writes holds no secret anyway. A log that somebody hands in may come from anywhere, so whatever
//! looks like a credential in the present configuration is taken out of all files alike.

use connector_host::Secrets;
use connector_model::manifest::{Field, FieldKind};
use runner_engine::{Served, variable_key};

use super::clear;
use crate::settings::Layers;

/// The key of every source that is no connector's.
const DRIVER: &str = "DRIVER";

/// The secrets of the configuration: every value that is not known to be harmless, and what `_FILE` variables name.
/// `served` are the connectors whose manifests say what is harmless.
pub(super) fn of(layers: &Layers, served: &[Served]) -> Secrets {
    let plain = plain_keys(served);
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
            // What is no file may be the secret itself, in the wrong place.
            Some(key) if !is_plain(key) => {
                let read = std::fs::read_to_string(value);
                texts.push(read.map_or_else(|_| value.to_owned(), |text| text.trim_end().to_owned()));
            }
            _ if !is_plain(name) => texts.push(value.to_owned()),
            _ => {}
        }
    }
    texts.extend(layers.flags.token.iter().map(|token| clear(&token.0).to_owned()));
    texts.extend(layers.file.runner.get("token").map(|token| clear(token).to_owned()));
    for source in layers.file.sources.values() {
        let secret = source.entries.iter().filter(|(key, _)| !is_plain(&variable_key(key)));
        texts.extend(secret.map(|(_, text)| clear(text).to_owned()));
    }
    Secrets::texts(texts.iter().map(String::as_str))
}

/// The keys that some connector knows and that none takes for a secret, as variables spell them.
fn plain_keys(served: &[Served]) -> Vec<String> {
    let fields = || served.iter().flat_map(|served| &served.connector.manifest().fields);
    let is_secret = |field: &&Field| field.kind == FieldKind::Password;
    let secret: Vec<String> = fields().filter(is_secret).flat_map(spellings).collect();
    let known = fields().flat_map(spellings).filter(|key| !secret.contains(key));
    std::iter::once(DRIVER.to_owned()).chain(known).collect()
}

fn spellings(field: &Field) -> impl Iterator<Item = String> {
    std::iter::once(&field.key).chain(&field.aliases).map(|key| variable_key(key))
}
