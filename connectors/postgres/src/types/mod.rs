//! PostgreSQL's binary values to JSON and to key values.
//!
//! Values come in the binary format of the server's `typsend` functions (src/backend/utils/adt); nothing of it
//! depends on a session's settings.

mod address;
mod array;
mod geometric;
mod numeric;

use connector_model::error::{Error, Result};
use connector_model::filter::Typed;
use connector_model::json;
use tokio_postgres::types::Type;

pub(crate) use array::array;
use geometric::Geometric;

/// Days from 1970-01-01 to PostgreSQL's epoch, 2000-01-01.
const EPOCH_DAYS: i64 = 10_957;
/// Microseconds from 1970-01-01 to PostgreSQL's epoch.
const EPOCH_US: i64 = EPOCH_DAYS * connector_model::time::DAY_US;

/// How `bytea` appears in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Base64,
    Buffer,
    /// Not as bytes: as the geometry whose well-known binary they are.
    Wkb,
}

/// How the values of one result column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Decoder {
    Boolean,
    Int2,
    Int4,
    Int8,
    Oid,
    Float4,
    Float8,
    Numeric,
    Text,
    Uuid,
    Date,
    Time,
    Timestamp,
    Interval,
    Json,
    Jsonb,
    Bytes(Binary),
    Address,
    Geometric(Geometric),
    /// An array; its elements' type travels with each value.
    Array(Binary),
}

impl Decoder {
    /// The decoder for a result column of this type, if its binary form is known here.
    pub(crate) fn for_type(of: &Type, binary: Binary) -> Option<Decoder> {
        Decoder::for_oid(of.oid(), binary)
    }

    /// As [`Decoder::for_type`], by the type's object id (src/include/catalog/pg_type.dat).
    pub(crate) fn for_oid(oid: u32, binary: Binary) -> Option<Decoder> {
        Some(match oid {
            16 => Decoder::Boolean,
            17 => Decoder::Bytes(binary),
            20 => Decoder::Int8,
            21 => Decoder::Int2,
            23 => Decoder::Int4,
            26 => Decoder::Oid,
            // "char", name, text, xml, bpchar, varchar
            18 | 19 | 25 | 142 | 1042 | 1043 => Decoder::Text,
            114 => Decoder::Json,
            600 => Decoder::Geometric(Geometric::Point),
            601 => Decoder::Geometric(Geometric::Segment),
            602 => Decoder::Geometric(Geometric::Path),
            603 => Decoder::Geometric(Geometric::Box),
            604 => Decoder::Geometric(Geometric::Polygon),
            // cidr, inet
            650 | 869 => Decoder::Address,
            700 => Decoder::Float4,
            701 => Decoder::Float8,
            1082 => Decoder::Date,
            1083 => Decoder::Time,
            1114 | 1184 => Decoder::Timestamp,
            1186 => Decoder::Interval,
            1700 => Decoder::Numeric,
            2950 => Decoder::Uuid,
            3802 => Decoder::Jsonb,
            // Arrays of the above, in the same order, and the two vectors that are stored as arrays.
            1000 | 1001 | 1016 | 1005 | 1007 | 1028 | 1002 | 1003 | 1009 | 143 | 1014 | 1015 | 199 | 1017
            | 1018 | 1019 | 1020 | 1027 | 651 | 1041 | 1021 | 1022 | 1182 | 1183 | 1115 | 1185 | 1187
            | 1231 | 2951 | 3807 | 22 | 30 => Decoder::Array(binary),
            _ => return None,
        })
    }

    /// Appends the JSON of one value that is not NULL.
    ///
    /// # Errors
    /// `INTERNAL` when the bytes are not what the type promises.
    pub(crate) fn write(self, out: &mut Vec<u8>, raw: &[u8]) -> Result<()> {
        match self {
            Decoder::Boolean => json::boolean(out, byte(raw)? != 0),
            Decoder::Int2 => json::integer(out, i64::from(i16::from_be_bytes(fixed(raw)?))),
            Decoder::Int4 => json::integer(out, i64::from(i32::from_be_bytes(fixed(raw)?))),
            Decoder::Int8 => json::integer_text(out, i64::from_be_bytes(fixed(raw)?)),
            Decoder::Oid => json::integer(out, i64::from(u32::from_be_bytes(fixed(raw)?))),
            Decoder::Float4 => json::float32(out, f32::from_be_bytes(fixed(raw)?)),
            Decoder::Float8 => json::float64(out, f64::from_be_bytes(fixed(raw)?)),
            Decoder::Numeric => numeric::write(out, raw)?,
            Decoder::Text => match std::str::from_utf8(raw) {
                Ok(text) => json::text(out, text),
                Err(_) => json::text_lossy(out, raw),
            },
            Decoder::Uuid => json::uuid(out, &fixed(raw)?),
            Decoder::Date => match i32::from_be_bytes(fixed(raw)?) {
                i32::MAX | i32::MIN => json::null(out),
                days => json::date(out, i64::from(days) + EPOCH_DAYS),
            },
            Decoder::Time => json::time_of_day(out, i64::from_be_bytes(fixed(raw)?)),
            Decoder::Timestamp => match i64::from_be_bytes(fixed(raw)?) {
                i64::MAX | i64::MIN => json::null(out),
                micros => json::timestamp(out, micros.saturating_add(EPOCH_US)),
            },
            Decoder::Interval => interval(out, raw)?,
            Decoder::Json => json::verbatim(out, raw),
            // The first byte is the format's version, always 1.
            Decoder::Jsonb => json::verbatim(out, raw.get(1..).unwrap_or_default()),
            Decoder::Bytes(Binary::Base64) => json::base64(out, raw),
            Decoder::Bytes(Binary::Buffer) => json::buffer_object(out, raw),
            Decoder::Bytes(Binary::Wkb) => geometric::from_wkb(out, raw)?,
            Decoder::Address => address::write(out, raw)?,
            Decoder::Geometric(kind) => kind.write(out, raw)?,
            Decoder::Array(binary) => array(out, raw, binary)?,
        }
        Ok(())
    }

