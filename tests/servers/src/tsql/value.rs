//! Values, and how they compare.

use std::cmp::Ordering;
use std::sync::Arc;

use super::decimal::Decimal;
use super::types::{Collation, SqlType};

/// One value. Which variant a type has is fixed: all whole numbers are `Int`, `money` is a decimal, `datetime` and
/// its relatives are `Moment`.
#[derive(Debug, Clone)]
pub(crate) enum Value {
    Null,
    /// A `bit`, or what a condition gave.
    Bit(bool),
    Int(i64),
    Real(f32),
    Float(f64),
    Decimal(Decimal),
    Text(Arc<str>),
    Bytes(Arc<[u8]>),
    /// In the order in which a GUID is written.
    Guid([u8; 16]),
    /// Days since 0001-01-01.
    Date(i64),
    /// Ticks since midnight.
    Time(i64),
    /// Ticks since 0001-01-01.
    Moment(i64),
    /// Ticks since 0001-01-01 UTC, and minutes east of Greenwich.
    Zoned(i64, i16),
    /// What a `sql_variant` holds.
    Variant(Box<(SqlType, Value)>),
}

/// A row.
pub(crate) type Row = Vec<Value>;

impl Value {
    pub(crate) fn text(text: impl AsRef<str>) -> Self {
        Self::Text(Arc::from(text.as_ref()))
    }

    pub(crate) const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// A condition's outcome: `None` when it is unknown.
    pub(crate) const fn truth(&self) -> Option<bool> {
        match self {
            Self::Bit(flag) => Some(*flag),
            _ => None,
        }
    }

    /// The condition's outcome as a value.
    pub(crate) const fn of_truth(truth: Option<bool>) -> Self {
        match truth {
            Some(flag) => Self::Bit(flag),
            None => Self::Null,
        }
    }

    /// Whether two values of one type are the same to DISTINCT and GROUP BY, and what comes first in ORDER BY: NULL
    /// before everything.
    pub(crate) fn order(&self, other: &Self, collation: Collation) -> Ordering {
        match (self.is_null(), other.is_null()) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => self.compare(other, collation),
        }
    }

    /// How two values of one type, neither NULL, compare.
    pub(crate) fn compare(&self, other: &Self, collation: Collation) -> Ordering {
        match (self, other) {
            (Self::Bit(a), Self::Bit(b)) => a.cmp(b),
            (Self::Int(a), Self::Int(b))
            | (Self::Date(a), Self::Date(b))
            | (Self::Time(a), Self::Time(b))
            | (Self::Moment(a), Self::Moment(b))
            | (Self::Zoned(a, _), Self::Zoned(b, _)) => a.cmp(b),
            (Self::Real(a), Self::Real(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            (Self::Float(a), Self::Float(b)) => a.partial_cmp(b).unwrap_or(Ordering::Equal),
            (Self::Decimal(a), Self::Decimal(b)) => a.cmp(b),
            (Self::Text(a), Self::Text(b)) => compare_text(a, b, collation),
            (Self::Bytes(a), Self::Bytes(b)) => compare_bytes(a, b),
            (Self::Guid(a), Self::Guid(b)) => guid_order(a).cmp(&guid_order(b)),
            (Self::Variant(a), Self::Variant(b)) => {
                let families = a.0.precedence().cmp(&b.0.precedence());
                families.then_with(|| a.1.compare(&b.1, collation))
            }
            // Values of different variants never meet: both sides were converted to one type.
            _ => self.rank().cmp(&other.rank()),
        }
    }

    const fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Bit(_) => 1,
            Self::Int(_) => 2,
            Self::Real(_) => 3,
            Self::Float(_) => 4,
            Self::Decimal(_) => 5,
            Self::Text(_) => 6,
            Self::Bytes(_) => 7,
            Self::Guid(_) => 8,
            Self::Date(_) => 9,
            Self::Time(_) => 10,
            Self::Moment(_) => 11,
            Self::Zoned(..) => 12,
            Self::Variant(_) => 13,
        }
    }

    /// Two values of one type have equal keys exactly when they compare as equal.
    pub(crate) fn key(&self, collation: Collation) -> Key {
        match self {
            Self::Null => Key::Null,
            Self::Bit(flag) => Key::Whole(i128::from(*flag), 0),
            Self::Int(whole)
            | Self::Date(whole)
            | Self::Time(whole)
            | Self::Moment(whole)
            | Self::Zoned(whole, _) => Key::Whole(i128::from(*whole), 0),
            Self::Real(number) => Key::Bits((f64::from(*number) + 0.0).to_bits()),
            // Adding zero makes zero of minus zero, which equals it.
            Self::Float(number) => Key::Bits((number + 0.0).to_bits()),
            Self::Decimal(decimal) => {
                let (mut units, mut scale) = (decimal.units, decimal.scale);
                while scale > 0 && units % 10 == 0 {
                    (units, scale) = (units / 10, scale - 1);
                }
                Key::Whole(units, scale)
            }
            Self::Text(text) => {
                let trimmed = text.trim_end_matches(' ');
                Key::Text(match collation {
                    Collation::CaseInsensitive => lower(trimmed),
                    _ => trimmed.to_owned(),
                })
            }
            Self::Bytes(bytes) => {
                let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
                Key::Bytes(bytes.get(..end).unwrap_or_default().to_vec())
            }
            Self::Guid(bytes) => Key::Bytes(bytes.to_vec()),
            Self::Variant(inner) => inner.1.key(collation),
        }
    }
}

