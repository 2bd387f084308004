//! The demo as a newcomer meets it.

use std::time::Duration;

use serde_json::Value;
use test_servers::{Exit, Launch, Origin, Process, Signal};

const LIMIT: Duration = Duration::from_secs(60);

/// What stands between `start` and `end` in `text`.
fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    text.split_once(start).and_then(|(_, rest)| rest.split_once(end)).map_or("", |(found, _)| found)
}

#[tokio::test]
async fn its_curl_line_returns_rows_and_ctrl_c_ends_it_clean() {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let demo = Process::start(&Launch::new(env!("CARGO_BIN_EXE_semilayer-demo"))).unwrap();
    demo.wait_for_line("Ctrl-C ends it.", LIMIT).await.unwrap();
    let printed = demo.text(Origin::Stdout);
    let url = between(&printed, "curl -s ", " \\");
    let key = between(&printed, "Bearer ", "'");
    let body = between(&printed, "-d '", "'");
    let request =
        reqwest::Client::new().post(url).bearer_auth(key).header("content-type", "application/json");
    let answer = request.body(body.to_owned()).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.status());
    let answer: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
    assert_eq!(answer["rows"].as_array().map(Vec::len), Some(5), "{answer}");
    assert_eq!(answer["meta"]["total"], 30_000, "{answer}");
    let page = between(&printed, "The runners' state:  ", "  (");
    let admin = between(&printed, "password ", ")");
    let page = reqwest::Client::new().get(page).basic_auth("any", Some(admin)).send().await.unwrap();
    assert!(page.text().await.unwrap().contains("online"));
    demo.signal(Signal::INT).unwrap();
    assert_eq!(demo.wait(LIMIT).await.unwrap(), Exit::Code(0), "{}", demo.text(Origin::Stderr));
}
