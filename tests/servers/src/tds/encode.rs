//! Columns and rows on the wire (MS-TDS 2.2.5.4 to 2.2.5.6, 2.2.7.4, 2.2.7.19).

use bytes::{BufMut, BytesMut};

use super::tokens::{COLLATION, long_text, short_text};
use crate::tsql::moment::{DAY_1900, TICKS_PER_DAY, TICKS_PER_SECOND, fractions};
use crate::tsql::{Length, SqlType, Value, bytes_of, charset, guid_stored};

/// A column of a result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResultColumn {
    pub(crate) name: String,
    pub(crate) ty: SqlType,
    pub(crate) nullable: bool,
}

const COLMETADATA: u8 = 0x81;
const ROW: u8 = 0xd1;
const NBC_ROW: u8 = 0xd2;
/// The length that stands for `max`, and for NULL in the types with two-byte lengths.
const MAX: u16 = 0xffff;

/// COLMETADATA.
pub(super) fn columns(out: &mut BytesMut, columns: &[ResultColumn]) {
    out.put_u8(COLMETADATA);
    out.put_u16_le(u16::try_from(columns.len()).unwrap_or(u16::MAX));
    for column in columns {
        out.put_u32_le(0);
        out.put_u16_le(u16::from(column.nullable));
        type_info(out, column);
        if column.ty.is_legacy() {
            // The table that the value is from, in so many parts.
            out.put_u8(1);
            long_text(out, "table");
        }
        short_text(out, &column.name);
    }
}

/// Columns that cannot be NULL have the fixed-length types.
fn fixed_token(ty: SqlType) -> Option<u8> {
    Some(match ty {
        SqlType::TinyInt => 0x30,
        SqlType::Bit => 0x32,
        SqlType::SmallInt => 0x34,
        SqlType::Int => 0x38,
        SqlType::SmallDateTime => 0x3a,
        SqlType::Real => 0x3b,
        SqlType::Money => 0x3c,
        SqlType::DateTime => 0x3d,
        SqlType::Float => 0x3e,
        SqlType::SmallMoney => 0x7a,
        SqlType::BigInt => 0x7f,
        _ => return None,
    })
}

fn is_fixed(column: &ResultColumn) -> bool {
    !column.nullable && fixed_token(column.ty).is_some()
}

fn type_info(out: &mut BytesMut, column: &ResultColumn) {
    if let (false, Some(token)) = (column.nullable, fixed_token(column.ty)) {
        out.put_u8(token);
        return;
    }
    match column.ty {
        SqlType::TinyInt => out.extend_from_slice(&[0x26, 1]),
        SqlType::SmallInt => out.extend_from_slice(&[0x26, 2]),
        SqlType::Int | SqlType::Null => out.extend_from_slice(&[0x26, 4]),
        SqlType::BigInt => out.extend_from_slice(&[0x26, 8]),
        SqlType::Bit | SqlType::Boolean => out.extend_from_slice(&[0x68, 1]),
        SqlType::Real => out.extend_from_slice(&[0x6d, 4]),
        SqlType::Float => out.extend_from_slice(&[0x6d, 8]),
        SqlType::SmallMoney => out.extend_from_slice(&[0x6e, 4]),
        SqlType::Money => out.extend_from_slice(&[0x6e, 8]),
        SqlType::SmallDateTime => out.extend_from_slice(&[0x6f, 4]),
        SqlType::DateTime => out.extend_from_slice(&[0x6f, 8]),
        SqlType::Decimal(precision, scale) => {
            out.extend_from_slice(&[0x6a, decimal_width(precision) + 1, precision, scale]);
        }
        SqlType::UniqueIdentifier => out.extend_from_slice(&[0x24, 16]),
        SqlType::Date => out.put_u8(0x28),
        SqlType::Time(scale) => out.extend_from_slice(&[0x29, scale]),
        SqlType::DateTime2(scale) => out.extend_from_slice(&[0x2a, scale]),
        SqlType::DateTimeOffset(scale) => out.extend_from_slice(&[0x2b, scale]),
        SqlType::Char(length) => text_type(out, 0xaf, length),
        SqlType::VarChar(length) => text_type(out, 0xa7, limit(length, 1)),
        SqlType::NChar(length) => text_type(out, 0xef, length * 2),
        SqlType::NVarChar(length) => text_type(out, 0xe7, limit(length, 2)),
        SqlType::Binary(length) => {
            out.put_u8(0xad);
            out.put_u16_le(length);
        }
        SqlType::VarBinary(length) => {
            out.put_u8(0xa5);
            out.put_u16_le(limit(length, 1));
        }
        SqlType::Text => legacy_type(out, 0x23, true),
        SqlType::NText => legacy_type(out, 0x63, true),
        SqlType::Image => legacy_type(out, 0x22, false),
        // No schema.
        SqlType::Xml => out.extend_from_slice(&[0xf1, 0]),
        SqlType::Variant => {
            out.put_u8(0x62);
            out.put_u32_le(8_009);
        }
    }
}

