//! Where the objects of a text of rows stand.

use std::ops::Range;

use crate::column_rules::scan;

/// The places of the objects in a text such as `{…},{…}`, one by one. The text should be JSON; where it is something else,
/// the last place is `None`, and whatever stands behind it is not looked at.
pub fn objects(text: &[u8]) -> impl Iterator<Item = Option<Range<usize>>> {
    let mut at = scan::after_space(text, 0);
    let mut ended = at == text.len();
    std::iter::from_fn(move || {
        if ended {
            return None;
        }
        let object = object(text, at);
        match &object {
            None => ended = true,
            Some(place) => {
                let comma = scan::after_space(text, place.end);
                ended = comma == text.len();
                // What stands there instead shows when the next object is looked for: nothing begins behind it.
                at = if text.get(comma) == Some(&b',') {
                    scan::after_space(text, comma + 1)
                } else {
                    text.len()
                };
            }
        }
        Some(object)
    })
}

fn object(text: &[u8], at: usize) -> Option<Range<usize>> {
    (text.get(at) == Some(&b'{')).then_some(())?;
    Some(at..scan::value_end(text, at)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<Option<&str>> {
        objects(text.as_bytes()).map(|place| place.and_then(|place| text.get(place))).collect()
    }

    #[test]
    fn each_object_is_found_whatever_stands_in_its_texts() {
        assert_eq!(found(""), []);
        assert_eq!(found(" {} "), [Some("{}")]);
        let rows = r#"{"a":"},{\"","b":[{}]} , {"c":{"d":"\\"}},{}"#;
        assert_eq!(found(rows), [Some(r#"{"a":"},{\"","b":[{}]}"#), Some(r#"{"c":{"d":"\\"}}"#), Some("{}")]);
    }

    #[test]
    fn what_are_no_objects_ends_the_search() {
        for text in ["1", "{", "[{}]", "{\"a\":\"}", "x{}"] {
            assert_eq!(found(text), [None], "{text}");
        }
        for text in ["{},", "{},1", "{}{}", "{} x"] {
            assert_eq!(found(text), [Some("{}"), None], "{text}");
        }
    }
}
