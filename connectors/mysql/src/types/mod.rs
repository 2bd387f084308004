//! Values of the binary protocol to JSON and to key values.
//!
//! Written against "Binary Protocol Resultset" of the protocol's documentation; nothing of it depends on a session's
//! settings but the character set, which is UTF-8, and the zone of TIMESTAMP, which is UTC.

mod moment;
mod vector;

use connector_model::error::{Error, Result};
use connector_model::filter::Typed;
use connector_model::json;
use connector_model::target::LogicalType;

pub(crate) use moment::{ZERO, moment};

use self::moment::{Read, date_time, time, write_time};
use crate::wire::{ColumnFormat, ColumnType, ResultColumn};

/// How bytes appear in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Base64,
    Buffer,
}

/// How the values of one result column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decoder {
    Signed,
    Unsigned,
    Float,
    /// A single-precision number that came as a double.
    Single,
    Double,
    Decimal,
    Bit,
    Date,
    DateTime,
    Timestamp,
    Time,
    /// A document that the server itself vouches for.
    Json,
    /// A text that should be a document, and may have come in before it had to be.
    JsonText,
    Text,
    Uuid,
    Bytes(Binary),
    Geometry,
    Vector,
    Null,
}

impl Decoder {
    /// The decoder for a result column.
    pub(crate) fn of(column: &ResultColumn, binary: Binary) -> Decoder {
        match column.kind {
            ColumnType::Null => Decoder::Null,
            ColumnType::Tiny | ColumnType::Short | ColumnType::Long | ColumnType::LongLong => {
                if column.unsigned { Decoder::Unsigned } else { Decoder::Signed }
            }
            ColumnType::Year => Decoder::Unsigned,
            ColumnType::Float => Decoder::Float,
            ColumnType::Double => Decoder::Double,
            ColumnType::Decimal => Decoder::Decimal,
            ColumnType::Bit => Decoder::Bit,
            ColumnType::Date => Decoder::Date,
            ColumnType::DateTime => Decoder::DateTime,
            ColumnType::Timestamp => Decoder::Timestamp,
            ColumnType::Time => Decoder::Time,
            ColumnType::Json => Decoder::Json,
            ColumnType::Geometry => Decoder::Geometry,
            ColumnType::Vector => Decoder::Vector,
            ColumnType::String => match column.format {
                ColumnFormat::Json => Decoder::JsonText,
                ColumnFormat::Uuid => Decoder::Uuid,
                ColumnFormat::Plain if column.binary => Decoder::Bytes(binary),
                ColumnFormat::Vector => Decoder::Vector,
                _ => Decoder::Text,
            },
        }
    }

    /// The decoder for a value of a column that has been through an expression, which keeps the value and loses part of
    /// the type.
    pub(crate) fn of_column(self, logical: LogicalType, native: &str) -> Decoder {
        match (self, logical) {
            (Decoder::Double, LogicalType::Float) if native.starts_with("float") => Decoder::Single,
            (Decoder::Text | Decoder::Bytes(_), LogicalType::Json) => Decoder::JsonText,
            (Decoder::Text | Decoder::Bytes(_), LogicalType::Geometry) => Decoder::Geometry,
            (Decoder::Text | Decoder::Bytes(_), LogicalType::Uuid) => Decoder::Uuid,
            (Decoder::Bytes(_), LogicalType::Integer | LogicalType::Boolean) if native.starts_with("bit") => {
                Decoder::Bit
            }
            (decoder, _) => decoder,
        }
    }

    /// What kind of value it reads, for filters and orders. What a column holds that is declared `tinyint(1)`, or an
    /// enumeration, only the catalogue knows.
    pub(crate) fn logical_type(self) -> LogicalType {
        match self {
            Decoder::Signed | Decoder::Unsigned | Decoder::Bit => LogicalType::Integer,
            Decoder::Float | Decoder::Single | Decoder::Double => LogicalType::Float,
            Decoder::Decimal => LogicalType::Decimal,
            Decoder::Date => LogicalType::Date,
            Decoder::DateTime => LogicalType::Timestamp,
            Decoder::Timestamp => LogicalType::TimestampTz,
            Decoder::Time => LogicalType::Time,
            Decoder::Json | Decoder::JsonText => LogicalType::Json,
            Decoder::Text => LogicalType::Text,
            Decoder::Uuid => LogicalType::Uuid,
            Decoder::Bytes(_) => LogicalType::Bytes,
            Decoder::Geometry => LogicalType::Geometry,
            Decoder::Vector | Decoder::Null => LogicalType::Unknown,
        }
    }

