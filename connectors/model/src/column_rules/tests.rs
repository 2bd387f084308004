//! Rules held against a model that reads the rows with another parser.

use std::sync::Arc;

use proptest::prelude::*;
use serde::de::{MapAccess, Visitor};
use serde_json::value::RawValue;

use super::*;
use crate::json::{Envelope, RowBuffer};

/// A hash that any test can compute.
struct Sum;

impl KeyedHash for Sum {
    fn digest(&self, value: &[u8]) -> [u8; 32] {
        let mut digest = [0_u8; 32];
        for (at, byte) in value.iter().enumerate() {
            let place = &mut digest[at % 32];
            *place = place.rotate_left(3) ^ *byte;
        }
        digest
    }
}

fn hash() -> ColumnRule {
    ColumnRule::Hash(Arc::new(Sum))
}

/// An object's members as they stand there: in order, twice what is there twice.
#[derive(Debug, PartialEq)]
struct Members(Vec<(String, String)>);

impl<'de> serde::Deserialize<'de> for Members {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        struct All;
        impl<'de> Visitor<'de> for All {
            type Value = Members;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, Box<RawValue>>()? {
                    members.push((key, value.get().to_owned()));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(All)
    }
}

fn parsed(objects: &[u8]) -> Vec<Members> {
    let list = format!("[{}]", std::str::from_utf8(objects).unwrap());
    serde_json::from_str(&list).unwrap_or_else(|error| panic!("{error}: {list}"))
}

/// What the rules mean, said once more.
fn model(rows: Vec<Members>, rules: &[(&str, ColumnRule)]) -> Vec<Members> {
    let rule = |name: &str| {
        let meant = rules.iter().filter(|(ruled, _)| ruled.to_lowercase() == name.to_lowercase());
        meant.map(|(_, rule)| rule).max_by_key(|rule| rule.strictness())
    };
    let masked = |(name, value): (String, String)| {
        let value = match rule(&name) {
            None | Some(ColumnRule::Keep) => value,
            Some(ColumnRule::Drop) => return None,
            Some(ColumnRule::Null) => "null".to_owned(),
            Some(ColumnRule::Redact) => "\"***\"".to_owned(),
            Some(ColumnRule::Hash(_)) if value == "null" => value,
            Some(ColumnRule::Hash(hash)) => {
                let text = serde_json::from_str::<String>(&value).unwrap_or(value);
                let digest = hash.digest(text.as_bytes());
                format!("\"{}\"", digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>())
            }
        };
        Some((name, value))
    };
    rows.into_iter().map(|Members(row)| Members(row.into_iter().filter_map(masked).collect())).collect()
}

fn buffer(rules: &[(&str, ColumnRule)]) -> RowBuffer {
    let mut buffer = RowBuffer::new(Envelope::default(), 64, 1 << 20);
    buffer.rules(Arc::new(ColumnRules::new(rules.iter().cloned())));
    buffer
}

fn spliced(rows: u32, objects: &[u8], rules: &[(&str, ColumnRule)]) -> crate::Result<Vec<u8>> {
    let mut buffer = buffer(rules);
    buffer.splice(rows, objects)?;
    Ok(buffer.take().0)
}

/// Names of few kinds, so that they meet each other and the rules.
fn any_name() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => proptest::sample::select(vec!["email", "Email", "id", "ssn", "ÜBER", "über", "", "na\"me", "a\\b"])
            .prop_map(str::to_owned),
        1 => any::<String>(),
    ]
}

fn any_rules() -> impl Strategy<Value = Vec<(&'static str, ColumnRule)>> {
    let names = proptest::sample::select(vec!["email", "EMAIL", "id", "ssn", "über", "", "na\"me", "a\\b"]);
    let rule = proptest::sample::select(vec![
        ColumnRule::Keep,
        hash(),
        ColumnRule::Redact,
        ColumnRule::Null,
        ColumnRule::Drop,
        ColumnRule::Drop,
    ]);
    proptest::collection::vec((names, rule), 0..6)
}

fn space() -> impl Strategy<Value = String> {
    proptest::string::string_regex("[ \t\r\n]{0,2}").unwrap()
}

/// A string as JSON, each character written in one of the ways that JSON has for it.
fn written(text: &str, ways: &[bool]) -> String {
    let mut out = String::from("\"");
    for (character, escaped) in text.chars().zip(ways.iter().cycle()) {
        if *escaped {
            character
                .encode_utf16(&mut [0; 2])
                .iter()
                .for_each(|unit| out.push_str(&format!("\\u{unit:04X}")));
        } else {
            let plain = serde_json::to_string(&character).unwrap();
            out.push_str(&plain[1..plain.len() - 1]);
        }
    }
    out.push('"');
    out
}

