//! Credentials, TLS, databases, and who is let in.

use component_tests::job;
use connector_model::config::{Config, Origin};
use connector_model::error::ErrorCode;
use connector_model::request::Kind;
use serde_json::{Value, json};
use test_servers::{APP_PASSWORD, Redis, RedisOptions, ServerCertificate};

use crate::{Fixture, run};

/// The keys of a target's rows.
async fn keys(fixture: &Fixture, settings: &[(&str, &str)], target: &str) -> Vec<Value> {
    let mut session = fixture.session_with(settings).await.unwrap();
    let answer = job(&mut *session, Kind::Read, target, &json!({})).await.unwrap();
    answer.rows.into_iter().map(|row| row["_key"].clone()).collect()
}

#[tokio::test]
async fn every_login_that_the_server_knows_works() {
    let fixture = Fixture::plain().await;
    let mut admin = fixture.admin().await;
    run(&mut admin, &["SET t:0 {}", "SELECT 3", "SET t:3 {}"]).await;
    let port = fixture.server.port().to_string();
    for (settings, key) in [
        (vec![], "t:0"),
        (vec![("db", "3")], "t:3"),
        // The password alone is the default user's.
        (
            vec![
                ("url", ""),
                ("host", "localhost"),
                ("port", &port),
                ("password", APP_PASSWORD),
                ("db", "3"),
            ],
            "t:3",
        ),
    ] {
        let settings: Vec<(&str, &str)> =
            settings.into_iter().filter(|(_, value)| !value.is_empty()).collect();
        let found = match settings.iter().any(|(name, _)| *name == "host") {
            true => {
                let opened = fixture.opening.session(&*fixture.module.connector, &settings).await;
                let answer = job(&mut *opened.unwrap(), Kind::Read, "t", &json!({})).await.unwrap();
                answer.rows.into_iter().map(|row| row["_key"].clone()).collect()
            }
            false => keys(&fixture, &settings, "t").await,
        };
        assert_eq!(found, [json!(key)], "{settings:?}");
    }
    let clients = admin.run(&[b"CLIENT", b"LIST"]).await.unwrap();
    assert!(format!("{clients:?}").len() > 100);
}

#[tokio::test]
async fn a_connection_has_a_name_and_speaks_the_third_version() {
    let fixture = Fixture::plain().await;
    let mut session = fixture.session().await;
    let info = session.ping(&connector_api::CallContext::within(component_tests::open::LIMIT)).await.unwrap();
    // The tests' user may not ask what it may do.
    assert_eq!((info.product.as_str(), info.can_write), ("Redis", None));
    assert!(info.version.starts_with('7'), "{info:?}");
    let test_servers::RedisReply::Text(clients) =
        fixture.admin().await.run(&[b"CLIENT", b"LIST"]).await.unwrap()
    else {
        panic!("no list")
    };
    let clients = String::from_utf8(clients).unwrap();
    assert!(
        clients.lines().any(|line| line.contains("name=semilayer-runner") && line.contains("resp=3")),
        "{clients}"
    );
}

#[tokio::test]
async fn a_wrong_login_is_refused_and_says_what_to_do() {
    let fixture = Fixture::plain().await;
    let port = fixture.server.port().to_string();
    let open = async |settings: &[(&str, &str)]| {
        fixture.opening.session(&*fixture.module.connector, settings).await.err().expect("it was let in")
    };
    let place = [("host", "127.0.0.1"), ("port", port.as_str())];
    for (login, part) in [
        (&[("password", "hunter2")][..], "password"),
        (&[("password", "hunter2"), ("username", "app")], "password"),
        (&[("password", APP_PASSWORD), ("username", "nobody")], "password"),
        (&[], "`password`"),
    ] {
        let error = open(&[&place[..], login].concat()).await;
        assert_eq!(error.code(), ErrorCode::SourceAuthFailed, "{error}");
        assert!(error.message().contains(part) && !error.message().contains("hunter2"), "{error}");
        assert!(!error.retryable());
    }
    let error = open(&[&place[..], &[("password", APP_PASSWORD), ("db", "99")]].concat()).await;
    assert_eq!(error.code(), ErrorCode::SourceNotConfigured, "{error}");
    assert!(error.message().contains("`db`"), "{error}");
}