    /// Appends the JSON of one value that is not NULL.
    ///
    /// # Errors
    /// `INTERNAL` when the bytes are not what the type promises.
    pub(crate) fn write(self, out: &mut Vec<u8>, raw: &[u8]) -> Result<()> {
        match self {
            Decoder::Signed => json::integer_if_exact(out, signed(raw)?),
            Decoder::Unsigned => json::unsigned_if_exact(out, unsigned(raw)?),
            Decoder::Bit => json::unsigned_if_exact(out, bits(raw)?),
            Decoder::Float => json::float32(out, f32::from_le_bytes(fixed(raw)?)),
            Decoder::Single => json::float32(out, single(raw)?),
            Decoder::Double => json::float64(out, f64::from_le_bytes(fixed(raw)?)),
            Decoder::Decimal => json::plain_text(out, digits(raw)?.as_bytes()),
            Decoder::Date => match date_time(raw)? {
                Read::Moment(micros) => json::date(out, micros.div_euclid(connector_model::time::DAY_US)),
                Read::Zero | Read::Incomplete => json::null(out),
            },
            Decoder::DateTime | Decoder::Timestamp => match date_time(raw)? {
                Read::Moment(micros) => json::timestamp(out, micros),
                Read::Zero | Read::Incomplete => json::null(out),
            },
            Decoder::Time => write_time(out, time(raw)?),
            Decoder::Json => json::verbatim(out, raw),
            Decoder::JsonText if is_json(raw) => json::verbatim(out, raw),
            Decoder::JsonText | Decoder::Text | Decoder::Uuid => match std::str::from_utf8(raw) {
                Ok(text) => json::text(out, text),
                Err(_) => json::text_lossy(out, raw),
            },
            Decoder::Bytes(Binary::Base64) => json::base64(out, raw),
            Decoder::Bytes(Binary::Buffer) => json::buffer_object(out, raw),
            Decoder::Geometry => geometry(out, raw)?,
            Decoder::Vector => vector::write(out, raw)?,
            Decoder::Null => json::null(out),
        }
        Ok(())
    }

    /// One value that is not NULL as a key value, for a cursor.
    ///
    /// # Errors
    /// `SOURCE_QUERY_FAILED` for a date without a month or a day, which has no place in an order; `INTERNAL` when the
    /// bytes are not what the type promises, or the type orders nothing.
    pub(crate) fn key(self, raw: &[u8], logical: LogicalType) -> Result<Typed> {
        Ok(match self {
            Decoder::Signed => whole(i128::from(signed(raw)?), logical),
            Decoder::Unsigned => whole(i128::from(unsigned(raw)?), logical),
            Decoder::Bit => whole(i128::from(bits(raw)?), logical),
            // By its own digits: the parameter is made a `float` again.
            Decoder::Float => by_digits(f32::from_le_bytes(fixed(raw)?)),
            Decoder::Single => by_digits(single(raw)?),
            Decoder::Double => Typed::Float(f64::from_le_bytes(fixed(raw)?)),
            Decoder::Decimal => Typed::Decimal(digits(raw)?.to_owned()),
            Decoder::Date => match moment_key(raw)? {
                ZERO => Typed::Date(ZERO),
                micros => Typed::Date(micros.div_euclid(connector_model::time::DAY_US)),
            },
            Decoder::DateTime => Typed::Timestamp(moment_key(raw)?),
            Decoder::Timestamp => Typed::TimestampTz(moment_key(raw)?),
            Decoder::Time => Typed::Time(time(raw)?),
            Decoder::Text => Typed::Text(String::from_utf8_lossy(raw).into_owned()),
            Decoder::Bytes(_) => Typed::Bytes(raw.to_vec()),
            Decoder::Uuid => uuid(raw)?,
            Decoder::Json | Decoder::JsonText | Decoder::Geometry | Decoder::Vector | Decoder::Null => {
                return Err(Error::internal("a column without an order was made a key"));
            }
        })
    }

    /// One value that is not NULL as plain text, for the catalogue's own queries.
    pub(crate) fn plain(self, raw: &[u8]) -> Result<String> {
        Ok(match self {
            Decoder::Signed => signed(raw)?.to_string(),
            Decoder::Unsigned => unsigned(raw)?.to_string(),
            _ => String::from_utf8_lossy(raw).into_owned(),
        })
    }
}

/// A `tinyint(1)` is a boolean as long as it holds one.
fn whole(value: i128, logical: LogicalType) -> Typed {
    match (logical, value) {
        (LogicalType::Boolean, 0) => Typed::Boolean(false),
        (LogicalType::Boolean, 1) => Typed::Boolean(true),
        _ => Typed::Integer(value),
    }
}

fn by_digits(number: f32) -> Typed {
    Typed::Float(number.to_string().parse().unwrap_or(f64::NAN))
}

#[allow(clippy::cast_possible_truncation, reason = "it was single precision before")]
fn single(raw: &[u8]) -> Result<f32> {
    Ok(f64::from_le_bytes(fixed(raw)?) as f32)
}

fn moment_key(raw: &[u8]) -> Result<i64> {
    match date_time(raw)? {
        Read::Moment(micros) => Ok(micros),
        Read::Zero => Ok(ZERO),
        Read::Incomplete => Err(Error::new(
            connector_model::error::ErrorCode::SourceQueryFailed,
            "a key holds a date whose month or day is zero; rows cannot be resumed after it",
        )),
    }
}

