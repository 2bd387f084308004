//! Jobs: answered, refused, tried again, timed out, cancelled.

use std::time::Duration;

use serde_json::json;

use crate::fake_runner::FakeRunner;
use crate::world::{RUNNER, SOURCE, World};

#[tokio::test]
async fn a_query_goes_to_the_runner_and_its_rows_come_back() {
    let world = World::new().await;
    let mut runner = world.runner().await;
    let body = json!({ "target": "public.users", "options": { "limit": 2 }, "deadlineMs": 5_000 });
    let answer = world.send("query", &body);
    let frame = runner.next().await;
    let params = &frame["params"];
    assert_eq!(params["source"]["name"], SOURCE);
    assert_eq!(
        params["job"],
        json!({ "kind": "query", "target": "public.users", "options": { "limit": 2 } })
    );
    let deadline = frame["deadlineMs"].as_u64().expect("a number");
    assert!((4_000..=5_000).contains(&deadline), "{deadline}");
    let job = frame["id"].as_str().expect("an id");
    runner.chunk(job, &json!([{ "a": 1 }])).await;
    runner.chunk(job, &json!([{ "a": null }])).await;
    let meta = json!({ "count": 2, "durationMs": 3, "nextCursor": "c", "total": 9 });
    runner.send(&json!({ "type": "done", "id": job, "meta": meta })).await;
    let answer = answer.await.expect("a task");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.headers["content-type"], "application/json");
    assert_eq!(answer.headers["x-semilayer-job"], *job);
    assert_eq!(answer.body["rows"], json!([{ "a": 1 }, { "a": null }]));
    let mut expected = meta;
    expected["jobId"] = json!(job);
    assert_eq!(answer.body["meta"], expected);

    let record = &world.finished_jobs(1).await[0];
    assert_eq!(
        (&record["status"], &record["rows"], &record["runner"]),
        (&json!("done"), &json!(2), &json!(RUNNER))
    );
    assert_eq!(record["target"], "public.users");
}

#[tokio::test]
async fn a_count_says_its_total_in_meta() {
    let world = World::new().await;
    let mut runner = world.runner().await;
    let answer = world.send("count", &json!({ "target": "t" }));
    let job = runner.job().await;
    runner.send(&json!({ "type": "chunk", "id": job, "rows": [], "total": 41, "approximate": false })).await;
    runner.done(&job, 0).await;
    let answer = answer.await.expect("a task");
    assert_eq!(answer.body["rows"], json!([]));
    assert_eq!(
        (&answer.body["meta"]["total"], &answer.body["meta"]["approximate"]),
        (&json!(41), &json!(false))
    );
}

#[tokio::test]
async fn a_runners_error_has_its_status_and_detail() {
    let world = World::new().await;
    let mut runner = world.runner().await;
    for (code, status) in [("SOURCE_QUERY_FAILED", 422), ("POLICY_DENIED", 403), ("INTERNAL", 500)] {
        let answer = world.send("query", &json!({}));
        let job = runner.job().await;
        let detail = json!({ "sqlstate": "42P01" });
        runner
            .send(&json!({ "type": "error", "id": job, "code": code, "message": "no such table", "detail": detail }))
            .await;
        let answer = answer.await.expect("a task");
        assert_eq!(answer.status, status, "{code}");
        assert_eq!(answer.body["code"], code);
        assert_eq!(
            (&answer.body["error"], &answer.body["message"]),
            (&json!("no such table"), &json!("no such table"))
        );
        assert_eq!(answer.body["sqlstate"], "42P01");
    }
}

