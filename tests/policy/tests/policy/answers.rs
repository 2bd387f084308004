//! What is answered nevertheless, and how.

use aws_lc_rs::hmac;
use connector_model::cursor::CursorKind;
use serde_json::{Value, json};

use crate::{MASK_KEY, Subject};

/// The hash of a text, computed apart from the runner.
fn hashed(text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, MASK_KEY.as_bytes());
    hmac::sign(&key, text.as_bytes()).as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn column(rows: &[Value], name: &str) -> Vec<Value> {
    rows.iter().map(|row| row[name].clone()).collect()
}

/// Asks what may be asked.
pub(crate) async fn all(subject: &Subject) {
    rows(subject).await;
    pages(subject).await;
    groups(subject).await;
    catalogue(subject).await;
}

async fn rows(subject: &Subject) {
    let (ann, bob) = (hashed("hidden-ann@x.org"), hashed("hidden-bob@x.org"));
    let emails = json!([ann, bob, ann, null]);
    let name = format!("{}.users", subject.schema);
    for (kind, target, options) in [
        ("query", "users", json!({"orderBy": {"id": "asc"}})),
        ("query", name.as_str(), json!({"orderBy": {"id": "asc"}, "select": "*"})),
        ("batchRead", "users", json!({"where": {"id": [1, 2, 3, 4]}, "orderBy": {"id": "asc"}})),
        ("read", "users", json!({})),
    ] {
        let answer = subject.ask(kind, target, options).await;
        Subject::shows_nothing(kind, &answer);
        let keys: Vec<&String> = answer.rows[0].as_object().unwrap().keys().collect();
        assert_eq!(keys, ["id", "name", "email", "salary"], "{kind} {answer:?}");
        assert_eq!(Value::from(column(&answer.rows, "email")), emails, "{kind}");
        assert_eq!(
            column(&answer.rows, "salary"),
            [Value::Null, Value::Null, Value::Null, Value::Null],
            "{kind}"
        );
        assert_eq!(column(&answer.rows, "name"), ["Ann", "Bob", "Cy", "Di"], "{kind}");
    }
    let chosen =
        subject.ask("query", "users", json!({"select": ["email", "id"], "where": {"name": "Ann"}})).await;
    assert_eq!(chosen.rows, [json!({"email": ann, "id": 1})]);
    let listed = subject.ask("query", "listed", json!({"where": {"id": 1}})).await;
    assert_eq!(listed.rows, [json!({"id": 1, "name": "Ann", "email": "***"})]);
    let count = subject.ask("count", "users", json!({"where": {"name": {"$ne": "Ann"}}})).await;
    assert_eq!(count.counted, Some(3));
    assert!(subject.ask("test", "", json!({})).await.done.is_some());
}

async fn pages(subject: &Subject) {
    let first = subject.ask("read", "users", json!({"limit": 3})).await.done.unwrap();
    let cursor = first.next_cursor.expect("the key is shown to everybody");
    let second = subject.ask("read", "users", json!({"limit": 3, "cursor": cursor})).await;
    assert_eq!(column(&second.rows, "id"), [json!(4)]);
    let paged = subject.ask("query", "users", json!({"limit": 1, "orderBy": {"name": "desc"}})).await;
    Subject::shows_nothing("query", &paged);
    assert!(paged.done.unwrap().next_cursor.is_some());
    // A key that nobody may see is in no cursor.
    let masked = subject.ask("query", "logins", json!({"limit": 1})).await;
    Subject::shows_nothing("query", &masked);
    assert_eq!(masked.rows[0]["email"], "***");
    let done = masked.done.unwrap();
    assert_eq!(done.rows, 1);
    // One that only counts rows says nothing of the key.
    assert!(done.next_cursor.is_none() || done.cursor_kind == Some(CursorKind::Offset), "{done:?}");
}

async fn groups(subject: &Subject) {
    let join = json!([{"target": "users", "alias": "u", "on": {"local": "user_id", "foreign": "id"}}]);
    let options = json!({
        "joins": join,
        "dimensions": [{"field": "name", "from": "u"}],
        "measures": {"total": {"agg": "sum", "column": "total"}, "middle": {"agg": "percentile", "column": "total", "p": 0.5}},
        "sort": [{"key": "total", "dir": "desc"}, {"key": "name"}],
    });
    let answer = subject.ask("aggregate", "orders", options).await;
    assert!(answer.error.is_none(), "{answer:?}");
    assert_eq!(answer.rows.iter().map(|row| row["dims"]["name"].clone()).collect::<Vec<_>>(), ["Ann", "Bob"]);
    let counted = subject.ask("aggregate", "users", json!({"measures": {"n": {"agg": "count"}}})).await;
    assert_eq!(counted.rows[0]["measures"]["n"], 4);
}

async fn catalogue(subject: &Subject) {
    let listed = subject.ask("listTargets", "", json!({})).await;
    let names: Vec<&str> = listed.rows.iter().map(|row| row["name"].as_str().unwrap()).collect();
    for shown in ["users", "orders", "logins", "listed"] {
        assert!(names.contains(&shown), "{names:?}");
    }
    assert!(!names.iter().any(|name| name.contains("secrets") || name.contains("people")), "{names:?}");
    let users = subject.ask("introspectTarget", "users", json!({})).await;
    let columns: Vec<&str> = users.rows[0]["columns"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| column["name"].as_str().unwrap())
        .collect();
    assert_eq!(columns, ["id", "name", "email", "salary"]);
    assert!(!users.rows[0].to_string().contains("ssn"));
}
