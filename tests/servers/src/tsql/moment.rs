//! Days, times of day and moments: how they are counted, read and written.

use std::fmt::Write;

/// 100 nanoseconds each.
pub(crate) const TICKS_PER_SECOND: i64 = 10_000_000;
/// Ticks of a day.
pub(crate) const TICKS_PER_DAY: i64 = 86_400 * TICKS_PER_SECOND;
/// The days of 0001-01-01 to 9999-12-31 are 0 to this.
pub(crate) const MAX_DAY: i64 = 3_652_058;
/// The day of 1900-01-01: what a time of day gets when it needs a date, and what `datetime` counts from.
pub(crate) const DAY_1900: i64 = 693_595;
/// The day of 1970-01-01.
pub(crate) const DAY_1970: i64 = 719_162;

/// The day since 0001-01-01 of a date; `None` when there is no such date.
pub(crate) fn day(year: i64, month: i64, date: i64) -> Option<i64> {
    if !(1..=9999).contains(&year) || !(1..=12).contains(&month) || date < 1 || date > month_days(year, month)
    {
        return None;
    }
    // Years begin in March, so that the leap day is the last (Howard Hinnant, "chrono-compatible low-level date
    // algorithms").
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + date - 1;
    let of_era_day = of_era * 365 + of_era / 4 - of_era / 100 + of_year;
    Some(era * 146_097 + of_era_day - 306)
}

/// Year, month and day of the month.
pub(crate) fn civil(day: i64) -> (i64, i64, i64) {
    let shifted = day + 306;
    let (era, of_era_day) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let of_era = (of_era_day - of_era_day / 1460 + of_era_day / 36_524 - of_era_day / 146_096) / 365;
    let of_year = of_era_day - (365 * of_era + of_era / 4 - of_era / 100);
    let shifted_month = (5 * of_year + 2) / 153;
    let date = of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (of_era + era * 400 + i64::from(month <= 2), month, date)
}

/// How many days a month has.
pub(crate) fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Ticks rounded to so many digits of the second's fraction, half up.
pub(crate) fn round(ticks: i64, scale: u8) -> i64 {
    let unit = 10_i64.pow(u32::from(7_u8.saturating_sub(scale)));
    (ticks + unit / 2).div_euclid(unit) * unit
}

/// Ticks rounded as `datetime` keeps them: to 1/300 of a second.
pub(crate) fn round_datetime(ticks: i64) -> i64 {
    fraction_ticks(fractions(ticks))
}

/// Ticks as a count of 1/300 seconds.
pub(crate) fn fractions(ticks: i64) -> i64 {
    (ticks * 3 + 50_000).div_euclid(100_000)
}

/// A count of 1/300 seconds as ticks.
pub(crate) fn fraction_ticks(count: i64) -> i64 {
    (count * 100_000 + 1).div_euclid(3)
}

/// Ticks rounded to the minute, as `smalldatetime` keeps them: 29.998 seconds and less go down.
pub(crate) fn round_minute(ticks: i64) -> i64 {
    const MINUTE: i64 = 60 * TICKS_PER_SECOND;
    (ticks + 300_010_000).div_euclid(MINUTE) * MINUTE
}

/// A text that was read: which of date, time and zone it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Parsed {
    pub(crate) day: Option<i64>,
    pub(crate) ticks: i64,
    /// Minutes east of Greenwich.
    pub(crate) zone: Option<i16>,
}

/// Reads `YYYY-MM-DD`, `YYYYMMDD`, a time of day, or a date and a time, with a zone or without.
pub(crate) fn parse(text: &str) -> Option<Parsed> {
    let text = text.trim();
    let (body, zone) = split_zone(text)?;
    let (date, time) = match body.find(['T', ' ']) {
        Some(at) => (Some(body.get(..at)?), Some(body.get(at + 1..)?.trim())),
        None if body.contains(':') => (None, Some(body)),
        None => (Some(body), None),
    };
    let day = match date {
        Some(date) => Some(parse_date(date)?),
        None => None,
    };
    let ticks = match time {
        Some(time) if !time.is_empty() => parse_time(time)?,
        _ => 0,
    };
    Some(Parsed { day, ticks, zone })
}

