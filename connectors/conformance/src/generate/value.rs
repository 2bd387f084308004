//! Values of every type: the ordinary few that repeat, and the extreme ones.

use connector_memory::Value;
use connector_model::json;
use connector_model::target::LogicalType;
use connector_model::time::{DAY_US, parse_moment};
use proptest::prelude::*;

use super::one_of;
use crate::subject::{Range, StoredType};

/// Days of 0001-01-01 and 9999-12-31.
const COMMON_ERA: (i64, i64) = (-719_162, 2_932_896);

/// Texts with everything that matters to patterns, literals, JSON and cursors. Letters beyond ASCII are lower case
/// only: engines differ in whether a case-insensitive match folds them.
pub(super) const TEXTS: &[&str] = &[
    "",
    "a",
    "A",
    "ab",
    "Ab",
    "abc",
    "100%",
    "100",
    "a_b",
    "axb",
    "a\\b",
    "\\",
    "it's",
    "say \"hi\"",
    "line\nbreak",
    "tab\t",
    "日本語",
    "🦀",
    "ñandú",
    "e\u{301}",
    " edge ",
    "null",
    "0",
    "1",
    "42",
    "true",
    "v1.x",
    "v1.",
    "[x]",
    "*",
    "?",
    "a*b",
    "\u{1}",
    "\u{7f}",
    "{\"a\":1}",
    "2024-03-01",
];

/// JSON documents whose digits and escapes a careless reader would change.
const DOCUMENTS: &[&str] = &[
    "{}",
    "[]",
    "null",
    "true",
    "0",
    "1.50",
    "\"text\"",
    "\"\"",
    "12345678901234567890",
    "[1, null, {\"a\": []}]",
    "{\"k\": \"\\u00e9\\\"\\\\\", \"b\": false}",
    "{\"a\":1,\"b\":[true,\"x\"]}",
];

/// Labels of the enum that engines with enums get.
const WORDS: &[&str] = &["sad", "ok", "happy"];

/// Arrays of numbers, and arrays of arrays of texts, as they are shown.
const NUMBER_ARRAYS: &[&str] = &["[]", "[1]", "[1,null,-3]", "[null]", "[2147483647,0]"];
const TEXT_ARRAYS: &[&str] = &[
    "[]",
    "[[\"a\",\"b\"]]",
    "[[\"\"],[\"say \\\"hi\\\"\"]]",
    "[[\"{x,y}\"],[null]]",
    "[[\"null\",\"日本語\"]]",
];

/// Moments at which calendars turn: the ends of ISO's years, of months and of leap days, the hours that clocks are put
/// forward and back in Berlin and New York, and the ends of a century and of an epoch.
pub(super) const TURNS: &[&str] = &[
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

/// What the values of a column are like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mood {
    /// All that the type holds, up to its ends.
    Extreme,
    /// A few that repeat, and that can be calculated with.
    Calm,
}

/// A value of a type, never NULL.
pub(super) fn value(stored: StoredType, mood: Mood) -> BoxedStrategy<Value> {
    if mood == Mood::Calm
        && let Some(calm) = calm(stored)
    {
        return calm;
    }
    match stored.logical {
        LogicalType::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        LogicalType::Integer if stored.range == Range::Unsigned => {
            prop_oneof![3 => 0_u64..6, 1 => Just(u64::MAX), 1 => Just(1 << 63), 1 => any::<u64>()]
                .prop_map(Value::Unsigned)
                .boxed()
        }
        LogicalType::Integer => integer(stored.range),
        LogicalType::Float if stored.range == Range::Single => single(),
        LogicalType::Float if stored.range == Range::NotFinite => {
            let strange = one_of(vec![f64::NAN, f64::INFINITY, f64::NEG_INFINITY]).prop_map(Value::Float);
            prop_oneof![1 => strange, 5 => float()].boxed()
        }
        LogicalType::Float => float(),
        LogicalType::Decimal => decimal(),
        LogicalType::Bytes => bytes(),
        LogicalType::Date => day().prop_map(Value::Date).boxed(),
        LogicalType::Time => clock().prop_map(Value::Time).boxed(),
        LogicalType::Timestamp => moment().prop_map(Value::Timestamp).boxed(),
        LogicalType::TimestampTz => moment().prop_map(Value::TimestampTz).boxed(),
        LogicalType::Uuid => uuid(),
        LogicalType::Json => documents(DOCUMENTS),
        LogicalType::Array if stored.range == Range::Texts => documents(TEXT_ARRAYS),
        LogicalType::Array => documents(NUMBER_ARRAYS),
        LogicalType::Unknown if stored.range == Range::Words => words(WORDS),
        LogicalType::Text if stored.range == Range::Moments => moment_text(),
        LogicalType::Text | LogicalType::Geometry | LogicalType::Unknown => text(),
    }
}

/// Values that repeat, for the types that have extreme ones.
fn calm(stored: StoredType) -> Option<BoxedStrategy<Value>> {
    let turn = || one_of(TURNS.iter().filter_map(|text| parse_moment(text)).collect());
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

fn documents(all: &'static [&'static str]) -> BoxedStrategy<Value> {
    one_of(all.to_vec()).prop_map(|text| Value::Json(text.to_owned())).boxed()
}

