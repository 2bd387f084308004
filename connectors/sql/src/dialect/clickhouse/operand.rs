//! Operands in the form and the type that they are held against a column in.

use connector_model::filter::Typed;

use super::number::{MAX_DIGITS, Plain};
use super::types::Kind;

/// The moments that a column of nanoseconds can be held against, in microseconds: its own are 64 bits.
const NANOSECONDS: std::ops::RangeInclusive<i64> = i64::MIN / 1_000..=i64::MAX / 1_000;
/// The most digits behind the point of a number that is held against one that a statement computes.
pub(super) const COMPUTED_SCALE: usize = 24;

/// An exact number in the form and the type that it is held against a column in.
pub(super) fn exact(column: &Kind, value: Typed) -> (Typed, String) {
    let digits = match &value {
        Typed::Integer(whole) => whole.to_string(),
        Typed::Decimal(text) => text.clone(),
        _ => String::new(),
    };
    match column {
        Kind::Decimal { digits: declared } => {
            let plain = Plain::read(&digits);
            let scale = declared.map_or_else(|| plain.scale().min(COMPUTED_SCALE), |(_, scale)| scale);
            (Typed::Decimal(plain.text(scale)), format!("Decimal({MAX_DIGITS}, {scale})"))
        }
        _ => match value {
            Typed::Integer(whole) if i64::try_from(whole).is_ok() => (value, "Int64".to_owned()),
            Typed::Integer(whole) if u64::try_from(whole).is_ok() => (value, "UInt64".to_owned()),
            _ => (Typed::Decimal(Plain::read(&digits).text(0)), "Int256".to_owned()),
        },
    }
}

/// A number of single precision: its own digits, which are read back as it.
#[allow(clippy::cast_possible_truncation, reason = "the column itself is of single precision")]
pub(super) fn single(number: f64) -> Typed {
    (number as f32).to_string().parse().map_or(Typed::Float(number), Typed::Float)
}

/// The moment, brought to where a column of nanoseconds can be compared with it.
pub(super) fn within(column: &Kind, micros: i64) -> i64 {
    match column {
        Kind::Moment { scale: 7.. } => micros.clamp(*NANOSECONDS.start(), *NANOSECONDS.end()),
        _ => micros,
    }
}
