//! JSON text that is put together when the connector is compiled.

use proc_macro2::TokenStream;
use quote::quote;

/// A text as a JSON string.
pub(crate) fn text(text: &str) -> String {
    let mut json = String::with_capacity(text.len() + 2);
    json.push('"');
    for character in text.chars() {
        match character {
            '"' | '\\' => json.extend(['\\', character]),
            control if control < ' ' => json.push_str(&format!("\\u{:04x}", u32::from(control))),
            other => json.push(other),
        }
    }
    json.push('"');
    json
}

/// Texts as a JSON array.
pub(crate) fn texts<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let texts: Vec<String> = texts.into_iter().map(text).collect();
    format!("[{}]", texts.join(","))
}

/// JSON of pieces that are known here and pieces that only the compiler knows.
#[derive(Default)]
pub(crate) struct Pieces {
    done: Vec<TokenStream>,
    open: String,
}

impl Pieces {
    /// A piece that is known.
    pub(crate) fn push(&mut self, json: &str) {
        self.open.push_str(json);
    }

    /// An expression of type `&'static str` whose value is a piece.
    pub(crate) fn constant(&mut self, expression: TokenStream) {
        self.close();
        self.done.push(expression);
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            let open = std::mem::take(&mut self.open);
            self.done.push(quote!(#open));
        }
    }

    /// The expression of type `&'static str` that joins them.
    pub(crate) fn joined(mut self) -> TokenStream {
        self.close();
        let done = self.done;
        quote! {{
            const PIECES: &[&str] = &[#(#done),*];
            const BYTES: [u8; ::semilayer_connector::text::length(PIECES)] =
                ::semilayer_connector::text::join(PIECES);
            ::semilayer_connector::text::whole(&BYTES)
        }}
    }
}
