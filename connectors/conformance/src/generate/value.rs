//! Values of every type: the ordinary few that repeat, and the extreme ones.

use connector_memory::Value;
use connector_model::json;
use connector_model::target::LogicalType;
use connector_model::time::DAY_US;
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

/// A value of a type, never NULL.
pub(super) fn value(stored: StoredType) -> BoxedStrategy<Value> {
    match stored.logical {
        LogicalType::Boolean => any::<bool>().prop_map(Value::Boolean).boxed(),
        LogicalType::Integer => integer(stored.range),
        LogicalType::Float => float(),
        LogicalType::Decimal => decimal(),
        LogicalType::Bytes => bytes(),
        LogicalType::Date => day().prop_map(Value::Date).boxed(),
        LogicalType::Time => clock().prop_map(Value::Time).boxed(),
        LogicalType::Timestamp => moment().prop_map(Value::Timestamp).boxed(),
        LogicalType::TimestampTz => moment().prop_map(Value::TimestampTz).boxed(),
        LogicalType::Uuid => uuid(),
        LogicalType::Json => one_of(DOCUMENTS.to_vec()).prop_map(|text| Value::Json(text.to_owned())).boxed(),
        LogicalType::Text if stored.range == Range::Moments => moment_text(),
        LogicalType::Text | LogicalType::Array | LogicalType::Geometry | LogicalType::Unknown => text(),
    }
}

fn integer(range: Range) -> BoxedStrategy<Value> {
    let bits = match range {
        Range::Bits(bits @ 2..=63) => bits,
        Range::Full | Range::Bits(_) | Range::Moments => 64,
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
    (day, millis, any::<bool>(), any::<bool>())
        .prop_map(|(day, millis, spaced, zoned)| {
            let mut text = Vec::new();
            json::timestamp(&mut text, day * DAY_US + millis * 1_000);
            let mut text = String::from_utf8_lossy(&text).trim_matches(['"', 'Z']).to_owned();
            if millis % 1_000 == 0 {
                text.truncate("YYYY-MM-DDTHH:MM:SS".len());
            }
            let text = if spaced { text.replace('T', " ") } else { text };
            Value::Text(if zoned { text + "Z" } else { text })
        })
        .boxed()
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
    (day(), clock()).prop_map(|(day, clock)| day * DAY_US + clock).boxed()
}

fn uuid() -> BoxedStrategy<Value> {
    let edges = vec![[0; 16], [0xff; 16], [0xab; 16], [0x12; 16]];
    prop_oneof![1 => one_of(edges), 1 => any::<[u8; 16]>()].prop_map(Value::Uuid).boxed()
}
