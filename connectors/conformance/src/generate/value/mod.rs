//! Values of every type: the ordinary few that repeat, and the extreme ones.

mod calm;
mod moment;

use connector_memory::Value;
use connector_model::target::LogicalType;
use proptest::prelude::*;

use super::one_of;
use crate::subject::{Range, StoredType};
use calm::calm;
use moment::{clock, day, moment, moment_text};

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
        LogicalType::Date | LogicalType::Timestamp | LogicalType::TimestampTz
            if stored.range == Range::NotFinite =>
        {
            let finite = value(StoredType { range: Range::Full, ..stored }, mood);
            let infinite = one_of(vec![i64::MIN, i64::MAX]).prop_map(move |end| match stored.logical {
                LogicalType::Date => Value::Date(end),
                LogicalType::Timestamp => Value::Timestamp(end),
                _ => Value::TimestampTz(end),
            });
            prop_oneof![1 => infinite, 7 => finite].boxed()
        }
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

fn uuid() -> BoxedStrategy<Value> {
    let edges = vec![[0; 16], [0xff; 16], [0xab; 16], [0x12; 16]];
    prop_oneof![1 => one_of(edges), 1 => any::<[u8; 16]>()].prop_map(Value::Uuid).boxed()
}
