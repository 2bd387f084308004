//! Days, times of day and moments: the turns of calendars, the ends of what engines store, and any other.

use connector_memory::Value;
use connector_model::json;
use connector_model::time::{DAY_US, parse_moment};
use proptest::prelude::*;

use super::super::one_of;

/// Days of 0001-01-01 and 9999-12-31.
const COMMON_ERA: (i64, i64) = (-719_162, 2_932_896);

/// Moments at which calendars turn: the ends of ISO's years, of months and of leap days, the hours that clocks are put
/// forward and back in Berlin and New York, and the ends of a century and of an epoch.
const TURNS: &[&str] = &[
    "2020-12-31T23:59:59.999999Z",
    "2021-01-01T00:00:00Z",
    "2021-01-03T23:59:59.999Z",
    "2021-01-04T00:00:00Z",
    "2018-12-31T12:00:00Z",
    "2016-01-03T00:00:00Z",
    "2024-12-30T00:00:00Z",
    "2024-02-29T12:34:56.789Z",
    "2023-02-28T23:59:59.999999Z",
    "2024-03-31T00:59:59.999Z",
    "2024-03-31T01:00:00Z",
    "2024-10-27T00:30:00Z",
    "2024-10-27T01:30:00Z",
    "2024-03-10T06:59:59Z",
    "2024-11-03T05:30:00Z",
    "2024-11-03T06:30:00Z",
    "2024-04-30T23:59:59.999999Z",
    "2024-06-30T23:59:00Z",
    "2024-07-01T00:00:00Z",
    "1970-01-01T00:00:00Z",
    "1969-12-31T23:59:59.999Z",
    "1900-02-28T23:59:59Z",
    "2000-02-29T00:00:00Z",
    "1999-12-31T23:59:59.999Z",
];

/// Whole milliseconds of the common era, in the forms that SQLite's own functions and most programs write.
pub(super) fn moment_text() -> BoxedStrategy<Value> {
    let (first, last) = COMMON_ERA;
    let day = prop_oneof![1 => one_of(vec![0, -1, 19_782, first, last]), 1 => -30_000_i64..60_000];
    let millis = prop_oneof![Just(0), Just(1), Just(36_000_000), Just(86_399_999), 0..86_400_000_i64];
    (day, millis, 0..4_u32)
        .prop_map(|(day, millis, form)| moment_form(day * DAY_US + millis * 1_000, form))
        .boxed()
}

/// One of the forms of a moment, cut to the millisecond; seconds have no fraction where it is zero.
pub(super) fn moment_form(micros: i64, form: u32) -> Value {
    let millis = micros.div_euclid(1_000);
    let mut text = Vec::new();
    json::timestamp(&mut text, millis * 1_000);
    let mut text = String::from_utf8_lossy(&text).trim_matches(['"', 'Z']).to_owned();
    if millis % 1_000 == 0 {
        text.truncate("YYYY-MM-DDTHH:MM:SS".len());
    }
    let text = if form & 1 == 0 { text.replace('T', " ") } else { text };
    Value::Text(if form & 2 == 0 { text } else { text + "Z" })
}

pub(super) fn day() -> BoxedStrategy<i64> {
    let (first, last) = COMMON_ERA;
    // The last two are in 221 BC and in the year 12921.
    let edges = vec![0, -1, 1, 19_782, first, last, -800_000, 4_000_000];
    prop_oneof![2 => one_of(edges), 2 => -30_000_i64..60_000].boxed()
}

pub(super) fn clock() -> BoxedStrategy<i64> {
    prop_oneof![Just(0), Just(1), Just(1_000), Just(DAY_US - 1), 0..DAY_US].boxed()
}

pub(super) fn moment() -> BoxedStrategy<i64> {
    prop_oneof![3 => (day(), clock()).prop_map(|(day, clock)| day * DAY_US + clock), 1 => turn()].boxed()
}

/// One of the moments at which calendars turn.
pub(super) fn turn() -> BoxedStrategy<i64> {
    one_of(TURNS.iter().filter_map(|text| parse_moment(text)).collect())
}
