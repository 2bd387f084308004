//! What may differ from engine to engine: the place of NULL in an order, and the JSON form of some types.

use std::cmp::Ordering;

use connector_model::json;

use crate::table::ColumnDef;
use crate::value::{Value, unquoted};

/// Where NULL stands in an ascending order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nulls {
    /// After every value, as in PostgreSQL.
    Largest,
    /// Before every value, as in SQLite, MySQL and SQL Server.
    Smallest,
}

/// How 64-bit integers are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Int64 {
    /// As strings, always.
    Text,
    /// As numbers while a double holds them exactly, else as strings.
    NumberWhileExact,
}

/// How booleans are written, and what text they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Booleans {
    /// `true` and `false`.
    Words,
    /// `1` and `0`.
    Digits,
}

/// How UUIDs are written, and in what order they stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Uuids {
    /// Lower case, byte by byte from the first.
    Bytes,
    /// As SQL Server's `uniqueidentifier`: upper case; the last six bytes count first, then the two before them, then
    /// the first eight from the last of them to the first.
    LastGroupFirst,
}

/// The sequence in which SQL Server compares the bytes of a UUID as it is written: that of `SqlGuid` in .NET, whose
/// first three groups are stored little-endian.
const LAST_GROUP_FIRST: [usize; 16] = [10, 11, 12, 13, 14, 15, 8, 9, 7, 6, 5, 4, 3, 2, 1, 0];

/// The ways of one engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Profile {
    /// Where NULL stands.
    pub nulls: Nulls,
    /// How 64-bit integers are written.
    pub int64: Int64,
    /// Native integer types of at most 32 bits: always numbers.
    pub short_integers: &'static [&'static str],
    /// How booleans are written.
    pub booleans: Booleans,
    /// Whether moments are kept in columns of text, so that `changedSince` looks into those too.
    pub moments_in_text: bool,
    /// How UUIDs are written and ordered.
    pub uuids: Uuids,
}

impl Profile {
    /// PostgreSQL and its relatives.
    pub const POSTGRES: Profile = Profile {
        nulls: Nulls::Largest,
        int64: Int64::Text,
        short_integers: &["smallint", "integer"],
        booleans: Booleans::Words,
        moments_in_text: false,
        uuids: Uuids::Bytes,
    };

    /// MySQL and MariaDB.
    pub const MYSQL: Profile = Profile {
        nulls: Nulls::Smallest,
        int64: Int64::NumberWhileExact,
        short_integers: &[],
        booleans: Booleans::Digits,
        moments_in_text: false,
        uuids: Uuids::Bytes,
    };

    /// SQL Server.
    pub const SQL_SERVER: Profile = Profile {
        nulls: Nulls::Smallest,
        int64: Int64::Text,
        short_integers: &["tinyint", "smallint", "int"],
        booleans: Booleans::Words,
        moments_in_text: false,
        uuids: Uuids::LastGroupFirst,
    };

    /// SQLite and its relatives.
    pub const SQLITE: Profile = Profile {
        nulls: Nulls::Smallest,
        int64: Int64::NumberWhileExact,
        short_integers: &[],
        booleans: Booleans::Digits,
        moments_in_text: true,
        uuids: Uuids::Bytes,
    };

    /// Two values of one column, in ascending order.
    pub fn compare(&self, left: &Value, right: &Value) -> Ordering {
        let null_first = match self.nulls {
            Nulls::Largest => Ordering::Greater,
            Nulls::Smallest => Ordering::Less,
        };
        match (left, right) {
            (Value::Null, Value::Null) => Ordering::Equal,
            (Value::Null, _) => null_first,
            (_, Value::Null) => null_first.reverse(),
            (Value::Uuid(left), Value::Uuid(right)) if self.uuids == Uuids::LastGroupFirst => {
                let key =
                    |bytes: &[u8; 16]| LAST_GROUP_FIRST.map(|at| bytes.get(at).copied().unwrap_or_default());
                key(left).cmp(&key(right))
            }
            (left, right) => left.compare_same(right),
        }
    }

    /// Appends a value of `column` as JSON.
    pub fn write(&self, out: &mut Vec<u8>, column: &ColumnDef, value: &Value) {
        match value {
            Value::Null => json::null(out),
            beyond if beyond.is_beyond() => json::null(out),
            Value::Boolean(flag) => match self.booleans {
                Booleans::Words => json::boolean(out, *flag),
                Booleans::Digits => json::integer(out, i64::from(*flag)),
            },
            Value::Integer(whole) if self.short_integers.contains(&column.native_type.as_str()) => {
                json::integer(out, *whole);
            }
            Value::Integer(whole) => match self.int64 {
                Int64::Text => json::integer_text(out, *whole),
                Int64::NumberWhileExact => json::integer_if_exact(out, *whole),
            },
            Value::Unsigned(whole) => match self.int64 {
                Int64::Text => json::plain_text(out, whole.to_string().as_bytes()),
                Int64::NumberWhileExact => json::unsigned_if_exact(out, *whole),
            },
            Value::Float(number) => json::float64(out, *number),
            Value::Real(number) => json::float32(out, *number),
            Value::Decimal(digits) => json::plain_text(out, digits.as_bytes()),
            Value::Text(text) => json::text(out, text),
            Value::Bytes(bytes) => json::base64(out, bytes),
            Value::Date(days) => json::date(out, *days),
            Value::Time(micros) => json::time_of_day(out, *micros),
            Value::Timestamp(micros) | Value::TimestampTz(micros) => json::timestamp(out, *micros),
            Value::Uuid(bytes) => {
                let start = out.len();
                json::uuid(out, bytes);
                if self.uuids == Uuids::LastGroupFirst {
                    out.iter_mut().skip(start).for_each(|byte| byte.make_ascii_uppercase());
                }
            }
            Value::Json(document) => json::verbatim(out, document.as_bytes()),
        }
    }

    /// The value as the text that string operators look at; `None` for NULL.
    ///
    /// Booleans, whole numbers, decimals, texts, UUIDs and JSON are what a cast in the engine gives. Of the other
    /// types each engine has a text of its own; here it is the JSON form.
    pub fn text(&self, column: &ColumnDef, value: &Value) -> Option<String> {
        Some(match value {
            Value::Null => return None,
            Value::Text(text) | Value::Json(text) | Value::Decimal(text) => text.clone(),
            Value::Integer(whole) => whole.to_string(),
            Value::Unsigned(whole) => whole.to_string(),
            other => unquoted(|out| self.write(out, column, other)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sql_servers_uuids_stand_in_its_own_order() {
        let profile = Profile { uuids: Uuids::LastGroupFirst, ..Profile::POSTGRES };
        let uuid = |at: usize| {
            let mut bytes = [0; 16];
            if let Some(byte) = bytes.get_mut(at) {
                *byte = 1;
            }
            Value::Uuid(bytes)
        };
        // Of sixteen that have a single byte set, the first byte's is the least and the eleventh's the greatest.
        let ascending = [0, 1, 2, 3, 4, 5, 6, 7, 9, 8, 15, 14, 13, 12, 11, 10].map(uuid);
        assert!(ascending.is_sorted_by(|left, right| profile.compare(left, right).is_lt()), "{ascending:?}");
        let mut out = Vec::new();
        let column = ColumnDef {
            name: "u".into(),
            logical_type: connector_model::target::LogicalType::Uuid,
            native_type: "uniqueidentifier".into(),
            nullable: false,
        };
        profile.write(&mut out, &column, &Value::Uuid([0xab; 16]));
        assert_eq!(out, b"\"ABABABAB-ABAB-ABAB-ABAB-ABABABABABAB\"");
    }
}
