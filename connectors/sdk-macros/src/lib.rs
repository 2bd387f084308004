//! The attribute and the derive of `semilayer-connector`.
//!
//! - `derive`: a struct to configuration fields and the reading of them
//! - `attribute`: what the attribute's arguments may be
//! - `manifest`: those arguments as the manifest's JSON
//! - `component`: the code that the attribute adds
//! - `json`: JSON text that is put together when the connector is compiled

mod attribute;
mod component;
mod derive;
mod json;
mod manifest;

use proc_macro::TokenStream;

/// Makes a struct the configuration of a connector: each field is a setting.
///
/// | on a field | means |
/// |---|---|
/// | `label = "Port"` | what a form calls it; required |
/// | `key = "tls.ca"` | its key, where it is not the field's name in camel case |
/// | `alias = "host"` | another key that means the same; may be repeated |
/// | `default = 6379` | what holds when it is not set |
/// | `placeholder = "…"` | an example |
/// | `hint = "…"` | a sentence for whoever fills it in |
/// | `advanced` | a form folds it away |
///
/// A field is a `String`, a `Secret`, a `bool` or a whole number, or an `Option` of these; one that is no `Option` and
/// has no default has to be set.
#[proc_macro_derive(Config, attributes(config))]
pub fn config(input: TokenStream) -> TokenStream {
    let input = syn::parse_macro_input!(input as syn::DeriveInput);
    derive::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a component of an `impl Connector`: its exports, its manifest, and the section that carries it.
///
/// | argument | means |
/// |---|---|
/// | `bridge = "@acme/bridge-inventory"` | the name by which sources ask for it; required |
/// | `display_name = "Inventory"` | what a person calls it; required |
/// | `icon = "database"` | the icon's name in the console |
/// | `url_schemes = ["inventory"]` | the schemes by which a source's URL is recognised |
/// | `url_placeholder = "…"` | what such a URL looks like; says that one URL is enough |
/// | `operations = [query, …]` | what the session implements; required |
/// | `capabilities(…)` | what it can do, each a flag, and `where_logical_ops`, `where_string_ops` as lists |
/// | `aggregates(…)` | which parts of an aggregate it computes itself |
/// | `conventions(…)` | how its rows differ in meaning |
/// | `egress = ["{host}:{port}"]` | where it wants to connect to; a field's value stands in braces |
#[proc_macro_attribute]
pub fn connector(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = syn::parse_macro_input!(item as syn::ItemImpl);
    let expanded = syn::parse::<attribute::Arguments>(arguments)
        .and_then(|arguments| component::expand(&arguments, &item));
    match expanded {
        Ok(tokens) => tokens.into(),
        Err(error) => component::with_error(&item, &error).into(),
    }
}
