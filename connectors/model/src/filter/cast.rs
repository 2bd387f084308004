//! An operand as a value of the column it is held against.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::Operand;
use crate::target::LogicalType;
use crate::time;

/// An operand typed as its column.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "each is the logical type of that name")]
pub enum Typed {
    Boolean(bool),
    Integer(i128),
    Float(f64),
    /// Digits with an optional sign, point and exponent.
    Decimal(String),
    Text(String),
    Bytes(Vec<u8>),
    /// Days since 1970-01-01.
    Date(i64),
    /// Microseconds since midnight.
    Time(i64),
    /// Microseconds since 1970-01-01, no zone.
    Timestamp(i64),
    /// Microseconds since 1970-01-01 UTC.
    TimestampTz(i64),
    Uuid([u8; 16]),
}

/// What became of an operand.
#[derive(Debug, Clone, PartialEq)]
pub enum Cast {
    /// A value of the column's type, or of one that compares with it.
    Value(Typed),
    /// NULL.
    Null,
    /// No value of this type: nothing equals it.
    Impossible,
}

/// Casts `operand` for a column of type `to`.
///
/// Numbers take decimal texts, dates and moments take ISO 8601 texts and milliseconds since 1970, bytes take base64,
/// texts take what a number or a boolean looks like. Types that have no order of their own compare as text.
pub fn cast(operand: &Operand, to: LogicalType) -> Cast {
    if matches!(operand, Operand::Null) {
        return Cast::Null;
    }
    let typed = match to {
        LogicalType::Boolean => boolean(operand).map(Typed::Boolean),
        LogicalType::Integer | LogicalType::Decimal => exact(operand),
        LogicalType::Float => float(operand).map(Typed::Float),
        LogicalType::Text
        | LogicalType::Json
        | LogicalType::Array
        | LogicalType::Geometry
        | LogicalType::Unknown => Some(Typed::Text(text(operand))),
        LogicalType::Bytes => in_text(operand, |text| STANDARD.decode(text).ok()).map(Typed::Bytes),
        LogicalType::Date => moment(operand).map(|micros| Typed::Date(micros.div_euclid(time::DAY_US))),
        LogicalType::Time => in_text(operand, time::parse_time_of_day).map(Typed::Time),
        LogicalType::Timestamp => moment(operand).map(Typed::Timestamp),
        LogicalType::TimestampTz => moment(operand).map(Typed::TimestampTz),
        LogicalType::Uuid => in_text(operand, uuid).map(Typed::Uuid),
    };
    typed.map_or(Cast::Impossible, Cast::Value)
}

fn in_text<T>(operand: &Operand, read: impl FnOnce(&str) -> Option<T>) -> Option<T> {
    match operand {
        Operand::Text(text) => read(text),
        _ => None,
    }
}

fn boolean(operand: &Operand) -> Option<bool> {
    match operand {
        Operand::Boolean(flag) => Some(*flag),
        Operand::Integer(0) => Some(false),
        Operand::Integer(1) => Some(true),
        Operand::Text(text) => match text.as_str() {
            "true" | "t" | "1" => Some(true),
            "false" | "f" | "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn exact(operand: &Operand) -> Option<Typed> {
    match operand {
        Operand::Integer(whole) => Some(Typed::Integer(*whole)),
        Operand::Float(number) if number.is_finite() => Some(Typed::Decimal(format!("{number}"))),
        Operand::Text(text) => {
            let text = text.trim();
            match text.parse::<i128>() {
                Ok(whole) => Some(Typed::Integer(whole)),
                Err(_) => is_decimal(text).then(|| Typed::Decimal(text.to_owned())),
            }
        }
        _ => None,
    }
}

/// `[+-]digits[.digits][e[+-]digits]`, at least one digit before the exponent, an exponent of at most four digits.
fn is_decimal(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent.strip_prefix(['+', '-']).unwrap_or(exponent))),
        None => (unsigned, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    digits(whole)
        && digits(fraction)
        && whole.len() + fraction.len() > 0
        && exponent.is_none_or(|exponent| digits(exponent) && (1..=4).contains(&exponent.len()))
}

fn float(operand: &Operand) -> Option<f64> {
    match operand {
        #[allow(clippy::cast_precision_loss, reason = "the column itself holds doubles")]
        Operand::Integer(whole) => Some(*whole as f64),
        Operand::Float(number) => Some(*number),
        Operand::Text(text) if is_decimal(text.trim()) => text.trim().parse().ok(),
        _ => None,
    }
}

fn text(operand: &Operand) -> String {
    match operand {
        Operand::Null => String::new(),
        Operand::Boolean(flag) => flag.to_string(),
        Operand::Integer(whole) => whole.to_string(),
        Operand::Float(number) => number.to_string(),
        Operand::Text(text) => text.clone(),
    }
}

fn moment(operand: &Operand) -> Option<i64> {
    match operand {
        Operand::Integer(millis) => i64::try_from(*millis).ok()?.checked_mul(1_000),
        Operand::Text(text) => time::parse_moment(text),
        _ => None,
    }
}

fn uuid(text: &str) -> Option<[u8; 16]> {
    let bare = text.trim().strip_prefix('{').and_then(|rest| rest.strip_suffix('}')).unwrap_or(text.trim());
    let grouped = bare.len() == 36
        && bare.bytes().enumerate().all(|(at, byte)| matches!(at, 8 | 13 | 18 | 23) == (byte == b'-'));
    let plain = bare.len() == 32 && !bare.contains('-');
    if !(grouped || plain) {
        return None;
    }
    let mut nibbles = bare.bytes().filter(|byte| *byte != b'-').map(|byte| char::from(byte).to_digit(16));
    let mut bytes = [0; 16];
    for byte in &mut bytes {
        let high = nibbles.next()??;
        let low = nibbles.next()??;
        *byte = u8::try_from(high << 4 | low).ok()?;
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(text: &str, to: LogicalType) -> Cast {
        cast(&Operand::Text(text.to_owned()), to)
    }

    #[test]
    fn texts_become_what_the_column_holds() {
        assert_eq!(of("42", LogicalType::Integer), Cast::Value(Typed::Integer(42)));
        assert_eq!(of("1.50", LogicalType::Decimal), Cast::Value(Typed::Decimal("1.50".into())));
        assert_eq!(of("2024-03-01", LogicalType::Date), Cast::Value(Typed::Date(19_783)));
        let id = of("{6F9619FF-8B86-D011-B42D-00CF4FC964FF}", LogicalType::Uuid);
        assert!(matches!(id, Cast::Value(Typed::Uuid([0x6f, 0x96, ..]))));
        assert_eq!(of("AP8=", LogicalType::Bytes), Cast::Value(Typed::Bytes(vec![0, 255])));
    }

    #[test]
    fn what_is_no_value_of_the_type_is_impossible() {
        for (text, to) in [
            ("x", LogicalType::Integer),
            ("1e99999", LogicalType::Decimal),
            (".", LogicalType::Decimal),
            ("NaN", LogicalType::Float),
            ("1) or (1=1", LogicalType::Integer),
            ("yes", LogicalType::Boolean),
            ("2024-13-01", LogicalType::Date),
            ("6F9619FF-8B86-D011-B42D", LogicalType::Uuid),
            ("🦀🦀🦀🦀🦀🦀🦀🦀🦀", LogicalType::Uuid),
        ] {
            assert_eq!(of(text, to), Cast::Impossible, "{text}");
        }
        assert_eq!(cast(&Operand::Boolean(true), LogicalType::Integer), Cast::Impossible);
    }
}