fn split_zone(text: &str) -> Option<(&str, Option<i16>)> {
    if let Some(body) = text.strip_suffix(['Z', 'z']) {
        return Some((body.trim_end(), Some(0)));
    }
    // A sign counts only behind a time of day: dates have hyphens of their own.
    let Some(colon) = text.find(':') else { return Some((text, None)) };
    let Some(sign) = text.get(colon..)?.find(['+', '-']).map(|at| at + colon) else {
        return Some((text, None));
    };
    let (body, zone) = text.split_at(sign);
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let total = number(hours)? * 60 + number(minutes)?;
    let total = i16::try_from(total).ok().filter(|total| *total <= 14 * 60)?;
    Some((body.trim_end(), Some(if zone.starts_with('-') { -total } else { total })))
}

fn number(digits: &str) -> Option<i64> {
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| digits.parse().ok())?
}

fn parse_date(text: &str) -> Option<i64> {
    if text.len() == 8 && !text.contains('-') {
        return day(number(text.get(..4)?)?, number(text.get(4..6)?)?, number(text.get(6..)?)?);
    }
    let mut parts = text.split('-');
    let (year, month, date) = (parts.next()?, parts.next()?, parts.next()?);
    (year.len() == 4 && parts.next().is_none()).then(|| day(number(year)?, number(month)?, number(date)?))?
}

fn parse_time(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mut parts = clock.split(':');
    let (hours, minutes) = (number(parts.next()?)?, number(parts.next()?)?);
    let seconds = parts.next().map_or(Some(0), number)?;
    let valid = hours < 24 && minutes < 60 && seconds < 60 && parts.next().is_none();
    if !valid || fraction.len() > 7 || (text.contains('.') && fraction.is_empty()) {
        return None;
    }
    let fraction = if fraction.is_empty() { 0 } else { number(&format!("{fraction:0<7}"))? };
    Some((hours * 3600 + minutes * 60 + seconds) * TICKS_PER_SECOND + fraction)
}

/// `YYYY-MM-DD`.
pub(crate) fn write_date(out: &mut String, days: i64) {
    let (year, month, date) = civil(days);
    // Writing to a String cannot fail.
    let _ok = write!(out, "{year:04}-{month:02}-{date:02}");
}

/// `hh:mm:ss` with so many digits of fraction.
pub(crate) fn write_time(out: &mut String, ticks: i64, scale: u8) {
    let seconds = ticks / TICKS_PER_SECOND;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let _ok = write!(out, "{hours:02}:{minutes:02}:{seconds:02}");
    if scale > 0 {
        let fraction = format!("{:07}", ticks % TICKS_PER_SECOND);
        let _ok = write!(out, ".{}", fraction.get(..usize::from(scale.min(7))).unwrap_or(&fraction));
    }
}

/// ` +hh:mm`.
pub(crate) fn write_zone(out: &mut String, minutes: i16) {
    let sign = if minutes < 0 { '-' } else { '+' };
    let _ok = write!(out, " {sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_count_from_the_year_1() {
        assert_eq!(day(1, 1, 1), Some(0));
        assert_eq!(day(1900, 1, 1), Some(DAY_1900));
        assert_eq!(day(1970, 1, 1), Some(DAY_1970));
        assert_eq!(day(9999, 12, 31), Some(MAX_DAY));
        assert_eq!(day(2023, 2, 29), None);
        for days in [0, 58, 59, 365, DAY_1900, DAY_1970, 738_944, MAX_DAY] {
            let (year, month, date) = civil(days);
            assert_eq!(day(year, month, date), Some(days));
        }
    }

    #[test]
    fn texts_are_read_with_and_without_time_and_zone() {
        let noon = Parsed { day: day(2024, 3, 1), ticks: 432_000_000_000, zone: None };
        assert_eq!(parse("2024-03-01T12:00:00"), Some(noon));
        assert_eq!(parse("20240301 12:00"), Some(noon));
        assert_eq!(parse("2024-03-01 12:00:00.0000000 -05:30").unwrap().zone, Some(-330));
        assert_eq!(parse("2024-03-01T12:00:00Z").unwrap().zone, Some(0));
        assert_eq!(
            parse("23:59:59.9999999").unwrap(),
            Parsed { day: None, ticks: TICKS_PER_DAY - 1, zone: None }
        );
        assert_eq!(parse("2024-02-30"), None);
        assert_eq!(parse("yesterday"), None);
    }

    #[test]
    fn datetime_keeps_three_hundredths() {
        assert_eq!(round_datetime(10_000), 0);
        assert_eq!(round_datetime(20_000), 33_333);
        assert_eq!(fractions(fraction_ticks(25_919_999)), 25_919_999);
        assert_eq!(round(9_999_999, 3), 10_000_000);
    }
}
