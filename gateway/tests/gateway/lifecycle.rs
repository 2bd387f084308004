//! Starting, stopping, and starting again on the same database.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use semilayer_gateway::{Actor, Settings, StartError, start};
use serde_json::json;

use crate::world::{RUNNER, World};

#[tokio::test]
async fn stopping_lets_jobs_finish_takes_no_more_and_closes_sockets_with_4503() {
    let world = World::new().await;
    let mut runner = world.runner().await;
    let answer = world.send("query", &json!({}));
    let job = runner.job().await;
    let (http, url, key) = (world.http.clone(), world.url("/v1/sources/primary/query"), world.key.clone());
    let ready = world.url("/readyz");
    let stopping = tokio::spawn(world.gateway.stop());
    loop {
        let status = http.get(&ready).send().await.expect("an answer").status();
        if status == 503 {
            break;
        }
    }
    let refused = http.post(url).bearer_auth(key).send().await.expect("an answer");
    assert_eq!(refused.status(), 503);
    assert!(refused.text().await.expect("a body").contains("gateway_draining"));
    runner.chunk(&job, &json!([{ "a": 1 }])).await;
    runner.done(&job, 1).await;
    assert_eq!(answer.await.expect("a task").body["rows"], json!([{ "a": 1 }]));
    assert_eq!(runner.closed().await, (4503, "draining".to_owned()));
    stopping.await.expect("a stop");
}

#[tokio::test]
async fn stopping_waits_for_jobs_no_longer_than_its_drain_time() {
    let world = World::with(|settings| settings.timings.drain = Duration::from_millis(100)).await;
    let mut runner = world.runner().await;
    let answer = world.send("query", &json!({}));
    runner.job().await;
    let stopping = tokio::spawn(world.gateway.stop());
    assert_eq!(runner.closed().await, (4503, "draining".to_owned()));
    assert_eq!(answer.await.expect("a task").status, 502);
    stopping.await.expect("a stop");
}

#[tokio::test]
async fn what_was_made_is_there_after_a_restart_and_the_first_token_still_opens() {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("gateway.db");
    let first = start(Settings::local(&path)).await.expect("a gateway");
    let token = first.admin_token().expect("a first start makes a token").expose_secret().to_owned();
    first.administration().create_runner(&Actor("test".to_owned()), RUNNER).await.expect("a runner");
    assert!(matches!(start(Settings::local(&path)).await, Err(StartError::Store(_))), "two on one file");
    first.stop().await;

    let second = start(Settings::local(&path)).await.expect("a gateway");
    assert!(second.admin_token().is_none(), "a token is made once");
    let url = format!("http://{}/v1/runners", second.address());
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let runners: serde_json::Value = reqwest::Client::new()
        .get(url)
        .bearer_auth(token)
        .send()
        .await
        .expect("an answer")
        .json()
        .await
        .expect("JSON");
    assert_eq!(runners["runners"][0]["name"], RUNNER);
    assert_eq!(runners["runners"][0]["state"], "never connected");
    second.stop().await;
}

#[tokio::test]
async fn a_given_admin_token_opens_and_no_other_is_made() {
    let world_token = SecretString::from("a-token-of-the-operator".to_owned());
    let directory = tempfile::tempdir().expect("a directory");
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let mut settings = Settings::local(directory.path().join("gateway.db"));
    settings.admin_token = Some(world_token.clone());
    let gateway = start(settings).await.expect("a gateway");
    let url = format!("http://{}/v1/keys", gateway.address());
    let http = reqwest::Client::new();
    let answer = http.get(&url).bearer_auth(world_token.expose_secret()).send().await.expect("an answer");
    let keys: serde_json::Value = answer.json().await.expect("JSON");
    assert_eq!(keys["keys"], json!([]));
    assert_eq!(http.get(&url).bearer_auth("another").send().await.expect("an answer").status(), 401);
    gateway.stop().await;
}
