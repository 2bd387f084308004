//! TLS modes, credentials, plugins, addresses, sockets.

use std::sync::Arc;

use connector_api::{Connector, OpenContext, PathRules, Stage, StageReport};
use connector_model::config::{Config, Origin};
use connector_model::error::{Error, ErrorCode};
use connector_mysql::MySql as Driver;
use dial::AddressFilter;
use driver_tests::{Stages, open_context, source};
use serde_json::json;
use test_servers::{APP_PASSWORD, APP_USER, MariaDbOptions, ServerCertificate};

use crate::Server;

/// Opens a session with these settings and tells the stages it passed.
async fn stages(settings: &[(&str, &str)]) -> Result<Vec<StageReport>, Error> {
    let stages = Arc::new(Stages::default());
    let cx = OpenContext { observer: Some(stages.clone()), ..open_context().unwrap() };
    source(&Driver::new(), settings)?.open(&cx).await?;
    Ok(stages.reports())
}

fn tls_note(reports: &[StageReport]) -> &str {
    reports.iter().find(|report| report.stage == Stage::Tls).map_or("none", |report| report.note.as_str())
}

#[tokio::test]
async fn each_tls_mode_does_what_it_says() {
    let server = Server::start().await;
    let authority = server.mariadb.authority_file().to_str().unwrap().to_owned();
    let url = server.mariadb.url();
    let base = ("url", url.as_str());
    for (mode, root, note) in [
        ("verify-full", Some(&authority), "TLSv1.3, verified"),
        ("verify-ca", Some(&authority), "TLSv1.3, chain verified, name not checked"),
        ("require", Some(&authority), "TLSv1.3, chain verified, name not checked"),
        ("require", None, "TLSv1.3, encrypted, not verified"),
        ("prefer", None, "TLSv1.3, encrypted, not verified"),
    ] {
        let mut settings = vec![base, ("sslmode", mode)];
        settings.extend(root.map(|root| ("sslrootcert", root.as_str())));
        let reports = stages(&settings).await.unwrap_or_else(|error| panic!("{mode}: {error}"));
        assert_eq!(tls_note(&reports), note, "{mode}");
        let passed: Vec<Stage> = reports.iter().map(|report| report.stage).collect();
        use Stage::{Auth, Config, Dns, Query, ReadOnly, Tcp, Tls};
        assert_eq!(passed, [Config, Dns, Tcp, Tls, Auth, Query, ReadOnly]);
    }
    let error = stages(&[base, ("ssl", "true")]).await.unwrap_err();
    assert_eq!(error.detail()["kind"], json!("certificate_unknown_issuer"), "{error}");
    assert!(error.detail().contains_key("certificateIssuer"));
    assert_eq!(tls_note(&stages(&[base, ("sslmode", "disable")]).await.unwrap()), "none");
}

#[tokio::test]
async fn a_wrong_certificate_is_refused_and_a_server_without_tls_too() {
    for (certificate, kind) in [
        (ServerCertificate::WrongName, "certificate_name_mismatch"),
        (ServerCertificate::Expired, "certificate_expired"),
        (ServerCertificate::UnknownAuthority, "certificate_unknown_issuer"),
    ] {
        let server =
            Server::with(MariaDbOptions { tls: Some(certificate), ..MariaDbOptions::default() }).await;
        let authority = server.mariadb.authority_file().to_str().unwrap().to_owned();
        let url = server.mariadb.url();
        let error = stages(&[("url", &url), ("sslmode", "verify-full"), ("sslrootcert", &authority)]).await;
        let error = error.unwrap_err();
        let found = (error.code(), &error.detail()["kind"], &error.detail()["stage"]);
        assert_eq!(found, (ErrorCode::SourceUnreachable, &json!(kind), &json!("tls")), "{error}");
    }
    let plain = Server::with(MariaDbOptions::default()).await;
    let url = plain.mariadb.url();
    for mode in ["require", "verify-ca", "verify-full"] {
        let error = stages(&[("url", &url), ("sslmode", mode)]).await.unwrap_err();
        assert_eq!(error.detail()["kind"], json!("tls_not_offered"), "{mode}: {error}");
    }
    let reports = stages(&[("url", &url)]).await.unwrap();
    assert_eq!(tls_note(&reports), "off");
    assert!(reports.iter().any(|report| report.stage == Stage::Tls && report.warning.is_some()));
}

