//! How values of a dimension are put together, and what the groups are then called.

use serde_json::Number;

use crate::time::{DAY_US, civil};

/// How values of a dimension are put together.
#[derive(Debug, Clone, PartialEq)]
pub enum Bucket {
    /// By a unit of the calendar, in UTC.
    Time(TimeUnit),
    /// By ranges of equal width, the first of which begins at 0.
    Step(Step),
    /// By the ranges between these, ascending; what lies outside is dropped.
    Breaks(Vec<Number>),
}

/// A unit of the calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "each is the unit of that name; weeks are ISO 8601's and begin on Monday")]
pub enum TimeUnit {
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl TimeUnit {
    /// Every unit.
    pub const ALL: [TimeUnit; 7] = [
        TimeUnit::Minute,
        TimeUnit::Hour,
        TimeUnit::Day,
        TimeUnit::Week,
        TimeUnit::Month,
        TimeUnit::Quarter,
        TimeUnit::Year,
    ];

    /// Its name in a job.
    pub const fn as_str(self) -> &'static str {
        match self {
            TimeUnit::Minute => "minute",
            TimeUnit::Hour => "hour",
            TimeUnit::Day => "day",
            TimeUnit::Week => "week",
            TimeUnit::Month => "month",
            TimeUnit::Quarter => "quarter",
            TimeUnit::Year => "year",
        }
    }

    /// What the group is called that holds a moment (microseconds since 1970-01-01 UTC): `2024-03-01T09:30`,
    /// `2024-03-01T09`, `2024-03-01`, `2024-W09` (the year is the week's own, ISO 8601), `2024-03`, `2024-Q1`, `2024`.
    pub fn label(self, micros: i64) -> String {
        let days = micros.div_euclid(DAY_US);
        let minutes = micros.rem_euclid(DAY_US) / 60_000_000;
        let (year, month, day) = civil(days);
        match self {
            TimeUnit::Minute => {
                format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}", minutes / 60, minutes % 60)
            }
            TimeUnit::Hour => format!("{year:04}-{month:02}-{day:02}T{:02}", minutes / 60),
            TimeUnit::Day => format!("{year:04}-{month:02}-{day:02}"),
            TimeUnit::Week => {
                // A week belongs to the year that its Thursday is in; 1970-01-01 was one.
                let thursday = (days + 3).div_euclid(7) * 7;
                let (year, _, _) = civil(thursday);
                format!("{year:04}-W{:02}", (thursday - first_day(year)) / 7 + 1)
            }
            TimeUnit::Month => format!("{year:04}-{month:02}"),
            TimeUnit::Quarter => format!("{year:04}-Q{}", month.div_ceil(3)),
            TimeUnit::Year => format!("{year:04}"),
        }
    }
}

/// Days from 1970-01-01 to the first day of a year of the Gregorian calendar.
fn first_day(year: i64) -> i64 {
    let before = year - 1;
    365 * before + before.div_euclid(4) - before.div_euclid(100) + before.div_euclid(400) - 719_162
}

/// The width of a range: a decimal number above 0, `mantissa / 10^scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step {
    mantissa: u64,
    scale: u32,
}

impl Step {
    /// The width that a JSON number says; `None` unless it is finite, above 0, of at most 15 digits before and
    /// 15 behind the point.
    pub fn new(number: &Number) -> Option<Step> {
        const DIGITS: u32 = 15;
        let text = decimal_text(number)?;
        let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
        let scale = u32::try_from(fraction.len()).ok().filter(|scale| *scale <= DIGITS)?;
        if whole.len() > DIGITS as usize {
            return None;
        }
        let mantissa: u64 = format!("{whole}{fraction}").parse().ok()?;
        (mantissa > 0).then_some(Step { mantissa, scale })
    }

    /// Its decimal digits, as SQL takes them: `30`, `0.25`.
    pub fn digits(self) -> String {
        self.times(1)
    }

    /// What the group of the range number `index` is called: `30..60`, `-0.5..-0.25`; it holds its lower end only.
    pub fn label(self, index: i64) -> String {
        format!("{}..{}", self.times(i128::from(index)), self.times(i128::from(index) + 1))
    }

