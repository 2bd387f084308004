//! SQL Server's values to JSON and to key values.

mod decimal;
pub(crate) mod moment;

use connector_model::error::{Error, Result};
use connector_model::filter::Typed;
use connector_model::json;
use connector_model::target::LogicalType;
use tiberius::ColumnData;

pub(crate) use decimal::number;

/// How bytes appear in JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Binary {
    Base64,
    Buffer,
}

/// What a column's values mean beyond their type on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// What they are.
    Plain(Binary),
    /// Text that is a JSON document.
    Json,
    /// Bytes that are a geometry (OGC well-known binary).
    Geometry,
}

impl Shape {
    /// The shape of a column of this type.
    pub(crate) fn of(logical_type: LogicalType, binary: Binary) -> Shape {
        match logical_type {
            LogicalType::Json => Shape::Json,
            LogicalType::Geometry => Shape::Geometry,
            _ => Shape::Plain(binary),
        }
    }

    /// Appends the JSON of one value. The value says of which type it is, also within a `sql_variant`.
    ///
    /// # Errors
    /// `INTERNAL` for bytes that are no geometry where one was promised.
    pub(crate) fn write(self, out: &mut Vec<u8>, value: &ColumnData<'_>) -> Result<()> {
        match (value, self) {
            (ColumnData::Bit(Some(flag)), _) => json::boolean(out, *flag),
            (ColumnData::U8(Some(whole)), _) => json::integer(out, i64::from(*whole)),
            (ColumnData::I16(Some(whole)), _) => json::integer(out, i64::from(*whole)),
            (ColumnData::I32(Some(whole)), _) => json::integer(out, i64::from(*whole)),
            (ColumnData::I64(Some(whole)), _) => json::integer_text(out, *whole),
            (ColumnData::F32(Some(number)), _) => json::float32(out, *number),
            (ColumnData::F64(Some(number)), _) => json::float64(out, *number),
            (ColumnData::Numeric(Some(number)), _) => {
                json::plain_text(out, decimal::digits(*number).as_bytes());
            }
            (ColumnData::String(Some(text)), Shape::Json) => json::verbatim(out, text.as_bytes()),
            (ColumnData::String(Some(text)), _) => json::text(out, text),
            (ColumnData::Xml(Some(xml)), _) => json::text(out, xml.as_ref().as_ref()),
            (ColumnData::Guid(Some(id)), _) => uuid(out, id.as_bytes()),
            (ColumnData::Binary(Some(bytes)), Shape::Geometry) => geometry(out, bytes)?,
            (ColumnData::Binary(Some(bytes)), Shape::Plain(Binary::Buffer)) => {
                json::buffer_object(out, bytes)
            }
            (ColumnData::Binary(Some(bytes)), _) => json::base64(out, bytes),
            (ColumnData::Date(Some(date)), _) => json::date(out, moment::days(*date)),
            (ColumnData::Time(Some(time)), _) => json::time_of_day(out, moment::micros(moment::time(*time))),
            (ColumnData::DateTime(Some(at)), _) => stamp(out, moment::datetime(*at)),
            (ColumnData::SmallDateTime(Some(at)), _) => stamp(out, moment::smalldatetime(*at)),
            (ColumnData::DateTime2(Some(at)), _) => stamp(out, moment::datetime2(*at)),
            (ColumnData::DateTimeOffset(Some(at)), _) => stamp(out, moment::datetimeoffset(*at)),
            // All that is left is the NULL of each type.
            _ => json::null(out),
        }
        Ok(())
    }
}

fn shown(bytes: &[u8; 16]) -> String {
    let mut quoted = Vec::with_capacity(38);
    uuid(&mut quoted, bytes);
    String::from_utf8_lossy(&quoted).trim_matches('"').to_owned()
}

fn stamp(out: &mut Vec<u8>, ticks: i64) {
    json::timestamp(out, moment::micros(ticks));
}

/// In upper case, as SQL Server itself writes it.
fn uuid(out: &mut Vec<u8>, bytes: &[u8; 16]) {
    let start = out.len();
    json::uuid(out, bytes);
    out.iter_mut().skip(start).for_each(u8::make_ascii_uppercase);
}

/// GeoJSON, as far as it has the shape: not the curves of SQL Server.
fn geometry(out: &mut Vec<u8>, bytes: &[u8]) -> Result<()> {
    match json::geometry(out, bytes) {
        Ok(()) => Ok(()),
        Err(json::NoGeometry::NoShape) => {
            json::base64(out, bytes);
            Ok(())
        }
        Err(error @ json::NoGeometry::Malformed) => Err(Error::internal(error.to_string())),
    }
}