#[tokio::test]
async fn a_client_certificate_logs_in_where_the_account_asks_for_one() {
    let server = Server::start().await;
    server.run("ALTER USER app@'%' REQUIRE X509").await;
    let authority = server.mariadb.authority_file().to_str().unwrap().to_owned();
    let client = server.mariadb.certificates().client();
    let url = server.mariadb.url();
    let base = [("url", url.as_str()), ("sslmode", "verify-full"), ("sslrootcert", authority.as_str())];
    let error = stages(&base).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceAuthFailed, "{error}");
    let shown = [("sslcert", client.certificate.as_str()), ("sslkey", client.key.as_str())];
    stages(&[base.as_slice(), &shown].concat()).await.unwrap();
    let error = stages(&[base.as_slice(), &shown[..1]].concat()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceNotConfigured, "{error}");
}

#[tokio::test]
async fn refused_credentials_say_who_was_refused_and_never_the_password() {
    let server = Server::start().await;
    let url = server.mariadb.url();
    for (settings, native) in [
        (vec![("url", url.as_str()), ("password", "hunter2hunter2")], "1045"),
        (vec![("url", url.as_str()), ("user", "nobody"), ("password", "hunter2hunter2")], "1045"),
        (vec![("url", url.as_str()), ("database", "nowhere")], "1044"),
        (vec![("url", url.as_str()), ("database", "mysql")], "1044"),
    ] {
        let error = stages(&settings).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::SourceAuthFailed, "{error}");
        assert_eq!(error.detail()["nativeCode"], json!(native), "{error}");
        assert_eq!(error.detail()["stage"], json!("auth"));
        let shown = format!("{error} {error:?} {:?}", error.detail());
        assert!(!shown.contains("hunter2") && !shown.contains(APP_PASSWORD), "{shown}");
    }
    server.run("GRANT SELECT ON *.* TO app@'%'").await;
    let error = stages(&[("url", &url), ("database", "nowhere")]).await.unwrap_err();
    let found = (error.code(), &error.detail()["nativeCode"]);
    assert_eq!(found, (ErrorCode::SourceAuthFailed, &json!("1049")), "{error}");
}

#[tokio::test]
async fn accounts_of_every_plugin_that_is_spoken_log_in_and_others_say_what_to_do() {
    let server = Server::start().await;
    server
        .run(
            "INSTALL SONAME 'auth_ed25519';
CREATE USER ed@'%' IDENTIFIED VIA ed25519 USING PASSWORD('a long one: ü');
CREATE USER twice@'%' IDENTIFIED VIA ed25519 USING PASSWORD('first') OR mysql_native_password USING PASSWORD('second');
CREATE USER nopw@'%';
CREATE USER old@'%' IDENTIFIED VIA mysql_old_password USING '5d2e19393cc5ef67'",
        )
        .await;
    let port = server.mariadb.port().to_string();
    let base = [("host", "127.0.0.1"), ("port", port.as_str())];
    for mode in ["disable", "prefer"] {
        for (user, password) in
            [("ed", "a long one: ü"), ("twice", "first"), ("twice", "second"), ("nopw", "")]
        {
            let login = [("user", user), ("password", password), ("sslmode", mode)];
            let opened = stages(&[base.as_slice(), &login].concat()).await;
            opened.unwrap_or_else(|error| panic!("{user} {mode}: {error}"));
        }
        for (user, password) in [("ed", "wrong"), ("ed", ""), ("twice", "third"), ("nopw", "some")] {
            let login = [("user", user), ("password", password), ("sslmode", mode)];
            let error = stages(&[base.as_slice(), &login].concat()).await.unwrap_err();
            assert_eq!(error.code(), ErrorCode::SourceAuthFailed, "{user}: {error}");
        }
    }
    let login = [("user", "old"), ("password", "x")];
    let error = stages(&[base.as_slice(), &login].concat()).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::SourceAuthFailed, "{error}");
}

