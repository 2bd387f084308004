//! One value of a row, as it came.

use std::borrow::Cow;
use std::cmp::Ordering;

use semilayer_connector::model::json;

use crate::halves::mended;

/// A text of more bytes than this may grow beyond what a row may have when it is escaped: a control character becomes six.
const LONG_BYTES: usize = json::MAX_ROW_BYTES / 6;

/// A value: JSON as it stands in a document, or what a plain string or a field of a hash holds.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell<'a> {
    /// A JSON value, unchanged.
    Json(&'a str),
    /// A text.
    Text(Cow<'a, str>),
    /// Bytes that are no text; shown as base64.
    Bytes(&'a [u8]),
}

/// What kind of thing a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// JSON's null.
    Null,
    /// True or false.
    Boolean,
    /// A number without fraction and exponent.
    Integer,
    /// Any other number.
    Float,
    /// A text.
    Text,
    /// A JSON object.
    Object,
    /// A JSON array.
    Array,
    /// Bytes that are no text.
    Bytes,
}

impl Cell<'_> {
    /// What kind of thing it is.
    pub fn kind(&self) -> Kind {
        let json = match self {
            Cell::Text(_) => return Kind::Text,
            Cell::Bytes(_) => return Kind::Bytes,
            Cell::Json(json) => json,
        };
        match json.as_bytes().first() {
            None | Some(b'n') => Kind::Null,
            Some(b't' | b'f') => Kind::Boolean,
            Some(b'"') => Kind::Text,
            Some(b'{') => Kind::Object,
            Some(b'[') => Kind::Array,
            Some(_) if json.contains(['.', 'e', 'E']) => Kind::Float,
            Some(_) => Kind::Integer,
        }
    }

    /// How many bytes of JSON it is, or a few less.
    pub fn written_bytes(&self) -> usize {
        match self {
            Cell::Json(token) => token.len(),
            Cell::Text(text) if text.len() > LONG_BYTES => json::text_len(text.as_bytes()),
            Cell::Text(text) => text.len(),
            Cell::Bytes(bytes) => bytes.len() / 3 * 4,
        }
    }

    /// Appends it as JSON: whole numbers as numbers while a double holds them exactly, as digits in a string beyond; so do
    /// numbers with a fraction.
    pub fn write(&self, out: &mut Vec<u8>) {
        let token = match self {
            Cell::Text(text) => {
                // Doubling on the way there would take twice the memory.
                if text.len() > LONG_BYTES {
                    out.reserve_exact(self.written_bytes());
                }
                return json::text(out, text);
            }
            Cell::Bytes(bytes) => return json::base64(out, bytes),
            Cell::Json(token) => token,
        };
        match self.kind() {
            Kind::Integer => match (token.parse::<i64>(), token.parse::<u64>()) {
                (Ok(whole), _) => json::integer_if_exact(out, whole),
                (_, Ok(whole)) => json::unsigned_if_exact(out, whole),
                _ => json::plain_text(out, token.as_bytes()),
            },
            Kind::Float => json::number_or_text(out, token),
            _ => out.extend_from_slice(mended(token).as_bytes()),
        }
    }

    /// What it is sorted by.
    pub fn rank(&self) -> Rank {
        let token = match self {
            Cell::Text(text) => return Rank::Text(text.clone().into_owned()),
            Cell::Bytes(bytes) => {
                let mut shown = Vec::new();
                json::base64(&mut shown, bytes);
                return Rank::Text(String::from_utf8_lossy(&shown).trim_matches('"').to_owned());
            }
            Cell::Json(token) => token,
        };
        match self.kind() {
            Kind::Null => Rank::Null,
            Kind::Boolean => Rank::Boolean(token.starts_with('t')),
            Kind::Integer | Kind::Float => Rank::number(token),
            Kind::Text => Rank::Text(unescaped(token)),
            Kind::Object | Kind::Array | Kind::Bytes => Rank::Document((*token).to_owned()),
        }
    }
}

/// The text of a JSON string.
fn unescaped(token: &str) -> String {
    // It was read as JSON before, so this cannot fail.
    serde_json::from_str(&mended(token)).unwrap_or_default()
}

/// A value's place among others: NULL, booleans, numbers, texts, documents.
#[derive(Debug, Clone)]
pub enum Rank {
    /// NULL, before everything.
    Null,
    /// False, then true.
    Boolean(bool),
    /// A whole number.
    Whole(i128),
    /// A number with a fraction, or beyond 127 bits.
    Double(f64),
    /// A text, by its bytes.
    Text(String),
    /// An object or an array, by its bytes.
    Document(String),
}

impl Rank {
    fn number(digits: &str) -> Rank {
        match digits.parse::<i128>() {
            Ok(whole) => Rank::Whole(whole),
            Err(_) => Rank::Double(digits.parse().unwrap_or(f64::NAN)),
        }
    }

    fn class(&self) -> u8 {
        match self {
            Rank::Null => 0,
            Rank::Boolean(_) => 1,
            Rank::Whole(_) | Rank::Double(_) => 2,
            Rank::Text(_) => 3,
            Rank::Document(_) => 4,
        }
    }

