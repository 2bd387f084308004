//! What to say of a source that is not configured, or not quite.

use std::collections::BTreeMap;

use connector_model::error::{Error, ErrorCode};
use connector_model::manifest::Manifest;
use connector_model::nearest::nearest;

use super::environment::owner;
use super::given::Given;
use super::naming::{PREFIX, expected_variable, variable_key, variable_name};
use super::resolve::Resolver;
use super::warning::SourceWarning;

impl Resolver {
    /// `SOURCE_NOT_CONFIGURED` with the exact variable that is expected, and those that are nearly right.
    pub(super) fn not_configured(&self, source: &str, manifest: &Manifest, known: &[String]) -> Error {
        let expected = expected_variable(source, manifest);
        let nearly = self.nearly(&expected, known);
        let mut message = format!("the source \"{source}\" is not configured on this runner: set {expected}");
        if !nearly.is_empty() {
            message.push_str(&format!(" (set, but not read: {})", nearly.join(", ")));
        }
        let error = Error::new(ErrorCode::SourceNotConfigured, message).with("source", source);
        error.with("variable", expected).with("nearly", nearly)
    }

    /// Variables of no known source that look like a misspelling of `expected`.
    pub(super) fn nearly(&self, expected: &str, known: &[String]) -> Vec<String> {
        // What they all begin with would make any two of them look alike.
        let rest = |name: &str| {
            let upper = name.to_ascii_uppercase();
            let rest = upper.strip_prefix(PREFIX).or_else(|| upper.strip_prefix("SEMILAYER_"));
            rest.unwrap_or(&upper).replace('_', "")
        };
        let candidates: Vec<(String, &str)> = self
            .environment
            .names()
            .filter(|name| name.strip_prefix(PREFIX).is_none_or(|rest| owner(rest, known).is_none()))
            .map(|name| (rest(name), name))
            .collect();
        let alike = nearest(&rest(expected), candidates.iter().map(|(rest, _)| rest.as_str()));
        let named = |alike: &&str| candidates.iter().find(|(rest, _)| rest == alike);
        alike.iter().filter_map(named).map(|(_, name)| (*name).to_owned()).collect()
    }
}

/// A variable whose key the connector does not have.
pub(super) fn unknown_key(source: &str, manifest: &Manifest, variable: &str, key: &str) -> SourceWarning {
    let keys: Vec<String> = manifest.fields.iter().map(|field| variable_key(&field.key)).collect();
    let alike = nearest(key, keys.iter().map(String::as_str));
    SourceWarning::UnknownKey {
        source: source.to_owned(),
        variable: variable.to_owned(),
        nearest: alike.first().map(|key| format!("{PREFIX}{}_{key}", variable_name(source))),
    }
}

/// The error of a setting, with the variable or entry that it is from, or the variable that would set it.
pub(super) fn placed(
    error: Error,
    source: &str,
    given: &BTreeMap<connector_model::manifest::Text, Given>,
) -> Error {
    let setting =
        error.detail().get("setting").and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let place = match given.get(setting.as_str()) {
        Some(given) => given.from.clone(),
        None => format!("{PREFIX}{}_{}", variable_name(source), variable_key(&setting)),
    };
    Error::new(error.code(), format!("the source \"{source}\": {} ({place})", error.message()))
        .with("source", source)
        .with("setting", setting)
        .with("variable", place)
}