#[tokio::test]
async fn nobody_to_ask_is_503_and_says_what_to_do() {
    let world = World::new().await;
    let answer = world.send("query", &json!({})).await.expect("a task");
    assert_eq!((answer.status, &answer.body["code"]), (503, &json!("no_runners_online")));
    assert!(answer.headers.contains_key("retry-after"));
    assert!(answer.body["message"].as_str().expect("text").contains("start one with semilayer-runner start"));

    world.gateway.administration().unassign(&world.actor(), RUNNER, SOURCE).await.expect("a change");
    let answer = world.send("query", &json!({})).await.expect("a task");
    assert_eq!(answer.status, 503);
    assert!(answer.body["message"].as_str().expect("text").contains("runners assign"), "{:?}", answer.body);
    let records = world.finished_jobs(2).await;
    assert!(records.iter().all(|record| record["errorCode"] == "no_runners_online"));
}

#[tokio::test]
async fn draining_and_lacking_runners_get_no_job() {
    let world = World::new().await;
    let mut lacking = FakeRunner::dial(&world, RUNNER, &world.runner_token).await;
    lacking
        .send(&json!({ "type": "hello", "version": 1, "runnerId": RUNNER, "capabilities": ["sqlite"] }))
        .await;
    assert_eq!(lacking.next().await["type"], "hello-ack");
    let answer = world.send("query", &json!({})).await.expect("a task");
    assert!(
        answer.body["message"].as_str().expect("text").contains("bridge `postgres`"),
        "{:?}",
        answer.body
    );

    let mut draining = world.runner().await;
    draining.send(&json!({ "type": "draining" })).await;
    // A ping in between is answered in order: the gateway has read `draining` by then.
    draining.barrier().await;
    let answer = world.send("query", &json!({})).await.expect("a task");
    assert_eq!((answer.status, &answer.body["code"]), (503, &json!("no_runners_online")));
}

#[tokio::test]
async fn a_runner_whose_source_fails_is_asked_last() {
    let world = World::new().await;
    let mut failing = world.runner().await;
    let health = json!({ "name": SOURCE, "state": "failing", "code": "SOURCE_UNREACHABLE", "checkedAt": "2026-01-01T00:00:00Z" });
    failing.send(&json!({ "type": "heartbeat", "stats": { "activeJobs": 0, "sources": [health] } })).await;
    failing.barrier().await;
    let overview = world.gateway.administration().runner_overview(RUNNER).await.expect("a runner");
    assert_eq!(overview.state.as_str(), "degraded");

    let answer = world.send("query", &json!({}));
    let job = failing.job().await;
    failing.done(&job, 0).await;
    assert_eq!(answer.await.expect("a task").status, 200, "the least bad is still tried");

    let mut working = world.runner().await;
    for _ in 0..8 {
        let answer = world.send("query", &json!({}));
        let job = working.job().await;
        working.done(&job, 0).await;
        assert_eq!(answer.await.expect("a task").status, 200);
    }
}

#[tokio::test]
async fn a_retryable_error_before_any_row_goes_to_another_runner_once() {
    let world = World::new().await;
    let (mut one, mut other) = (world.runner().await, world.runner().await);
    let answer = world.send("query", &json!({}));
    let (first, second) = tokio::select! {
        job = one.job() => {
            one.error(&job, "RUNNER_BUSY", true).await;
            (job, other.job().await)
        }
        job = other.job() => {
            other.error(&job, "RUNNER_BUSY", true).await;
            std::mem::swap(&mut one, &mut other);
            (job, other.job().await)
        }
    };
    assert_ne!(first, second, "each attempt has its own id");
    other.error(&second, "RUNNER_BUSY", true).await;
    let answer = answer.await.expect("a task");
    assert_eq!((answer.status, &answer.body["code"]), (503, &json!("RUNNER_BUSY")));
    assert_eq!(answer.headers["retry-after"], "2");
    let records = world.finished_jobs(2).await;
    let attempts: Vec<_> = records.iter().map(|job| job["attempt"].clone()).collect();
    assert_eq!(attempts, [json!(2), json!(1)]);
    assert!(records.iter().all(|job| job["requestId"] == json!(first)), "{records:?}");
}

