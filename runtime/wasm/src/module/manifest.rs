//! A module's manifest: found without running anything, and held to what a manifest may say.

use std::collections::BTreeSet;

use connector_model::manifest::{Field, short_name};
use connector_model::module::{MAX_MANIFEST_BYTES, ModuleManifest};
use serde_json::Value;

use super::anatomy::{Anatomy, SOURCE_INTERFACE};
use super::refused::Refused;
use crate::reach::check_egress;

/// The longest bridge name.
const MAX_NAME_BYTES: usize = 128;
/// The longest other text: a hint is a sentence.
const MAX_TEXT_BYTES: usize = 1_024;
/// Fields of a configuration; the largest published one has 20.
const MAX_FIELDS: usize = 64;
/// Places that a module may want to reach.
const MAX_EGRESS: usize = 32;
/// What the fields that size a source's pool begin with; the host adds them to every manifest.
const POOL: &str = "pool.";
/// The keys that mean something to the runner itself in a source's configuration.
const RESERVED_KEYS: [&str; 1] = ["driver"];

/// The manifest in a component's custom section, and its text as it stands there. Runs nothing.
///
/// # Errors
/// [`Refused::NotAComponent`], [`Refused::Broken`], and [`Refused::Manifest`] when there is none, or one that cannot be.
pub fn manifest_of(bytes: &[u8]) -> Result<(ModuleManifest, Box<str>), Refused> {
    of_anatomy(&Anatomy::read(bytes)?)
}

pub(super) fn of_anatomy(anatomy: &Anatomy<'_>) -> Result<(ModuleManifest, Box<str>), Refused> {
    let wrong = |problem: String| Refused::Manifest(problem);
    let Some((bytes, others)) = anatomy.manifests.split_first() else {
        return Err(wrong("there is none (no custom section semilayer:manifest)".to_owned()));
    };
    // Tools may copy a section; two different ones are two connectors in one file.
    if others.iter().any(|other| other != bytes) {
        return Err(wrong(format!("there are {} different ones", others.len() + 1)));
    }
    if bytes.len() > MAX_MANIFEST_BYTES {
        return Err(wrong(format!("it is larger than {MAX_MANIFEST_BYTES} bytes")));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| wrong("it is no UTF-8 text".to_owned()))?;
    let value: Value =
        serde_json::from_str(text).map_err(|error| wrong(format!("it is no JSON: {error}")))?;
    texts_are_printable(&value)?;
    let manifest: ModuleManifest = serde_json::from_value(value).map_err(|error| wrong(error.to_string()))?;
    is_in_order(&manifest)?;
    Ok((manifest, text.into()))
}

/// Everything in it is shown to people: in logs, in terminals, in a browser.
fn texts_are_printable(value: &Value) -> Result<(), Refused> {
    let check = |text: &str| {
        if text.len() > MAX_TEXT_BYTES {
            Err(Refused::Manifest(format!("a text in it is longer than {MAX_TEXT_BYTES} bytes")))
        } else if text.chars().any(char::is_control) {
            Err(Refused::Manifest("a text in it has control characters".to_owned()))
        } else {
            Ok(())
        }
    };
    match value {
        Value::String(text) => check(text),
        Value::Array(items) => items.iter().try_for_each(texts_are_printable),
        Value::Object(entries) => {
            entries.iter().try_for_each(|(key, value)| check(key).and_then(|()| texts_are_printable(value)))
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => Ok(()),
    }
}

fn is_in_order(module: &ModuleManifest) -> Result<(), Refused> {
    let wrong = |problem: String| Err(Refused::Manifest(problem));
    let ModuleManifest { manifest, connector_api, operations, egress, .. } = module;
    let version = SOURCE_INTERFACE.split_once('@').map_or("", |(_, version)| version);
    if connector_api != version {
        return wrong(format!("connectorApi is \"{connector_api}\", and this runner speaks {version}"));
    }
    let name = &manifest.package_name;
    let is_name = |c: char| c.is_ascii_alphanumeric() || "@/-_.".contains(c);
    if short_name(name).is_empty() || name.len() > MAX_NAME_BYTES || !name.chars().all(is_name) {
        return wrong(format!(
            "packageName is \"{name}\"; a bridge is called like \"@acme/bridge-inventory\""
        ));
    }
    if manifest.version.is_empty() || manifest.display_name.is_empty() {
        return wrong("version and displayName must not be empty".to_owned());
    }
    if operations.is_empty() {
        return wrong("operations is empty: the connector would do nothing".to_owned());
    }
    if manifest.fields.len() > MAX_FIELDS || egress.len() > MAX_EGRESS {
        return wrong(format!(
            "more than {MAX_FIELDS} fields, or more than {MAX_EGRESS} places under egress"
        ));
    }
    let scheme = |c: char| c.is_ascii_alphanumeric() || "+-.".contains(c);
    if let Some(bad) = manifest.url_schemes.iter().find(|text| text.is_empty() || !text.chars().all(scheme)) {
        return wrong(format!("\"{bad}\" is no URL scheme"));
    }
    if let Err(error) = check_egress(module) {
        return wrong(error.to_string());
    }
    keys_are_in_order(&manifest.fields)
}

fn keys_are_in_order(fields: &[Field]) -> Result<(), Refused> {
    let mut seen = BTreeSet::new();
    for key in fields.iter().flat_map(|field| std::iter::once(&field.key).chain(&field.aliases)) {
        let is_key = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let problem = if key.is_empty() || !key.chars().all(is_key) {
            "is no key: letters, digits, dot, hyphen and underscore"
        } else if key.starts_with(POOL) {
            "sizes the pool, which the runner does itself"
        } else if RESERVED_KEYS.contains(&key.as_ref()) {
            "means something to the runner itself"
        } else if !seen.insert(key) {
            "is there twice"
        } else {
            continue;
        };
        return Err(Refused::Manifest(format!("the field \"{key}\" {problem}")));
    }
    Ok(())
}