    /// One value that is not NULL as a key value, for a cursor.
    ///
    /// # Errors
    /// `INTERNAL` when the bytes are not what the type promises, or the type orders nothing.
    pub(crate) fn key(self, raw: &[u8], zoned: bool) -> Result<Typed> {
        Ok(match self {
            Decoder::Boolean => Typed::Boolean(byte(raw)? != 0),
            Decoder::Int2 => Typed::Integer(i128::from(i16::from_be_bytes(fixed(raw)?))),
            Decoder::Int4 => Typed::Integer(i128::from(i32::from_be_bytes(fixed(raw)?))),
            Decoder::Int8 => Typed::Integer(i128::from(i64::from_be_bytes(fixed(raw)?))),
            Decoder::Oid => Typed::Integer(i128::from(u32::from_be_bytes(fixed(raw)?))),
            // By its own digits: the parameter is declared `real` again.
            Decoder::Float4 => {
                Typed::Float(f32::from_be_bytes(fixed(raw)?).to_string().parse().unwrap_or(f64::NAN))
            }
            Decoder::Float8 => Typed::Float(f64::from_be_bytes(fixed(raw)?)),
            Decoder::Numeric => Typed::Decimal(numeric::text(raw)?),
            Decoder::Text => Typed::Text(String::from_utf8_lossy(raw).into_owned()),
            Decoder::Uuid => Typed::Uuid(fixed(raw)?),
            Decoder::Date => Typed::Date(match i32::from_be_bytes(fixed(raw)?) {
                i32::MAX => i64::MAX,
                i32::MIN => i64::MIN,
                days => i64::from(days) + EPOCH_DAYS,
            }),
            Decoder::Time => Typed::Time(i64::from_be_bytes(fixed(raw)?)),
            Decoder::Timestamp => {
                let micros = match i64::from_be_bytes(fixed(raw)?) {
                    infinite @ (i64::MAX | i64::MIN) => infinite,
                    micros => micros.saturating_add(EPOCH_US),
                };
                if zoned { Typed::TimestampTz(micros) } else { Typed::Timestamp(micros) }
            }
            Decoder::Bytes(_) => Typed::Bytes(raw.to_vec()),
            Decoder::Interval
            | Decoder::Json
            | Decoder::Jsonb
            | Decoder::Address
            | Decoder::Geometric(_)
            | Decoder::Array(_) => {
                return Err(Error::internal("a column without an order was made a key"));
            }
        })
    }
}

/// Days since 1970-01-01 as PostgreSQL sends a date.
pub(crate) fn date_to_wire(days: i64) -> Option<i32> {
    match days {
        i64::MAX => Some(i32::MAX),
        i64::MIN => Some(i32::MIN),
        days => i32::try_from(days - EPOCH_DAYS).ok(),
    }
}

/// Microseconds since 1970-01-01 as PostgreSQL sends a timestamp.
pub(crate) fn timestamp_to_wire(micros: i64) -> Option<i64> {
    match micros {
        infinite @ (i64::MAX | i64::MIN) => Some(infinite),
        micros => micros.checked_sub(EPOCH_US),
    }
}

fn fixed<const N: usize>(raw: &[u8]) -> Result<[u8; N]> {
    raw.try_into().map_err(|_| malformed())
}

fn byte(raw: &[u8]) -> Result<u8> {
    fixed::<1>(raw).map(|[byte]| byte)
}

#[cold]
fn malformed() -> Error {
    Error::internal("the server sent a value in another form than its type has")
}

fn interval(out: &mut Vec<u8>, raw: &[u8]) -> Result<()> {
    let (micros, rest) = raw.split_first_chunk::<8>().ok_or_else(malformed)?;
    let (days, months) = rest.split_first_chunk::<4>().ok_or_else(malformed)?;
    let value = json::Interval {
        months: i32::from_be_bytes(fixed(months)?),
        days: i32::from_be_bytes(*days),
        micros: i64::from_be_bytes(*micros),
    };
    json::interval(out, value);
    Ok(())
}