#[tokio::test]
async fn a_lost_socket_before_any_row_is_tried_on_the_same_runner_when_it_comes_back() {
    let world = World::new().await;
    let mut first = world.runner().await;
    let answer = world.send("query", &json!({}));
    let lost = first.job().await;
    // A chunk without rows does not settle how the job goes.
    first.chunk(&lost, &json!([])).await;
    first.barrier().await;
    first.vanish();
    let mut second = world.runner().await;
    let job = second.job().await;
    second.chunk(&job, &json!([{ "a": 1 }])).await;
    second.done(&job, 1).await;
    let answer = answer.await.expect("a task");
    assert_eq!((answer.status, &answer.body["rows"]), (200, &json!([{ "a": 1 }])));
}

#[tokio::test]
async fn a_lost_socket_that_nobody_replaces_is_502_with_retry_after() {
    let world = World::new().await;
    let mut runner = world.runner().await;
    let answer = world.send("query", &json!({}));
    runner.job().await;
    let since = std::time::Instant::now();
    runner.vanish();
    let answer = answer.await.expect("a task");
    assert_eq!((answer.status, &answer.body["code"]), (502, &json!("runner_failed")));
    assert!(answer.headers.contains_key("retry-after"));
    assert!(since.elapsed() < Duration::from_secs(2), "a caller must hear within two seconds");
}

#[tokio::test]
async fn a_lost_socket_after_rows_ends_the_answer_with_an_error_in_place_of_meta() {
    let world = World::new().await;
    let mut runner = world.runner().await;
    let answer = world.send("query", &json!({}));
    let job = runner.job().await;
    runner.chunk(&job, &json!([{ "a": 1 }])).await;
    runner.barrier().await;
    runner.vanish();
    let answer = answer.await.expect("a task");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["rows"], json!([{ "a": 1 }]));
    assert_eq!(answer.body["error"]["code"], "runner_failed");
    assert!(answer.body.get("meta").is_none());
}

#[tokio::test]
async fn a_deadline_is_504_and_the_runner_is_told_to_stop() {
    let world = World::new().await;
    let mut runner = world.runner().await;
    let answer = world.send("query", &json!({ "deadlineMs": 50 }));
    let job = runner.job().await;
    runner.expect_cancel(&job).await;
    let answer = answer.await.expect("a task");
    assert_eq!((answer.status, &answer.body["code"]), (504, &json!("QUERY_TIMEOUT")));
    assert_eq!(world.finished_jobs(1).await[0]["status"], "expired");
}

#[tokio::test]
async fn a_caller_that_goes_away_cancels_its_job() {
    let world = World::new().await;
    let mut runner = world.runner().await;
    let before_rows = world.send("query", &json!({}));
    let job = runner.job().await;
    before_rows.abort();
    runner.expect_cancel(&job).await;

    let request = world.job("query", &json!({})).header("accept", "application/x-ndjson");
    let response = tokio::spawn(request.send());
    let job = runner.job().await;
    runner.chunk(&job, &json!([{ "a": 1 }])).await;
    let mut response = response.await.expect("a task").expect("an answer");
    assert_eq!(response.chunk().await.expect("a piece").as_deref(), Some(&b"{\"a\":1}\n"[..]));
    drop(response);
    runner.expect_cancel(&job).await;
    let records = world.finished_jobs(2).await;
    assert!(records.iter().all(|record| record["status"] == "cancelled"), "{records:?}");
}

#[tokio::test]
async fn frames_for_jobs_that_a_runner_was_not_given_are_ignored() {
    let world = World::new().await;
    let (mut one, mut other) = (world.runner().await, world.runner().await);
    let answer = world.send("query", &json!({}));
    let (job, mut owner, mut stranger) = tokio::select! {
        job = one.job() => (job, one, other),
        job = other.job() => (job, other, one),
    };
    for id in [job.as_str(), "not-a-uuid", "0190b1a2-7c1e-7000-8000-000000000000"] {
        stranger.chunk(id, &json!([{ "forged": true }])).await;
        stranger.done(id, 1).await;
    }
    stranger.barrier().await;
    owner.chunk(&job, &json!([{ "a": 1 }])).await;
    owner.done(&job, 1).await;
    assert_eq!(answer.await.expect("a task").body["rows"], json!([{ "a": 1 }]));
}

