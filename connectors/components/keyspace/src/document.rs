//! A key's value as the members of a row.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::cell::Cell;

/// The column that holds the key.
pub const KEY: &str = "_key";

/// The column of a value that is no object.
pub const VALUE: &str = "value";

/// A document that nests deeper is not taken apart: it is shown as the text that it is.
const MAX_DEPTH: usize = 64;

/// What is at a key.
#[derive(Debug, Clone, PartialEq)]
pub enum Stored {
    /// A string.
    Text(Vec<u8>),
    /// A hash: fields and their values.
    Fields(Vec<(Vec<u8>, Vec<u8>)>),
}

/// A key with its value.
#[derive(Debug, Clone, PartialEq)]
pub struct Fetched {
    /// The key.
    pub key: Box<str>,
    /// What is there.
    pub stored: Stored,
}

/// The members of a row but its key, in the order in which they are stored. Of two with one name the last counts, as
/// readers of JSON have it; one that is called like the column of the key is hidden by it.
pub type Members<'a> = Vec<(Cow<'a, str>, Cell<'a>)>;

impl Stored {
    /// How many bytes it holds.
    pub fn len(&self) -> usize {
        match self {
            Stored::Text(bytes) => bytes.len(),
            Stored::Fields(fields) => fields.iter().map(|(name, value)| name.len() + value.len()).sum(),
        }
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Takes it apart: an object into its members, a hash into its fields, anything else into one member [`VALUE`].
    pub fn members(&self) -> Members<'_> {
        match self {
            Stored::Text(bytes) => of_text(bytes),
            Stored::Fields(fields) => {
                let named =
                    fields.iter().map(|(name, value)| (String::from_utf8_lossy(name), of_bytes(value)));
                let mut members: Members<'_> = named.filter(|(name, _)| name != KEY).collect();
                // No two fields have one name, but two that are no UTF-8 may be shown alike.
                let is_lossy = members.iter().any(|(name, _)| matches!(name, Cow::Owned(_)));
                if is_lossy && has_twins(&members) {
                    last_of_each(&mut members);
                }
                members
            }
        }
    }
}

fn of_bytes(bytes: &[u8]) -> Cell<'_> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Cell::Text(Cow::Borrowed(text)),
        Err(_) => Cell::Bytes(bytes),
    }
}

fn of_text(bytes: &[u8]) -> Members<'_> {
    let value = |cell| vec![(Cow::Borrowed(VALUE), cell)];
    let Ok(text) = std::str::from_utf8(bytes) else { return value(Cell::Bytes(bytes)) };
    let plain = || value(Cell::Text(Cow::Borrowed(text)));
    let looks_like_json =
        text.trim_ascii_start().bytes().next().is_some_and(|first| {
            matches!(first, b'{' | b'[' | b'"' | b'-' | b'0'..=b'9' | b't' | b'f' | b'n')
        });
    if !looks_like_json || depth(text) > MAX_DEPTH {
        return plain();
    }
    if text.trim_ascii_start().starts_with('{') {
        return object(text).unwrap_or_else(plain);
    }
    match serde_json::from_str::<&RawValue>(text) {
        Ok(json) => value(Cell::Json(json.get())),
        Err(_) => plain(),
    }
}

/// The members of a text that is one JSON object.
fn object(text: &str) -> Option<Members<'_>> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let mut members = reader.deserialize_map(Object).ok()?;
    reader.end().ok()?;
    members.retain(|(name, _)| name != KEY);
    if has_twins(&members) {
        last_of_each(&mut members);
    }
    Some(members)
}

/// How deep brackets nest, those in strings left out.
fn depth(text: &str) -> usize {
    // Fewer brackets than allowed levels are not worth a look at where they stand.
    if text.bytes().filter(|byte| matches!(byte, b'{' | b'[')).count() <= MAX_DEPTH {
        return 0;
    }
    let (mut depth, mut deepest) = (0_usize, 0_usize);
    let (mut in_string, mut escaped) = (false, false);
    for byte in text.bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_string = true,
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// How many members are compared each with each; more are sorted first.
const FEW: usize = 16;

/// Whether two names are one. Most differ in what costs nothing to look at.
fn is_same(one: &str, other: &str) -> bool {
    one.len() == other.len() && one.as_bytes().first() == other.as_bytes().first() && one == other
}

fn has_twins(members: &Members<'_>) -> bool {
    if members.len() <= FEW {
        return members
            .iter()
            .enumerate()
            .any(|(at, (name, _))| members.iter().skip(at + 1).any(|(other, _)| is_same(name, other)));
    }
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| matches!(pair, [left, right] if left == right))
}

