//! Days and moments in ISO 8601, as every `DATEFORMAT` and `LANGUAGE` reads them, to the 100 nanoseconds that SQL
//! Server keeps.

use std::cmp::Ordering;

use connector_model::filter::Typed;
use connector_model::time::{DAY_US, civil};

/// Days since 1970-01-01 of 0001-01-01 and 9999-12-31: what `date`, `datetime2` and `datetimeoffset` hold.
pub(super) const DAYS: (i64, i64) = (-719_162, 2_932_896);
/// The day that `datetime` begins with, 1753-01-01.
const DATETIME_FIRST_DAY: i64 = -79_257;
/// 100 nanoseconds, in a second and in a day.
const SECOND_TICKS: i64 = 10_000_000;
const DAY_TICKS: i64 = DAY_US * 10;

/// Where a value stands that is outside of what the types of dates hold.
pub(super) fn beyond(value: &Typed) -> Option<Ordering> {
    let day = match value {
        Typed::Date(days) => *days,
        Typed::Timestamp(micros) | Typed::TimestampTz(micros) => micros.div_euclid(DAY_US),
        _ => return None,
    };
    match day {
        _ if day < DAYS.0 => Some(Ordering::Less),
        _ if day > DAYS.1 => Some(Ordering::Greater),
        _ => None,
    }
}

/// Whether a `datetime` holds the moment; its last three milliseconds round into the next year.
pub(super) fn is_datetime(micros: i64) -> bool {
    micros.div_euclid(DAY_US) >= DATETIME_FIRST_DAY
        && micros.saturating_add(3_000).div_euclid(DAY_US) <= DAYS.1
}

/// The nearest moment that `datetime2` holds.
pub(super) fn clamped(micros: i64) -> i64 {
    micros.clamp(DAYS.0 * DAY_US, (DAYS.1 + 1) * DAY_US - 1)
}

/// `YYYY-MM-DD`.
pub(super) fn day(days: i64) -> String {
    let (year, month, day) = civil(days.clamp(DAYS.0, DAYS.1));
    format!("{year:04}-{month:02}-{day:02}")
}

/// `YYYY-MM-DDTHH:MM:SS.fffffff` of 100-nanosecond ticks since 1970-01-01.
pub(super) fn moment(ticks: i64) -> String {
    format!("{}T{}", day(ticks.div_euclid(DAY_TICKS)), clock(ticks.rem_euclid(DAY_TICKS)))
}

/// `YYYY-MM-DDTHH:MM:SS.fff`: the form in which a `datetime` is exact.
pub(super) fn moment_millis(ticks: i64) -> String {
    let mut text = moment(ticks);
    text.truncate("YYYY-MM-DDTHH:MM:SS.fff".len());
    text
}

/// `HH:MM:SS.fffffff` of 100-nanosecond ticks since midnight.
pub(super) fn clock(ticks: i64) -> String {
    let seconds = ticks / SECOND_TICKS;
    let (hours, minutes, seconds) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
    format!("{hours:02}:{minutes:02}:{seconds:02}.{:07}", ticks % SECOND_TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_before_and_after_1970() {
        assert_eq!(moment(1), "1970-01-01T00:00:00.0000001");
        assert_eq!(moment(-1), "1969-12-31T23:59:59.9999999");
        assert_eq!(moment_millis(17_092_088_551_234_567), "2024-02-29T12:14:15.123");
        assert_eq!(clock(863_999_999_999), "23:59:59.9999999");
    }

    #[test]
    fn the_ends_of_the_types() {
        assert_eq!((day(DAYS.0), day(DAYS.1)), ("0001-01-01".into(), "9999-12-31".into()));
        assert_eq!(beyond(&Typed::Date(DAYS.0 - 1)), Some(Ordering::Less));
        assert_eq!(beyond(&Typed::Timestamp(i64::MAX)), Some(Ordering::Greater));
        assert_eq!(beyond(&Typed::TimestampTz(0)), None);
        assert!(is_datetime(0) && !is_datetime(DATETIME_FIRST_DAY * DAY_US - 1));
    }
}