#[tokio::test]
async fn a_malformed_frame_costs_only_its_job() {
    let world = World::new().await;
    let mut runner = world.runner().await;
    let (bad, good) = (world.send("query", &json!({})), world.send("query", &json!({})));
    let (first, second) = (runner.job().await, runner.job().await);
    runner.send(&json!({ "type": "chunk", "id": first, "rows": [], "total": "many" })).await;
    runner.expect_cancel(&first).await;
    runner.done(&second, 0).await;
    let mut statuses = [bad.await.expect("a task").status, good.await.expect("a task").status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 502]);
}

#[tokio::test]
async fn bad_requests_are_answered_in_json_with_what_is_wrong() {
    let world = World::new().await;
    let cases = [
        (world.job("query", &json!({ "limit": 1 })), 400, "INVALID_JOB"),
        (world.job("query", &json!({ "target": 7 })), 400, "INVALID_JOB"),
        (world.job("query", &json!([])), 400, "INVALID_JOB"),
        (world.job("explode", &json!({})), 404, "not_found"),
        (world.job("query", &json!({})).body("x".repeat((16 << 20) + 1)), 413, "body_too_large"),
        (world.http.post(world.url("/v1/sources/nowhere/query")).bearer_auth(&world.key), 404, "not_found"),
        (world.http.post(world.url("/v1/sources/primary/query")), 401, "unauthorized"),
        (world.http.post(world.url("/v1/sources/primary/query")).bearer_auth("sk_x"), 401, "unauthorized"),
        (
            world.http.post(world.url("/v1/sources/primary/query")).bearer_auth(&world.runner_token),
            403,
            "forbidden",
        ),
        (world.http.get(world.url("/v1/sources/primary/query")), 405, "method_not_allowed"),
        (world.http.get(world.url("/no/such/place")), 404, "not_found"),
        (world.http.get(world.url("/connect")), 400, "bad_upgrade"),
        (world.admin(reqwest::Method::POST, "/v1/sources/primary/query"), 403, "forbidden"),
    ];
    for (number, (request, status, code)) in cases.into_iter().enumerate() {
        let answer = crate::world::Answer::of(request.send().await.expect("an answer")).await;
        assert_eq!(
            (answer.status, &answer.body["code"]),
            (status, &json!(code)),
            "case {number}: {:?}",
            answer.body
        );
        assert!(answer.body["message"].is_string() && answer.body["error"].is_string());
    }
}

#[tokio::test]
async fn a_runner_that_says_it_is_draining_in_an_error_gets_no_further_job() {
    let world = World::new().await;
    let mut runner = world.runner().await;
    let answer = world.send("query", &json!({}));
    let job = runner.job().await;
    runner.error(&job, "RUNNER_DRAINING", true).await;
    assert_eq!(answer.await.expect("a task").status, 503);
    let answer = world.send("query", &json!({})).await.expect("a task");
    assert_eq!((answer.status, &answer.body["code"]), (503, &json!("no_runners_online")));
}

#[tokio::test]
async fn texts_without_end_are_cut() {
    let world = World::new().await;
    let mut runner = world.runner().await;
    let answer = world.send("query", &json!({}));
    let job = runner.job().await;
    let long = "é".repeat(1 << 20);
    runner.send(&json!({ "type": "error", "id": job, "code": long, "message": long })).await;
    let answer = answer.await.expect("a task");
    assert_eq!(answer.status, 502);
    assert!(answer.body["message"].as_str().expect("text").len() < 20_000);
    let record = &world.finished_jobs(1).await[0];
    assert!(record["errorMessage"].as_str().expect("text").chars().count() <= 1_024);
}
