//! The attribute's arguments as the manifest's JSON. The names are those of the manifest, in snake case.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, Expr, ExprLit, Ident, Lit, Meta, Result, Type};

use crate::attribute::{Arguments, texts};
use crate::json::{self, Pieces};

/// The version of `semilayer:connector` that the exports are made for.
const CONNECTOR_API: &str = "0.1.0";

const OPERATIONS: &[(&str, &str)] = &[
    ("list_targets", "listTargets"),
    ("introspect", "introspect"),
    ("read", "read"),
    ("query", "query"),
    ("count", "count"),
    ("aggregate", "aggregate"),
];

const LOGICAL_OPS: &[&str] = &["$and", "$or", "$not"];
const STRING_OPS: &[&str] = &["$like", "$ilike", "$contains", "$startsWith", "$endsWith"];
const ANSWERS: &[&str] = &["exact", "approximate", "both"];

/// What stands behind a name.
enum Kind {
    /// Nothing, or `= true`.
    Flag,
    /// One of these texts.
    Word(&'static [&'static str]),
    /// A list of these texts.
    Words(&'static [&'static str]),
    /// A list of any texts.
    Texts,
}

/// The names that are allowed in one pair of parentheses, with the manifest's keys.
pub(crate) struct Group(&'static [(&'static str, &'static str, Kind)]);

pub(crate) static CAPABILITIES: Group = Group(&[
    ("batch_read", "batchRead", Kind::Flag),
    ("where_pushdown", "wherePushdown", Kind::Flag),
    ("order_by_pushdown", "orderByPushdown", Kind::Flag),
    ("limit_pushdown", "limitPushdown", Kind::Flag),
    ("select_projection", "selectProjection", Kind::Flag),
    ("native_joins", "nativeJoins", Kind::Flag),
    ("cursor", "cursor", Kind::Flag),
    ("changed_since", "changedSince", Kind::Flag),
    ("per_key_limit", "perKeyLimit", Kind::Flag),
    ("exact_count", "exactCount", Kind::Flag),
    ("where_logical_ops", "whereLogicalOps", Kind::Words(LOGICAL_OPS)),
    ("where_string_ops", "whereStringOps", Kind::Words(STRING_OPS)),
]);

pub(crate) static AGGREGATES: Group = Group(&[
    ("supports", "supports", Kind::Flag),
    ("group_by", "groupBy", Kind::Flag),
    ("time_bucket", "timeBucket", Kind::Flag),
    ("numeric_bucket", "numericBucket", Kind::Flag),
    ("count", "count", Kind::Flag),
    ("count_distinct", "countDistinct", Kind::Word(ANSWERS)),
    ("sum", "sum", Kind::Flag),
    ("avg", "avg", Kind::Flag),
    ("min_max", "minMax", Kind::Flag),
    ("percentile", "percentile", Kind::Word(ANSWERS)),
    ("top_k", "topK", Kind::Flag),
    ("first_last", "firstLast", Kind::Flag),
    ("having_on_aggregates", "havingOnAggregates", Kind::Flag),
    ("pushdown_order_limit", "pushdownOrderLimit", Kind::Flag),
    ("sampling", "sampling", Kind::Flag),
    ("joins", "joins", Kind::Flag),
]);

pub(crate) static CONVENTIONS: Group = Group(&[
    ("nulls_last", "nullsLast", Kind::Flag),
    ("moments_in_text", "momentsInText", Kind::Flag),
    ("folds_beyond_ascii", "foldsBeyondAscii", Kind::Flag),
    ("single_precision", "singlePrecision", Kind::Texts),
]);

impl Group {
    /// The manifest's key and value of one entry.
    pub(crate) fn entry(&self, meta: &Meta) -> Result<(&'static str, String)> {
        let name = meta.path().get_ident().map(ToString::to_string).unwrap_or_default();
        let Some((_, key, kind)) = self.0.iter().find(|(known, _, _)| *known == name) else {
            let names = listed(self.0.iter().map(|(name, _, _)| *name));
            return Err(Error::new_spanned(meta.path(), format!("expected one of {names}")));
        };
        kind.json(meta).map(|json| (*key, json))
    }
}

impl Kind {
    fn json(&self, meta: &Meta) -> Result<String> {
        let problem = |text: String| Err(Error::new_spanned(meta, text));
        match (self, meta) {
            (Kind::Flag, Meta::Path(_)) => Ok("true".to_owned()),
            (Kind::Flag, Meta::NameValue(pair)) => match &pair.value {
                Expr::Lit(ExprLit { lit: Lit::Bool(flag), .. }) => Ok(flag.value.to_string()),
                _ => problem("expected true or false, or nothing behind the name".to_owned()),
            },
            (Kind::Word(allowed), Meta::NameValue(pair)) => match &pair.value {
                Expr::Lit(ExprLit { lit: Lit::Str(word), .. })
                    if allowed.contains(&word.value().as_str()) =>
                {
                    Ok(json::text(&word.value()))
                }
                _ => problem(format!("expected one of {}", quoted(allowed))),
            },
            (Kind::Words(allowed), Meta::NameValue(pair)) => {
                let words = texts(&pair.value)?;
                match words.iter().find(|word| !allowed.contains(&word.as_str())) {
                    Some(unknown) => problem(format!("\"{unknown}\" is none of {}", quoted(allowed))),
                    None => Ok(json::texts(words.iter().map(String::as_str))),
                }
            }
            (Kind::Texts, Meta::NameValue(pair)) => {
                Ok(json::texts(texts(&pair.value)?.iter().map(String::as_str)))
            }
            (Kind::Word(allowed), _) => problem(format!("expected `=` and one of {}", quoted(allowed))),
            (Kind::Words(allowed), _) => problem(format!("expected `=` and a list of {}", quoted(allowed))),
            (Kind::Texts, _) => problem("expected `=` and a list of texts".to_owned()),
            (Kind::Flag, Meta::List(_)) => {
                problem("expected true or false, or nothing behind the name".to_owned())
            }
        }
    }
}

/// The manifest's names of operations.
pub(crate) fn operations(names: &[Ident]) -> Result<Vec<&'static str>> {
    let operation = |name: &Ident| {
        let found = OPERATIONS.iter().find(|(known, _)| name == known);
        found.map(|(_, operation)| *operation).ok_or_else(|| {
            let names = listed(OPERATIONS.iter().map(|(name, _)| *name));
            Error::new_spanned(name, format!("expected one of {names}"))
        })
    };
    names.iter().map(operation).collect()
}

