//! Logins, hosts that are not allowed, servers that are too old.

use component_tests::Opening;
use connector_api::{CallContext, OpenContext};
use connector_model::config::{Config, Origin};
use connector_model::error::ErrorCode;
use dial::AddressFilter;
use serde_json::json;
use test_servers::{APP_PASSWORD, APP_USER, OldClickHouse, free_port};

use crate::{Fixture, module, query};

const TABLE: [&str; 2] =
    ["CREATE TABLE t (id Int64) ENGINE = MergeTree ORDER BY id", "INSERT INTO t VALUES (1), (2)"];

#[tokio::test]
async fn the_password_opens_the_server_and_no_other_does() {
    let fixture = Fixture::with(&TABLE).await;
    let mut session = fixture.session().await;
    let info = session.ping(&CallContext::within(component_tests::open::LIMIT)).await.unwrap();
    assert_eq!(info.product, "ClickHouse");
    assert!(info.version.starts_with("26."), "{}", info.version);
    for settings in
        [&[("password", "wrong")][..], &[("username", "nobody")], &[("user", "a:b"), ("pass", "c")]]
    {
        let error = fixture.session_with(settings).await.err().unwrap();
        assert_eq!(error.code(), ErrorCode::SourceAuthFailed, "{error}");
        assert!(error.message().contains("`password`") && error.message().contains("516"), "{error}");
        assert!(!error.to_string().contains("wrong") && !error.to_string().contains(APP_PASSWORD), "{error}");
    }
}

#[tokio::test]
async fn fields_say_where_as_a_url_does() {
    let fixture = Fixture::with(&TABLE).await;
    let port = fixture.server.port().to_string();
    let settings = [
        ("host", "127.0.0.1"),
        ("port", port.as_str()),
        ("database", APP_USER),
        ("username", APP_USER),
        ("password", APP_PASSWORD),
    ];
    let connector = &*fixture.module.connector;
    let mut session = Opening::default().session(connector, &settings).await.unwrap();
    assert_eq!(query(&mut *session, "t", json!({})).await.unwrap().rows.len(), 2);
    let mut session = fixture.session_with(&[("database", "default")]).await.unwrap();
    assert_eq!(query(&mut *session, "app.t", json!({})).await.unwrap().rows.len(), 2);
    let error = query(&mut *session, "app.tt", json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidTarget);
    assert!(error.message().contains("app.t"), "{error}");
    let error = fixture.session_with(&[("database", "nowhere")]).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::SourceNotConfigured, "{error}");
    assert!(error.message().contains("`database`"), "{error}");
}

#[tokio::test]
async fn a_profile_that_refuses_settings_is_told_what_would_do() {
    let fixture = Fixture::with(&TABLE).await;
    let connector = &*fixture.module.connector;
    let url = fixture.server.url_without_settings();
    let mut session = Opening::default().session(connector, &[("url", &url)]).await.unwrap();
    let error = query(&mut *session, "t", json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceQueryFailed, "{error}");
    assert!(error.message().contains("readonly = 2"), "{error}");
}

#[tokio::test]
async fn a_host_that_the_rules_refuse_is_never_asked() {
    let fixture = Fixture::plain().await;
    let connector = &*fixture.module.connector;
    // The gateway names the host, and nobody allowed addresses of this machine.
    let config =
        Config::from_texts(connector.manifest(), Origin::Managed, [("url", &*fixture.server.url())]).unwrap();
    let cx = OpenContext { filter: AddressFilter::guarded([]), ..Opening::default().context().unwrap() };
    let error = connector.source(config).unwrap().open(&cx).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::PolicyDenied, "{error}");
}

#[tokio::test]
async fn nobody_at_the_port_is_unreachable() {
    let module = module().await;
    let url = format!("http://127.0.0.1:{}", free_port().unwrap());
    let error = Opening::default().session(&*module.connector, &[("url", &url)]).await.err().unwrap();
    let found = (error.code(), &error.detail()["stage"], &error.detail()["kind"]);
    assert_eq!(found, (ErrorCode::SourceUnreachable, &json!("tcp"), &json!("refused")), "{error}");
}

#[tokio::test]
async fn an_old_server_refuses_a_login_in_its_own_words_and_is_refused_itself() {
    let server = OldClickHouse::start().await.unwrap();
    let module = module().await;
    let connector = &*module.connector;
    let url = server.url();
    let wrong = Opening::default().session(connector, &[("url", &url), ("password", "wrong")]).await;
    let error = wrong.err().unwrap();
    assert_eq!(error.code(), ErrorCode::SourceAuthFailed, "{error}");
    assert!(error.message().contains("193"), "{error}");
    let error = Opening::default().session(connector, &[("url", &url)]).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::UnsupportedJob, "{error}");
    assert!(error.message().contains("18.16"), "{error}");
    server.kill().await.unwrap();
    let error = Opening::default().session(connector, &[("url", &url)]).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{error}");
}
