//! Answers of every type, and bytes of no sense.

use super::*;
use proptest::prelude::*;

fn read(mut bytes: &[u8]) -> Result<Reply, Broken> {
    Reader::default().reply(&mut bytes)
}

fn text(text: &str) -> Reply {
    Reply::Text(text.as_bytes().to_vec())
}

#[test]
fn every_type_of_both_versions_is_read() {
    let refused = Reply::Refused(Refusal { code: "WRONGPASS".into(), message: "WRONGPASS no".into() });
    for (bytes, reply) in [
        ("+OK\r\n", text("OK")),
        ("-WRONGPASS no\r\n", refused.clone()),
        (":-42\r\n", Reply::Integer(-42)),
        ("$5\r\na\r\nbc\r\n", text("a\r\nbc")),
        ("$0\r\n\r\n", text("")),
        ("$-1\r\n", Reply::Nil),
        ("*-1\r\n", Reply::Nil),
        ("*0\r\n", Reply::List(vec![])),
        ("*2\r\n:1\r\n*1\r\n+x\r\n", Reply::List(vec![Reply::Integer(1), Reply::List(vec![text("x")])])),
        ("_\r\n", Reply::Nil),
        ("#t\r\n", Reply::Boolean(true)),
        (",1.5e3\r\n", Reply::Double(1_500.0)),
        (",inf\r\n", Reply::Double(f64::INFINITY)),
        (
            "(3492890328409238509324850943850943825024385\r\n",
            text("3492890328409238509324850943850943825024385"),
        ),
        ("!12\r\nWRONGPASS no\r\n", refused),
        ("=7\r\ntxt:a b\r\n", text("a b")),
        ("%1\r\n+a\r\n:1\r\n", Reply::Pairs(vec![(text("a"), Reply::Integer(1))])),
        ("~1\r\n+a\r\n", Reply::List(vec![text("a")])),
        ("|1\r\n+ttl\r\n:3\r\n+x\r\n", text("x")),
        (">2\r\n+message\r\n+a\r\n+x\r\n", text("x")),
        ("*1\r\n|1\r\n+ttl\r\n:3\r\n+x\r\n", Reply::List(vec![text("x")])),
    ] {
        assert_eq!(read(bytes.as_bytes()).unwrap(), reply, "{bytes:?}");
    }
}

#[test]
fn answers_follow_each_other() {
    let mut stream: &[u8] = b"+a\r\n$1\r\nb\r\n:3\r\n";
    let mut reader = Reader::default();
    for reply in [text("a"), text("b"), Reply::Integer(3)] {
        assert_eq!(reader.reply(&mut stream).unwrap(), reply);
    }
    assert!(matches!(reader.reply(&mut stream), Err(Broken::Io(_))));
}

#[test]
fn what_is_no_answer_is_an_error() {
    for bytes in [
        "HTTP/1.1 400 Bad Request\r\n",
        "\u{15}\u{3}\u{1}\0\u{2}\u{2}P\n",
        "+no line end\n",
        "\r\n",
        ":x\r\n",
        ":\r\n",
        ",x\r\n",
        "#x\r\n",
        "_x\r\n",
        "$x\r\n",
        "$-2\r\n",
        "$+1\r\na\r\n",
        "$1\r\nabc",
        "%1\r\n>0\r\n+a\r\n",
    ] {
        assert!(matches!(read(bytes.as_bytes()), Err(Broken::Garbled(_))), "{bytes:?}");
    }
    for bytes in ["", "+OK", "$5\r\nab", "*2\r\n:1\r\n", "$1\r\na"] {
        assert!(matches!(read(bytes.as_bytes()), Err(Broken::Io(_))), "{bytes:?}");
    }
}

