//! The code that the attribute adds.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, ItemImpl, Result};

use crate::attribute::Arguments;
use crate::manifest;

pub(crate) fn expand(arguments: &Arguments, item: &ItemImpl) -> Result<TokenStream> {
    let is_connector = item
        .trait_
        .as_ref()
        .is_some_and(|(_, path, _)| path.segments.last().is_some_and(|last| last.ident == "Connector"));
    if !is_connector {
        return Err(Error::new_spanned(&item.self_ty, "the attribute belongs on an `impl Connector for …`"));
    }
    if !item.generics.params.is_empty() {
        return Err(Error::new_spanned(&item.generics, "a connector has no parameters"));
    }
    let (connector, bridge) = (&item.self_ty, &arguments.bridge);
    let manifest = manifest::expression(arguments, connector);
    Ok(quote! {
        #item

        impl ::semilayer_connector::Described for #connector {
            const BRIDGE: &'static str = #bridge;
            const MANIFEST: &'static str = #manifest;
        }

        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code, clippy::all)]
        const _: () = {
            const MANIFEST: &str = <#connector as ::semilayer_connector::Described>::MANIFEST;

            #[unsafe(link_section = "semilayer:manifest")]
            static SECTION: [u8; MANIFEST.len()] = ::semilayer_connector::text::join(&[MANIFEST]);

            type Component = ::semilayer_connector::component::Component<#connector>;

            ::semilayer_connector::component::export!(
                Component with_types_in ::semilayer_connector::component::bindings
            );
        };
    })
}

/// The error, and the `impl` as it stands, so that nothing else is reported of it.
pub(crate) fn with_error(item: &ItemImpl, error: &Error) -> TokenStream {
    let error = error.to_compile_error();
    quote! { #item #error }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_belongs_on_an_impl_of_connector() {
        let arguments: Arguments =
            syn::parse_str("bridge = \"b\", display_name = \"B\", operations = [query]").unwrap();
        for (item, part) in [
            ("impl Shelf {}", "impl Connector for"),
            ("impl Session for Shelf {}", "impl Connector for"),
            ("impl<T> Connector for Shelf<T> {}", "no parameters"),
        ] {
            let error = expand(&arguments, &syn::parse_str(item).unwrap()).unwrap_err();
            assert!(error.to_string().contains(part), "{item}: {error}");
        }
        let good = syn::parse_str("impl Connector for Shelf {}").unwrap();
        assert!(expand(&arguments, &good).is_ok());
    }
}