#[tokio::test]
async fn an_older_protocol_is_spoken_where_the_newer_one_is_not_known() {
    let options = RedisOptions::default().setting("rename-command", "HELLO NOBODY");
    let fixture = Fixture::start(options).await;
    run(&mut fixture.admin().await, &["SET t:0 {\"a\":1}", "HSET t:1 a 2", "SELECT 2", "SET t:2 {}"]).await;
    assert_eq!(keys(&fixture, &[], "t").await, [json!("t:0"), json!("t:1")]);
    assert_eq!(keys(&fixture, &[("db", "2")], "t").await, [json!("t:2")]);
    let error = fixture.session_with(&[("password", "hunter2")]).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::SourceAuthFailed, "{error}");
    let error = fixture.session_with(&[("db", "99")]).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::SourceNotConfigured, "{error}");
}

#[tokio::test]
async fn tls_is_spoken_and_the_certificate_checked() {
    let fixture = Fixture::start(RedisOptions::with_tls()).await;
    run(&mut fixture.admin().await, &["SET t:0 {}"]).await;
    assert_eq!(keys(&fixture, &[], "t").await, [json!("t:0")]);
    // Without TLS the server's answer is no answer.
    let error = fixture.session_with(&[("tls", "false")]).await.err().unwrap();
    assert!(matches!(error.code(), ErrorCode::SourceUnreachable | ErrorCode::SourceQueryFailed), "{error}");
    for which in
        [ServerCertificate::WrongName, ServerCertificate::Expired, ServerCertificate::UnknownAuthority]
    {
        let options = RedisOptions { tls: Some(which), ..RedisOptions::default() };
        let fixture = Fixture::start(options).await;
        let error = fixture.session_with(&[]).await.err().unwrap();
        assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{which:?}: {error}");
        assert!(error.message().to_lowercase().contains("certificate"), "{which:?}: {error}");
    }
}

#[tokio::test]
async fn a_user_without_the_right_to_scan_is_told_which_rights_are_needed() {
    let fixture = Fixture::plain().await;
    let mut admin = fixture.admin().await;
    run(&mut admin, &["SET t:0 {}", "ACL SETUSER half on >half ~* +get +hgetall +type +dbsize"]).await;
    run(&mut admin, &["ACL SETUSER bare on >bare ~t:* +scan +get +hgetall +type +dbsize"]).await;
    let login = [("username", "half"), ("password", "half")];
    let mut session = fixture.session_with(&login).await.unwrap();
    let error = job(&mut *session, Kind::Read, "t", &json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceQueryFailed, "{error}");
    assert!(error.message().contains("+scan") && error.message().contains("SCAN"), "{error}");
    // No more rights than those are needed.
    let bare = [("username", "bare"), ("password", "bare")];
    assert_eq!(keys(&fixture, &bare, "t").await, [json!("t:0")]);
    let mut session = fixture.session_with(&bare).await.unwrap();
    let info = session.ping(&connector_api::CallContext::within(component_tests::open::LIMIT)).await.unwrap();
    assert_eq!(info.can_write, None);
    // Keys that the user may not read.
    run(&mut admin, &["SET u:0 {}"]).await;
    let error = job(&mut *session, Kind::Read, "u", &json!({})).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceQueryFailed, "{error}");
}

#[tokio::test]
async fn a_host_that_nobody_granted_is_not_reached() {
    let fixture = Fixture::plain().await;
    let (url, manifest) = (fixture.server.url(), fixture.module.connector.manifest());
    // A gateway configured it: loopback is not for it to name.
    let config = Config::from_texts(manifest, Origin::Managed, [("url", url.as_str())]).unwrap();
    let source = fixture.module.connector.source(config).unwrap();
    let error = source.open(&fixture.opening.context().unwrap()).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::PolicyDenied, "{error}");
    assert!(error.message().contains("allow_hosts"), "{error}");
}