fn limit(length: Length, unit: u16) -> u16 {
    match length {
        Length::Of(length) => length * unit,
        Length::Max => MAX,
    }
}

fn text_type(out: &mut BytesMut, token: u8, bytes: u16) {
    out.put_u8(token);
    out.put_u16_le(bytes);
    out.extend_from_slice(&COLLATION);
}

fn legacy_type(out: &mut BytesMut, token: u8, text: bool) {
    out.put_u8(token);
    out.put_u32_le(i32::MAX.unsigned_abs());
    if text {
        out.extend_from_slice(&COLLATION);
    }
}

/// Bytes of a decimal's digits.
fn decimal_width(precision: u8) -> u8 {
    match precision {
        0..=9 => 4,
        10..=19 => 8,
        20..=28 => 12,
        _ => 16,
    }
}

/// ROW, or NBCROW where there are NULLs. Of long values but xml, `text_size` bytes are sent (`SET TEXTSIZE`).
pub(super) fn row(out: &mut BytesMut, columns: &[ResultColumn], values: &[Value], text_size: usize) {
    if values.iter().any(Value::is_null) {
        out.put_u8(NBC_ROW);
        for group in values.chunks(8) {
            let bits = group.iter().enumerate().map(|(bit, value)| u8::from(value.is_null()) << bit);
            out.put_u8(bits.fold(0, |all, bit| all | bit));
        }
    } else {
        out.put_u8(ROW);
    }
    for (column, value) in columns.iter().zip(values) {
        if !value.is_null() {
            self::value(out, column, value, text_size);
        }
    }
}

fn value(out: &mut BytesMut, column: &ResultColumn, value: &Value, text_size: usize) {
    match column.ty {
        SqlType::Char(_)
        | SqlType::VarChar(Length::Of(_))
        | SqlType::NChar(_)
        | SqlType::NVarChar(Length::Of(_)) => {
            counted(out, &text_bytes(value, column.ty));
        }
        SqlType::Binary(_) | SqlType::VarBinary(Length::Of(_)) => counted(out, &text_bytes(value, column.ty)),
        SqlType::Xml => chunked(out, &text_bytes(value, column.ty)),
        SqlType::VarChar(Length::Max) | SqlType::NVarChar(Length::Max) | SqlType::VarBinary(Length::Max) => {
            chunked(out, cut(&text_bytes(value, column.ty), text_size));
        }
        SqlType::Text | SqlType::NText | SqlType::Image => {
            // A pointer to the text and the time of its last change, which nobody looks at.
            out.put_u8(16);
            out.put_bytes(0, 16 + 8);
            let bytes = text_bytes(value, column.ty);
            let bytes = cut(&bytes, text_size);
            out.put_u32_le(u32::try_from(bytes.len()).unwrap_or(u32::MAX));
            out.extend_from_slice(bytes);
        }
        SqlType::Variant => variant(out, value),
        ty => {
            let bytes = plain_bytes(value, ty);
            if !is_fixed(column) {
                out.put_u8(u8::try_from(bytes.len()).unwrap_or(u8::MAX));
            }
            out.extend_from_slice(&bytes);
        }
    }
}

fn text_bytes(value: &Value, ty: SqlType) -> Vec<u8> {
    match value {
        Value::Text(text) if ty.is_national() => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
        Value::Text(text) => charset::encode(text),
        value => bytes_of(value, ty).unwrap_or_default(),
    }
}

fn cut(bytes: &[u8], text_size: usize) -> &[u8] {
    bytes.get(..text_size).unwrap_or(bytes)
}

fn counted(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u16_le(u16::try_from(bytes.len()).unwrap_or(MAX - 1));
    out.extend_from_slice(bytes);
}

/// The most bytes that the double puts into one chunk of a `max` value.
const CHUNK: usize = 4_000;

fn chunked(out: &mut BytesMut, bytes: &[u8]) {
    out.put_u64_le(bytes.len() as u64);
    for chunk in bytes.chunks(CHUNK) {
        out.put_u32_le(u32::try_from(chunk.len()).unwrap_or(0));
        out.extend_from_slice(chunk);
    }
    out.put_u32_le(0);
}