/// One value as a key value, for a cursor. Moments and times are in ticks, so that a page begins behind the very
/// row that the one before ended with: see the dialect's `resumed`.
///
/// # Errors
/// `INTERNAL` for a type that orders nothing.
pub(crate) fn key(value: &ColumnData<'_>) -> Result<Option<Typed>> {
    Ok(match value {
        ColumnData::Bit(flag) => flag.map(Typed::Boolean),
        ColumnData::U8(whole) => whole.map(|whole| Typed::Integer(i128::from(whole))),
        ColumnData::I16(whole) => whole.map(|whole| Typed::Integer(i128::from(whole))),
        ColumnData::I32(whole) => whole.map(|whole| Typed::Integer(i128::from(whole))),
        ColumnData::I64(whole) => whole.map(|whole| Typed::Integer(i128::from(whole))),
        // By its own digits: the parameter is declared `real` again.
        ColumnData::F32(number) => {
            number.map(|number| Typed::Float(number.to_string().parse().unwrap_or(f64::NAN)))
        }
        ColumnData::F64(number) => number.map(Typed::Float),
        ColumnData::Numeric(number) => number.map(|number| Typed::Decimal(decimal::digits(number))),
        ColumnData::String(text) => text.as_ref().map(|text| Typed::Text(text.to_string())),
        // As it is shown: a cursor of a single key is its text.
        ColumnData::Guid(id) => id.map(|id| Typed::Text(shown(id.as_bytes()))),
        ColumnData::Binary(bytes) => bytes.as_ref().map(|bytes| Typed::Bytes(bytes.to_vec())),
        ColumnData::Date(date) => date.map(|date| Typed::Date(moment::days(date))),
        ColumnData::Time(time) => time.map(|time| Typed::Time(moment::time(time))),
        ColumnData::DateTime(at) => at.map(|at| Typed::Timestamp(moment::datetime(at))),
        ColumnData::SmallDateTime(at) => at.map(|at| Typed::Timestamp(moment::smalldatetime(at))),
        ColumnData::DateTime2(at) => at.map(|at| Typed::Timestamp(moment::datetime2(at))),
        ColumnData::DateTimeOffset(at) => at.map(|at| Typed::TimestampTz(moment::datetimeoffset(at))),
        ColumnData::Xml(_) => return Err(Error::internal("a column without an order was made a key")),
    })
}

/// One value as a number or a moment of microseconds.
///
/// # Errors
/// As [`key`].
pub(crate) fn value(value: &ColumnData<'_>) -> Result<Option<Typed>> {
    Ok(key(value)?.map(|typed| match typed {
        Typed::Time(ticks) => Typed::Time(moment::micros(ticks)),
        Typed::Timestamp(ticks) => Typed::Timestamp(moment::micros(ticks)),
        Typed::TimestampTz(ticks) => Typed::TimestampTz(moment::micros(ticks)),
        other => other,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::borrow::Cow;
    use tiberius::numeric::Numeric;

    fn written(shape: Shape, value: &ColumnData<'_>) -> String {
        let mut out = Vec::new();
        shape.write(&mut out, value).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn each_value_has_the_json_of_its_type() {
        let plain = Shape::Plain(Binary::Base64);
        let id = tiberius::Uuid::from_bytes([0xab; 16]);
        for (value, expected) in [
            (ColumnData::Bit(Some(true)), "true"),
            (ColumnData::U8(Some(255)), "255"),
            (ColumnData::I64(Some(-1)), "\"-1\""),
            (ColumnData::F32(Some(0.1)), "0.1"),
            (ColumnData::Numeric(Some(Numeric::new_with_scale(-12_340, 4))), "\"-1.2340\""),
            (ColumnData::Guid(Some(id)), "\"ABABABAB-ABAB-ABAB-ABAB-ABABABABABAB\""),
            (ColumnData::Binary(Some(Cow::Borrowed(&[0, 255]))), "\"AP8=\""),
            (ColumnData::String(None), "null"),
            (ColumnData::Date(None), "null"),
        ] {
            assert_eq!(written(plain, &value), expected);
        }
        let document = ColumnData::String(Some("{\"a\":1.50}".into()));
        assert_eq!(written(Shape::Json, &document), "{\"a\":1.50}");
        let point = [&[1, 1, 0, 0, 0][..], &1.5_f64.to_le_bytes(), &(-2.0_f64).to_le_bytes()].concat();
        let point = ColumnData::Binary(Some(Cow::Owned(point)));
        assert_eq!(written(Shape::Geometry, &point), "{\"x\":1.5,\"y\":-2}");
        let bytes = ColumnData::Binary(Some(Cow::Borrowed(&[1])));
        assert!(Shape::Geometry.write(&mut Vec::new(), &bytes).is_err());
        assert_eq!(written(Shape::Plain(Binary::Buffer), &bytes), "{\"type\":\"Buffer\",\"data\":[1]}");
    }
}