#[tokio::test]
async fn fields_with_an_odd_password_log_in_as_a_url_does_and_so_does_a_socket() {
    let server = Server::start().await;
    let port = server.mariadb.port().to_string();
    let socket = server.mariadb.socket().display().to_string();
    let login = [("username", APP_USER), ("pass", APP_PASSWORD), ("db", "app")];
    stages(&[[("host", "localhost"), ("port", port.as_str())].as_slice(), &login].concat()).await.unwrap();
    server.run("CREATE USER app@localhost IDENTIFIED BY 'p@ss:/w%rd#?&='").await;
    let local = [("host", socket.as_str()), ("user", APP_USER), ("password", "p@ss:/w%rd#?&=")];
    stages(&local).await.unwrap();
    // As people paste it, nothing encoded: a password of the characters that URLs themselves are made of.
    server.run("ALTER USER app@'%' IDENTIFIED BY 'p@ss:/w%rd#?&='").await;
    let raw = format!("mysql://{APP_USER}:p@ss:/w%rd#?&=@localhost:{port}/");
    stages(&[("url", &raw)]).await.unwrap();
}

#[tokio::test]
async fn a_login_that_could_write_is_a_warning() {
    let server = Server::start().await;
    let url = server.mariadb.url();
    let warned = |reports: &[StageReport]| {
        reports.iter().any(|report| report.stage == Stage::ReadOnly && report.warning.is_some())
    };
    assert!(!warned(&stages(&[("url", &url)]).await.unwrap()));
    server.run("GRANT INSERT ON app.* TO app@'%'").await;
    assert!(warned(&stages(&[("url", &url)]).await.unwrap()));
}

#[tokio::test]
async fn what_a_managed_configuration_may_reach_is_the_operators_choice() {
    let server = Server::start().await;
    let guarded = |rules: &[&str], files: &[&str]| OpenContext {
        filter: AddressFilter::guarded(rules.iter().map(|rule| rule.parse().unwrap())),
        paths: PathRules::only(files.iter().copied()).unwrap(),
        ..open_context().unwrap()
    };
    let managed = |url: &str| {
        let driver = Driver::new();
        let config = Config::from_json(driver.manifest(), Origin::Managed, &json!({"url": url})).unwrap();
        driver.source(config).unwrap()
    };
    let port = server.mariadb.port();
    let loopback = managed(&server.mariadb.url());
    let error = loopback.open(&guarded(&[], &[])).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::PolicyDenied, "{error}");
    assert!(error.message().contains("SEMILAYER_MANAGED_ALLOW_HOSTS"), "{error}");
    loopback.open(&guarded(&["127.0.0.1", "localhost"], &[])).await.unwrap();
    for host in ["169.254.169.254", "[::ffff:169.254.169.254]", "0.0.0.0"] {
        let opened = managed(&format!("mysql://a:b@{host}:{port}/app")).open(&guarded(&[], &[])).await;
        let error = opened.err().unwrap();
        assert_eq!(error.code(), ErrorCode::PolicyDenied, "{host}: {error}");
    }
    let config = json!({"host": server.mariadb.socket().display().to_string(), "user": "app"});
    let driver = Driver::new();
    let config = Config::from_json(driver.manifest(), Origin::Managed, &config).unwrap();
    let error = driver.source(config).unwrap().open(&guarded(&[], &[])).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::PolicyDenied, "{error}");
    assert!(error.message().contains("SEMILAYER_MANAGED_ALLOW_FILES"), "{error}");
}

#[tokio::test]
async fn a_server_without_room_is_worth_another_try() {
    let server = Server::with(MariaDbOptions::with_tls().setting("max-user-connections", "1")).await;
    let _first = server.session().await;
    let error = stages(&[("url", &server.mariadb.url())]).await.unwrap_err();
    assert_eq!((error.code(), error.retryable()), (ErrorCode::SourceUnreachable, true), "{error}");
}