#[test]
fn nothing_is_larger_than_its_bounds() {
    let nested = "*1\r\n".repeat(1_000_000);
    let attributes = "|0\r\n".repeat(1_000_000);
    let long = format!("+{}", "x".repeat(100_000));
    for bytes in [
        "$16777217\r\n",
        "$99999999999999999999999999\r\n",
        "*2\r\n$16777216\r\n",
        nested.as_str(),
        attributes.as_str(),
        long.as_str(),
    ] {
        let broken = read(bytes.as_bytes()).unwrap_err();
        let ended = matches!(&broken, Broken::Io(error) if error.kind() == io::ErrorKind::UnexpectedEof);
        assert!(matches!(broken, Broken::TooLarge(_)) || (ended && bytes.starts_with("*2")), "{broken}");
    }
    // A length that nothing follows costs no memory.
    assert!(matches!(read(b"*999999999\r\n"), Err(Broken::Io(_))));
    let bounds = Bounds { values: 3, ..Bounds::default() };
    let mut many: &[u8] = b"*3\r\n:1\r\n:2\r\n:3\r\n";
    assert!(matches!(Reader::within(bounds).reply(&mut many), Err(Broken::TooLarge(_))));
}

/// Bytes that look like the protocol more often than chance has it.
fn noise() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        4 => proptest::sample::select(vec![
            "*", "$", "%", "~", "|", ">", "+", "-", ":", ",", "#", "_", "(", "!", "=", "\r\n", "\r\n", "\r\n", "1", "2", "0",
            "-1", "9999999999", "OK", "t", "\n", "e5",
        ])
        .prop_map(|piece| piece.as_bytes().to_vec()),
        1 => proptest::collection::vec(any::<u8>(), 0..8),
    ];
    proptest::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat())
}

/// An answer, and how a server writes it.
fn reply() -> impl Strategy<Value = (Reply, Vec<u8>)> {
    let leaf = prop_oneof![
        Just((Reply::Nil, b"_\r\n".to_vec())),
        any::<i64>().prop_map(|n| (Reply::Integer(n), format!(":{n}\r\n").into_bytes())),
        any::<bool>()
            .prop_map(|b| (Reply::Boolean(b), format!("#{}\r\n", if b { 't' } else { 'f' }).into_bytes())),
        proptest::collection::vec(any::<u8>(), 0..40).prop_map(|bytes| {
            let mut wire = format!("${}\r\n", bytes.len()).into_bytes();
            wire.extend_from_slice(&bytes);
            wire.extend_from_slice(b"\r\n");
            (Reply::Text(bytes), wire)
        }),
    ];
    leaf.prop_recursive(4, 40, 6, |inner| {
        let list = proptest::collection::vec(inner.clone(), 0..6).prop_map(|items| {
            let mut wire = format!("*{}\r\n", items.len()).into_bytes();
            items.iter().for_each(|(_, bytes)| wire.extend_from_slice(bytes));
            (Reply::List(items.into_iter().map(|(reply, _)| reply).collect()), wire)
        });
        let pairs = proptest::collection::vec((inner.clone(), inner), 0..4).prop_map(|pairs| {
            let mut wire = format!("%{}\r\n", pairs.len()).into_bytes();
            for ((_, name), (_, value)) in &pairs {
                wire.extend_from_slice(name);
                wire.extend_from_slice(value);
            }
            (Reply::Pairs(pairs.into_iter().map(|((name, _), (value, _))| (name, value)).collect()), wire)
        });
        prop_oneof![list, pairs]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_it_panic(bytes in noise()) {
        let mut stream = bytes.as_slice();
        let mut reader = Reader::default();
        while reader.reply(&mut stream).is_ok() {}
    }

    #[test]
    fn what_is_written_is_read_however_it_is_cut((right, wire) in reply(), piece in 1_usize..9) {
        let mut stream = io::BufReader::with_capacity(piece, wire.as_slice());
        prop_assert_eq!(Reader::default().reply(&mut stream).unwrap(), right);
    }
}

#[test]
fn the_limit_that_is_named_is_the_one_that_holds() {
    assert_eq!(Bounds::default().bytes, MAX_ROW_BYTES);
    assert!(MORE_BYTES.ends_with(&format!(" {MAX_ROW_BYTES}")), "{MORE_BYTES}");
}
