use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const ROW: usize = 1 << 20;

fn fault(rows: u32, text: impl AsRef<[u8]>) -> Fault {
    check(rows, text.as_ref(), ROW).unwrap_err().fault
}

#[test]
fn rows_as_databases_send_them_pass() {
    for (rows, text) in [
        (0, ""),
        (1, "{}"),
        (2, r#"{"a":1},{"a":null}"#),
        (1, r#"{ "a" : [ ] , "b" : { } }"#),
        (1, r#"{"a":[-0,0.5,-1.25e+10,1E-7,[[1,[2]],{}],true,false,null]}"#),
        (1, r#"{"t":"é 日本 😀 \"\\\/\b\f\n\r\té😀"}"#),
        (1, r#"{"a":1e999,"a":2}"#),
        (1, "{\"del\":\"\u{7f}\u{80}\"}"),
    ] {
        assert_eq!(check(rows, text.as_bytes(), ROW), Ok(()), "{text}");
    }
}

#[test]
fn every_kind_of_fault_is_found_and_placed() {
    use Fault::*;
    let cases: &[(&[u8], Fault, usize)] = &[
        (b"{\"a\":\"\xff\"}", NotUtf8, 6),
        (b"{\"a\":\"\xed\xa0\x80\"}", NotUtf8, 6),
        (b"{\"a\":\"\xc3", NotUtf8, 6),
        (b"{\"a\":\n1}", Control, 5),
        (b"{\"a\":\"\t\"}", Control, 6),
        (b"{}\0", Control, 2),
        (b"{\"a\":1}]", Between, 7),
        (b"{\"a\":1}}", Between, 7),
        (b"{}{}", Between, 2),
        (b"{} ,{}", Between, 2),
        (b"{}, {}", Between, 3),
        (b"[{}]", Between, 0),
        (b"{},", Between, 3),
        (b",{}", Between, 0),
        (b"1", Between, 0),
        (b"{}],\"total\":9,\"x\":[{}", Between, 2),
        (b"{", Truncated, 1),
        (b"{\"a", Truncated, 3),
        (b"{\"a\"", Truncated, 4),
        (b"{\"a\":", Truncated, 5),
        (b"{\"a\":tr", Truncated, 7),
        (b"{\"a\":1", Truncated, 6),
        (b"{\"a\":-", Truncated, 6),
        (b"{\"a\":\"\\", Truncated, 7),
        (b"{\"a\":\"\\u00", Truncated, 10),
        (b"{\"a\":\"\\ud83d", Truncated, 12),
        (b"{\"a\":[1,", Truncated, 8),
        (b"{a:1}", Grammar, 1),
        (b"{'a':1}", Grammar, 1),
        (b"{\"a\" 1}", Grammar, 5),
        (b"{\"a\":1,}", Grammar, 7),
        (b"{,}", Grammar, 1),
        (b"{\"a\":}", Grammar, 5),
        (b"{\"a\":[1}}", Grammar, 7),
        (b"{\"a\":[}]}", Grammar, 6),
        (b"{\"a\":[1,]}", Grammar, 8),
        (b"{\"a\":{]}", Grammar, 6),
        (b"{\"a\":1 2}", Grammar, 7),
        (b"{\"a\":nulL}", Grammar, 6),
        (b"{\"a\":True}", Grammar, 5),
        (b"{\"a\":undefined}", Grammar, 5),
        (b"{\"a\":\"\\x41\"}", Escape, 6),
        (b"{\"a\":\"\\u12g4\"}", Escape, 8),
        (b"{\"a\":\"\\ud800\"}", Escape, 12),
        (b"{\"a\":\"\\ud800\\n\"}", Escape, 12),
        (b"{\"a\":\"\\ud800\\u0041\"}", Escape, 14),
        (b"{\"a\":\"\\udc00\"}", Escape, 8),
        (b"{\"a\":NaN}", Number, 5),
        (b"{\"a\":-NaN}", Number, 6),
        (b"{\"a\":Infinity}", Number, 5),
        (b"{\"a\":-Infinity}", Number, 6),
        (b"{\"a\":01}", Number, 5),
        (b"{\"a\":+1}", Number, 5),
        (b"{\"a\":.5}", Number, 5),
        (b"{\"a\":1.}", Number, 7),
        (b"{\"a\":1e}", Number, 7),
        (b"{\"a\":1e+}", Number, 8),
    ];
    for (text, fault, at) in cases {
        let found = check(1, text, ROW).unwrap_err();
        assert_eq!((found.fault, found.at), (*fault, *at), "{}", String::from_utf8_lossy(text));
    }
}

#[test]
fn rows_are_counted() {
    assert_eq!(fault(0, "{}"), Fault::Count { said: 0, found: 1 });
    assert_eq!(fault(3, "{},{}"), Fault::Count { said: 3, found: 2 });
    assert_eq!(fault(u32::MAX, ""), Fault::Count { said: u32::MAX, found: 0 });
    // Braces in texts are no rows.
    assert_eq!(fault(2, r#"{"a":"},{"}"#), Fault::Count { said: 2, found: 1 });
}

#[test]
fn depth_and_size_are_bounded() {
    // The row itself is one level.
    let nested = |levels: usize| format!("{{\"a\":{}{}}}", "[".repeat(levels), "]".repeat(levels));
    assert!(check(1, nested(MAX_DEPTH - 1).as_bytes(), ROW).is_ok());
    assert_eq!(fault(1, nested(MAX_DEPTH)), Fault::Depth);
    assert_eq!(fault(1, format!("{{\"a\":{}", "[".repeat(100_000))), Fault::Depth);
    let row = format!("{{\"a\":\"{}\"}}", "x".repeat(92));
    assert!(check(1, row.as_bytes(), 100).is_ok());
    let found = check(2, format!("{{}},{row}").as_bytes(), 99).unwrap_err();
    assert_eq!((found.fault, found.at), (Fault::TooLarge { bytes: 100, limit: 99 }, 3));
}

#[test]
fn what_is_said_of_a_fault_holds_no_data() {
    let error = check(1, br#"{"secret":hunter2}"#, ROW).unwrap_err();
    assert_eq!(error.to_string(), "no JSON, at byte 10");
}

/// Whether serde_json finds a JSON object there, up to its own limit of depth, which is lower.
fn is_object(text: &str) -> bool {
    match serde_json::from_str::<Value>(text) {
        Ok(value) => value.is_object(),
        // A number that no double holds is a number all the same.
        Err(error) if error.to_string().starts_with("number out of range") => {
            text.starts_with('{') && serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
        }
        Err(_) => false,
    }
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(|float| json!(float)),
        ".{0,20}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            proptest::collection::btree_map(".{0,8}", inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn row() -> impl Strategy<Value = String> {
    proptest::collection::btree_map(".{0,8}", value(), 0..6)
        .prop_map(|map| Value::Object(map.into_iter().collect()).to_string())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn what_serde_writes_passes(rows in proptest::collection::vec(row(), 0..8)) {
        let text = rows.join(",");
        prop_assert_eq!(check(rows.len() as u32, text.as_bytes(), ROW), Ok(()));
    }

    #[test]
    fn damaged_rows_are_judged_as_serde_judges_them(
        row in row(),
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..4_u8), 1..4),
    ) {
        // Bytes that matter to JSON are likelier than others.
        const BYTES: &[u8] = b"{}[]:,\"\\ue-+.01tfn aDd8\x7f";
        let mut bytes = row.into_bytes();
        for (at, byte, kind) in damage {
            let byte = BYTES[byte.index(BYTES.len())];
            let at = at.index(bytes.len() + 1);
            match kind {
                0 => bytes.insert(at, byte),
                1 if at < bytes.len() => bytes[at] = byte,
                2 if at < bytes.len() => drop(bytes.remove(at)),
                _ => bytes.truncate(at),
            }
        }
        let found = check(1, &bytes, ROW);
        let expected = std::str::from_utf8(&bytes).is_ok_and(|text| {
            // Blanks around a row are JSON's, not ours; two rows are no JSON, and are ours.
            text.trim_matches(' ') == text && is_object(text)
        });
        match found {
            Ok(()) => prop_assert!(expected, "{}", String::from_utf8_lossy(&bytes)),
            Err(Malformed { fault: Fault::Count { .. }, .. }) => prop_assert!(!expected),
            Err(found) => prop_assert!(!expected, "{found}: {}", String::from_utf8_lossy(&bytes)),
        }
    }

    #[test]
    fn any_bytes_are_judged_without_a_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        rows in any::<u32>(),
    ) {
        let _ = check(rows, &bytes, 64);
        let mut object = b"{\"a\":".to_vec();
        object.extend(bytes);
        let _ = check(rows, &object, 64);
    }
}
