//! What `semilayer-runner.toml` may hold, as a JSON schema (draft 2020-12). Made of the same tables that the settings are
//! read by, so that an editor and the runner agree.

use connector_model::manifest::{Field, FieldKind, Manifest, short_name};
use runner_engine::Served;
use serde_json::{Map, Value, json};

use crate::drivers;
use crate::settings::known::{Kind, Known, MANAGED_ENABLED, MANAGED_LISTS, RUNNER};

/// The schema.
pub fn schema() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "semilayer-runner.toml",
        "description": "The configuration file of semilayer-runner. Variables and flags win over it.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "runner": runner(),
            "managed": managed(),
            "sources": sources(),
            "connectors": connectors(),
        },
        "$defs": {
            "scalar": {
                "anyOf": [
                    { "type": ["string", "number", "boolean"] },
                    { "type": "array", "items": { "type": ["string", "number", "boolean"] } },
                ],
            },
            "value": {
                "anyOf": [
                    { "$ref": "#/$defs/scalar" },
                    { "type": "object", "additionalProperties": { "$ref": "#/$defs/value" } },
                ],
            },
        },
    })
}

fn runner() -> Value {
    let in_file = RUNNER.iter().filter(|known| !known.names.key.is_empty());
    let properties: Map<String, Value> =
        in_file.map(|known| (known.names.key.to_owned(), of_known(known))).collect();
    json!({
        "description": "Who the runner is, how it reaches its gateway, and how much it does at once.",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

fn of_known(known: &Known) -> Value {
    let mut about = known.about.to_owned();
    if !known.default.is_empty() {
        about.push_str(&format!(" Default: {}.", known.default));
    }
    if !known.names.variable.is_empty() {
        about.push_str(&format!(" Variable: {}.", known.names.variable));
    }
    let mut schema = match known.kind {
        Kind::Number(least, most) => json!({
            "anyOf": [
                { "type": "integer", "minimum": least, "maximum": most },
                { "type": "string", "pattern": "^ *[0-9]* *$" },
            ],
        }),
        Kind::Choice(choices) => {
            let choices: Vec<&str> = choices.iter().copied().chain([""]).collect();
            json!({ "enum": choices })
        }
        // Whatever is written without quotes is taken as its text.
        Kind::Text | Kind::Token | Kind::Url | Kind::Path | Kind::Boolean => {
            json!({ "type": ["string", "number", "boolean"] })
        }
    };
    describe(&mut schema, &about);
    schema
}

fn managed() -> Value {
    let list = |known: &Known| {
        let mut schema = json!({ "type": "array", "items": { "type": "string" } });
        describe(&mut schema, &format!("{} Default: {}.", known.about, known.default));
        (known.names.key.to_owned(), schema)
    };
    let mut properties: Map<String, Value> = MANAGED_LISTS.iter().map(list).collect();
    properties.insert("enabled".into(), json!({ "type": "boolean", "description": MANAGED_ENABLED }));
    json!({
        "description": "What configurations that come from the gateway may do on this network.",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

/// A source's keys are its connector's. Those of the drivers that are built in are known here, where the source names one;
/// a module brings its own.
fn sources() -> Value {
    let drivers = drivers::served();
    let rules: Vec<Value> = drivers.iter().map(of_driver).collect();
    json!({
        "description": "The sources that are configured on this machine, each under its name.",
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "properties": {
                "driver": {
                    "type": ["string", "number", "boolean"],
                    "description": "Which connector speaks to it: postgres, mysql, mssql, sqlite, or a module's name. Without it, the URL's scheme says.",
                },
            },
            "additionalProperties": { "$ref": "#/$defs/value" },
            "allOf": rules,
        },
    })
}

fn of_driver(served: &Served) -> Value {
    let manifest = served.connector.manifest();
    let short = manifest.short_name();
    let names: Vec<String> = [manifest.package_name.to_string(), short.to_owned()]
        .into_iter()
        .chain(served.aliases.iter().flat_map(|alias| {
            let alias = short_name(alias);
            [alias.to_owned(), format!("@semilayer/bridge-{alias}")]
        }))
        .collect();
    json!({
        "if": { "required": ["driver"], "properties": { "driver": { "enum": names } } },
        "then": {
            "properties": properties(manifest),
            "propertyNames": { "enum": keys(manifest) },
        },
    })
}

/// Every spelling of every key, and the tables that dotted keys make.
fn keys(manifest: &Manifest) -> Vec<String> {
    let mut keys = vec!["driver".to_owned()];
    for spelling in manifest.fields.iter().flat_map(spellings) {
        if let Some((table, _)) = spelling.split_once('.')
            && !keys.iter().any(|key| key == table)
        {
            keys.push(table.to_owned());
        }
        keys.push(spelling.to_owned());
    }
    keys
}

fn spellings(field: &Field) -> impl Iterator<Item = &str> {
    std::iter::once(&field.key).chain(&field.aliases).map(AsRef::as_ref)
}

fn properties(manifest: &Manifest) -> Map<String, Value> {
    let mut properties = Map::new();
    for field in &manifest.fields {
        for spelling in spellings(field) {
            let schema = of_field(field);
            if let Some((table, key)) = spelling.split_once('.') {
                let table = properties.entry(table).or_insert_with(
                    || json!({ "type": "object", "additionalProperties": false, "properties": {} }),
                );
                if let Some(Value::Object(nested)) = table.get_mut("properties") {
                    nested.insert(key.to_owned(), schema.clone());
                }
            }
            properties.insert(spelling.to_owned(), schema);
        }
    }
    properties
}

fn of_field(field: &Field) -> Value {
    let mut schema = match field.kind {
        FieldKind::Number => json!({
            "anyOf": [{ "type": "integer" }, { "type": "string", "pattern": "^ *[+-]?[0-9]* *$" }],
        }),
        FieldKind::Boolean => json!({ "enum": [true, false, "true", "false", "1", "0", 1, 0, ""] }),
        FieldKind::String | FieldKind::Password => json!({ "$ref": "#/$defs/scalar" }),
    };
    let hint = field.hint.as_ref().map(|hint| format!(". {hint}")).unwrap_or_default();
    let default = field.default.as_ref().map(|text| format!(" Default: {text}.")).unwrap_or_default();
    describe(&mut schema, &format!("{}{hint}{default}", field.label));
    schema
}

fn connectors() -> Value {
    json!({
        "description": "What the operator says of single connector modules, each under its bridge name.",
        "type": "object",
        "additionalProperties": {
            "type": "object",
            "additionalProperties": false,
            "properties": {
                "file": { "type": "string", "minLength": 1, "description": "The module's file, where it is not in the folder." },
                "sha256": {
                    "type": "string", "pattern": "^(sha256:)?[0-9a-fA-F]{64}$",
                    "description": "The only file that may be loaded: 64 hexadecimal digits, such as sha256sum prints.",
                },
                "signature": {
                    "type": "string", "minLength": 56,
                    "description": "The minisign public key that must have signed it; FILE.minisig lies beside the file.",
                },
                "allow_hosts": {
                    "type": "array", "items": { "type": "string", "minLength": 1 },
                    "description": "Hosts that it may reach besides those that its source's configuration names.",
                },
                "memory": {
                    "type": "string", "pattern": "^[0-9]+ *(B|KiB|MiB|GiB)?$",
                    "description": "An instance's memory, from 4MiB to 4GiB. Default: 128MiB.",
                },
                "running_ms_per_call": {
                    "type": "integer", "minimum": 10, "maximum": 86_400_000,
                    "description": "How long one call may compute, in milliseconds. Default: 10000.",
                },
                "max_sessions": {
                    "type": "integer", "minimum": 1, "maximum": 1000,
                    "description": "Sessions at once. Default: 16.",
                },
            },
        },
    })
}

fn describe(schema: &mut Value, text: &str) {
    if let Value::Object(schema) = schema {
        schema.insert("description".to_owned(), text.into());
    }
}
