//! Calendar arithmetic on days and microseconds since 1970-01-01, for every year an engine can store.
//!
//! The usual time libraries stop at year 9999; PostgreSQL stores dates from 4713 BC to 5874897 AD.

use jiff::Timestamp;
use jiff::civil::{Date, DateTime};

/// Microseconds in a day.
pub const DAY_US: i64 = 86_400_000_000;

/// Year, month (1 to 12) and day (1 to 31) in the proleptic Gregorian calendar; year 0 is 1 BC (ISO 8601).
pub fn civil(days: i64) -> (i64, u32, u32) {
    // Years are counted from March, so that the leap day is the last of its year; eras are 400 years (146,097 days).
    let from_march = days + 719_468;
    let era = from_march.div_euclid(146_097);
    let day_of_era = from_march.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, u32::try_from(month).unwrap_or(1), u32::try_from(day).unwrap_or(1))
}

/// Microseconds since 1970-01-01 UTC of an ISO 8601 moment: with any offset, without one (UTC), or a bare date.
/// Digits beyond the microsecond are cut. `None` when the text is no such moment.
pub fn parse_moment(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(moment) = text.parse::<Timestamp>() {
        return Some(moment.as_microsecond());
    }
    let civil = text.parse::<DateTime>().ok().or_else(|| text.parse::<Date>().ok().map(DateTime::from))?;
    jiff::tz::Offset::UTC.to_timestamp(civil).ok().map(|moment| moment.as_microsecond())
}

/// Days since 1970-01-01 of an ISO 8601 date, or of the UTC day of a moment.
pub fn parse_day(text: &str) -> Option<i64> {
    parse_moment(text).map(|micros| micros.div_euclid(DAY_US))
}

/// Microseconds since midnight of `HH:MM[:SS[.ffffff]]`.
pub fn parse_time_of_day(text: &str) -> Option<i64> {
    let time = text.trim().parse::<jiff::civil::Time>().ok()?;
    let seconds = i64::from(time.hour()) * 3_600 + i64::from(time.minute()) * 60 + i64::from(time.second());
    Some(seconds * 1_000_000 + i64::from(time.subsec_nanosecond()) / 1_000)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn moments_take_every_iso_form() {
        for text in ["2024-03-01T00:00:00Z", "2024-03-01T01:00:00+01:00", "2024-03-01", "2024-03-01 00:00:00"]
        {
            assert_eq!(parse_moment(text), Some(1_709_251_200_000_000), "{text}");
        }
        assert_eq!(parse_moment("2024-03-01T00:00:00.123456789Z"), Some(1_709_251_200_123_456));
        assert_eq!(parse_moment("yesterday"), None);
        assert_eq!(parse_day("1969-12-31T23:59:59Z"), Some(-1));
        assert_eq!(parse_time_of_day("23:59:59.5"), Some(86_399_500_000));
    }

    #[test]
    fn years_no_library_knows() {
        assert_eq!(civil(0), (1970, 1, 1));
        assert_eq!(civil(-719_468), (0, 3, 1));
        let (year, month, day) = civil(59);
        assert_eq!(civil(59 + 146_097 * 14_000), (year + 400 * 14_000, month, day));
    }

    proptest! {
        #[test]
        fn civil_agrees_with_jiff(days in -2_000_000i64..2_900_000) {
            let date = Date::new(1970, 1, 1).unwrap().checked_add(jiff::Span::new().days(days)).unwrap();
            let (year, month, day) = civil(days);
            prop_assert_eq!((year, month, day), (i64::from(date.year()), date.month() as u32, date.day() as u32));
        }
    }
}
