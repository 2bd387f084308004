//! Tokens, certificates, URLs, hosts that are not allowed.

use component_tests::{Opening, source};
use connector_api::{CallContext, OpenContext};
use connector_model::config::{Config, Origin};
use connector_model::error::ErrorCode;
use dial::AddressFilter;
use serde_json::json;
use test_servers::{ServerCertificate, TursoFault, TursoOptions};

use crate::{Fixture, query, warm_session};

const TABLE: [&str; 2] = ["CREATE TABLE t (id INTEGER PRIMARY KEY)", "INSERT INTO t VALUES (1), (2)"];

#[tokio::test]
async fn the_token_opens_the_database_and_no_other_does() {
    let options =
        TursoOptions { token: Some("eyJ.good.one".into()), keeps_streams: true, ..TursoOptions::default() };
    let fixture = Fixture::start(options).await;
    fixture.server.execute(&TABLE).await.unwrap();
    let in_url = format!("{}?authToken=eyJ.good.one", fixture.server.url());
    for settings in [&[("authToken", "eyJ.good.one")][..], &[("token", "eyJ.good.one")]] {
        let mut session = fixture.session_with(settings).await.unwrap();
        assert_eq!(query(&mut *session, "t", json!({})).await.unwrap().rows.len(), 2);
    }
    let connector = &*fixture.module.connector;
    fixture.opening.session(connector, &[("url", &in_url)]).await.unwrap();
    for settings in [&[][..], &[("authToken", "eyJ.bad.one")]] {
        let error = fixture.session_with(settings).await.err().unwrap();
        assert_eq!(error.code(), ErrorCode::SourceAuthFailed, "{error}");
        assert!(error.message().contains("The JWT is invalid") && error.message().contains("`authToken`"));
        assert!(!error.to_string().contains("bad"), "{error}");
    }
    let sent = fixture.server.requests();
    assert!(sent.iter().all(|request| !request.body.contains("eyJ") && request.path == "/v2/pipeline"));
}

#[tokio::test]
async fn a_token_that_is_withdrawn_ends_the_next_job() {
    let fixture = Fixture::with(&TABLE).await;
    for status in [401, 403] {
        fixture.server.set_fault(None);
        let mut session = warm_session(&fixture, "t").await;
        fixture.server.set_fault(Some(TursoFault::Status(status, String::new())));
        let error = query(&mut *session, "t", json!({})).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::SourceAuthFailed, "{error}");
        assert!(!session.reusable(), "a session without credentials may not serve again");
    }
}

#[tokio::test]
async fn a_certificate_is_checked_against_the_authority_and_the_name() {
    let tls = |which| TursoOptions { tls: Some(which), keeps_streams: true, ..TursoOptions::default() };
    let fixture = Fixture::start(tls(ServerCertificate::Good)).await;
    fixture.server.execute(&TABLE).await.unwrap();
    let libsql = fixture.server.url().replace("https://", "libsql://");
    let connector = &*fixture.module.connector;
    let mut session = fixture.opening.session(connector, &[("url", &libsql)]).await.unwrap();
    assert_eq!(query(&mut *session, "t", json!({})).await.unwrap().rows.len(), 2);

    let stranger = Opening::default().session(connector, &[("url", &libsql)]).await.err().unwrap();
    let found = (stranger.code(), &stranger.detail()["stage"], &stranger.detail()["kind"]);
    let unknown = json!("certificate_unknown_issuer");
    assert_eq!(found, (ErrorCode::SourceUnreachable, &json!("tls"), &unknown), "{stranger}");
    let plain = libsql.replace("libsql://", "http://");
    let error = fixture.opening.session(connector, &[("url", &plain)]).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{error}");

    for (certificate, kind) in [
        (ServerCertificate::WrongName, "certificate_name_mismatch"),
        (ServerCertificate::Expired, "certificate_expired"),
        (ServerCertificate::UnknownAuthority, "certificate_unknown_issuer"),
    ] {
        let fixture = Fixture::start(tls(certificate)).await;
        let error = fixture.session_with(&[]).await.err().unwrap();
        assert_eq!(
            (error.code(), &error.detail()["kind"]),
            (ErrorCode::SourceUnreachable, &json!(kind)),
            "{error}"
        );
    }
}

#[tokio::test]
async fn a_host_that_the_rules_refuse_is_never_asked() {
    let fixture = Fixture::plain().await;
    let connector = &*fixture.module.connector;
    // The gateway names the host, and nobody allowed addresses of this machine.
    let config =
        Config::from_texts(connector.manifest(), Origin::Managed, [("url", &*fixture.server.url())]).unwrap();
    let cx = OpenContext { filter: AddressFilter::guarded([]), ..fixture.opening.context().unwrap() };
    let error = connector.source(config).unwrap().open(&cx).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::PolicyDenied, "{error}");
    assert!(fixture.server.requests().is_empty());
}

#[tokio::test]
async fn a_wrong_setting_is_named_and_a_wrong_place_too() {
    let fixture = Fixture::plain().await;
    let connector = &*fixture.module.connector;
    let cx = fixture.opening.context().unwrap();
    for (settings, setting) in [
        (&[("url", "libsql://user:hunter2@db.turso.io")][..], "url"),
        (&[("url", "libsql://db.turso.io?hunter2=1")], "url"),
        (&[("url", "libsql://db.turso.io"), ("authToken", "hunter2\u{7}")], "authToken"),
        (&[("url", "libsql://db.turso.io"), ("binary", "hunter2")], "binary"),
    ] {
        let error = source(connector, settings).unwrap().open(&cx).await.err().unwrap();
        assert_eq!(error.code(), ErrorCode::SourceNotConfigured, "{error}");
        assert_eq!(error.detail()["setting"], setting, "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    let elsewhere = format!("{}/not/there", fixture.server.url());
    let error = fixture.opening.session(connector, &[("url", &elsewhere)]).await.err().unwrap();
    assert_eq!(
        (error.code(), &error.detail()["setting"]),
        (ErrorCode::SourceNotConfigured, &json!("url")),
        "{error}"
    );
    assert_eq!(fixture.server.requests()[0].path, "/not/there/v2/pipeline");
}

#[tokio::test]
async fn a_server_that_keeps_no_streams_is_asked_once_too_often() {
    let fixture = Fixture::plain().await;
    fixture.server.execute(&TABLE).await.unwrap();
    let bare = fixture.server.bare_url();
    let mut session = fixture.opening.session(&*fixture.module.connector, &[("url", &bare)]).await.unwrap();
    let info = session.ping(&CallContext::within(component_tests::open::LIMIT)).await.unwrap();
    assert_eq!((info.product.as_str(), info.version.starts_with("SQLite 3.")), ("Turso", true));
    assert_eq!(
        query(&mut *session, "t", json!({})).await.unwrap().rows,
        [json!({"id": 1}), json!({"id": 2})]
    );
}
