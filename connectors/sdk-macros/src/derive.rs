//! A struct to configuration fields and the reading of them.

use proc_macro2::TokenStream;
use quote::quote;
use syn::ext::IdentExt as _;
use syn::meta::ParseNestedMeta;
use syn::{Data, DeriveInput, Error, Fields, Lit, LitStr, Result};

use crate::json::{self, Pieces};

const ALLOWED: &str = "expected one of `label`, `key`, `alias`, `default`, `placeholder`, `hint`, `advanced`";

/// What stands in a field's `#[config(…)]`.
#[derive(Default)]
struct Options {
    label: Option<LitStr>,
    key: Option<LitStr>,
    aliases: Vec<LitStr>,
    default: Option<Lit>,
    placeholder: Option<LitStr>,
    hint: Option<LitStr>,
    advanced: bool,
}

pub(crate) fn expand(input: &DeriveInput) -> Result<TokenStream> {
    let name = &input.ident;
    if !input.generics.params.is_empty() {
        return Err(Error::new_spanned(&input.generics, "a configuration has no parameters"));
    }
    let fields = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => &fields.named,
            _ => return Err(Error::new_spanned(name, "a configuration is a struct with named fields")),
        },
        _ => return Err(Error::new_spanned(name, "a configuration is a struct with named fields")),
    };
    let mut manifest = Pieces::default();
    let mut readers = Vec::new();
    let mut keys: Vec<String> = Vec::new();
    manifest.push("[");
    for (at, field) in fields.iter().enumerate() {
        let Some(ident) = &field.ident else { continue };
        let options = Options::of(field)?;
        let key = options.key.as_ref().map_or_else(|| camel_case(&ident.unraw().to_string()), LitStr::value);
        for taken in std::iter::once(key.clone()).chain(options.aliases.iter().map(LitStr::value)) {
            if keys.contains(&taken) {
                return Err(Error::new_spanned(ident, format!("two settings are called `{taken}`")));
            }
            keys.push(taken);
        }
        if at > 0 {
            manifest.push(",");
        }
        options.describe(&key, &field.ty, field, &mut manifest)?;
        let (ty, aliases) = (&field.ty, &options.aliases);
        readers.push(match &options.default {
            None => quote!(#ident: settings.get::<#ty>(#key, &[#(#aliases),*])?),
            Some(Lit::Str(text)) => quote! {
                #ident: settings.get_or::<#ty>(#key, &[#(#aliases),*], || ::core::convert::From::from(#text))?
            },
            Some(default) => quote! {
                #ident: settings.get_or::<#ty>(#key, &[#(#aliases),*], || #default)?
            },
        });
    }
    manifest.push("]");
    let manifest = manifest.joined();
    Ok(quote! {
        #[automatically_derived]
        impl ::semilayer_connector::config::Config for #name {
            const FIELDS: &'static str = #manifest;

            fn from_json(json: &str) -> ::semilayer_connector::error::Result<Self> {
                let settings = ::semilayer_connector::config::Settings::read(json)?;
                ::core::result::Result::Ok(#name { #(#readers),* })
            }
        }
    })
}