fn any_text() -> impl Strategy<Value = String> {
    let ways = proptest::collection::vec(proptest::bool::weighted(0.3), 1..5);
    (any::<String>(), ways).prop_map(|(text, ways)| written(&text, &ways))
}

/// Any JSON text.
fn any_value() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        any::<f64>().prop_filter("finite", |number| number.is_finite()).prop_map(|number| number.to_string()),
        any::<i64>().prop_map(|number| number.to_string()),
        any_text(),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        let object =
            proptest::collection::vec((any_text(), inner.clone(), space()), 0..3).prop_map(|members| {
                let members: Vec<String> = members
                    .iter()
                    .map(|(key, value, space)| format!("{space}{key}{space}:{value}{space}"))
                    .collect();
                format!("{{{}}}", members.join(","))
            });
        let array = (proptest::collection::vec(inner, 0..3), space())
            .prop_map(|(items, space)| format!("[{space}{}{space}]", items.join(&format!("{space},"))));
        prop_oneof![object, array]
    })
}

/// One row as text, as strange as JSON allows.
fn any_row() -> impl Strategy<Value = String> {
    let key = (any_name(), proptest::collection::vec(proptest::bool::weighted(0.2), 1..5));
    let member = (key, any_value(), space(), space());
    (proptest::collection::vec(member, 0..6), space()).prop_map(|(members, inside)| {
        let members: Vec<String> = members
            .iter()
            .map(|((name, ways), value, a, b)| format!("{a}{}{b}:{a}{value}{b}", written(name, ways)))
            .collect();
        format!("{{{inside}{}{inside}}}", members.join(","))
    })
}

proptest! {
    #[test]
    fn spliced_rows_are_what_the_model_makes_of_them(
        rows in proptest::collection::vec(any_row(), 1..5),
        between in space(),
        rules in any_rules(),
    ) {
        let objects = format!("{between}{}{between}", rows.join(&format!("{between},{between}")));
        let out = spliced(rows.len() as u32, objects.as_bytes(), &rules).unwrap();
        prop_assert_eq!(parsed(&out), model(parsed(objects.as_bytes()), &rules));
    }

    #[test]
    fn rows_written_cell_by_cell_are_the_same_bytes_as_spliced_ones(
        names in proptest::collection::vec(any_name(), 0..6),
        values in proptest::collection::vec(proptest::collection::vec(any_value(), 6), 1..4),
        rules in any_rules(),
    ) {
        let rows = |mut buffer: RowBuffer| {
            buffer.columns(names.iter().map(String::as_str));
            for row in &values {
                let written = buffer.row(|out| {
                    for value in row.iter().take(names.len()) {
                        out.cell()?.extend_from_slice(value.as_bytes());
                    }
                    Ok(())
                });
                written.unwrap();
            }
            buffer.take().0
        };
        let native = rows(buffer(&rules));
        let plain = rows(buffer(&[]));
        let spliced = spliced(values.len() as u32, &plain, &rules).unwrap();
        prop_assert_eq!(String::from_utf8(native).unwrap(), String::from_utf8(spliced).unwrap());
    }

    #[test]
    fn any_bytes_are_rewritten_or_refused(
        rows in 0_u32..3,
        bytes in "[{}\\[\\]\",:a\\\\u0 ]{0,30}",
        rules in any_rules(),
    ) {
        let before = b"{\"id\":1}".to_vec();
        let mut buffer = buffer(&rules);
        buffer.splice(1, &before).unwrap();
        let kept = buffer.splice(rows, bytes.as_bytes());
        let (out, count) = buffer.take();
        if kept.is_err() {
            prop_assert_eq!(count, 1);
            prop_assert_eq!(parsed(&out).len(), 1);
        }
    }
}

#[test]
fn a_key_does_not_slip_past_by_its_escapes_its_case_or_by_standing_there_twice() {
    let rules = [("email", ColumnRule::Redact), ("ssn", ColumnRule::Drop)];
    let row = br#"{"\u0065mail":"a","EMAIL":"b","email" : "c","s\u0073n":1,"ssn":2,"id":3,"ssn":4}"#;
    let out = spliced(1, row, &rules).unwrap();
    assert_eq!(
        String::from_utf8(out).unwrap(),
        r#"{"\u0065mail":"***","EMAIL":"***","email" : "***","id":3}"#
    );
}

