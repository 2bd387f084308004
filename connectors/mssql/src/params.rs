//! Typed parameters of `sp_executesql`.

use connector_model::error::{Error, Result};
use connector_model::filter::Typed;
use connector_sql::{Param, ParamType, Statement, Value};
use tiberius::time::DateTimeOffset;
use tiberius::{ColumnData, Query, Uuid};

use crate::types::{moment, number};

/// The most parameters of one statement ("Maximum capacity specifications"), less the two that carry the statement
/// and the list of parameters themselves.
const MAX_PARAMETERS: usize = 2_098;

/// The statement with its parameters, as the library sends it.
///
/// # Errors
/// `INVALID_JOB` when there are more parameters than the server takes; `INTERNAL` for one that it cannot hold.
pub(crate) fn bound(statement: &Statement) -> Result<Query<'_>> {
    if statement.params.len() > MAX_PARAMETERS {
        let problem = format!(
            "compares with {} values, and SQL Server takes {MAX_PARAMETERS}; put values of one column in `$in`, which may be of any length",
            statement.params.len()
        );
        return Err(Error::option("where", problem));
    }
    let mut query = Query::new(statement.text.as_str());
    for param in &statement.params {
        query.bind(data(param)?);
    }
    Ok(query)
}

/// The value as the library sends it; which of its types that is decides how the server is told to read it.
fn data(param: &Param) -> Result<ColumnData<'_>> {
    let Value::One(value) = &param.value else {
        return Err(Error::internal("a list was bound as one parameter"));
    };
    let data = match (param.kind, value) {
        (ParamType::Boolean, Typed::Boolean(flag)) => Some(ColumnData::Bit(Some(*flag))),
        (ParamType::Int8, Typed::Integer(whole)) => {
            i64::try_from(*whole).ok().map(|whole| ColumnData::I64(Some(whole)))
        }
        #[allow(clippy::cast_possible_truncation, reason = "the column itself holds single precision")]
        (ParamType::Float4, Typed::Float(float)) => Some(ColumnData::F32(Some(*float as f32))),
        (ParamType::Float8, Typed::Float(float)) => Some(ColumnData::F64(Some(*float))),
        (ParamType::Numeric, Typed::Integer(whole)) => {
            number(&whole.to_string()).map(|number| ColumnData::Numeric(Some(number)))
        }
        (ParamType::Numeric, Typed::Decimal(text)) => {
            number(text).map(|number| ColumnData::Numeric(Some(number)))
        }
        (ParamType::Text, Typed::Text(text)) => Some(ColumnData::String(Some(text.as_str().into()))),
        (ParamType::Bytes, Typed::Bytes(bytes)) => Some(ColumnData::Binary(Some(bytes.as_slice().into()))),
        (ParamType::Date, Typed::Date(days)) => moment::date(*days).map(|date| ColumnData::Date(Some(date))),
        (ParamType::Time, Typed::Time(micros)) => {
            micros.checked_mul(10).and_then(moment::clock).map(|time| ColumnData::Time(Some(time)))
        }
        (ParamType::Timestamp, Typed::Timestamp(micros)) => {
            moment::moment(*micros).map(|at| ColumnData::DateTime2(Some(at)))
        }
        (ParamType::TimestampTz, Typed::TimestampTz(micros)) => {
            moment::moment(*micros).map(|at| ColumnData::DateTimeOffset(Some(DateTimeOffset::new(at, 0))))
        }
        (ParamType::Uuid, Typed::Uuid(bytes)) => Some(ColumnData::Guid(Some(Uuid::from_bytes(*bytes)))),
        _ => None,
    };
    data.ok_or_else(|| Error::internal(format!("a parameter is no {:?} that the server holds", param.kind)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(value: Typed, kind: ParamType) -> Param {
        Param { value: Value::One(value), kind }
    }

    #[test]
    fn a_value_goes_as_the_type_it_is_declared() {
        assert_eq!(data(&one(Typed::Integer(7), ParamType::Int8)).unwrap(), ColumnData::I64(Some(7)));
        let big = one(Typed::Integer(i128::from(u64::MAX)), ParamType::Numeric);
        assert!(matches!(data(&big).unwrap(), ColumnData::Numeric(Some(_))));
        let zoned = one(Typed::TimestampTz(0), ParamType::TimestampTz);
        assert!(matches!(data(&zoned).unwrap(), ColumnData::DateTimeOffset(Some(_))));
        for wrong in [
            one(Typed::Integer(i128::MAX), ParamType::Numeric),
            one(Typed::Timestamp(i64::MAX), ParamType::Timestamp),
            one(Typed::Text("1".into()), ParamType::Int8),
            Param { value: Value::List(Vec::new()), kind: ParamType::Text },
        ] {
            assert!(data(&wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn more_values_than_the_server_takes_are_refused_before_anything_is_sent() {
        let statement =
            Statement { text: String::new(), params: vec![one(Typed::Integer(1), ParamType::Int8); 2_099] };
        assert_eq!(bound(&statement).err().unwrap().detail()["option"], "where");
    }
}
