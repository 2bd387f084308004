//! What is written, and what is refused.

use super::*;
use crate::error::ErrorCode;
use connector_model::target::LogicalType;

fn writer(names: &[&str]) -> RowWriter {
    let column = |name: &&str| Column { name: (*name).to_owned(), logical_type: LogicalType::Text };
    RowWriter::new(&names.iter().map(column).collect::<Vec<_>>(), 64)
}

fn taken(writer: &mut RowWriter) -> (u32, String) {
    let (rows, bytes) = writer.take(64);
    (rows, String::from_utf8(bytes).unwrap())
}

#[test]
fn columns_come_in_any_order_and_leave_in_theirs() {
    let mut out = writer(&["id", "n", "doc"]);
    out.row(|row| {
        row.json("doc", b"{\"a\":\t[1,\r\n2]}")?;
        row.text("id", "a\"b")
    })
    .unwrap();
    out.row(|row| {
        row.text("id", "c")?;
        row.integer("n", 9_007_199_254_740_993)?;
        row.null("doc")
    })
    .unwrap();
    assert_eq!(out.rows(), 2);
    let expected =
        r#"{"id":"a\"b","n":null,"doc":{"a": [1,  2]}},{"id":"c","n":"9007199254740993","doc":null}"#;
    assert_eq!(taken(&mut out), (2, expected.to_owned()));
    assert_eq!(taken(&mut out), (0, String::new()));
}

#[test]
fn a_row_that_fails_leaves_nothing_behind() {
    let mut out = writer(&["id"]);
    let undeclared = out.row(|row| row.text("idd", "x")).unwrap_err();
    assert!(undeclared.message().contains("\"idd\" is none of the result's: id"));
    let twice = out.row(|row| row.text("id", "x").and_then(|()| row.text("id", "y"))).unwrap_err();
    assert!(twice.message().contains("twice"));
    out.row(|row| row.boolean("id", true)).unwrap();
    assert_eq!(taken(&mut out), (1, "{\"id\":true}".to_owned()));
}

#[test]
fn objects_are_spliced_on_one_line() {
    let mut out = writer(&["id"]);
    out.object(b" {\"id\":\n1} \n").unwrap();
    out.splice(2, b"{\"id\":2},{\"id\":3}").unwrap();
    out.splice(0, b"").unwrap();
    assert!(out.object(b"[1]").is_err());
    assert!(!out.is_full());
    out.row(|row| row.text("id", &"x".repeat(64))).unwrap();
    assert!(out.is_full());
    let (rows, text) = taken(&mut out);
    assert_eq!(rows, 4);
    assert!(text.starts_with("{\"id\": 1},{\"id\":2},{\"id\":3},{\"id\":\"xx"));
}

#[test]
fn no_columns_is_an_empty_object() {
    let mut out = writer(&[]);
    out.row(|_| Ok(())).unwrap();
    out.row(|_| Ok(())).unwrap();
    assert_eq!(taken(&mut out), (2, "{},{}".to_owned()));
}

#[test]
fn a_row_beyond_the_limit_is_refused_however_it_is_written() {
    let long = "x".repeat(json::MAX_ROW_BYTES - 9);
    let mut out = writer(&["id"]);
    out.row(|row| row.text("id", &long)).unwrap();
    out.row(|row| row.text("id", &long)).unwrap();
    out.row(|row| row.integer("id", 1)).unwrap();
    let (_, before) = (out.take(64), out.row(|row| row.integer("id", 2)));
    before.unwrap();
    let longer = format!("{{\"id\":\"x{long}\"}}");
    let grows = "\u{1}".repeat(json::MAX_ROW_BYTES / 5);
    let two = format!("{{\"id\":3}},{longer}");
    let refused = [
        out.row(|row| row.text("id", &format!("x{long}"))),
        out.row(|row| row.text("id", &grows)),
        out.row(|row| row.text_lossy("id", grows.as_bytes())),
        out.row(|row| row.bytes("id", long.as_bytes())),
        out.row(|row| row.json("id", longer.as_bytes())),
        out.row(|row| row.value("id", &serde_json::Value::String(grows.clone()))),
        out.object(longer.as_bytes()),
        out.splice(1, longer.as_bytes()),
        out.splice(2, two.as_bytes()),
        out.cells(&[longer.as_bytes()]),
    ];
    for (at, refused) in refused.into_iter().enumerate() {
        let error = refused.unwrap_err();
        assert_eq!(error.code(), ErrorCode::ResultTooLarge, "{at}: {error}");
        assert!(
            error.message().contains("8388608 bytes") && error.message().contains("select fewer"),
            "{error}"
        );
        assert_eq!(error.detail()["limitBytes"], json::MAX_ROW_BYTES, "{error}");
    }
    assert_eq!(taken(&mut out), (1, "{\"id\":2}".to_owned()));
}

#[test]
fn many_spliced_rows_that_are_none_leave_nothing_behind() {
    let mut out = writer(&["id"]);
    out.splice(1, b"{\"id\":1}").unwrap();
    let many = vec!["{\"id\":2}"; 100].join(",");
    for (rows, text) in [(99, many.clone()), (101, many.clone()), (100, format!("[{many}]"))] {
        assert_eq!(out.splice(rows, text.as_bytes()).unwrap_err().code(), ErrorCode::ConnectorFailed);
    }
    out.splice(100, many.as_bytes()).unwrap();
    assert_eq!(out.rows(), 101);
    assert!(out.is_oversize());
    assert_eq!(out.take_pieces(64).map(|(rows, _)| rows).sum::<u32>(), 101);
    assert_eq!(taken(&mut out), (0, String::new()));
}