    fn times(self, index: i128) -> String {
        let value = i128::from(self.mantissa) * index;
        let ten = 10_i128.pow(self.scale);
        let (whole, fraction) = (value.abs() / ten, value.abs() % ten);
        let sign = if value < 0 { "-" } else { "" };
        if fraction == 0 {
            return format!("{sign}{whole}");
        }
        let digits = format!("{fraction:0width$}", width = self.scale as usize);
        format!("{sign}{whole}.{}", digits.trim_end_matches('0'))
    }
}

/// A number in decimal digits without an exponent; `None` when it is negative or not finite.
fn decimal_text(number: &Number) -> Option<String> {
    if let Some(whole) = number.as_u64() {
        return Some(whole.to_string());
    }
    let value = number.as_f64().filter(|value| value.is_finite() && *value >= 0.0)?;
    Some(format!("{value}"))
}

/// What the groups between `breaks` are called: `0..30`, `30..60`.
pub fn break_labels(breaks: &[Number]) -> Vec<String> {
    breaks
        .windows(2)
        .filter_map(|ends| ends.first().zip(ends.last()))
        .map(|(low, high)| format!("{low}..{high}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::parse_moment;

    fn label(unit: TimeUnit, moment: &str) -> String {
        unit.label(parse_moment(moment).unwrap())
    }

    fn step(text: &str) -> Option<Step> {
        Step::new(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn every_unit_has_its_label() {
        let labels = TimeUnit::ALL.map(|unit| label(unit, "2024-08-05T09:07:59.999999Z"));
        assert_eq!(
            labels,
            ["2024-08-05T09:07", "2024-08-05T09", "2024-08-05", "2024-W32", "2024-08", "2024-Q3", "2024"]
        );
    }

    #[test]
    fn weeks_at_the_ends_of_years_are_isos() {
        // ISO 8601: week 1 is the one with the year's first Thursday.
        for (day, week) in [
            ("2020-12-31", "2020-W53"),
            ("2021-01-03", "2020-W53"),
            ("2021-01-04", "2021-W01"),
            ("2018-12-31", "2019-W01"),
            ("2016-01-03", "2015-W53"),
            ("2024-12-30", "2025-W01"),
            ("2005-01-01", "2004-W53"),
            ("2008-12-29", "2009-W01"),
            ("1969-12-29", "1970-W01"),
            ("1969-12-28", "1969-W52"),
            ("1900-01-01", "1900-W01"),
        ] {
            assert_eq!(label(TimeUnit::Week, day), week, "{day}");
        }
    }

    #[test]
    fn weeks_agree_with_the_calendar_library_for_four_centuries() {
        for days in -100_000..100_000_i64 {
            let date = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(days);
            let iso = date.iso_week_date();
            let expected = format!("{:04}-W{:02}", iso.year(), iso.week());
            assert_eq!(TimeUnit::Week.label(days * DAY_US), expected, "{date}");
        }
    }

    #[test]
    fn steps_are_exact() {
        assert_eq!(step("30").unwrap().label(1), "30..60");
        assert_eq!(step("30").unwrap().label(-1), "-30..0");
        assert_eq!(step("0.1").unwrap().label(2), "0.2..0.3");
        assert_eq!(step("0.1").unwrap().label(9), "0.9..1");
        assert_eq!(step("2.5").unwrap().label(-1), "-2.5..0");
        assert_eq!(step("1e3").unwrap().digits(), "1000");
        assert_eq!(step("0.25").unwrap().digits(), "0.25");
        for text in ["0", "-1", "1e300", "1e-300", "0.0"] {
            assert_eq!(step(text), None, "{text}");
        }
    }

    #[test]
    fn breaks_are_called_by_their_ends() {
        let breaks: Vec<Number> = serde_json::from_str("[-1.5, 0, 30]").unwrap();
        assert_eq!(break_labels(&breaks), ["-1.5..0", "0..30"]);
    }
}
