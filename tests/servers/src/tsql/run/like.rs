//! LIKE patterns: `%`, `_`, `[a-z]`, `[^a-z]`, and an escape character.
//!
//! They match UTF-16 units, as in every collation without `_SC`: of a character beyond the basic plane, `_` is half.

use crate::tsql::types::Collation;
use crate::tsql::value::lower;

/// What one place of a pattern matches.
#[derive(Debug, PartialEq, Eq)]
enum Place {
    AnyRun,
    AnyOne,
    One(u16),
    /// Ranges, and whether everything else is meant.
    Set(Vec<(u16, u16)>, bool),
    /// A set that is never closed, or an escape that escapes nothing: no text matches.
    Nothing,
}

/// Whether the text matches. In LIKE blanks at the end of the pattern count.
pub(super) fn like(text: &str, pattern: &str, escape: Option<char>, collation: Collation) -> bool {
    // Only a character of the basic plane can escape.
    let escape = escape.and_then(|escape| u16::try_from(u32::from(escape)).ok());
    matches(&folded(text, collation), &places(pattern, escape, collation))
}

/// Where PATINDEX finds the pattern first, in UTF-16 units from 0.
pub(crate) fn like_position(text: &str, pattern: &str, collation: Collation) -> Option<usize> {
    let places = places(pattern, None, collation);
    let (anchored, rest) = match places.split_first() {
        Some((Place::AnyRun, rest)) => (false, rest),
        _ => (true, places.as_slice()),
    };
    let units = folded(text, collation);
    let starts = if anchored { 0..=0 } else { 0..=units.len() };
    starts.into_iter().find(|start| matches(units.get(*start..).unwrap_or_default(), rest))
}

fn folded(text: &str, collation: Collation) -> Vec<u16> {
    match collation {
        Collation::CaseInsensitive => lower(text).encode_utf16().collect(),
        _ => text.encode_utf16().collect(),
    }
}

const PERCENT: u16 = 0x25;
const UNDERSCORE: u16 = 0x5f;
const OPEN: u16 = 0x5b;
const CLOSE: u16 = 0x5d;
const CARET: u16 = 0x5e;
const HYPHEN: u16 = 0x2d;

fn places(pattern: &str, escape: Option<u16>, collation: Collation) -> Vec<Place> {
    let pattern = folded(pattern, collation);
    let mut places = Vec::with_capacity(pattern.len());
    let mut rest = pattern.as_slice();
    while let [character, tail @ ..] = rest {
        rest = tail;
        places.push(match character {
            character if Some(*character) == escape => match tail.split_first() {
                Some((escaped, tail)) => {
                    rest = tail;
                    Place::One(*escaped)
                }
                None => Place::Nothing,
            },
            &PERCENT => Place::AnyRun,
            &UNDERSCORE => Place::AnyOne,
            &OPEN => {
                let (set, tail) = set(tail, escape);
                rest = tail;
                set
            }
            character => Place::One(*character),
        });
    }
    places
}

/// What stands behind an opening bracket, and the pattern behind the closing one.
fn set(mut rest: &[u16], escape: Option<u16>) -> (Place, &[u16]) {
    let negated = rest.first() == Some(&CARET);
    if negated {
        rest = rest.get(1..).unwrap_or_default();
    }
    let mut ranges = Vec::new();
    // A closing bracket that comes first is a member.
    loop {
        let (low, tail) = match rest {
            [] => return (Place::Nothing, rest),
            [CLOSE, tail @ ..] if !ranges.is_empty() => return (Place::Set(ranges, negated), tail),
            [mark, member, tail @ ..] if Some(*mark) == escape => (*member, tail),
            [member, tail @ ..] => (*member, tail),
        };
        match tail {
            [HYPHEN, high, tail @ ..] if *high != CLOSE => {
                ranges.push((low, *high));
                rest = tail;
            }
            _ => {
                ranges.push((low, low));
                rest = tail;
            }
        }
    }
}

/// Goes back to the last `%` only: a later one takes over from an earlier one.
fn matches(text: &[u16], places: &[Place]) -> bool {
    let (mut at, mut place) = (0, 0);
    let mut retry: Option<(usize, usize)> = None;
    loop {
        let step = match (places.get(place), text.get(at)) {
            (Some(Place::AnyRun), _) => {
                retry = Some((place, at));
                place += 1;
                continue;
            }
            (None, None) => return true,
            (Some(Place::Nothing), _) => return false,
            (Some(Place::AnyOne), Some(_)) => true,
            (Some(Place::One(wanted)), Some(character)) => wanted == character,
            (Some(Place::Set(ranges, negated)), Some(character)) => {
                ranges.iter().any(|(low, high)| (low..=high).contains(&character)) != *negated
            }
            _ => false,
        };
        if step {
            (at, place) = (at + 1, place + 1);
            continue;
        }
        match retry {
            Some((run, start)) if start < text.len() => {
                retry = Some((run, start + 1));
                (at, place) = (start + 1, run + 1);
            }
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_sql_server() {
        for (text, pattern, expected) in [
            ("abc", "a%", true),
            ("abc", "_b_", true),
            ("abc", "%c%", true),
            ("aXbXc", "a%b%c", true),
            ("abc", "", false),
            ("", "%", true),
            ("a%c", r"a\%c", true),
            ("abc", r"a\%c", false),
            ("b", "[a-c]", true),
            ("d", "[^a-c]", true),
            ("]", "[]]", true),
            ("-", "[a-]", true),
            ("a[b", r"a\[b", true),
            ("a[b", "a[[]b", true),
            ("a", "[a", false),
            ("a", r"a\", false),
            ("a ", "a", false),
            ("A", "a", false),
            ("a🦀", "a_", false),
            ("a🦀", "a__", true),
        ] {
            assert_eq!(like(text, pattern, Some('\\'), Collation::Binary), expected, "{text} LIKE {pattern}");
        }
        assert!(like("ABC", "a_c", None, Collation::CaseInsensitive));
        assert_eq!(like_position("xxabc", "%a[b]c%", Collation::Binary), Some(2));
    }
}