#[tokio::test]
async fn a_url_and_fields_may_be_mixed_and_the_fields_win() {
    let fixture = Fixture::plain().await;
    let port = fixture.server.port().to_string();
    let login = ("password", APP_PASSWORD);
    let closed = "127.0.0.1:1";
    for (url, fields) in [
        // The port of the URL, at the host of a field.
        (format!("redis://localhost:{port}"), vec![("host", "127.0.0.1")]),
        // The other way round.
        ("redis://127.0.0.1".to_owned(), vec![("port", port.as_str())]),
        // Both say both.
        (format!("redis://{closed}"), vec![("host", "localhost"), ("port", port.as_str())]),
        (format!("redis://{closed}"), vec![("port", port.as_str())]),
    ] {
        let settings: Vec<(&str, &str)> =
            [("url", url.as_str()), login].into_iter().chain(fields.iter().copied()).collect();
        let opened = fixture.opening.session(&*fixture.module.connector, &settings).await;
        opened.unwrap_or_else(|error| panic!("{url} with {fields:?}: {error}"));
    }
    // The usual port is one as any other when it is set: it is dialled, and nothing answers there.
    let settings = [("url", "redis://127.0.0.9:1"), ("port", "6379"), login];
    let error = fixture.opening.session(&*fixture.module.connector, &settings).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{error}");
    assert!(error.message().contains("6379"), "{error}");
    // Only what they name is reached.
    let settings = [("url", "redis://127.0.0.1:1"), ("host", "localhost"), login];
    let error = fixture.opening.session(&*fixture.module.connector, &settings).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "granted, and nothing answers: {error}");
}

#[tokio::test]
async fn a_node_of_a_cluster_is_refused() {
    let fixture = Fixture::start(RedisOptions::default().setting("cluster-enabled", "yes")).await;
    let other = Redis::start(RedisOptions::default().setting("cluster-enabled", "yes")).await.unwrap();
    let mut admin = fixture.admin().await;
    // A node that stands alone holds what there is; whoever may not ask does not know.
    run(&mut admin, &["CLUSTER ADDSLOTSRANGE 0 8191"]).await;
    let all = [("username", "default")];
    fixture.session_with(&all).await.unwrap();
    let error = fixture.session_with(&[]).await.err().unwrap();
    assert!(error.message().contains("cluster of several"), "{error}");
    run(&mut other.admin().await.unwrap(), &["CLUSTER ADDSLOTSRANGE 8192 16383"]).await;
    let meet = format!("CLUSTER MEET 127.0.0.1 {}", other.port());
    run(&mut admin, &[&meet]).await;
    let error = loop {
        match fixture.session_with(&all).await {
            Err(error) => break error,
            // The nodes greet each other once a second.
            Ok(_) => tokio::time::sleep(std::time::Duration::from_millis(100)).await,
        }
    };
    assert_eq!(error.code(), ErrorCode::SourceNotConfigured, "{error}");
    assert!(error.message().contains("cluster of 2"), "{error}");
}

#[tokio::test]
async fn whether_a_login_could_write_is_told_by_its_rules() {
    let fixture = Fixture::plain().await;
    let mut admin = fixture.admin().await;
    let no_flush = "-flushdb -flushall -swapdb";
    for (user, rules, can_write) in [
        ("whole", "~* +@all".to_owned(), Some(true)),
        ("reader", "~* +@all -@write".to_owned(), Some(false)),
        // Keys of its own: whether it may write to any other says nothing.
        ("own", format!("~app:* +@all {no_flush}"), Some(true)),
        ("viewer", format!("%R~* +@all {no_flush}"), Some(false)),
        ("both", format!("%R~* %W~log:?[a-c] +@all {no_flush}"), Some(true)),
        ("own-reader", "~app:* +@all -@write".to_owned(), Some(false)),
        ("selected", "%R~* +@read +@connection +acl (~app:* +set)".to_owned(), Some(true)),
        // Nothing but its own name: it may not ask.
        ("bare", "~app:* +@read +@connection".to_owned(), None),
        // It may ask whether it may, and not what it may.
        (
            "half",
            "~app:* +@all -acl +acl|whoami +acl|dryrun".replace("+@all", &format!("+@all {no_flush}")),
            None,
        ),
    ] {
        let words: Vec<String> = match rules.split_once(" (") {
            // A set of rules of its own is one word.
            Some((root, selector)) => {
                root.split(' ').map(str::to_owned).chain([format!("({selector}")]).collect()
            }
            None => rules.split(' ').map(str::to_owned).collect(),
        };
        let mut command: Vec<&[u8]> = vec![b"ACL", b"SETUSER", user.as_bytes(), b"on", b">secret"];
        command.extend(words.iter().map(String::as_bytes));
        admin.run(&command).await.unwrap();
        let login = [("username", user), ("password", "secret")];
        let mut session = fixture.session_with(&login).await.unwrap();
        let cx = connector_api::CallContext::within(component_tests::open::LIMIT);
        let info = session.ping(&cx).await.unwrap();
        assert_eq!(info.can_write, can_write, "{user}: {rules}");
    }
}