fn listed<'n>(names: impl Iterator<Item = &'n str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

/// The expression whose value is the manifest of the connector `of`.
pub(crate) fn expression(arguments: &Arguments, of: &Type) -> TokenStream {
    let mut manifest = Pieces::default();
    let name = |manifest: &mut Pieces, key: &str| manifest.push(&format!(",\"{key}\":"));
    manifest.push("{\"name\":\"");
    manifest.constant(quote!(::core::env!("CARGO_PKG_NAME")));
    manifest.push("\",\"version\":\"");
    manifest.constant(quote!(::core::env!("CARGO_PKG_VERSION")));
    manifest.push(&format!("\",\"connectorApi\":\"{CONNECTOR_API}\""));
    for (key, text) in [
        ("packageName", &arguments.bridge),
        ("displayName", &arguments.display_name),
        ("icon", &arguments.icon),
    ] {
        name(&mut manifest, key);
        manifest.push(&json::text(text));
    }
    name(&mut manifest, "supportsUrl");
    manifest.push(if arguments.url_placeholder.is_some() { "true" } else { "false" });
    if let Some(placeholder) = &arguments.url_placeholder {
        name(&mut manifest, "urlPlaceholder");
        manifest.push(&json::text(placeholder));
    }
    for (key, list) in [("urlSchemes", &arguments.url_schemes), ("egress", &arguments.egress)] {
        name(&mut manifest, key);
        manifest.push(&json::texts(list.iter().map(String::as_str)));
    }
    name(&mut manifest, "operations");
    manifest.push(&json::texts(arguments.operations.iter().copied()));
    name(&mut manifest, "capabilities");
    let mut capabilities = arguments.capabilities.clone();
    if let Some(aggregates) = &arguments.aggregates {
        capabilities.push(("aggregates", object(aggregates)));
    }
    manifest.push(&object(&capabilities));
    name(&mut manifest, "conventions");
    manifest.push(&object(&arguments.conventions));
    name(&mut manifest, "fields");
    manifest.constant(quote! {
        <<#of as ::semilayer_connector::Connector>::Config as ::semilayer_connector::config::Config>::FIELDS
    });
    manifest.push("}");
    manifest.joined()
}

fn object(entries: &[(&'static str, String)]) -> String {
    let entries: Vec<String> = entries.iter().map(|(key, json)| format!("\"{key}\":{json}")).collect();
    format!("{{{}}}", entries.join(","))
}
