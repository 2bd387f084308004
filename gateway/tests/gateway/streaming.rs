//! Streams: rows as they come, windows, and callers that read slowly.

use serde_json::json;

use crate::fake_runner::FakeRunner;
use crate::world::World;

/// A chunk frame of about 64 KiB with one row.
fn big_chunk(job: &str, number: usize) -> String {
    json!({ "type": "chunk", "id": job, "rows": [{ "n": number, "pad": "x".repeat(64 * 1024) }] }).to_string()
}

#[tokio::test]
async fn lines_arrive_as_the_runner_sends_them() {
    let world = World::new().await;
    let mut runner = world.runner().await;
    let request = world.job("query", &json!({})).header("accept", "application/x-ndjson");
    let response = tokio::spawn(request.send());
    let job = runner.job().await;
    runner.chunk(&job, &json!([{ "a": 1 }, { "a": 2 }])).await;
    let mut response = response.await.expect("a task").expect("an answer");
    assert_eq!(response.headers()["content-type"], "application/x-ndjson");
    assert_eq!(response.chunk().await.expect("a piece").as_deref(), Some(&b"{\"a\":1}\n{\"a\":2}\n"[..]));
    runner.done(&job, 2).await;
    let last = response.text().await.expect("the rest");
    let last: serde_json::Value = serde_json::from_str(&last).expect("one line of JSON");
    assert_eq!(last["meta"]["count"], 2);
}

#[tokio::test]
async fn a_runner_gets_credit_only_as_fast_as_its_caller_reads() {
    let world = World::new().await;
    let mut runner = world.runner().await;
    let request = world.job("query", &json!({})).header("accept", "application/x-ndjson");
    let response = tokio::spawn(request.send());
    let job = runner.job().await;
    let mut window: i64 = 1 << 20;
    let (mut sent, mut credited) = (0_i64, 0_i64);
    let mut number = 0;
    // Until the window closes and no credit comes: the caller, who does not read, has filled every buffer between.
    loop {
        while window > 0 {
            let frame = big_chunk(&job, number);
            number += 1;
            let bytes = i64::try_from(frame.len()).expect("a size");
            (window, sent) = (window - bytes, sent + bytes);
            runner.send_text(frame).await;
        }
        assert!(sent < 64 << 20, "the gateway takes whatever comes");
        match runner.next_within(std::time::Duration::from_millis(500)).await {
            Some(credit) => {
                assert_eq!((&credit["type"], &credit["id"]), (&json!("credit"), &json!(job)));
                let bytes = credit["bytes"].as_i64().expect("a number");
                (window, credited) = (window + bytes, credited + bytes);
            }
            None => break,
        }
    }
    assert!(credited <= sent, "credit is for what was taken");

    // Another job is not held up by this one.
    let quick = world.send("query", &json!({}));
    let quick_job = runner.job().await;
    runner.done(&quick_job, 0).await;
    assert_eq!(quick.await.expect("a task").status, 200);

    // The caller begins to read, and the runner may go on.
    let mut response = response.await.expect("a task").expect("an answer");
    let reading = tokio::spawn(async move {
        let mut lines = 0;
        let mut last = Vec::new();
        while let Some(piece) = response.chunk().await.expect("a piece") {
            lines += piece.iter().filter(|byte| **byte == b'\n').count();
            last = piece.to_vec();
        }
        (lines, last)
    });
    let credit = runner.next().await;
    assert_eq!(credit["type"], "credit");
    runner.done(&job, u64::try_from(number).expect("a count")).await;
    let (lines, last) = reading.await.expect("a task");
    assert_eq!(lines, number + 1);
    assert!(String::from_utf8_lossy(&last).contains("\"meta\""));
}

#[tokio::test]
async fn without_windows_a_caller_that_lags_too_far_loses_its_job_and_no_other() {
    let world = World::new().await;
    let mut runner = FakeRunner::connect(&world, &[]).await;
    let request = world.job("query", &json!({})).header("accept", "application/x-ndjson");
    let response = tokio::spawn(request.send());
    let job = runner.job().await;
    let mut number = 0;
    let cancelled = loop {
        runner.send_text(big_chunk(&job, number)).await;
        number += 1;
        assert!(number < 4_096, "the gateway holds whatever comes");
        if let Some(frame) = runner.next_within(std::time::Duration::ZERO).await {
            break frame;
        }
    };
    assert_eq!((&cancelled["type"], &cancelled["id"]), (&json!("cancel"), &json!(job)));
    runner.error(&job, "CANCELLED", false).await;
    let quick = world.send("query", &json!({}));
    let quick_job = runner.job().await;
    runner.done(&quick_job, 0).await;
    assert_eq!(quick.await.expect("a task").status, 200);
    let text = response.await.expect("a task").expect("an answer").text().await.expect("a body");
    let last: serde_json::Value = serde_json::from_str(text.lines().last().expect("a line")).expect("JSON");
    assert_eq!(last["error"]["code"], "CANCELLED");
}

#[tokio::test]
async fn a_deadline_ends_a_job_whose_caller_does_not_read() {
    let world = World::new().await;
    let mut runner = world.runner().await;
    let request = world.job("query", &json!({ "deadlineMs": 300 }));
    let response = tokio::spawn(request.send());
    let job = runner.job().await;
    let mut window: i64 = 1 << 20;
    let mut number = 0;
    let cancel = loop {
        while window > 0 {
            let frame = big_chunk(&job, number);
            number += 1;
            window -= i64::try_from(frame.len()).expect("a size");
            runner.send_text(frame).await;
        }
        let frame = runner.next().await;
        match frame["bytes"].as_i64() {
            Some(bytes) => window += bytes,
            None => break frame,
        }
    };
    assert_eq!((&cancel["type"], &cancel["id"]), (&json!("cancel"), &json!(job)));
    let text = response.await.expect("a task").expect("an answer").text().await.expect("a body");
    let document: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(document["error"]["code"], "QUERY_TIMEOUT");
}

#[tokio::test]
async fn a_row_of_eight_mebibytes_passes() {
    let world = World::new().await;
    let mut runner = world.runner().await;
    let answer = world.send("query", &json!({}));
    let job = runner.job().await;
    let row = json!({ "pad": "x".repeat(8 << 20) });
    runner.chunk(&job, &json!([row])).await;
    runner.done(&job, 1).await;
    let body = answer.await.expect("a task").body;
    assert_eq!(body["rows"][0]["pad"].as_str().map(str::len), Some(8 << 20));
}