fn uuid(raw: &[u8]) -> Result<Typed> {
    let text = std::str::from_utf8(raw).map_err(|_| malformed())?;
    let operand = connector_model::filter::Operand::Text(text.to_owned());
    match connector_model::filter::cast(&operand, LogicalType::Uuid) {
        connector_model::filter::Cast::Value(value) => Ok(value),
        _ => Err(malformed()),
    }
}

fn is_json(raw: &[u8]) -> bool {
    serde_json::from_slice::<&serde_json::value::RawValue>(raw).is_ok()
}

fn fixed<const N: usize>(raw: &[u8]) -> Result<[u8; N]> {
    raw.try_into().map_err(|_| malformed())
}

#[cold]
fn malformed() -> Error {
    Error::internal("the server sent a value in another form than its type has")
}

fn signed(raw: &[u8]) -> Result<i64> {
    Ok(match raw.len() {
        1 => i64::from(i8::from_le_bytes(fixed(raw)?)),
        2 => i64::from(i16::from_le_bytes(fixed(raw)?)),
        4 => i64::from(i32::from_le_bytes(fixed(raw)?)),
        _ => i64::from_le_bytes(fixed(raw)?),
    })
}

fn unsigned(raw: &[u8]) -> Result<u64> {
    Ok(match raw.len() {
        1 => u64::from(u8::from_le_bytes(fixed(raw)?)),
        2 => u64::from(u16::from_le_bytes(fixed(raw)?)),
        4 => u64::from(u32::from_le_bytes(fixed(raw)?)),
        _ => u64::from_le_bytes(fixed(raw)?),
    })
}

/// `BIT(n)`: up to eight bytes, the most significant first.
fn bits(raw: &[u8]) -> Result<u64> {
    match raw.len() {
        0..=8 => Ok(raw.iter().fold(0, |bits, byte| bits << 8 | u64::from(*byte))),
        _ => Err(malformed()),
    }
}

/// The digits of an exact number.
fn digits(raw: &[u8]) -> Result<&str> {
    let is_number = raw.iter().all(|byte| byte.is_ascii_digit() || matches!(byte, b'-' | b'.'));
    std::str::from_utf8(raw).ok().filter(|_| is_number && !raw.is_empty()).ok_or_else(malformed)
}

/// The server's form: four bytes of reference system, then the geometry as WKB.
fn geometry(out: &mut Vec<u8>, raw: &[u8]) -> Result<()> {
    let wkb = raw.get(4..).ok_or_else(malformed)?;
    json::geometry(out, wkb).map_err(|_| malformed())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(decoder: Decoder, raw: &[u8]) -> String {
        let mut out = Vec::new();
        decoder.write(&mut out, raw).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_stay_exact() {
        assert_eq!(written(Decoder::Signed, &[0x80]), "-128");
        assert_eq!(written(Decoder::Unsigned, &u64::MAX.to_le_bytes()), "\"18446744073709551615\"");
        assert_eq!(written(Decoder::Signed, &(1_i64 << 53).to_le_bytes()), "\"9007199254740992\"");
        assert_eq!(written(Decoder::Float, &0.1_f32.to_le_bytes()), "0.1");
        assert_eq!(written(Decoder::Decimal, b"-12345.67890"), "\"-12345.67890\"");
        assert_eq!(written(Decoder::Bit, &[1, 0]), "256");
        assert!(Decoder::Decimal.write(&mut Vec::new(), b"1\"").is_err());
    }

    #[test]
    fn a_text_that_should_be_json_and_is_not_stays_a_text() {
        assert_eq!(written(Decoder::JsonText, b"{\"a\": 1.00}"), "{\"a\": 1.00}");
        assert_eq!(written(Decoder::JsonText, b"{\"a\": 1"), "\"{\\\"a\\\": 1\"");
        assert_eq!(written(Decoder::JsonText, b"1,2"), "\"1,2\"");
    }

    #[test]
    fn a_boolean_that_holds_something_else_is_a_number() {
        assert_eq!(Decoder::Signed.key(&[1], LogicalType::Boolean).unwrap(), Typed::Boolean(true));
        assert_eq!(Decoder::Signed.key(&[5], LogicalType::Boolean).unwrap(), Typed::Integer(5));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic_or_write_what_is_no_json(raw in proptest::collection::vec(any::<u8>(), 0..40)) {
            use Decoder::{Bit, Date, DateTime, Decimal, Double, Float, Geometry, JsonText, Signed, Text, Time, Unsigned, Vector};
            for decoder in [Signed, Unsigned, Bit, Float, Double, Decimal, Date, DateTime, Time, JsonText, Text, Geometry, Vector] {
                let mut out = Vec::new();
                if decoder.write(&mut out, &raw).is_ok() {
                    prop_assert!(serde_json::from_slice::<serde_json::Value>(&out).is_ok(), "{decoder:?}");
                }
                let _ = decoder.key(&raw, LogicalType::Integer);
            }
        }
    }
}
