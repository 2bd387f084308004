//! Every setting of the runner with its value, as far as that may be shown, and its origin.

use secrecy::ExposeSecret;

use crate::mask;
use crate::settings::known::{self, Kind, Known, MANAGED_LISTS, RUNNER};
use crate::settings::{Layers, Origin, Setting};

/// A setting as it is shown.
pub(super) struct Row {
    /// `runner`, `managed`, `sources.NAME` or `connectors.NAME`.
    pub(super) section: String,
    /// Its key.
    pub(super) key: String,
    /// What may be shown of its value; for a default, what holds then in words.
    pub(super) value: Value,
    /// Where it is from.
    pub(super) origin: Origin,
}

/// What is shown of a value.
pub(super) enum Value {
    /// This.
    Shown(String),
    /// That it is required and absent.
    Missing,
    /// Why it cannot be read.
    Unreadable(String),
}

/// `[runner]`, what only flags and variables set, and `[managed]`.
pub(super) fn of_runner(layers: &Layers) -> Vec<Row> {
    let mut rows: Vec<Row> = RUNNER.iter().map(|known| of_known("runner", known, layers)).collect();
    rows.push(enabled(layers));
    rows.extend(MANAGED_LISTS.iter().map(|known| of_list(known, layers)));
    rows
}

fn of_known(section: &str, known: &Known, layers: &Layers) -> Row {
    let row =
        |value, origin| Row { section: section.to_owned(), key: known.name().to_owned(), value, origin };
    let flag = known::flag(&layers.flags, known.names.flag);
    match layers.find(flag.as_deref(), known.names) {
        Ok(Some(Setting { value, origin })) => {
            row(Value::Shown(shown(known.kind, value.expose_secret())), origin)
        }
        // The file that is in use without being named is no default in words.
        Ok(None) if known.names.variable == "SEMILAYER_CONFIG" && layers.file.path.is_some() => {
            let path = layers.file.path.clone().unwrap_or_default();
            row(Value::Shown(printable(&path.display().to_string())), Origin::Default)
        }
        Ok(None) if known.default.is_empty() => row(Value::Missing, Origin::Default),
        Ok(None) => row(Value::Shown(known.default.to_owned()), Origin::Default),
        Err(error) => {
            let origin = Origin::Variable(known.names.variable.to_owned());
            row(Value::Unreadable(error.to_string()), origin)
        }
    }
}

fn shown(kind: Kind, text: &str) -> String {
    let text = text.trim();
    match kind {
        Kind::Token => mask::token(text),
        Kind::Url => mask::url(text),
        // Somebody may have put a URL with a password where none belongs.
        _ if text.contains("://") => mask::url(text),
        _ => printable(text),
    }
}

/// On one line.
pub(super) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn enabled(layers: &Layers) -> Row {
    let (value, origin) = match layers.file.managed.enabled {
        Some(enabled) => (enabled, layers.file.origin("managed", "enabled")),
        None => (true, Origin::Default),
    };
    Row {
        section: "managed".to_owned(),
        key: "enabled".to_owned(),
        value: Value::Shown(value.to_string()),
        origin,
    }
}

fn of_list(known: &Known, layers: &Layers) -> Row {
    let from_variable = of_known("managed", known, layers);
    if from_variable.origin != Origin::Default {
        return from_variable;
    }
    let section = &layers.file.managed;
    let listed = match known.names.key {
        "allow_hosts" => &section.allow_hosts,
        _ => &section.allow_files,
    };
    match listed {
        Some(items) => Row {
            value: Value::Shown(shown(known.kind, &items.join(", "))),
            origin: layers.file.origin("managed", known.names.key),
            ..from_variable
        },
        None => from_variable,
    }
}