#[test]
fn a_row_whose_columns_are_all_dropped_is_an_empty_object() {
    let rules = [("a", ColumnRule::Drop), ("b", ColumnRule::Drop)];
    assert_eq!(spliced(2, br#"{"a":1, "b":2},{}"#, &rules).unwrap(), b"{},{}");
    assert_eq!(spliced(1, br#"{"a":1,"b":2,"c":3}"#, &rules).unwrap(), br#"{"c":3}"#);
    let mut buffer = buffer(&rules);
    buffer.columns(["a", "b"]);
    buffer
        .row(|row| {
            row.cell()?.push(b'1');
            row.cell()?.push(b'2');
            Ok(())
        })
        .unwrap();
    assert_eq!(buffer.take().0, b"{}");
}

#[test]
fn only_a_rows_own_columns_are_meant() {
    let rules = [("id", ColumnRule::Drop)];
    let row = br#"{"doc":{"id":1,"s":"}\"{"},"list":[{"id":2}],"id":3}"#;
    assert_eq!(spliced(1, row, &rules).unwrap(), br#"{"doc":{"id":1,"s":"}\"{"},"list":[{"id":2}]}"#);
}

#[test]
fn equal_values_have_equal_hashes_however_they_are_written() {
    let rules = [("x", hash())];
    let masked = |value: &str| spliced(1, format!("{{\"x\":{value}}}").as_bytes(), &rules).unwrap();
    assert_eq!(masked(r#""é🦀\/""#), masked(r#""\u00e9\ud83e\udd80/""#));
    assert_eq!(masked("5"), masked("\"5\""));
    assert_ne!(masked("\"a\""), masked("\"b\""));
    assert_eq!(masked("null"), br#"{"x":null}"#);
    // Half a pair is no character; that it is hashed at all is what matters.
    assert_eq!(masked(r#""\ud83e""#), masked("\"\u{fffd}\""));
    assert_eq!(masked(r#""\udd80\ud83e""#), masked("\"\u{fffd}\u{fffd}\""));
}

#[test]
fn what_is_not_that_many_objects_is_refused() {
    let rules = [("id", ColumnRule::Drop)];
    for (rows, text) in [
        (1, ""),
        (1, "{}{}"),
        (2, "{}"),
        (1, "{},{}"),
        (1, "[{\"id\":1}]"),
        (1, "{\"id\":1"),
        (1, "{\"id\":1},"),
        (1, "{\"id\":1,}"),
        (1, "{\"id\"}"),
        (1, "{\"id\":}"),
        (1, "{\"id:1}"),
        (1, "{\"\\x\":1}"),
        (1, "{\"\\u00\":1}"),
        (1, "{\"a\":[1}"),
    ] {
        assert!(spliced(rows, text.as_bytes(), &rules).is_err(), "{text}");
    }
    // Nested as deep as a chunk has room for, nothing is kept on the stack.
    let deep = format!("{{\"a\":{}{},\"id\":1}}", "[".repeat(200_000), "]".repeat(200_000));
    assert!(spliced(1, deep.as_bytes(), &rules).unwrap().ends_with(b"]}"));
}

#[test]
fn of_two_rules_the_stricter_counts_and_keeping_is_no_rule() {
    assert!(ColumnRules::new([("a", ColumnRule::Keep)]).is_empty());
    let rules = ColumnRules::new([("A", ColumnRule::Drop), ("a", hash()), ("a", ColumnRule::Keep)]);
    assert!(matches!(rules.of("a"), Some(ColumnRule::Drop)));
    assert!(rules.of("b").is_none());
}

#[test]
fn more_keys_than_are_remembered_are_looked_up() {
    let rules = [("k299", ColumnRule::Redact), ("k1", ColumnRule::Redact)];
    let row: Vec<String> = (0..300).map(|at| format!("\"k{at}\":{at}")).collect();
    let rows = format!("{{{0}}},{{{0}}}", row.join(","));
    let out = spliced(2, rows.as_bytes(), &rules).unwrap();
    assert_eq!(parsed(&out), model(parsed(rows.as_bytes()), &rules));
    let long = "x".repeat(500);
    let out =
        spliced(1, format!("{{\"{long}\":1}}").as_bytes(), &[(long.as_str(), ColumnRule::Null)]).unwrap();
    assert!(out.ends_with(b":null}"));
}

#[test]
fn a_pattern_acts_on_every_column_that_fits_and_the_stricter_rule_counts() {
    let patterns = [("*_token", ColumnRule::Redact), ("API_*", ColumnRule::Drop), ("id", ColumnRule::Null)];
    let rules = ColumnRules::of_patterns(patterns.map(|(name, rule)| (Wildcard::new(name), rule)));
    let mut buffer = RowBuffer::new(Envelope::default(), 1 << 16, 1 << 20);
    buffer.rules(Arc::new(rules));
    buffer.splice(1, br#"{"id":1,"api_token":"a","x_TOKEN":"b","n":2}"#).unwrap();
    assert_eq!(String::from_utf8(buffer.take().0).unwrap(), r#"{"id":null,"x_TOKEN":"***","n":2}"#);
}
