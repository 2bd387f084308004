//! Parameters as clients send them: a type, and a value of it (MS-TDS 2.2.5.4, 2.2.5.5).

use anyhow::{Context, Result, bail};

use super::input::{Input, utf16};
use crate::tsql::decimal::Decimal;
use crate::tsql::moment::{DAY_1900, MAX_DAY, TICKS_PER_DAY, TICKS_PER_SECOND, fraction_ticks};
use crate::tsql::{Length, SqlType, Value, charset, guid_of_stored};

/// A type as it stands before values.
#[derive(Debug, Clone, Copy)]
struct WireType {
    ty: SqlType,
    /// How the value's length is told.
    length: LengthForm,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum LengthForm {
    Fixed(usize),
    Byte,
    Short,
    Long,
    Chunks,
}

/// A typed value.
pub(super) fn typed_value(input: &mut Input<'_>) -> Result<(SqlType, Value)> {
    let wire = wire_type(input)?;
    let bytes = value_bytes(input, wire.length)?;
    let value = match bytes {
        Some(bytes) => value_of(&bytes, wire.ty)?,
        None => Value::Null,
    };
    Ok((wire.ty, value))
}

fn wire_type(input: &mut Input<'_>) -> Result<WireType> {
    let token = input.u8()?;
    let fixed = |ty: SqlType, bytes: usize| Ok(WireType { ty, length: LengthForm::Fixed(bytes) });
    let byte = |ty: SqlType| Ok(WireType { ty, length: LengthForm::Byte });
    match token {
        0x1f => fixed(SqlType::Null, 0),
        0x30 => fixed(SqlType::TinyInt, 1),
        0x32 => fixed(SqlType::Bit, 1),
        0x34 => fixed(SqlType::SmallInt, 2),
        0x38 => fixed(SqlType::Int, 4),
        0x3a => fixed(SqlType::SmallDateTime, 4),
        0x3b => fixed(SqlType::Real, 4),
        0x3c => fixed(SqlType::Money, 8),
        0x3d => fixed(SqlType::DateTime, 8),
        0x3e => fixed(SqlType::Float, 8),
        0x7a => fixed(SqlType::SmallMoney, 4),
        0x7f => fixed(SqlType::BigInt, 8),
        0x26 => byte(match input.u8()? {
            1 => SqlType::TinyInt,
            2 => SqlType::SmallInt,
            4 => SqlType::Int,
            _ => SqlType::BigInt,
        }),
        0x68 => input.u8().and_then(|_| byte(SqlType::Bit)),
        0x6d => byte(if input.u8()? == 4 { SqlType::Real } else { SqlType::Float }),
        0x6e => byte(if input.u8()? == 4 { SqlType::SmallMoney } else { SqlType::Money }),
        0x6f => byte(if input.u8()? == 4 { SqlType::SmallDateTime } else { SqlType::DateTime }),
        0x6a | 0x6c => {
            let [_, precision, scale] = input.array()?;
            byte(SqlType::Decimal(precision, scale))
        }
        0x24 => input.u8().and_then(|_| byte(SqlType::UniqueIdentifier)),
        0x28 => byte(SqlType::Date),
        0x29 => byte(SqlType::Time(input.u8()?)),
        0x2a => byte(SqlType::DateTime2(input.u8()?)),
        0x2b => byte(SqlType::DateTimeOffset(input.u8()?)),
        0xaf | 0xa7 | 0xef | 0xe7 | 0xad | 0xa5 => string_type(input, token),
        0x23 | 0x63 | 0x22 => {
            let _max = input.u32()?;
            if token != 0x22 {
                let _collation: [u8; 5] = input.array()?;
            }
            let ty = match token {
                0x23 => SqlType::Text,
                0x63 => SqlType::NText,
                _ => SqlType::Image,
            };
            Ok(WireType { ty, length: LengthForm::Long })
        }
        0xf1 => {
            if input.u8()? != 0 {
                bail!("a parameter of a typed XML type");
            }
            Ok(WireType { ty: SqlType::Xml, length: LengthForm::Chunks })
        }
        other => bail!("a parameter of the type {other:#04x}, which the double does not know"),
    }
}

fn string_type(input: &mut Input<'_>, token: u8) -> Result<WireType> {
    let bytes = input.u16()?;
    let text = !matches!(token, 0xad | 0xa5);
    if text {
        let _collation: [u8; 5] = input.array()?;
    }
    let max = bytes == u16::MAX;
    let length = |unit: u16| if max { Length::Max } else { Length::Of((bytes / unit).max(1)) };
    let ty = match token {
        0xaf => SqlType::Char(bytes),
        0xa7 => SqlType::VarChar(length(1)),
        0xef => SqlType::NChar(bytes / 2),
        0xe7 => SqlType::NVarChar(length(2)),
        0xad => SqlType::Binary(bytes),
        _ => SqlType::VarBinary(length(1)),
    };
    Ok(WireType { ty, length: if max { LengthForm::Chunks } else { LengthForm::Short } })
}

fn value_bytes(input: &mut Input<'_>, form: LengthForm) -> Result<Option<Vec<u8>>> {
    let bytes = match form {
        LengthForm::Fixed(0) => return Ok(None),
        LengthForm::Fixed(length) => input.take(length)?,
        LengthForm::Byte => match input.u8()? {
            0 => return Ok(None),
            length => input.take(usize::from(length))?,
        },
        LengthForm::Short => match input.u16()? {
            u16::MAX => return Ok(None),
            length => input.take(usize::from(length))?,
        },
        LengthForm::Long => match input.u32()? {
            u32::MAX => return Ok(None),
            length => input.take(usize::try_from(length)?)?,
        },
        LengthForm::Chunks => return chunks(input),
    };
    Ok(Some(bytes.to_vec()))
}

fn chunks(input: &mut Input<'_>) -> Result<Option<Vec<u8>>> {
    if input.u64()? == u64::MAX {
        return Ok(None);
    }
    let mut bytes = Vec::new();
    loop {
        match input.u32()? {
            0 => return Ok(Some(bytes)),
            length => bytes.extend_from_slice(input.take(usize::try_from(length)?)?),
        }
    }
}

fn value_of(bytes: &[u8], ty: SqlType) -> Result<Value> {
    let mut input = Input::new(bytes);
    Ok(match ty {
        SqlType::Bit => Value::Bit(input.u8()? != 0),
        SqlType::TinyInt => Value::Int(i64::from(input.u8()?)),
        SqlType::SmallInt => Value::Int(i64::from(i16::from_le_bytes(input.array()?))),
        SqlType::Int => Value::Int(i64::from(i32::from_le_bytes(input.array()?))),
        SqlType::BigInt => Value::Int(i64::from_le_bytes(input.array()?)),
        SqlType::Real => Value::Real(f32::from_le_bytes(input.array()?)),
        SqlType::Float => Value::Float(f64::from_le_bytes(input.array()?)),
        SqlType::SmallMoney => {
            Value::Decimal(Decimal::new(i128::from(i32::from_le_bytes(input.array()?)), 4))
        }
        SqlType::Money => {
            let high = i64::from(i32::from_le_bytes(input.array()?));
            let low = i64::from(input.u32()?);
            Value::Decimal(Decimal::new(i128::from(high << 32 | low), 4))
        }
        SqlType::Decimal(_, scale) => decimal(&mut input, bytes.len(), scale)?,
        SqlType::UniqueIdentifier => Value::Guid(guid_of_stored(input.array()?)),
        SqlType::Date => Value::Date(day(&mut input)?),
        SqlType::Time(scale) => Value::Time(clock(&mut input, bytes.len(), scale)?),
        SqlType::SmallDateTime => {
            let (days, minutes) = (i64::from(input.u16()?), i64::from(input.u16()?));
            Value::Moment((days + DAY_1900) * TICKS_PER_DAY + minutes * 60 * TICKS_PER_SECOND)
        }
        SqlType::DateTime => {
            let days = i64::from(i32::from_le_bytes(input.array()?));
            Value::Moment((days + DAY_1900) * TICKS_PER_DAY + fraction_ticks(i64::from(input.u32()?)))
        }
        SqlType::DateTime2(scale) => {
            let ticks = clock(&mut input, bytes.len().saturating_sub(3), scale)?;
            Value::Moment(day(&mut input)? * TICKS_PER_DAY + ticks)
        }
        SqlType::DateTimeOffset(scale) => {
            let ticks = clock(&mut input, bytes.len().saturating_sub(5), scale)?;
            let days = day(&mut input)?;
            Value::Zoned(days * TICKS_PER_DAY + ticks, i16::from_le_bytes(input.array()?))
        }
        ty if ty.is_national() => Value::text(utf16(bytes)?),
        ty if ty.is_text() => Value::text(charset::decode(bytes)),
        _ => Value::Bytes(bytes.into()),
    })
}

fn decimal(input: &mut Input<'_>, length: usize, scale: u8) -> Result<Value> {
    let positive = input.u8()? == 1;
    let digits = input.take(length - 1)?;
    let units = digits.iter().rev().fold(0_u128, |units, byte| units << 8 | u128::from(*byte));
    let units = i128::try_from(units).context("a decimal of more than 38 digits")?;
    Ok(Value::Decimal(Decimal::new(if positive { units } else { -units }, scale)))
}

fn day(input: &mut Input<'_>) -> Result<i64> {
    i64::try_from(input.whole(3)?).ok().filter(|day| *day <= MAX_DAY).context("a day after the year 9999")
}

fn clock(input: &mut Input<'_>, width: usize, scale: u8) -> Result<i64> {
    let units = i64::try_from(input.whole(width)?)?;
    let ticks = units.checked_mul(10_i64.pow(u32::from(7_u8.saturating_sub(scale))));
    ticks.filter(|ticks| *ticks < TICKS_PER_DAY).context("a time of day past midnight")
}
