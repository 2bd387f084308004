//! What the attribute's arguments may be.

use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Error, Expr, ExprArray, ExprLit, Ident, Lit, LitStr, Meta, Result, Token};

use crate::manifest::{self, Group};

const ALLOWED: &str = "expected one of `bridge`, `display_name`, `icon`, `url_schemes`, `url_placeholder`, \
`operations`, `capabilities`, `aggregates`, `conventions`, `egress`";

/// The arguments, each checked.
#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) bridge: String,
    pub(crate) display_name: String,
    pub(crate) icon: String,
    pub(crate) url_schemes: Vec<String>,
    pub(crate) url_placeholder: Option<String>,
    pub(crate) operations: Vec<&'static str>,
    /// Each the JSON of a value in the manifest.
    pub(crate) capabilities: Vec<(&'static str, String)>,
    pub(crate) aggregates: Option<Vec<(&'static str, String)>>,
    pub(crate) conventions: Vec<(&'static str, String)>,
    pub(crate) egress: Vec<String>,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Arguments> {
        let metas = Punctuated::<Meta, Token![,]>::parse_terminated(input)?;
        let mut seen: Vec<String> = Vec::new();
        let (mut bridge, mut display_name, mut icon, mut placeholder) = (None, None, None, None);
        let (mut schemes, mut operations, mut egress) = (Vec::new(), None, Vec::new());
        let (mut capabilities, mut aggregates, mut conventions) = (Vec::new(), None, Vec::new());
        for meta in &metas {
            let name = meta.path().get_ident().map(ToString::to_string).unwrap_or_default();
            match name.as_str() {
                "bridge" => bridge = Some(text(meta)?.value()),
                "display_name" => display_name = Some(text(meta)?.value()),
                "icon" => icon = Some(text(meta)?.value()),
                "url_placeholder" => placeholder = Some(text(meta)?.value()),
                "url_schemes" => schemes = texts(value(meta)?)?,
                "egress" => egress = texts(value(meta)?)?,
                "operations" => operations = Some(manifest::operations(&names(value(meta)?)?)?),
                "capabilities" => capabilities = group(meta, &manifest::CAPABILITIES)?,
                "aggregates" => aggregates = Some(group(meta, &manifest::AGGREGATES)?),
                "conventions" => conventions = group(meta, &manifest::CONVENTIONS)?,
                _ => return Err(Error::new_spanned(meta.path(), ALLOWED)),
            }
            if seen.contains(&name) {
                return Err(Error::new_spanned(meta.path(), format!("`{name}` is given twice")));
            }
            seen.push(name);
        }
        let missing =
            |name: &str, example: &str| input.error(format!("`{name}` is missing: {name} = {example}"));
        Ok(Arguments {
            bridge: bridge.ok_or_else(|| missing("bridge", "\"@acme/bridge-inventory\""))?,
            display_name: display_name.ok_or_else(|| missing("display_name", "\"Inventory\""))?,
            icon: icon.unwrap_or_else(|| "database".to_owned()),
            url_schemes: schemes,
            url_placeholder: placeholder,
            operations: operations
                .ok_or_else(|| missing("operations", "[list_targets, introspect, read, query]"))?,
            capabilities,
            aggregates,
            conventions,
            egress,
        })
    }
}

fn value(meta: &Meta) -> Result<&Expr> {
    Ok(&meta.require_name_value()?.value)
}

fn text(meta: &Meta) -> Result<&LitStr> {
    literal(value(meta)?)
}

fn literal(expression: &Expr) -> Result<&LitStr> {
    match expression {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(text),
        other => Err(Error::new_spanned(other, "expected a text in quotes")),
    }
}

fn array(expression: &Expr) -> Result<&ExprArray> {
    match expression {
        Expr::Array(array) => Ok(array),
        other => Err(Error::new_spanned(other, "expected a list in brackets")),
    }
}

/// A list of texts.
pub(crate) fn texts(expression: &Expr) -> Result<Vec<String>> {
    array(expression)?.elems.iter().map(|element| literal(element).map(LitStr::value)).collect()
}

fn names(expression: &Expr) -> Result<Vec<Ident>> {
    let name = |element: &Expr| match element {
        Expr::Path(path) => path.path.require_ident().cloned(),
        other => Err(Error::new_spanned(other, "expected a name")),
    };
    array(expression)?.elems.iter().map(name).collect()
}

/// `flag` or `name = value` in parentheses, each allowed by `group`.
fn group(meta: &Meta, group: &Group) -> Result<Vec<(&'static str, String)>> {
    let entries = meta.require_list()?.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)?;
    let mut written: Vec<(&'static str, String)> = Vec::new();
    for entry in &entries {
        let (key, json) = group.entry(entry)?;
        if written.iter().any(|(known, _)| *known == key) {
            return Err(Error::new_spanned(entry.path(), "is given twice"));
        }
        written.push((key, json));
    }
    Ok(written)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(arguments: &str) -> String {
        syn::parse_str::<Arguments>(arguments).unwrap_err().to_string()
    }

    #[test]
    fn what_is_wrong_is_said_with_what_is_allowed() {
        let good = "bridge = \"b\", display_name = \"B\", operations = [query]";
        assert!(syn::parse_str::<Arguments>(good).is_ok());
        for (arguments, part) in [
            ("bridge = \"b\", display_name = \"B\"", "`operations` is missing"),
            ("display_name = \"B\", operations = []", "`bridge` is missing"),
            ("brigde = \"b\"", "expected one of `bridge`"),
            ("bridge = 5", "a text in quotes"),
            ("bridge = \"a\", bridge = \"b\"", "given twice"),
            ("operations = [query, delete]", "`list_targets`, `introspect`"),
            ("operations = query", "a list in brackets"),
            ("capabilities(count_exact)", "`exact_count`"),
            ("capabilities(where_string_ops = [\"$regex\"])", "\"$like\""),
            ("capabilities(cursor = 3)", "true or false"),
            ("aggregates(percentile)", "\"approximate\""),
            ("aggregates(percentile = \"rough\")", "\"approximate\""),
            ("conventions(nulls_first)", "`nulls_last`"),
        ] {
            assert!(problem(arguments).contains(part), "{arguments}: {}", problem(arguments));
        }
    }
}
