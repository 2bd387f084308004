//! `/connect`: who is let in, and with which words the others are not.

use std::time::Duration;

use serde_json::json;
use sqlx::Connection as _;
use sqlx::sqlite::SqliteConnectOptions;

use crate::fake_runner::{FakeRunner, SOON};
use crate::world::{RUNNER, World};

#[tokio::test]
async fn both_forms_of_credentials_and_of_the_id_open_a_socket() {
    let world = World::new().await;
    for id in [world.runner_id.as_str(), RUNNER] {
        let mut header = FakeRunner::dial(&world, id, &world.runner_token).await;
        assert_eq!(header.response.headers()["x-semilayer-features"], "probe");
        header.hello(id, &["credit", "teleport"]).await;
        let ack = header.next().await;
        assert_eq!(ack["serverVersion"], 1);
        assert_eq!(ack["features"], json!(["credit"]));
        let source = &ack["assignedSources"][0];
        assert_eq!(source["name"], "primary");
        assert_eq!(source["bridge"], "@semilayer/bridge-postgres");
        assert_eq!(source["credentialsLocation"], "runner-local");

        let mut query = FakeRunner::dial_query(&world, id, &world.runner_token).await;
        query.hello(id, &[]).await;
        assert_eq!(query.next().await["type"], "hello-ack");
    }
}

#[tokio::test]
async fn a_refusal_says_which_of_id_and_token_is_wrong() {
    let world = World::new().await;
    let actor = world.actor();
    let other = world.gateway.administration().create_runner(&actor, "other").await.expect("a runner");
    let id = world.runner_id.clone();
    let refused = |id: String, token: String| {
        let world = &world;
        async move { FakeRunner::dial(world, &id, &token).await.closed().await }
    };
    let bad_token = (4401, "bad token".to_owned());
    assert_eq!(refused(id.clone(), "rk_default_nonsense".to_owned()).await, bad_token);
    assert_eq!(refused(id.clone(), String::new()).await, bad_token);
    assert_eq!(refused(id.clone(), world.key.clone()).await, bad_token, "a service key is no runner's token");
    let unknown = (4401, "unknown runner".to_owned());
    assert_eq!(refused("nobody".to_owned(), world.runner_token.clone()).await, unknown);
    assert_eq!(refused(id.clone(), other.token.reveal().to_owned()).await, unknown);

    let old = world.runner_token.clone();
    let new = world.gateway.administration().rotate_runner(&actor, RUNNER).await.expect("a rotation");
    assert_eq!(refused(id.clone(), old).await, bad_token, "a replaced token");
    world.gateway.administration().revoke_runner(&actor, RUNNER).await.expect("a revocation");
    assert_eq!(refused(id, new.token.reveal().to_owned()).await, (4401, "revoked".to_owned()));

    let audit = world.admin(reqwest::Method::GET, "/v1/audit?limit=1000").send().await.expect("an answer");
    let audit: serde_json::Value = audit.json().await.expect("JSON");
    let refusals = audit["entries"].as_array().expect("a list").iter();
    assert_eq!(refusals.filter(|entry| entry["action"] == "auth.refused").count(), 7);
    assert!(!audit.to_string().contains(&world.runner_token), "a token in the audit log");
}

#[tokio::test]
async fn revoking_or_rotating_closes_the_live_socket_at_once() {
    let world = World::new().await;
    let actor = world.actor();
    let mut runner = world.runner().await;
    let rotated = world.gateway.administration().rotate_runner(&actor, RUNNER).await.expect("a rotation");
    assert_eq!(runner.closed().await, (4401, "bad token".to_owned()));

    let mut runner = FakeRunner::dial(&world, RUNNER, rotated.token.reveal()).await;
    runner.hello(RUNNER, &[]).await;
    assert_eq!(runner.next().await["type"], "hello-ack");
    world.gateway.administration().revoke_runner(&actor, RUNNER).await.expect("a revocation");
    assert_eq!(runner.closed().await, (4401, "revoked".to_owned()));
}

#[tokio::test]
async fn a_socket_that_says_nothing_is_closed() {
    let world = World::with(|settings| settings.timings.hello = Duration::from_millis(50)).await;
    let mut silent = FakeRunner::dial(&world, RUNNER, &world.runner_token).await;
    let (code, reason) = silent.closed().await;
    assert_eq!(code, 4400);
    assert!(reason.starts_with("protocol error: no hello"), "{reason}");
}

#[tokio::test]
async fn a_runner_that_falls_silent_is_closed() {
    let world = World::with(|settings| settings.timings.dead_peer = Duration::from_millis(100)).await;
    // This client answers pings only while it is being read, and nothing is sent before the first 10 s are over.
    let mut runner = world.runner().await;
    assert_eq!(runner.closed().await, (4408, "heartbeat timeout".to_owned()));
}

#[tokio::test]
async fn what_is_not_the_protocol_is_closed_with_its_code() {
    let world = World::new().await;
    for text in ["not json", "[]", "{}", r#"{"type":"heartbeat"}"#, r#"{"type":"hello","version":"one"}"#] {
        let mut runner = FakeRunner::dial(&world, RUNNER, &world.runner_token).await;
        runner.send_text(text.to_owned()).await;
        assert_eq!(runner.closed().await.0, 4400, "{text}");
    }
    let mut later = FakeRunner::dial(&world, RUNNER, &world.runner_token).await;
    later.send(&json!({ "type": "hello", "version": 2, "runnerId": RUNNER })).await;
    assert_eq!(later.closed().await, (4409, "unsupported version".to_owned()));

    let mut other = FakeRunner::dial(&world, RUNNER, &world.runner_token).await;
    other.hello("someone-else", &[]).await;
    assert_eq!(other.closed().await.0, 4400);

    let mut broken = world.runner().await;
    broken.send_text("{\"type\":\"chunk\",".to_owned()).await;
    assert_eq!(broken.closed().await.0, 4400);
}