/// A value of a type without a length of its own.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is one of its type")]
fn plain_bytes(value: &Value, ty: SqlType) -> Vec<u8> {
    match (value, ty) {
        (Value::Bit(flag), _) => vec![u8::from(*flag)],
        (Value::Int(whole), _) => {
            let width = match ty {
                SqlType::TinyInt => 1,
                SqlType::SmallInt => 2,
                SqlType::BigInt => 8,
                _ => 4,
            };
            whole.to_le_bytes().into_iter().take(width).collect()
        }
        (Value::Real(number), _) => number.to_le_bytes().to_vec(),
        (Value::Float(number), _) => number.to_le_bytes().to_vec(),
        (Value::Decimal(number), SqlType::SmallMoney) => (number.units as i32).to_le_bytes().to_vec(),
        (Value::Decimal(number), SqlType::Money) => {
            let units = number.units as i64;
            let (high, low) = ((units >> 32) as i32, units as u32);
            [high.to_le_bytes(), low.to_le_bytes()].concat()
        }
        (Value::Decimal(number), SqlType::Decimal(precision, scale)) => {
            let units = number.rescale(scale).unwrap_or(*number).units;
            let digits =
                units.unsigned_abs().to_le_bytes().into_iter().take(usize::from(decimal_width(precision)));
            std::iter::once(u8::from(units >= 0)).chain(digits).collect()
        }
        (Value::Guid(bytes), _) => guid_stored(*bytes).to_vec(),
        (Value::Date(days), _) => date_bytes(*days),
        (Value::Time(ticks), SqlType::Time(scale)) => clock_bytes(*ticks, scale),
        (Value::Moment(ticks), SqlType::SmallDateTime) => {
            let days = (ticks.div_euclid(TICKS_PER_DAY) - DAY_1900) as u16;
            let minutes = (ticks.rem_euclid(TICKS_PER_DAY) / TICKS_PER_SECOND / 60) as u16;
            [days.to_le_bytes(), minutes.to_le_bytes()].concat()
        }
        (Value::Moment(ticks), SqlType::DateTime) => {
            let days = (ticks.div_euclid(TICKS_PER_DAY) - DAY_1900) as i32;
            let fractions = fractions(ticks.rem_euclid(TICKS_PER_DAY)) as u32;
            [days.to_le_bytes(), fractions.to_le_bytes()].concat()
        }
        (Value::Moment(ticks), SqlType::DateTime2(scale)) => {
            let clock = clock_bytes(ticks.rem_euclid(TICKS_PER_DAY), scale);
            [clock, date_bytes(ticks.div_euclid(TICKS_PER_DAY))].concat()
        }
        (Value::Zoned(utc, minutes), SqlType::DateTimeOffset(scale)) => {
            let clock = clock_bytes(utc.rem_euclid(TICKS_PER_DAY), scale);
            [clock, date_bytes(utc.div_euclid(TICKS_PER_DAY)), minutes.to_le_bytes().to_vec()].concat()
        }
        _ => Vec::new(),
    }
}

fn date_bytes(days: i64) -> Vec<u8> {
    days.to_le_bytes().into_iter().take(3).collect()
}

fn clock_bytes(ticks: i64, scale: u8) -> Vec<u8> {
    let width = match scale {
        0..=2 => 3,
        3..=4 => 4,
        _ => 5,
    };
    let units = ticks / 10_i64.pow(u32::from(7_u8.saturating_sub(scale)));
    units.to_le_bytes().into_iter().take(width).collect()
}

/// The value's own type, that type's properties, and the value.
fn variant(out: &mut BytesMut, value: &Value) {
    let Value::Variant(inner) = value else { return out.put_u32_le(0) };
    let (ty, value) = (inner.0, &inner.1);
    let length = |bytes: usize| u16::try_from(bytes).unwrap_or(MAX).to_le_bytes();
    let (token, properties, bytes) = match ty {
        ty if ty.is_text() => {
            let bytes = text_bytes(value, ty);
            let token = if ty.is_national() { 0xe7 } else { 0xa7 };
            (token, [COLLATION.as_slice(), &length(bytes.len())].concat(), bytes)
        }
        SqlType::Binary(_) | SqlType::VarBinary(_) | SqlType::Image => {
            let bytes = text_bytes(value, ty);
            (0xa5, length(bytes.len()).to_vec(), bytes)
        }
        SqlType::Decimal(precision, scale) => (0x6a, vec![precision, scale], plain_bytes(value, ty)),
        SqlType::UniqueIdentifier => (0x24, Vec::new(), plain_bytes(value, ty)),
        SqlType::Date => (0x28, Vec::new(), plain_bytes(value, ty)),
        SqlType::Time(scale) => (0x29, vec![scale], plain_bytes(value, ty)),
        SqlType::DateTime2(scale) => (0x2a, vec![scale], plain_bytes(value, ty)),
        SqlType::DateTimeOffset(scale) => (0x2b, vec![scale], plain_bytes(value, ty)),
        ty => (fixed_token(ty).unwrap_or(0x38), Vec::new(), plain_bytes(value, ty)),
    };
    out.put_u32_le(u32::try_from(2 + properties.len() + bytes.len()).unwrap_or(0));
    out.put_u8(token);
    out.put_u8(u8::try_from(properties.len()).unwrap_or(0));
    out.extend_from_slice(&properties);
    out.extend_from_slice(&bytes);
}
