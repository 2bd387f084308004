//! `sources`: what the environment and the file configure.

use std::io::{self, Write};

use connector_model::config::Config;
use connector_model::manifest::{Field, FieldKind, Manifest};
use runner_engine::{Found, ResolvedSource, find_sources};
use serde_json::{Map, Value, json};

use crate::connectors::loading::Loaded;
use crate::exit::Exit;
use crate::mask;
use crate::settings::{ConfigError, SourceSettings};

/// Finds the sources. Reads secret files, opens nothing.
///
/// # Errors
/// [`ConfigError::Drivers`].
pub fn find(settings: &SourceSettings, loaded: &Loaded) -> Result<Found, ConfigError> {
    let resolver = settings.resolver(loaded.bridges()?);
    Ok(find_sources(&resolver, &settings.file, None))
}

/// Prints what was found, and ends with [`Exit::Config`] when a source cannot be used as it is configured.
///
/// # Errors
/// Those of the output.
pub fn print(found: &Found, as_json: bool, out: &mut dyn Write) -> io::Result<Exit> {
    if as_json {
        writeln!(out, "{:#}", json(found))?;
    } else {
        text(found, out)?;
    }
    let all_resolve = found.sources.iter().all(|source| validated(&source.resolved).is_ok());
    Ok(if all_resolve { Exit::Ok } else { Exit::Config })
}

/// A source whose own validation passes too.
pub(crate) fn validated(
    resolved: &connector_model::Result<ResolvedSource>,
) -> Result<&ResolvedSource, connector_model::Error> {
    let resolved = resolved.as_ref().map_err(Clone::clone)?;
    resolved.source().map(|_| resolved)
}

fn text(found: &Found, out: &mut dyn Write) -> io::Result<()> {
    if found.sources.is_empty() {
        writeln!(out, "no source is configured on this machine; one is by SEMILAYER_SOURCE_<NAME>_URL")?;
        writeln!(out, "(sources whose configuration the gateway holds need nothing here)")?;
    }
    for source in &found.sources {
        writeln!(out, "{}", source.name)?;
        match &source.resolved {
            Ok(resolved) => writeln!(out, "  driver:     {}", resolved.driver())?,
            Err(_) => writeln!(out, "  driver:     not known")?,
        }
        if !source.variables.is_empty() {
            writeln!(out, "  variables:  {}", source.variables.join(", "))?;
        }
        if let Ok(resolved) = &source.resolved {
            for (key, value) in shown(&resolved.config, resolved.connector.manifest()) {
                writeln!(out, "  {:<11} {value}", format!("{key}:"))?;
            }
        }
        if let Err(error) = validated(&source.resolved) {
            writeln!(out, "  ✗ {}", error.message())?;
        }
    }
    for warning in &found.warnings {
        writeln!(out, "! {warning}")?;
    }
    Ok(())
}

fn json(found: &Found) -> Value {
    let sources = found.sources.iter().map(|source| {
        let resolved = source.resolved.as_ref().ok();
        let settings: Map<String, Value> = resolved
            .map(|resolved| shown(&resolved.config, resolved.connector.manifest()))
            .unwrap_or_default()
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value.into()))
            .collect();
        let error = validated(&source.resolved)
            .err()
            .map(|error| json!({ "code": error.code().as_str(), "message": error.message() }));
        json!({
            "name": source.name,
            "driver": resolved.map(ResolvedSource::driver),
            "variables": source.variables,
            "settings": settings,
            "error": error,
        })
    });
    let warnings: Vec<String> = found.warnings.iter().map(ToString::to_string).collect();
    json!({ "sources": sources.collect::<Vec<_>>(), "warnings": warnings })
}

/// The settings with what may be shown of their values, in the manifest's order.
fn shown<'m>(config: &Config, manifest: &'m Manifest) -> Vec<(&'m str, String)> {
    let is_set = |field: &&Field| config.keys().any(|key| key == field.key);
    manifest.fields.iter().filter(is_set).map(|field| (field.key.as_ref(), value(config, field))).collect()
}

/// What may be shown of a setting's value.
pub(crate) fn value(config: &Config, field: &Field) -> String {
    if let Some(flag) = config.flag(&field.key) {
        return flag.to_string();
    }
    if let Ok(Some(number)) = config.number(&field.key, i64::MIN..=i64::MAX) {
        return number.to_string();
    }
    match (config.text(&field.key), field.kind) {
        (Some(text), _) if field.key == "url" => mask::url(text),
        (Some(text), FieldKind::String) if text.contains("://") => mask::url(text),
        // PEM text: a certificate is no secret, but nothing to read either.
        (Some(text), FieldKind::String) if text.contains('\n') => format!("({} bytes)", text.len()),
        (Some(text), FieldKind::String) => text.chars().filter(|c| !c.is_control()).collect(),
        _ => mask::hidden().to_owned(),
    }
}
