//! Dates, times, intervals and UUIDs in JSON.

use super::number::integer;
use crate::time::{DAY_US, civil};

/// Two-digit numbers, as text.
const PAIRS: &[u8; 200] =
    b"0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899";

fn two(out: &mut Vec<u8>, value: u32) {
    let at = (value as usize % 100) * 2;
    out.extend_from_slice(PAIRS.get(at..at + 2).unwrap_or(b"00"));
}

fn three(out: &mut Vec<u8>, value: u32) {
    out.push(b'0' + u8::try_from(value / 100 % 10).unwrap_or(0));
    two(out, value % 100);
}

/// The date part. Years outside 0000 to 9999 take a sign and six digits or more (ECMAScript's expanded years).
fn day(out: &mut Vec<u8>, days: i64) {
    let (year, month, day) = civil(days);
    match u32::try_from(year) {
        Ok(year) if year <= 9_999 => {
            two(out, year / 100);
            two(out, year % 100);
        }
        _ => {
            out.push(if year < 0 { b'-' } else { b'+' });
            let mut digits = itoa::Buffer::new();
            let digits = digits.format(year.unsigned_abs());
            out.extend(std::iter::repeat_n(b'0', 6usize.saturating_sub(digits.len())));
            out.extend_from_slice(digits.as_bytes());
        }
    }
    out.push(b'-');
    two(out, month);
    out.push(b'-');
    two(out, day);
}

/// `HH:MM:SS`, and the microseconds left over.
fn clock(out: &mut Vec<u8>, micros_of_day: i64) -> u32 {
    let seconds = u32::try_from(micros_of_day / 1_000_000).unwrap_or(0);
    two(out, seconds / 3_600);
    out.push(b':');
    two(out, seconds / 60 % 60);
    out.push(b':');
    two(out, seconds % 60);
    u32::try_from(micros_of_day % 1_000_000).unwrap_or(0)
}

/// A day as the midnight it begins with, in UTC. `days` since 1970-01-01.
pub fn date(out: &mut Vec<u8>, days: i64) {
    out.push(b'"');
    day(out, days);
    out.extend_from_slice(b"T00:00:00.000Z\"");
}

/// A moment in UTC: milliseconds always, microseconds when they are not zero. `micros` since 1970-01-01 UTC.
pub fn timestamp(out: &mut Vec<u8>, micros: i64) {
    out.push(b'"');
    day(out, micros.div_euclid(DAY_US));
    out.push(b'T');
    let fraction = clock(out, micros.rem_euclid(DAY_US));
    out.push(b'.');
    three(out, fraction / 1_000);
    if !fraction.is_multiple_of(1_000) {
        three(out, fraction % 1_000);
    }
    out.extend_from_slice(b"Z\"");
}

/// A time of day; `24:00:00` is one. `micros` since midnight.
pub fn time_of_day(out: &mut Vec<u8>, micros: i64) {
    out.push(b'"');
    let fraction = clock(out, micros);
    if fraction != 0 {
        out.push(b'.');
        three(out, fraction / 1_000);
        three(out, fraction % 1_000);
    }
    out.push(b'"');
}

/// A span of calendar and clock time, as PostgreSQL stores it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Months, years included.
    pub months: i32,
    /// Days.
    pub days: i32,
    /// Microseconds.
    pub micros: i64,
}

/// An interval as an object of its non-zero parts; `milliseconds` carries the fraction of a second.
pub fn interval(out: &mut Vec<u8>, value: Interval) {
    out.push(b'{');
    let whole_seconds = value.micros / 1_000_000;
    let parts = [
        ("years", i64::from(value.months / 12)),
        ("months", i64::from(value.months % 12)),
        ("days", i64::from(value.days)),
        ("hours", whole_seconds / 3_600),
        ("minutes", whole_seconds / 60 % 60),
        ("seconds", whole_seconds % 60),
    ];
    let mut first = true;
    let mut key = |out: &mut Vec<u8>, name: &str| {
        out.extend_from_slice(if std::mem::take(&mut first) { b"\"" } else { b",\"" });
        out.extend_from_slice(name.as_bytes());
        out.extend_from_slice(b"\":");
    };
    for (name, amount) in parts.into_iter().filter(|(_, amount)| *amount != 0) {
        key(out, name);
        integer(out, amount);
    }
    let fraction = value.micros % 1_000_000;
    if fraction != 0 {
        key(out, "milliseconds");
        #[allow(clippy::cast_precision_loss, reason = "under a million: exact")]
        super::number::float64(out, fraction as f64 / 1_000.0);
    }
    out.push(b'}');
}

/// A UUID in lower case (RFC 9562, section 4).
pub fn uuid(out: &mut Vec<u8>, bytes: &[u8; 16]) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| HEX.get(usize::from(nibble & 0xf)).copied().unwrap_or(b'0');
    out.push(b'"');
    for (position, byte) in bytes.iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            out.push(b'-');
        }
        out.extend_from_slice(&[digit(byte >> 4), digit(*byte)]);
    }
    out.push(b'"');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl Fn(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn timestamps_show_microseconds_only_when_there_are_some() {
        assert_eq!(written(|out| timestamp(out, 0)), "\"1970-01-01T00:00:00.000Z\"");
        assert_eq!(written(|out| timestamp(out, 1_500)), "\"1970-01-01T00:00:00.001500Z\"");
        assert_eq!(written(|out| timestamp(out, -1)), "\"1969-12-31T23:59:59.999999Z\"");
        assert_eq!(written(|out| date(out, 19_782)), "\"2024-02-29T00:00:00.000Z\"");
    }

    #[test]
    fn years_outside_four_digits_are_expanded() {
        assert_eq!(written(|out| date(out, 2_932_897)), "\"+010000-01-01T00:00:00.000Z\"");
        assert_eq!(written(|out| date(out, -719_529)), "\"-000001-12-31T00:00:00.000Z\"");
    }

    #[test]
    fn times_and_intervals() {
        assert_eq!(written(|out| time_of_day(out, 86_400_000_000)), "\"24:00:00\"");
        assert_eq!(written(|out| time_of_day(out, 1)), "\"00:00:00.000001\"");
        let value = Interval { months: -14, days: 3, micros: 3_723_500_000 };
        let text = "{\"years\":-1,\"months\":-2,\"days\":3,\"hours\":1,\"minutes\":2,\"seconds\":3,\"milliseconds\":500}";
        assert_eq!(written(|out| interval(out, value)), text);
        assert_eq!(written(|out| interval(out, Interval { months: 0, days: 0, micros: 0 })), "{}");
    }

    #[test]
    fn a_uuid_is_lower_case() {
        assert_eq!(written(|out| uuid(out, &[0xAB; 16])), "\"abababab-abab-abab-abab-abababababab\"");
    }
}