fn words(all: &'static [&'static str]) -> BoxedStrategy<Value> {
    one_of(all.to_vec()).prop_map(|text| Value::Text(text.to_owned())).boxed()
}

fn integer(range: Range) -> BoxedStrategy<Value> {
    let bits = match range {
        Range::Bits(bits @ 2..=63) => bits,
        _ => 64,
    };
    let max = i64::MAX >> (64 - bits);
    let min = -max - 1;
    let exact = (1_i64 << 53).min(max);
    let edges = vec![0, max, min, max - 1, min + 1, exact, -exact, exact - 1];
    prop_oneof![4 => -3_i64..6, 1 => one_of(edges), 1 => min..=max].prop_map(Value::Integer).boxed()
}

fn float() -> BoxedStrategy<Value> {
    let edges = vec![
        0.0,
        -0.0,
        1.0,
        -1.5,
        0.1,
        0.5,
        1e21,
        1e-7,
        123_456_789.123,
        5e-324,
        2.2e-308,
        1e308,
        f64::MAX,
        f64::MIN,
        9_007_199_254_740_993.0,
    ];
    prop_oneof![3 => one_of(edges), 1 => proptest::num::f64::NORMAL].prop_map(Value::Float).boxed()
}

fn single() -> BoxedStrategy<Value> {
    let edges =
        vec![0.0, -0.0, 1.0, -1.5, 0.1, 0.3, 16_777_216.0, 1e-45, f32::MIN_POSITIVE, f32::MAX, f32::MIN];
    prop_oneof![3 => one_of(edges), 1 => proptest::num::f32::NORMAL].prop_map(Value::Real).boxed()
}

/// Always three digits of fraction: equal numbers are then equal texts, so that ties are no matter of looks.
fn decimal() -> BoxedStrategy<Value> {
    let edges = vec!["0.000", "1.500", "0.001", "123456789012345678901234567890.125", "9007199254740993.000"];
    let any = (any::<bool>(), 0_u64..3_000, 0_u64..1_000).prop_map(|(negative, whole, fraction)| {
        let sign = if negative && (whole, fraction) != (0, 0) { "-" } else { "" };
        format!("{sign}{whole}.{fraction:03}")
    });
    prop_oneof![1 => one_of(edges).prop_map(str::to_owned), 1 => any].prop_map(Value::Decimal).boxed()
}

fn text() -> BoxedStrategy<Value> {
    prop_oneof![
        4 => one_of(TEXTS.to_vec()).prop_map(str::to_owned),
        1 => "[ -~]{0,12}",
        1 => "[ab日🦀ñßе\u{301}]{0,6}",
    ]
    .prop_map(Value::Text)
    .boxed()
}

fn bytes() -> BoxedStrategy<Value> {
    let edges = vec![vec![], vec![0], vec![0, 255], vec![0xc3, 0x28], b"text".to_vec()];
    prop_oneof![1 => one_of(edges), 1 => proptest::collection::vec(any::<u8>(), 0..9)]
        .prop_map(Value::Bytes)
        .boxed()
}

/// Whole milliseconds of the common era, in the forms that SQLite's own functions and most programs write.
fn moment_text() -> BoxedStrategy<Value> {
    let (first, last) = COMMON_ERA;
    let day = prop_oneof![1 => one_of(vec![0, -1, 19_782, first, last]), 1 => -30_000_i64..60_000];
    let millis = prop_oneof![Just(0), Just(1), Just(36_000_000), Just(86_399_999), 0..86_400_000_i64];
    (day, millis, 0..4_u32)
        .prop_map(|(day, millis, form)| moment_form(day * DAY_US + millis * 1_000, form))
        .boxed()
}

/// One of the forms of a moment, cut to the millisecond; seconds have no fraction where it is zero.
fn moment_form(micros: i64, form: u32) -> Value {
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

fn day() -> BoxedStrategy<i64> {
    let (first, last) = COMMON_ERA;
    // The last two are in 221 BC and in the year 12921.
    let edges = vec![0, -1, 1, 19_782, first, last, -800_000, 4_000_000];
    prop_oneof![2 => one_of(edges), 2 => -30_000_i64..60_000].boxed()
}

fn clock() -> BoxedStrategy<i64> {
    prop_oneof![Just(0), Just(1), Just(1_000), Just(DAY_US - 1), 0..DAY_US].boxed()
}

fn moment() -> BoxedStrategy<i64> {
    let turn = one_of(TURNS.iter().filter_map(|text| parse_moment(text)).collect());
    prop_oneof![3 => (day(), clock()).prop_map(|(day, clock)| day * DAY_US + clock), 1 => turn].boxed()
}

fn uuid() -> BoxedStrategy<Value> {
    let edges = vec![[0; 16], [0xff; 16], [0xab; 16], [0x12; 16]];
    prop_oneof![1 => one_of(edges), 1 => any::<[u8; 16]>()].prop_map(Value::Uuid).boxed()
}
