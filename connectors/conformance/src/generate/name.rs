//! Names that an engine allows and a careless connector stumbles over.

use proptest::prelude::*;

use super::one_of;

/// Quotes of every kind, dots, spaces, reserved words, wide characters, mixed case, words of our own options, and
/// names that mean something to an engine when they are not quoted. None begins with `$`: a `where` could not name
/// such a column.
const ODD: &[&str] = &[
    "id",
    "name",
    "value",
    "count",
    "updated_at",
    "select",
    "order",
    "Group By",
    "a.b",
    "public.t",
    "quo\"te",
    "a\"b.c\"d",
    "\"",
    "back\\slash",
    "semi;colon--",
    "/* comment */",
    "per%cent_",
    "it's",
    "MiXeD",
    "[bracket]",
    "`tick`",
    "日本語",
    "🦀",
    "ünïcode",
    "field",
    "dir",
    "asc",
    "limit",
    "null",
    "rowid",
    "true",
    ":p",
    "?1",
    "{x}",
    " edge ",
    "new\nline",
    "*",
];

/// A name.
pub(super) fn name() -> BoxedStrategy<String> {
    prop_oneof![
        3 => one_of(ODD.to_vec()).prop_map(str::to_owned),
        1 => "[a-z][a-zA-Z0-9_ ]{0,10}[a-z]",
    ]
    .boxed()
}

/// `count` names of one table. Engines that fold case would take two that differ only in it for one.
pub(super) fn names(count: usize) -> BoxedStrategy<Vec<String>> {
    proptest::collection::vec(name(), count)
        .prop_map(|names| {
            let mut unique: Vec<String> = Vec::with_capacity(names.len());
            for mut name in names {
                while unique.iter().any(|known| known.to_lowercase() == name.to_lowercase()) {
                    name.push_str(" 2");
                }
                unique.push(name);
            }
            unique
        })
        .boxed()
}
