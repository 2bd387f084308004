//! Tokens that are none, certificates that are none, and a service that fails.

use std::time::{Duration, Instant};

use component_tests::{job, job::job_within};
use connector_api::CallContext;
use connector_model::config::{Config, Origin};
use connector_model::error::ErrorCode;
use connector_model::request::Kind;
use serde_json::json;
use test_servers::{ServerCertificate, UpstashFault, UpstashOptions};

use crate::{Fixture, run};

#[tokio::test]
async fn a_wrong_token_is_refused_and_a_reading_one_is_told_what_it_lacks() {
    let fixture = Fixture::start(UpstashOptions::default()).await;
    run(&mut fixture.admin().await, &["SET t:1 {}"]).await;
    let error = fixture.session_with("hunter2").await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::SourceAuthFailed, "{error}");
    assert!(error.message().contains("token") && !error.message().contains("hunter2"), "{error}");
    let mut session = fixture.session_with("reading").await.unwrap();
    let error = job(&mut *session, Kind::Read, "t", &json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceQueryFailed, "{error}");
    assert!(error.message().contains("read-only token"), "{error}");
}

#[tokio::test]
async fn a_service_that_fails_says_whether_it_may_pass() {
    let fixture = Fixture::start(UpstashOptions::default()).await;
    run(&mut fixture.admin().await, &["SET t:1 {}"]).await;
    let limit = r#"{"error": "ERR max daily request limit exceeded"}"#.to_owned();
    for (fault, code, retryable, part) in [
        (UpstashFault::Answer(429, limit), ErrorCode::SourceQueryFailed, true, "daily request limit"),
        (UpstashFault::Answer(503, "<html>".to_owned()), ErrorCode::SourceQueryFailed, true, "503"),
        (UpstashFault::Answer(200, "<html>".to_owned()), ErrorCode::SourceQueryFailed, false, "REST URL"),
        (UpstashFault::Answer(401, "{}".to_owned()), ErrorCode::SourceAuthFailed, false, "token"),
        (UpstashFault::BreakOff, ErrorCode::SourceUnreachable, true, ""),
    ] {
        fixture.server.set_fault(None);
        let mut session = fixture.session().await;
        fixture.server.set_fault(Some(fault.clone()));
        let error = job(&mut *session, Kind::Read, "t", &json!({})).await.unwrap_err();
        assert_eq!((error.code(), error.retryable()), (code, retryable), "{fault:?}: {error}");
        assert!(error.message().contains(part), "{error}");
    }
}

#[tokio::test]
async fn a_service_that_is_silent_does_not_outlast_the_deadline() {
    let fixture = Fixture::start(UpstashOptions::default()).await;
    run(&mut fixture.admin().await, &["SET t:1 {}"]).await;
    let mut session = fixture.session().await;
    fixture.server.set_fault(Some(UpstashFault::Silence));
    let began = Instant::now();
    let cx = CallContext::within(Duration::from_millis(300));
    let error = job_within(&mut *session, Kind::Read, "t", &json!({}), &cx).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::QueryTimeout, "{error}");
    assert!(began.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn a_redis_killed_behind_the_service_and_a_service_that_is_gone_are_told_apart_from_rows() {
    let fixture = Fixture::start(UpstashOptions::default()).await;
    run(&mut fixture.admin().await, &["SET t:1 {}"]).await;
    let mut session = fixture.session().await;
    fixture.server.redis().kill().await.unwrap();
    let error = job(&mut *session, Kind::Read, "t", &json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{error}");
    assert!(error.retryable());
}

#[tokio::test]
async fn the_certificate_and_the_grant_are_checked() {
    for which in [ServerCertificate::WrongName, ServerCertificate::UnknownAuthority] {
        let fixture = Fixture::start(UpstashOptions { tls: Some(which), ..UpstashOptions::default() }).await;
        let error = fixture.session_with(fixture.server.token()).await.err().unwrap();
        assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{which:?}: {error}");
        assert!(error.message().to_lowercase().contains("certificate"), "{which:?}: {error}");
    }
    let fixture = Fixture::start(UpstashOptions::default()).await;
    let url = fixture.server.url();
    let settings = [("url", url.as_str()), ("token", fixture.server.token())];
    // A gateway configured it: loopback is not for it to name.
    let config = Config::from_texts(fixture.module.connector.manifest(), Origin::Managed, settings).unwrap();
    let source = fixture.module.connector.source(config).unwrap();
    let error = source.open(&fixture.opening.context().unwrap()).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::PolicyDenied, "{error}");
}
