//! The settings of one source.

use connector_model::manifest::Field;
use runner_engine::{FoundSource, ResolvedSource, SettingOrigin, variable_name};

use super::rows::{Row, Value, printable};
use crate::settings::{Layers, Origin};
use crate::sources;

/// Its driver, what somebody set of it, and the defaults of the rest.
pub(super) fn rows(source: &FoundSource, layers: &Layers) -> Vec<Row> {
    let section = format!("sources.{}", printable(&source.name));
    let row = |key: &str, value: Value, origin: Origin| Row {
        section: section.clone(),
        key: key.to_owned(),
        value,
        origin,
    };
    let resolved = match &source.resolved {
        Ok(resolved) => resolved,
        Err(error) => {
            let origin = match source.variables.first() {
                Some(variable) => Origin::Variable(variable.clone()),
                None => layers.file.origin(&section, ""),
            };
            return vec![row("driver", Value::Unreadable(error.message().to_owned()), origin)];
        }
    };
    let manifest = resolved.connector.manifest();
    let mut rows =
        vec![row("driver", Value::Shown(manifest.package_name.to_string()), driver_origin(source, layers))];
    for field in &manifest.fields {
        if let Some((value, origin)) = of_field(field, resolved, layers) {
            rows.push(row(&field.key, Value::Shown(value), origin));
        }
    }
    rows
}

fn of_field(field: &Field, resolved: &ResolvedSource, layers: &Layers) -> Option<(String, Origin)> {
    let is_set = resolved.given.keys().any(|key| key == field.key);
    if !is_set {
        return field.default.as_ref().map(|default| (default.to_string(), Origin::Default));
    }
    let origin = match resolved.origins.get(&field.key)? {
        SettingOrigin::Variable(name) => Origin::Variable(name.clone()),
        SettingOrigin::SecretFile { variable, path } => {
            Origin::SecretFile { variable: variable.clone(), path: path.into() }
        }
        SettingOrigin::File(entry) => {
            Origin::File { entry: entry.clone(), path: layers.file.path.clone().unwrap_or_default() }
        }
    };
    Some((sources::value(&resolved.given, field), origin))
}

/// Who named the driver; a default is what its URL or its settings say.
fn driver_origin(source: &FoundSource, layers: &Layers) -> Origin {
    let variable = format!("SEMILAYER_SOURCE_{}_DRIVER", variable_name(&source.name));
    let named =
        source.variables.iter().find(|name| **name == variable || **name == format!("{variable}_FILE"));
    let in_file = layers.file.sources.get(&source.name).is_some_and(|entry| entry.driver.is_some());
    match named {
        Some(name) => Origin::Variable(name.clone()),
        None if in_file => layers.file.origin(&format!("sources.{}", source.name), "driver"),
        None => Origin::Default,
    }
}