/// A value as a key of a map.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Key {
    Null,
    Whole(i128, u8),
    Bits(u64),
    Text(String),
    Bytes(Vec<u8>),
}

/// The text in small letters: one for one, as SQL Server maps them.
pub(crate) fn lower(text: &str) -> String {
    text.chars().map(|letter| single(letter, letter.to_lowercase())).collect()
}

/// The text in capitals: one for one.
pub(crate) fn upper(text: &str) -> String {
    text.chars().map(|letter| single(letter, letter.to_uppercase())).collect()
}

/// What has no single counterpart, or stands beyond the basic plane, stays as it is.
fn single(letter: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(only), None) if letter.len_utf16() == 1 => only,
        _ => letter,
    }
}

/// Trailing blanks do not count, in any collation.
fn compare_text(a: &str, b: &str, collation: Collation) -> Ordering {
    let (a, b) = (a.trim_end_matches(' '), b.trim_end_matches(' '));
    // The shorter one is filled up with blanks.
    let folded = |text: &str| lower(text);
    match collation {
        Collation::Binary => padded(a.encode_utf16(), b.encode_utf16()),
        Collation::CaseInsensitive => padded(folded(a).encode_utf16(), folded(b).encode_utf16()),
        Collation::CaseSensitive => padded(folded(a).encode_utf16(), folded(b).encode_utf16())
            .then_with(|| padded(b.encode_utf16(), a.encode_utf16())),
    }
}

fn padded(mut a: impl Iterator<Item = u16>, mut b: impl Iterator<Item = u16>) -> Ordering {
    const BLANK: u16 = 0x20;
    loop {
        match (a.next(), b.next()) {
            (None, None) => return Ordering::Equal,
            (left, right) => match left.unwrap_or(BLANK).cmp(&right.unwrap_or(BLANK)) {
                Ordering::Equal => {}
                order => return order,
            },
        }
    }
}

/// The shorter one is filled up with zeros.
fn compare_bytes(a: &[u8], b: &[u8]) -> Ordering {
    let length = a.len().max(b.len());
    let filled = |bytes: &[u8], at: usize| bytes.get(at).copied().unwrap_or(0);
    (0..length)
        .map(|at| filled(a, at).cmp(&filled(b, at)))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// The bytes of a GUID, as written, in the order in which SQL Server looks at them: the last group first (the
/// order of .NET's `SqlGuid`).
fn guid_order(bytes: &[u8; 16]) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, i, j, tail @ ..] = *bytes;
    let [k, l, m, n, o, p] = tail;
    [k, l, m, n, o, p, i, j, h, g, f, e, d, c, b, a]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guid(text: &str) -> Value {
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).collect();
        let mut bytes = [0; 16];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&digits[at * 2..at * 2 + 2], 16).unwrap();
        }
        Value::Guid(bytes)
    }

    #[test]
    fn guids_are_ordered_by_their_last_group_first() {
        let low = guid("ffffffff-ffff-ffff-ffff-000000000001");
        let high = guid("00000000-0000-0000-0000-000000000002");
        assert_eq!(low.compare(&high, Collation::Binary), Ordering::Less);
        // Within the first three groups the bytes count as they are stored, that is backwards.
        let low = guid("00000001-0000-0000-0000-000000000000");
        let high = guid("00000000-0000-0100-0000-000000000000");
        assert_eq!(low.compare(&high, Collation::Binary), Ordering::Less);
    }

    #[test]
    fn blanks_at_the_end_do_not_count() {
        let (a, b) = (Value::text("a"), Value::text("a  "));
        assert_eq!(a.compare(&b, Collation::Binary), Ordering::Equal);
        assert_eq!(a.key(Collation::Binary), b.key(Collation::Binary));
        // A character below the blank comes before nothing at all.
        assert_eq!(Value::text("a\u{1}").compare(&a, Collation::Binary), Ordering::Less);
    }

    #[test]
    fn case_counts_where_the_collation_says_so() {
        let (small, capital) = (Value::text("a"), Value::text("A"));
        assert_eq!(small.compare(&capital, Collation::CaseInsensitive), Ordering::Equal);
        assert_eq!(small.compare(&capital, Collation::Binary), Ordering::Greater);
        assert_eq!(small.compare(&capital, Collation::CaseSensitive), Ordering::Less);
    }
}