#[tokio::test]
async fn a_frame_over_the_limit_is_closed_with_1009() {
    let world = World::new().await;
    let mut runner = world.runner().await;
    runner.send_text(format!(r#"{{"type":"heartbeat","x":"{}"}}"#, "x".repeat(20 << 20))).await;
    assert_eq!(runner.closed().await.0, 1009);
}

#[tokio::test]
async fn unknown_frames_and_a_second_hello_are_ignored() {
    let world = World::new().await;
    let mut runner = world.runner().await;
    runner.send(&json!({ "type": "from-the-future", "x": 1 })).await;
    runner.hello(RUNNER, &[]).await;
    let answer = world.send("query", &json!({}));
    let job = runner.job().await;
    runner.done(&job, 0).await;
    assert_eq!(answer.await.expect("a task").status, 200);
}

#[tokio::test]
async fn a_probe_is_acknowledged_and_never_given_work() {
    let world = World::new().await;
    let _probe = FakeRunner::connect(&world, &["probe"]).await;
    let answer = world.send("query", &json!({})).await.expect("a task");
    assert_eq!((answer.status, &answer.body["code"]), (503, &json!("no_runners_online")));
    let overview = world.gateway.administration().runner_overview(RUNNER).await.expect("a runner");
    assert_eq!(overview.state.as_str(), "never connected");
}

#[tokio::test]
async fn an_assignment_made_or_taken_is_pushed_as_the_whole_set() {
    let world = World::new().await;
    let actor = world.actor();
    let mut runner = world.runner().await;
    let administration = world.gateway.administration();
    let second = semilayer_gateway::SourceRequest::runner_local("second", "sqlite");
    administration.connect_source(&actor, &second).await.expect("a source");
    administration.assign(&actor, RUNNER, "second").await.expect("an assignment");
    let names = |frame: &serde_json::Value| {
        let sources = frame["assignedSources"].as_array().expect("a list").iter();
        sources.map(|source| source["name"].as_str().expect("a name").to_owned()).collect::<Vec<_>>()
    };
    let frame = runner.next().await;
    assert_eq!(frame["type"], "assignments-changed");
    assert_eq!(names(&frame), ["primary", "second"]);
    administration.unassign(&actor, RUNNER, "primary").await.expect("a change");
    assert_eq!(names(&runner.next().await), ["second"]);
}

#[tokio::test]
async fn a_runner_that_takes_no_bytes_is_still_cut_off_at_once_when_it_is_revoked() {
    let world = World::new().await;
    // It never reads: its jobs' frames fill every buffer on the way to it.
    let _stuck = world.runner().await;
    let body = json!({ "options": { "pad": "x".repeat(8 << 20) } });
    let waiting = [world.send("query", &body), world.send("query", &body)];
    let administration = world.gateway.administration();
    loop {
        let overview = administration.runner_overview(RUNNER).await.expect("a runner");
        if overview.active_jobs == waiting.len() {
            break;
        }
        tokio::task::yield_now().await;
    }
    administration.revoke_runner(&world.actor(), RUNNER).await.expect("a revocation");
    for answer in waiting {
        let status = answer.await.expect("a task").status;
        assert!(matches!(status, 502 | 503), "{status}");
    }
    assert_eq!(administration.runner_overview(RUNNER).await.expect("a runner").sessions, 0);
}

#[tokio::test]
async fn a_session_that_cannot_be_opened_loses_its_jobs_and_its_row() {
    let mut file = std::path::PathBuf::new();
    let world = World::with(|settings| {
        let semilayer_gateway::Database::Sqlite(path) = &settings.database;
        file.clone_from(path);
    })
    .await;
    let mut database = sqlx::SqliteConnection::connect_with(&SqliteConnectOptions::new().filename(&file))
        .await
        .expect("the gateway's database");
    let mut first = world.runner().await;
    let mut second = FakeRunner::dial(&world, &world.runner_id, &world.runner_token).await;
    let answer = world.send("query", &json!({ "deadlineMs": 600_000 }));
    first.job().await;

    // A change makes the gateway forget the keys it knew, so that it has to read them again.
    let request = semilayer_gateway::KeyRequest { kind: "sk".to_owned(), name: None };
    world.gateway.administration().create_key(&world.actor(), &request).await.expect("a key");
    sqlx::query("ALTER TABLE api_keys RENAME TO lost_keys").execute(&mut database).await.expect("a change");

    // The job of the lost socket waits for the one that now says hello.
    first.vanish();
    second.hello(&world.runner_id, &["credit"]).await;
    assert_eq!(second.closed().await, (1011, "the gateway's database failed".to_owned()));
    let answer = tokio::time::timeout(SOON, answer).await.expect("no wait for the deadline").expect("a task");
    assert_eq!((answer.status, &answer.body["code"]), (502, &json!("runner_failed")));
    let none_left = async {
        loop {
            let left: i64 = sqlx::query_scalar("SELECT count(*) FROM runner_sessions")
                .fetch_one(&mut database)
                .await
                .expect("a count");
            if left == 0 {
                return;
            }
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(SOON, none_left).await.expect("no row of a session that is gone");
}