impl Options {
    fn of(field: &syn::Field) -> Result<Options> {
        let mut options = Options::default();
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("config")) {
            attribute.parse_nested_meta(|meta| options.take(&meta))?;
        }
        Ok(options)
    }

    fn take(&mut self, meta: &ParseNestedMeta<'_>) -> Result<()> {
        let Some(name) = meta.path.get_ident().map(ToString::to_string) else {
            return Err(meta.error(ALLOWED));
        };
        let once = |slot: &mut Option<LitStr>| match slot {
            Some(_) => Err(meta.error(format!("`{name}` is given twice"))),
            None => {
                *slot = Some(meta.value()?.parse()?);
                Ok(())
            }
        };
        match name.as_str() {
            "label" => once(&mut self.label),
            "key" => once(&mut self.key),
            "placeholder" => once(&mut self.placeholder),
            "hint" => once(&mut self.hint),
            "alias" => {
                self.aliases.push(meta.value()?.parse()?);
                Ok(())
            }
            "default" if self.default.is_some() => Err(meta.error("`default` is given twice")),
            "default" => {
                self.default = Some(meta.value()?.parse()?);
                Ok(())
            }
            "advanced" => {
                self.advanced = true;
                Ok(())
            }
            _ => Err(meta.error(ALLOWED)),
        }
    }

    /// The field's object in the manifest.
    fn describe(&self, key: &str, ty: &syn::Type, field: &syn::Field, manifest: &mut Pieces) -> Result<()> {
        let label = self.label.as_ref().ok_or_else(|| {
            Error::new_spanned(field, "a setting needs `#[config(label = \"…\")]`: what a form calls it")
        })?;
        manifest.push(&format!(
            "{{\"key\":{},\"label\":{},\"type\":\"",
            json::text(key),
            json::text(&label.value())
        ));
        manifest.constant(quote!(<#ty as ::semilayer_connector::config::Setting>::KIND));
        manifest.push("\",\"required\":");
        match self.default {
            Some(_) => manifest.push("false"),
            None => manifest.constant(quote! {
                if <#ty as ::semilayer_connector::config::Setting>::REQUIRED { "true" } else { "false" }
            }),
        }
        if !self.aliases.is_empty() {
            let aliases: Vec<String> = self.aliases.iter().map(LitStr::value).collect();
            manifest.push(&format!(",\"aliases\":{}", json::texts(aliases.iter().map(String::as_str))));
        }
        if let Some(default) = &self.default {
            manifest.push(&format!(",\"default\":{}", json::text(&default_text(default)?)));
        }
        for (name, text) in [("placeholder", &self.placeholder), ("hint", &self.hint)] {
            if let Some(text) = text {
                manifest.push(&format!(",\"{name}\":{}", json::text(&text.value())));
            }
        }
        if self.advanced {
            manifest.push(",\"group\":\"advanced\"");
        }
        manifest.push("}");
        Ok(())
    }
}

fn default_text(default: &Lit) -> Result<String> {
    match default {
        Lit::Str(text) => Ok(text.value()),
        Lit::Bool(flag) => Ok(flag.value.to_string()),
        Lit::Int(number) => Ok(number.base10_digits().to_owned()),
        _ => Err(Error::new_spanned(default, "a default is a text, a whole number, `true` or `false`")),
    }
}

/// `key_prefix` as `keyPrefix`.
fn camel_case(name: &str) -> String {
    let mut parts = name.split('_').filter(|part| !part.is_empty());
    let mut camel = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let mut letters = part.chars();
        camel.extend(letters.next().map(|first| first.to_ascii_uppercase()));
        camel.push_str(letters.as_str());
    }
    camel
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(input: &str) -> String {
        expand(&syn::parse_str(input).unwrap()).unwrap_err().to_string()
    }

    #[test]
    fn names_are_in_camel_case() {
        for (name, camel) in [("url", "url"), ("key_prefix", "keyPrefix"), ("tls_ca_file", "tlsCaFile")] {
            assert_eq!(camel_case(name), camel);
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_what_is_allowed() {
        for (input, part) in [
            ("struct S { #[config(label = \"L\", secret)] a: String }", "`label`, `key`, `alias`"),
            ("struct S { a: String }", "needs `#[config(label"),
            ("struct S { #[config(label = \"L\", label = \"M\")] a: String }", "given twice"),
            ("struct S { #[config(label = \"L\", default = 1.5)] a: u16 }", "a default is a text"),
            (
                "struct S { #[config(label = \"L\")] a: u16, #[config(label = \"M\", alias = \"a\")] b: u16 }",
                "called `a`",
            ),
            ("struct S(u16);", "named fields"),
            ("enum S { A }", "named fields"),
            ("struct S<T> { a: T }", "no parameters"),
        ] {
            assert!(problem(input).contains(part), "{input}: {}", problem(input));
        }
    }
}