fn last_of_each(members: &mut Members<'_>) {
    let mut seen = std::collections::HashSet::new();
    members.reverse();
    members.retain(|(name, _)| seen.insert(name.to_string()));
    members.reverse();
}

struct Object;

impl<'de> Visitor<'de> for Object {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::new();
        while let Some(Name(name)) = map.next_key()? {
            let value: &RawValue = map.next_value()?;
            members.push((name, Cell::Json(value.get())));
        }
        Ok(members)
    }
}

/// A member's name, borrowed where nothing in it is escaped.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> Vec<(String, String)> {
        let stored = Stored::Text(text.as_bytes().to_vec());
        let members = stored.members();
        members
            .iter()
            .map(|(name, cell)| {
                let mut out = Vec::new();
                cell.write(&mut out);
                (name.to_string(), String::from_utf8(out).unwrap())
            })
            .collect()
    }

    fn pairs(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn an_object_is_its_members() {
        assert_eq!(
            shown("\n {\"a\": 1, \"b\\u0063\": {\"x\": [1.50]}, \"_key\": \"mine\"} "),
            pairs(&[("a", "1"), ("bc", "{\"x\": [1.50]}")])
        );
        assert_eq!(shown("{}"), []);
    }

    #[test]
    fn of_two_members_with_one_name_the_last_counts() {
        assert_eq!(shown(r#"{"a":1,"b":2,"a":3}"#), pairs(&[("b", "2"), ("a", "3")]));
        let many: Vec<String> = (0..40).map(|n| format!("\"m{}\":{n}", n % 20)).collect();
        assert_eq!(shown(&format!("{{{}}}", many.join(","))).len(), 20);
    }

    #[test]
    fn anything_else_is_a_value() {
        for (text, value) in [
            ("42", "42"),
            (" true ", "true"),
            ("null", "null"),
            ("[1,{}]", "[1,{}]"),
            ("\"quoted\"", "\"quoted\""),
            ("plain", "\"plain\""),
            ("", "\"\""),
            ("007", "\"007\""),
            ("{broken", "\"{broken\""),
            ("{\"a\":1} and more", "\"{\\\"a\\\":1} and more\""),
            ("nothing", "\"nothing\""),
        ] {
            assert_eq!(shown(text), pairs(&[("value", value)]), "{text}");
        }
        assert_eq!(Stored::Text(vec![0xff]).members(), [(Cow::Borrowed("value"), Cell::Bytes(&[0xff]))]);
    }

    #[test]
    fn a_document_beyond_all_depth_stays_a_text() {
        let deep = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
        assert_eq!(shown(&deep(MAX_DEPTH - 1)).first().unwrap().0, "a");
        assert_eq!(shown(&deep(MAX_DEPTH)).first().unwrap().0, "value");
        assert_eq!(depth(&format!("{{\"a\":\"{}\"}}", "[".repeat(100))), 1);
    }

    #[test]
    fn a_hash_is_its_fields() {
        let field = |name: &str, value: &[u8]| (name.as_bytes().to_vec(), value.to_vec());
        let hash = Stored::Fields(vec![field("n", b"42"), field("_key", b"x"), field("raw", &[0xff])]);
        assert_eq!(
            hash.members(),
            [(Cow::Borrowed("n"), Cell::Text("42".into())), (Cow::Borrowed("raw"), Cell::Bytes(&[0xff]))]
        );
        // Names that are no UTF-8 and are shown alike: of two the last counts.
        let raw = |byte: u8, value: &[u8]| (vec![b'x', byte], value.to_vec());
        let twins = Stored::Fields(vec![
            raw(0xfe, b"1"),
            field("x\u{fffd}", b"2"),
            field("n", b"0"),
            raw(0xff, b"3"),
        ]);
        let shown: Vec<(Cow<'_, str>, Cell<'_>)> = twins.members();
        let right = [("n", "0"), ("x\u{fffd}", "3")];
        assert_eq!(shown, right.map(|(name, value)| (Cow::Borrowed(name), Cell::Text(value.into()))));
        assert!(!hash.is_empty() && Stored::Text(Vec::new()).is_empty());
    }
}
