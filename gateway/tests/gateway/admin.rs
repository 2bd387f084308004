//! The admin API, its page, and the command that is a client of both.

use clap::Parser as _;
use secrecy::ExposeSecret as _;
use semilayer_gateway::{Command, Environment, Exit, run};
use serde_json::{Value, json};

use crate::fake_runner::FakeRunner;
use crate::world::{Answer, World};

/// Runs `semilayer-gateway admin …` against the world's gateway.
async fn admin(world: &World, arguments: &[&str]) -> (Exit, String, String) {
    let token = world.gateway.admin_token().expect("a first start").expose_secret();
    let environment =
        Environment::from([("GATEWAY_URL", world.url("").as_str()), ("GATEWAY_ADMIN_TOKEN", token)]);
    let command = Command::parse_from(["semilayer-gateway", "admin"].iter().chain(arguments));
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let exit = run(command, &environment, &mut out, &mut err).await;
    (exit, String::from_utf8(out).expect("text"), String::from_utf8(err).expect("text"))
}

#[tokio::test]
async fn the_command_makes_a_runner_a_source_and_a_key_that_work() {
    let world = World::new().await;
    let (exit, printed, _) = admin(&world, &["runners", "create", "west"]).await;
    assert_eq!(exit, Exit::Success);
    let value = |name: &str| {
        let line = printed.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        line.unwrap_or_else(|| panic!("no {name} in {printed}")).to_owned()
    };
    assert_eq!(value("SEMILAYER_GATEWAY_URL"), world.gateway.connect_url());
    assert_eq!(admin(&world, &["sources", "connect", "db", "--bridge", "postgres"]).await.0, Exit::Success);
    let (_, printed_assignment, _) = admin(&world, &["runners", "assign", "west", "db"]).await;
    assert_eq!(printed_assignment, "runner west serves: db\n");
    let (_, key, _) = admin(&world, &["keys", "create", "--json"]).await;
    let key: Value = serde_json::from_str(&key).expect("JSON");

    let mut runner =
        FakeRunner::dial(&world, &value("SEMILAYER_RUNNER_ID"), &value("SEMILAYER_RUNNER_TOKEN")).await;
    runner.hello("west", &[]).await;
    assert_eq!(runner.next().await["assignedSources"][0]["name"], "db");
    let request =
        world.http.post(world.url("/v1/sources/db/test")).bearer_auth(key["token"].as_str().expect("text"));
    let answer = tokio::spawn(request.send());
    let job = runner.job().await;
    runner.done(&job, 0).await;
    assert_eq!(answer.await.expect("a task").expect("an answer").status(), 200);

    let (_, list, _) = admin(&world, &["runners", "list"]).await;
    let line = list.lines().find(|line| line.starts_with("west")).expect("a line");
    assert!(line.contains("online") && line.contains("0.0.0-test") && line.contains("db"), "{list}");
    world.finished_jobs(1).await;
    let (_, jobs, _) = admin(&world, &["jobs", "--runner", "west", "--since", "1h", "--json"]).await;
    let jobs: Value = serde_json::from_str(&jobs).expect("JSON");
    assert_eq!(jobs["jobs"][0]["kind"], "test");
    let (_, audit, _) = admin(&world, &["audit", "--runner", "west", "--since", "1h"]).await;
    assert!(audit.contains("runner.create") && audit.contains("runner.assign"), "{audit}");

    let id = key["key"]["id"].as_str().expect("an id");
    assert_eq!(admin(&world, &["keys", "revoke", id]).await.0, Exit::Success);
    let revoked =
        world.http.post(world.url("/v1/sources/db/test")).bearer_auth(key["token"].as_str().expect("text"));
    assert_eq!(revoked.send().await.expect("an answer").status(), 401, "a revoked key is refused at once");
}

#[tokio::test]
async fn the_command_says_what_was_refused_and_exits_1_and_2_without_its_variables() {
    let world = World::new().await;
    let (exit, out, err) = admin(&world, &["runners", "create", "edge"]).await;
    assert_eq!((exit, out.as_str()), (Exit::Failure, ""));
    assert_eq!(err, "error: there is already a runner with this name (HTTP 409, conflict)\n");
    let (exit, _, err) = admin(&world, &["runners", "revoke", "nobody"]).await;
    assert_eq!(
        (exit, err.as_str()),
        (Exit::Failure, "error: there is no runner `nobody` (HTTP 404, not_found)\n")
    );

    let command = Command::parse_from(["semilayer-gateway", "admin", "keys", "list"]);
    let mut err = Vec::new();
    let exit = run(command, &Environment::default(), &mut Vec::new(), &mut err).await;
    assert_eq!(exit, Exit::Configuration);
    assert!(String::from_utf8_lossy(&err).contains("GATEWAY_ADMIN_TOKEN is required"));
    let command = Command::parse_from(["semilayer-gateway", "serve"]);
    let mut err = Vec::new();
    let exit = run(command, &Environment::default(), &mut Vec::new(), &mut err).await;
    assert_eq!(exit, Exit::Configuration);
    assert!(String::from_utf8_lossy(&err).starts_with("DATABASE_URL is required\n"));
}

