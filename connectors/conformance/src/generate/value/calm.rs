//! Few values that repeat, and that can be calculated with.

use connector_memory::Value;
use connector_model::target::LogicalType;
use connector_model::time::DAY_US;
use proptest::prelude::*;

use super::super::one_of;
use super::moment::{moment_form, turn};
use super::words;
use crate::subject::{Range, StoredType};

/// Values that repeat, for the types that have extreme ones.
pub(super) fn calm(stored: StoredType) -> Option<BoxedStrategy<Value>> {
    Some(match stored.logical {
        LogicalType::Integer if stored.range == Range::Unsigned => {
            (0_u64..12).prop_map(Value::Unsigned).boxed()
        }
        LogicalType::Integer => (-6_i64..12).prop_map(Value::Integer).boxed(),
        LogicalType::Float => {
            let number = one_of(vec![0.0, 0.5, 1.0, -1.5, 2.75, 10.0, -7.25, 100.125, 0.1]);
            match stored.range {
                #[allow(clippy::cast_possible_truncation, reason = "that is what a single is")]
                Range::Single => number.prop_map(|number| Value::Real(number as f32)).boxed(),
                _ => number.prop_map(Value::Float).boxed(),
            }
        }
        LogicalType::Decimal => {
            let digits =
                vec!["0.000", "0.125", "0.250", "1.500", "-1.500", "2.000", "10.750", "0.100", "-0.001"];
            one_of(digits).prop_map(|digits| Value::Decimal(digits.to_owned())).boxed()
        }
        LogicalType::Text if stored.range == Range::Full => words(&["a", "b", "B", "", "日本語", "it's"]),
        LogicalType::Text if stored.range == Range::Moments => {
            turn().prop_map(|micros| moment_form(micros, 3)).boxed()
        }
        LogicalType::Date => turn().prop_map(|micros| Value::Date(micros.div_euclid(DAY_US))).boxed(),
        LogicalType::Timestamp => turn().prop_map(Value::Timestamp).boxed(),
        LogicalType::TimestampTz => turn().prop_map(Value::TimestampTz).boxed(),
        _ => return None,
    })
}