    /// How many bytes it holds besides itself.
    pub fn held_bytes(&self) -> usize {
        match self {
            Rank::Text(text) | Rank::Document(text) => text.len(),
            Rank::Null | Rank::Boolean(_) | Rank::Whole(_) | Rank::Double(_) => 0,
        }
    }

    /// As a part of a cursor; `None` is NULL.
    pub fn to_part(&self) -> Option<String> {
        Some(match self {
            Rank::Null => return None,
            Rank::Boolean(flag) => format!("b{flag}"),
            Rank::Whole(whole) => format!("n{whole}"),
            Rank::Double(number) => format!("n{number}"),
            Rank::Text(text) => format!("t{text}"),
            Rank::Document(text) => format!("j{text}"),
        })
    }

    /// The place that a part of a cursor names; `None` when it is none.
    pub fn from_part(part: Option<&str>) -> Option<Rank> {
        let Some(part) = part else { return Some(Rank::Null) };
        let (class, rest) = part.split_at_checked(1)?;
        Some(match class {
            "b" => Rank::Boolean(rest.parse().ok()?),
            "n" => match Rank::number(rest) {
                Rank::Double(number) if number.is_nan() => return None,
                number => number,
            },
            "t" => Rank::Text(rest.to_owned()),
            "j" => Rank::Document(rest.to_owned()),
            _ => return None,
        })
    }
}

impl PartialEq for Rank {
    fn eq(&self, other: &Rank) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Rank {}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Rank) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Rank {
    fn cmp(&self, other: &Rank) -> Ordering {
        match (self, other) {
            (Rank::Boolean(left), Rank::Boolean(right)) => left.cmp(right),
            (Rank::Whole(left), Rank::Whole(right)) => left.cmp(right),
            (Rank::Double(left), Rank::Double(right)) => doubles(*left, *right),
            (Rank::Whole(left), Rank::Double(right)) => mixed(*left, *right),
            (Rank::Double(left), Rank::Whole(right)) => mixed(*right, *left).reverse(),
            (Rank::Text(left), Rank::Text(right)) | (Rank::Document(left), Rank::Document(right)) => {
                left.cmp(right)
            }
            _ => self.class().cmp(&other.class()),
        }
    }
}

/// Doubles with one zero; what is no number is the largest.
fn doubles(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right).unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
}

/// A whole number against a double, exactly.
fn mixed(whole: i128, double: f64) -> Ordering {
    #[allow(clippy::cast_precision_loss, reason = "what is lost is looked at below")]
    let order = doubles(whole as f64, double);
    if order.is_ne() {
        return order;
    }
    #[allow(clippy::cast_possible_truncation, reason = "a double that equals a whole number is one")]
    whole.cmp(&(double as i128))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(cell: &Cell<'_>) -> String {
        let mut out = Vec::new();
        cell.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_keep_their_digits() {
        for (token, json) in [
            ("1", "1"),
            ("-0", "0"),
            ("9007199254740991", "9007199254740991"),
            ("9007199254740993", "\"9007199254740993\""),
            ("-9223372036854775808", "\"-9223372036854775808\""),
            ("18446744073709551615", "\"18446744073709551615\""),
            ("123456789012345678901234567890", "\"123456789012345678901234567890\""),
            ("1.10", "1.1"),
            ("3.0", "3"),
            ("1e3", "1000"),
            ("0.1234567890123456789", "\"0.1234567890123456789\""),
            ("1e400", "\"1e400\""),
            ("true", "true"),
            ("null", "null"),
            ("{\"a\": [1.10]}", "{\"a\": [1.10]}"),
        ] {
            assert_eq!(written(&Cell::Json(token)), json, "{token}");
        }
        assert_eq!(written(&Cell::Text("a\"b\n".into())), "\"a\\\"b\\n\"");
        assert_eq!(written(&Cell::Bytes(&[0, 255])), "\"AP8=\"");
    }

    #[test]
    fn ranks_are_in_order_and_survive_a_cursor() {
        let cells = [
            Cell::Json("null"),
            Cell::Json("false"),
            Cell::Json("true"),
            Cell::Json("-1e300"),
            Cell::Json("-1.5"),
            Cell::Json("9007199254740992.0"),
            Cell::Json("9007199254740993"),
            Cell::Json("1e40"),
            Cell::Json("\"\""),
            Cell::Json("\"\\u0041\""),
            Cell::Text("a".into()),
            Cell::Json("[1]"),
            Cell::Json("{}"),
        ];
        let ranks: Vec<Rank> = cells.iter().map(Cell::rank).collect();
        assert!(ranks.is_sorted_by(|left, right| left < right), "{ranks:?}");
        for rank in &ranks {
            assert_eq!(Rank::from_part(rank.to_part().as_deref()).as_ref(), Some(rank), "{rank:?}");
        }
        for part in ["", "x", "b?", "n", "nNaN", "é"] {
            assert_eq!(Rank::from_part(Some(part)), None, "{part}");
        }
    }
}