#[tokio::test]
async fn every_admin_route_needs_an_admin_token() {
    let world = World::new().await;
    for path in ["/v1/runners", "/v1/runners/edge", "/v1/sources", "/v1/keys", "/v1/jobs", "/v1/audit"] {
        assert_eq!(world.http.get(world.url(path)).send().await.expect("an answer").status(), 401, "{path}");
        for token in [&world.key, &world.runner_token] {
            let answer = world.http.get(world.url(path)).bearer_auth(token).send().await.expect("an answer");
            assert_eq!(answer.status(), 403, "{path}");
        }
        let answer = world.admin(reqwest::Method::GET, path).send().await.expect("an answer");
        assert_eq!(answer.status(), 200, "{path}");
    }
}

#[tokio::test]
async fn bad_changes_are_refused_with_the_field() {
    let world = World::new().await;
    let post = |path: &str, body: Value| {
        let request = world.admin(reqwest::Method::POST, path).body(body.to_string());
        async move { Answer::of(request.send().await.expect("an answer")).await }
    };
    for (path, body, status, says) in [
        ("/v1/runners", json!({ "name": "a b" }), 400, "name"),
        ("/v1/runners", json!({}), 400, "name"),
        ("/v1/runners", json!({ "name": "x", "colour": 1 }), 400, "colour"),
        ("/v1/sources", json!({ "name": "x", "bridge": "a b" }), 400, "bridge"),
        (
            "/v1/sources",
            json!({ "name": "x", "bridge": "b", "credentialsLocation": "managed" }),
            400,
            "runner-local",
        ),
        ("/v1/sources", json!({ "name": "primary", "bridge": "b" }), 409, "source"),
        ("/v1/keys", json!({ "kind": "rk" }), 400, "kind"),
        ("/v1/runners/edge/assignments", json!({ "source": "nowhere" }), 404, "nowhere"),
    ] {
        let answer = post(path, body).await;
        assert_eq!(answer.status, status, "{path} {:?}", answer.body);
        assert!(answer.body["message"].as_str().expect("text").contains(says), "{:?}", answer.body);
    }
    let big = world.admin(reqwest::Method::POST, "/v1/runners").body("x".repeat((1 << 20) + 1));
    assert_eq!(big.send().await.expect("an answer").status(), 413);
}

#[tokio::test]
async fn jobs_of_one_second_differ_in_the_eight_digits_that_logs_show_and_are_listed_in_pages() {
    let world = World::new().await;
    let mut runner = world.runner().await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        let answer = world.send("query", &json!({}));
        let job = runner.job().await;
        runner.done(&job, 0).await;
        assert_eq!(answer.await.expect("a task").status, 200);
        ids.push(job);
    }
    let shown: std::collections::BTreeSet<&str> = ids.iter().map(|id| &id[..8]).collect();
    assert_eq!(shown.len(), ids.len(), "{ids:?}");
    world.finished_jobs(5).await;

    let (mut listed, mut cursor) = (Vec::new(), String::new());
    loop {
        let path = format!("/v1/jobs?limit=2{cursor}");
        let answer = world.admin(reqwest::Method::GET, &path).send().await.expect("an answer");
        let body = Answer::of(answer).await.body;
        let page = body["jobs"].as_array().expect("a list");
        listed.extend(page.iter().map(|job| job["id"].as_str().expect("an id").to_owned()));
        let Some(next) = body["nextCursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    ids.reverse();
    assert_eq!(listed, ids, "newest first, each once");

    let answer = world.admin(reqwest::Method::GET, "/v1/jobs?cursor=7").send().await.expect("an answer");
    let answer = Answer::of(answer).await;
    assert_eq!(answer.status, 400);
    assert!(answer.body["message"].as_str().expect("text").contains("nextCursor"), "{:?}", answer.body);
}

#[tokio::test]
async fn an_address_that_is_refused_too_often_is_told_to_wait_and_good_tokens_still_pass() {
    let world = World::new().await;
    let mut last = 401;
    for _ in 0..40 {
        let answer =
            world.http.get(world.url("/v1/runners")).bearer_auth("guess").send().await.expect("an answer");
        last = answer.status().as_u16();
    }
    assert_eq!(last, 429);
    let answer = world.admin(reqwest::Method::GET, "/v1/runners").send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
}

#[tokio::test]
async fn the_page_shows_the_runners_to_whoever_has_the_admin_token() {
    let world = World::new().await;
    let _runner = world.runner().await;
    let answer = world.http.get(world.url("/")).send().await.expect("an answer");
    assert_eq!(answer.status(), 401);
    assert!(answer.headers()["www-authenticate"].to_str().expect("text").starts_with("Basic "));
    let token = world.gateway.admin_token().expect("a first start").expose_secret();
    let answer =
        world.http.get(world.url("/")).basic_auth("anyone", Some(token)).send().await.expect("an answer");
    assert_eq!(answer.status(), 200);
    let policy = answer.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let html = answer.text().await.expect("a page");
    assert!(html.contains("edge") && html.contains(r#"<span class="pill online">online</span>"#), "{html}");
    assert!(!html.contains("<script"));
}
