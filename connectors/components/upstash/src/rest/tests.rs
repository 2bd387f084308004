//! Requests that nobody but the test answers.

use semilayer_connector::testing::{FakeHttp, FakeRequest, FakeResponse};
use serde_json::{Value, json};

use super::*;

fn settings(url: &str) -> Settings {
    Settings { url: url.to_owned(), token: "hunter2".into(), sample_rows: 10 }
}

/// Answers commands of a database with one text `k`, in base64 if that is asked for and `encodes`.
fn answers(request: &FakeRequest, encodes: bool) -> Value {
    let encodes = encodes && request.header("upstash-encoding") == Some("base64");
    let shown = |plain: &str, encoded: &str| json!({"result": if encodes { encoded } else { plain }});
    let one = |command: &Value| match command[0].as_str() {
        Some("PING") => shown("PONG", "UE9ORw=="),
        Some("GET") if command[1] == "k" => shown("v", "dg=="),
        Some("GET") => json!({"result": null}),
        Some("INFO") => shown("upstash_version:1.2\r\n", "dXBzdGFzaF92ZXJzaW9uOjEuMg0K"),
        Some("DBSIZE") => json!({"result": 1}),
        _ => json!({"error": "NOPERM no"}),
    };
    request.json().as_array().unwrap().iter().map(one).collect()
}

#[test]
fn commands_are_one_request_with_the_token() {
    for encodes in [true, false] {
        let fake = FakeHttp::install(move |request| FakeResponse::json(200, &answers(request, encodes)));
        let mut rest = Rest::open(&settings("https://db.example/base/")).unwrap();
        rest.send(&[Command::Get("k"), Command::Size, Command::Get("x")]).unwrap();
        let replies: Vec<Reply> = (0..3).map(|_| rest.reply().unwrap()).collect();
        assert_eq!(replies, [Reply::Text(b"v".to_vec()), Reply::Integer(1), Reply::Nil]);
        assert!(rest.reply().is_err());
        assert_eq!(rest.server().unwrap().version, "1.2");
        let requests = fake.requests();
        assert_eq!(requests.len(), 3);
        assert_eq!(requests[1].target, "/base/pipeline");
        assert_eq!(requests[1].header("authorization"), Some("Bearer hunter2"));
        assert_eq!(requests[1].json(), json!([["GET", "k"], ["DBSIZE"], ["GET", "x"]]));
    }
}

#[test]
fn answers_that_nobody_took_are_given_up() {
    let _fake = FakeHttp::install(|request| FakeResponse::json(200, &answers(request, true)));
    let mut rest = Rest::open(&settings("https://db.example")).unwrap();
    rest.send(&[Command::Get("k"), Command::Get("k")]).unwrap();
    rest.reply().unwrap();
    rest.send(&[Command::Size]).unwrap();
    assert_eq!(rest.reply().unwrap(), Reply::Integer(1));
    rest.send(&[Command::Type("k")]).unwrap();
    let error = rest.reply().unwrap_err();
    assert!(error.message().contains("read-only token"), "{error}");
}

#[test]
fn what_is_no_answer_says_what_to_do() {
    for (status, body, code, retryable, part) in [
        (401, r#"{"error": "Unauthorized"}"#, ErrorCode::SourceAuthFailed, false, "refused the token"),
        (
            400,
            r#"{"error": "ERR max request size exceeded"}"#,
            ErrorCode::SourceQueryFailed,
            false,
            "max request size",
        ),
        (
            429,
            r#"{"error": "ERR max daily request limit exceeded"}"#,
            ErrorCode::SourceQueryFailed,
            true,
            "daily",
        ),
        (503, "<html>", ErrorCode::SourceQueryFailed, true, "503"),
        (404, "not here", ErrorCode::SourceQueryFailed, false, "REST URL"),
        (301, "", ErrorCode::SourceQueryFailed, false, "REST URL"),
        (200, "<html>", ErrorCode::SourceQueryFailed, false, "REST URL"),
        (200, "[]", ErrorCode::SourceQueryFailed, false, "number of answers"),
        (200, r#"[{"result": "hello"}]"#, ErrorCode::SourceQueryFailed, false, "PONG"),
    ] {
        let _fake = FakeHttp::install(move |_| FakeResponse::text(status, body));
        let error = Rest::open(&settings("https://db.example")).unwrap_err();
        assert_eq!((error.code(), error.retryable()), (code, retryable), "{status} {body}: {error}");
        assert!(error.message().contains(part) && !error.message().contains("hunter2"), "{error}");
    }
    let error = Rest::open(&settings("rediss://db.example")).unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceNotConfigured);
}

#[test]
fn a_response_beyond_all_bounds_is_asked_for_in_parts() {
    let large = "x".repeat(3 * 1024 * 1024);
    let answer = move |request: &FakeRequest| {
        let commands = request.json().as_array().unwrap().clone();
        let one = |command: &Value| match command[0].as_str() {
            Some("PING") => json!({"result": "PONG"}),
            _ => json!({"result": large}),
        };
        FakeResponse::json(200, &commands.iter().map(one).collect::<Value>())
    };
    let fake = FakeHttp::install(answer);
    let mut rest = Rest::open(&settings("https://db.example")).unwrap();
    rest.send(&[Command::Get("k"); 12]).unwrap();
    for _ in 0..12 {
        assert!(matches!(rest.reply().unwrap(), Reply::Text(text) if text.len() == 3 * 1024 * 1024));
    }
    assert!(rest.commands_at_once < 6 && fake.requests().len() <= 7);
}

#[test]
fn a_value_that_no_row_can_hold_is_too_large_and_the_limit_is_named() {
    let large = "x".repeat(MAX_ROW_BYTES * 2);
    let answer = move |request: &FakeRequest| {
        let commands = request.json().as_array().unwrap().clone();
        let one = |command: &Value| match (command[0].as_str(), command[1].as_str()) {
            (Some("PING"), _) => json!({"result": "PONG"}),
            (_, Some("k")) => json!({"result": large}),
            _ => json!({"result": "small"}),
        };
        FakeResponse::json(200, &commands.iter().map(one).collect::<Value>())
    };
    let _fake = FakeHttp::install(answer);
    let mut rest = Rest::open(&settings("https://db.example")).unwrap();
    rest.send(&[Command::Get("a"), Command::Get("k")]).unwrap();
    assert_eq!(rest.reply().unwrap(), Reply::Text(b"small".to_vec()));
    let error = rest.reply().unwrap_err();
    assert_eq!(error.code(), ErrorCode::ResultTooLarge, "{error}");
    assert!(
        error.message().contains("8388608 bytes") && error.message().contains("leave the keys"),
        "{error}"
    );
    rest.send(&[Command::Get("a")]).unwrap();
    assert_eq!(rest.reply().unwrap(), Reply::Text(b"small".to_vec()));
}
