//! Dates and times as SQL Server sends them, to 100-nanosecond ticks: the finest that its types hold.

use tiberius::time::{DateTime, DateTime2, DateTimeOffset, SmallDateTime, Time};

/// Ticks in a second, in a minute and in a day.
const SECOND: i64 = 10_000_000;
const MINUTE: i64 = 60 * SECOND;
const DAY: i64 = 86_400 * SECOND;
/// Ticks in a microsecond, which is as fine as JSON's moments are.
const MICRO: i64 = 10;
/// Days from 0001-01-01, which `date` counts from, to 1970-01-01.
const EPOCH_FROM_YEAR_1: i64 = 719_162;
/// Days from 1900-01-01, which `datetime` counts from, to 1970-01-01.
const EPOCH_FROM_1900: i64 = 25_567;

/// Microseconds of ticks; what is finer is cut.
pub(crate) fn micros(ticks: i64) -> i64 {
    ticks.div_euclid(MICRO)
}

/// Days since 1970-01-01.
pub(crate) fn days(date: tiberius::time::Date) -> i64 {
    i64::from(date.days()) - EPOCH_FROM_YEAR_1
}

/// A date as the library counts it; `None` outside of the years 1 to 9999.
pub(crate) fn date(days: i64) -> Option<tiberius::time::Date> {
    // 9999-12-31 is day 3,652,058; the library panics beyond 24 bits.
    let days = u32::try_from(days.checked_add(EPOCH_FROM_YEAR_1)?).ok()?;
    (days <= 3_652_058).then(|| tiberius::time::Date::new(days))
}

/// Ticks since midnight.
pub(crate) fn time(time: Time) -> i64 {
    let finer = 7_u32.saturating_sub(u32::from(time.scale()));
    i64::try_from(time.increments()).unwrap_or(0).saturating_mul(10_i64.pow(finer))
}

/// A time of day as the library counts it.
pub(crate) fn clock(ticks: i64) -> Option<Time> {
    u64::try_from(ticks).ok().filter(|_| ticks < DAY).map(|ticks| Time::new(ticks, 7))
}

/// Ticks since 1970-01-01.
pub(crate) fn datetime2(moment: DateTime2) -> i64 {
    days(moment.date()) * DAY + time(moment.time())
}

/// A moment of microseconds since 1970-01-01 as the library counts it; `None` outside of the years 1 to 9999.
pub(crate) fn moment(micros: i64) -> Option<DateTime2> {
    let ticks = micros.checked_mul(MICRO)?;
    Some(DateTime2::new(date(ticks.div_euclid(DAY))?, clock(ticks.rem_euclid(DAY))?))
}

/// Ticks since 1970-01-01 UTC: on the wire a `datetimeoffset` is in UTC already.
pub(crate) fn datetimeoffset(moment: DateTimeOffset) -> i64 {
    datetime2(moment.datetime2())
}

/// Ticks since 1970-01-01. A `datetime` counts 300ths of a second, which are shown, and compared, as the nearest
/// millisecond.
pub(crate) fn datetime(moment: DateTime) -> i64 {
    let millis = (i64::from(moment.seconds_fragments()) * 10 + 1) / 3;
    (i64::from(moment.days()) - EPOCH_FROM_1900) * DAY + millis * (SECOND / 1_000)
}

/// Ticks since 1970-01-01; a `smalldatetime` counts minutes.
pub(crate) fn smalldatetime(moment: SmallDateTime) -> i64 {
    (i64::from(moment.days()) - EPOCH_FROM_1900) * DAY + i64::from(moment.seconds_fragments()) * MINUTE
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn three_hundredths_are_the_milliseconds_that_the_server_shows() {
        for (fragments, millis) in [(0, 0), (1, 3), (2, 7), (3, 10), (299, 997), (300, 1_000)] {
            assert_eq!(datetime(DateTime::new(25_567, fragments)), millis * 10_000);
        }
        assert_eq!(smalldatetime(SmallDateTime::new(25_568, 1)), DAY + MINUTE);
    }

    #[test]
    fn the_ends_of_the_calendar() {
        assert_eq!(date(-719_162).map(days), Some(-719_162));
        assert_eq!(date(2_932_896).map(days), Some(2_932_896));
        assert!(date(-719_163).is_none() && date(2_932_897).is_none() && date(i64::MAX).is_none());
        assert!(moment(i64::MAX).is_none() && moment(i64::MIN).is_none());
        assert_eq!(time(Time::new(123, 3)), 1_230_000);
    }

    proptest! {
        #[test]
        fn a_moment_is_the_same_when_it_comes_back(micros_in in -62_135_596_800_000_000_i64..253_402_300_800_000_000) {
            prop_assert_eq!(moment(micros_in).map(datetime2).map(micros), Some(micros_in));
        }
    }
}
