//! Who may connect, and how it is known.

use std::time::Duration;

use e2e_tests::{Gateway, GatewayOptions, Identity, LIMIT, Runner, RunnerOptions};
use reqwest::{Method, StatusCode};
use serde_json::json;
use test_servers::{Exit, ServerCertificate};

use crate::Stack;

#[tokio::test]
async fn wrong_credentials_are_named_and_end_the_runner_with_4() {
    let gateway = Gateway::start(GatewayOptions::default()).await.unwrap();
    let known = gateway.runner("known").await.unwrap();
    let revoked = gateway.runner("revoked").await.unwrap();
    gateway.admin(Method::POST, &format!("/v1/runners/{}/revoke", revoked.id), None).await.unwrap();
    let once = RunnerOptions::default().set("SEMILAYER_AUTH_ATTEMPTS", "1");
    let wrong = Identity { token: known.token.replace("rk_default_", "rk_default_X"), ..known.clone() };
    let unknown = Identity { id: "0198a1b2-0000-7000-8000-000000000000".to_owned(), ..known.clone() };
    for (identity, reason) in [(wrong, "bad token"), (unknown, "unknown runner"), (revoked, "revoked")] {
        let runner = Runner::spawn(&gateway, &identity, &once).unwrap();
        assert_eq!(runner.process().wait(LIMIT).await.unwrap(), Exit::Code(4), "{reason}");
        let said: Vec<String> = runner.process().lines().into_iter().map(|line| line.text).collect();
        let said = said.join("\n");
        assert!(said.contains(reason), "{reason}: {said}");
        assert!(!said.contains(&identity.token), "the token was printed");
    }
}

#[tokio::test]
async fn a_revoked_runner_is_closed_at_once() {
    let stack = Stack::start().await;
    stack
        .gateway
        .admin(Method::POST, &format!("/v1/runners/{}/revoke", stack.identity.id), None)
        .await
        .unwrap();
    let limit = Duration::from_secs(5);
    stack.runner.process().wait_for_line("revoked", limit).await.unwrap();
    let answer = stack.caller.ask("direct", "test", &json!({})).await.unwrap();
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE, "{}", answer.body);
}

#[tokio::test]
async fn a_token_given_to_the_wrong_door_opens_nothing() {
    let stack = Stack::start().await;
    for (token, status) in [
        ("", StatusCode::UNAUTHORIZED),
        ("sk_production_wrong", StatusCode::UNAUTHORIZED),
        (stack.identity.token.as_str(), StatusCode::FORBIDDEN),
    ] {
        let answer = stack.caller.with_token(token).ask("direct", "test", &json!({})).await.unwrap();
        assert_eq!(answer.status, status, "{}", answer.body);
    }
}

#[tokio::test]
async fn tls_is_verified_before_anything_is_said() {
    let gateway =
        Gateway::start(GatewayOptions { tls: Some(ServerCertificate::Good), ..GatewayOptions::default() })
            .await
            .unwrap();
    let identity = gateway.runner("first").await.unwrap();
    let trusting = RunnerOptions::default().set("NODE_EXTRA_CA_CERTS", gateway.authority());
    let _runner = Runner::start(&gateway, &identity, &trusting).await.unwrap();
    let doubting = Runner::spawn(&gateway, &identity, &RunnerOptions::default()).unwrap();
    let line = doubting.process().wait_for_line("disconnected", LIMIT).await.unwrap();
    let said = doubting.process().lines().into_iter().map(|line| line.text).collect::<Vec<_>>().join("\n");
    assert!(said.contains("issuer") || said.contains("authority"), "{line}\n{said}");
    assert!(doubting.process().exit().is_none(), "it keeps trying");
}
