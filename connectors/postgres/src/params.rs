//! Typed parameters in the binary form that the server reads.

use bytes::{BufMut, BytesMut};
use connector_model::filter::Typed;
use connector_sql::{Param, ParamType, Value};
use tokio_postgres::types::{Format, IsNull, ToSql, Type, to_sql_checked};

use crate::types::{date_to_wire, timestamp_to_wire};

type Failure = Box<dyn std::error::Error + Sync + Send>;

/// A parameter on its way to the server.
#[derive(Debug)]
pub(crate) struct Bound<'a>(pub(crate) &'a Param);

/// The type that a parameter is declared as.
pub(crate) fn declared(param: &Param) -> Type {
    let list = matches!(param.value, Value::List(_));
    match (param.kind, list) {
        (ParamType::Boolean, false) => Type::BOOL,
        (ParamType::Boolean, true) => Type::BOOL_ARRAY,
        (ParamType::Int8, false) => Type::INT8,
        (ParamType::Int8, true) => Type::INT8_ARRAY,
        (ParamType::Float4, false) => Type::FLOAT4,
        (ParamType::Float4, true) => Type::FLOAT4_ARRAY,
        (ParamType::Float8, false) => Type::FLOAT8,
        (ParamType::Float8, true) => Type::FLOAT8_ARRAY,
        (ParamType::Numeric, false) => Type::NUMERIC,
        (ParamType::Numeric, true) => Type::NUMERIC_ARRAY,
        (ParamType::Text, false) => Type::TEXT,
        (ParamType::Text, true) => Type::TEXT_ARRAY,
        (ParamType::Bytes, false) => Type::BYTEA,
        (ParamType::Bytes, true) => Type::BYTEA_ARRAY,
        (ParamType::Date, false) => Type::DATE,
        (ParamType::Date, true) => Type::DATE_ARRAY,
        (ParamType::Time, false) => Type::TIME,
        (ParamType::Time, true) => Type::TIME_ARRAY,
        (ParamType::Timestamp, false) => Type::TIMESTAMP,
        (ParamType::Timestamp, true) => Type::TIMESTAMP_ARRAY,
        (ParamType::TimestampTz, false) => Type::TIMESTAMPTZ,
        (ParamType::TimestampTz, true) => Type::TIMESTAMPTZ_ARRAY,
        (ParamType::Uuid, false) => Type::UUID,
        (ParamType::Uuid, true) => Type::UUID_ARRAY,
    }
}

impl ToSql for Bound<'_> {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Failure> {
        match &self.0.value {
            Value::One(value) if self.0.kind == ParamType::Numeric => {
                out.put_slice(digits(value)?.as_bytes())
            }
            Value::One(value) => one(out, self.0.kind, value)?,
            Value::List(values) if self.0.kind == ParamType::Numeric => {
                let digits: Vec<String> = values.iter().map(digits).collect::<Result<_, _>>()?;
                out.put_slice(format!("{{{}}}", digits.join(",")).as_bytes());
            }
            Value::List(values) => list(out, self.0.kind, values)?,
        }
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    /// Exact decimals travel as digits, everything else in binary.
    fn encode_format(&self, _: &Type) -> Format {
        if self.0.kind == ParamType::Numeric { Format::Text } else { Format::Binary }
    }

    to_sql_checked!();
}

fn digits(value: &Typed) -> Result<String, Failure> {
    match value {
        Typed::Integer(whole) => Ok(whole.to_string()),
        Typed::Decimal(digits) => Ok(digits.clone()),
        _ => Err("a number was expected".into()),
    }
}

fn one(out: &mut BytesMut, kind: ParamType, value: &Typed) -> Result<(), Failure> {
    match (kind, value) {
        (_, Typed::Boolean(flag)) => out.put_u8(u8::from(*flag)),
        (_, Typed::Integer(whole)) => out.put_i64(i64::try_from(*whole)?),
        #[allow(clippy::cast_possible_truncation, reason = "the column itself holds single precision")]
        (ParamType::Float4, Typed::Float(number)) => out.put_f32(*number as f32),
        (_, Typed::Float(number)) => out.put_f64(*number),
        (_, Typed::Text(text) | Typed::Decimal(text)) => out.put_slice(text.as_bytes()),
        (_, Typed::Bytes(bytes)) => out.put_slice(bytes),
        (_, Typed::Date(days)) => out.put_i32(date_to_wire(*days).ok_or("the date is out of range")?),
        (_, Typed::Time(micros)) => out.put_i64(*micros),
        (_, Typed::Timestamp(micros) | Typed::TimestampTz(micros)) => {
            out.put_i64(timestamp_to_wire(*micros).ok_or("the timestamp is out of range")?);
        }
        (_, Typed::Uuid(bytes)) => out.put_slice(bytes),
    }
    Ok(())
}

/// A one-dimensional array without NULLs.
fn list(out: &mut BytesMut, kind: ParamType, values: &[Typed]) -> Result<(), Failure> {
    let element = declared(&Param { value: Value::One(Typed::Boolean(false)), kind });
    out.put_i32(1);
    out.put_i32(0);
    out.put_u32(element.oid());
    out.put_i32(i32::try_from(values.len())?);
    out.put_i32(1);
    let mut encoded = BytesMut::new();
    for value in values {
        encoded.clear();
        one(&mut encoded, kind, value)?;
        out.put_i32(i32::try_from(encoded.len())?);
        out.put_slice(&encoded);
    }
    Ok(())
}
