//! TLS, credentials, addresses; each phase in which a server may end the connection.

use std::sync::Arc;
use std::time::Duration;

use connector_api::{CallContext, OpenContext, Stage, StageReport};
use connector_model::config::{Config, Origin};
use connector_model::error::{Error, ErrorCode};
use connector_mssql::SqlServer as Driver;
use dial::AddressFilter;
use driver_tests::{Stages, open_context, source};
use serde_json::json;
use test_servers::{
    APP_PASSWORD, APP_USER, ServerCertificate, SqlServerEncryption, SqlServerError, SqlServerFault,
    SqlServerOptions,
};

use crate::Server;

/// Opens a session with these settings and tells the stages it passed.
async fn stages(settings: &[(&str, &str)]) -> Result<Vec<StageReport>, Error> {
    let stages = Arc::new(Stages::default());
    let cx = OpenContext { observer: Some(stages.clone()), ..open_context().unwrap() };
    source(&Driver::new(), settings)?.open(&cx).await?;
    Ok(stages.reports())
}

fn report(reports: &[StageReport], stage: Stage) -> &StageReport {
    reports.iter().find(|report| report.stage == stage).unwrap()
}

#[tokio::test]
async fn encryption_is_on_and_verified_by_default() {
    let server = Server::start().await;
    let (url, authority) = (server.mssql.url(), server.authority());
    let reports = stages(&[("url", &url), ("sslrootcert", &authority)]).await.unwrap();
    let passed: Vec<Stage> = reports.iter().map(|report| report.stage).collect();
    use Stage::{Auth, Config, Dns, Query, ReadOnly, Tcp, Tls};
    assert_eq!(passed, [Config, Dns, Tcp, Tls, Auth, Query, ReadOnly]);
    let tls = report(&reports, Tls);
    assert_eq!((tls.note.as_str(), &tls.warning), ("TLSv1.2, verified", &None));
    let session = server.mssql.sessions().pop().unwrap();
    assert!(session.encrypted && session.login_encrypted && !session.read_only_intent);
    assert_eq!(
        (session.user.as_str(), session.application.as_str()),
        (APP_USER, "semilayer-runner/testtest")
    );
    let error = stages(&[("url", &url)]).await.unwrap_err();
    assert_eq!(error.detail()["kind"], json!("certificate_unknown_issuer"), "{error}");
    assert_eq!(error.detail()["stage"], json!("tls"));
    assert!(error.detail().contains_key("certificateIssuer"));
}

#[tokio::test]
async fn less_than_that_is_a_warning() {
    let server = Server::start().await;
    let url = server.mssql.url();
    for (setting, note, encrypted) in [
        (("trustServerCertificate", "true"), "TLSv1.2, encrypted, not verified", true),
        (("encrypt", "false"), "TLSv1.2, login only", false),
    ] {
        let reports = stages(&[("url", &url), setting]).await.unwrap();
        let tls = report(&reports, Stage::Tls);
        assert_eq!(tls.note, note);
        assert!(tls.warning.is_some());
        let session = server.mssql.sessions().pop().unwrap();
        assert_eq!((session.login_encrypted, session.encrypted), (true, encrypted), "{setting:?}");
    }
    let required =
        SqlServerOptions { encryption: SqlServerEncryption::Required, ..SqlServerOptions::default() };
    let server = Server::with(required).await;
    let reports = stages(&[("url", &server.mssql.url()), ("encrypt", "false")]).await.unwrap();
    assert_eq!(report(&reports, Stage::Tls).note, "TLSv1.2, encrypted, not verified");
    assert!(server.mssql.sessions().pop().unwrap().encrypted);
}

#[tokio::test]
async fn a_wrong_certificate_is_refused_and_a_server_without_tls_too() {
    for (certificate, kind) in [
        (ServerCertificate::WrongName, "certificate_name_mismatch"),
        (ServerCertificate::Expired, "certificate_expired"),
        (ServerCertificate::UnknownAuthority, "certificate_unknown_issuer"),
    ] {
        let server = Server::with(SqlServerOptions { certificate, ..SqlServerOptions::default() }).await;
        let (url, authority) = (server.mssql.url(), server.authority());
        let error = stages(&[("url", &url), ("sslrootcert", &authority)]).await.unwrap_err();
        assert_eq!(
            (error.code(), &error.detail()["kind"], &error.detail()["stage"]),
            (ErrorCode::SourceUnreachable, &json!(kind), &json!("tls")),
            "{error}"
        );
        assert!(server.mssql.sessions().is_empty(), "no password may have gone there");
    }
    let none =
        SqlServerOptions { encryption: SqlServerEncryption::NotSupported, ..SqlServerOptions::default() };
    let server = Server::with(none).await;
    let url = server.mssql.url();
    let error = stages(&[("url", &url)]).await.unwrap_err();
    assert_eq!(error.detail()["kind"], json!("tls_not_offered"));
    let reports = stages(&[("url", &url), ("encrypt", "false")]).await.unwrap();
    assert_eq!(report(&reports, Stage::Tls).note, "off");
    assert!(report(&reports, Stage::Tls).warning.is_some());
}

#[tokio::test]
async fn a_server_that_ends_the_connection_in_any_phase_is_named_by_that_phase() {
    for (fault, stage) in [
        (SqlServerFault::CloseAtPrelogin, "tls"),
        (SqlServerFault::CloseAtTls, "tls"),
        (SqlServerFault::CloseAtLogin, "auth"),
    ] {
        let server = Server::start().await;
        server.mssql.set_faults(vec![fault.clone()]);
        let (url, authority) = (server.mssql.url(), server.authority());
        let error = stages(&[("url", &url), ("sslrootcert", &authority)]).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{fault:?}: {error}");
        assert_eq!(error.detail()["stage"], json!(stage), "{fault:?}: {error}");
        assert!(error.retryable() && error.detail().contains_key("kind"));
        server.mssql.set_faults(Vec::new());
        stages(&[("url", &url), ("sslrootcert", &authority)]).await.unwrap();
    }
}

#[tokio::test]
async fn a_silent_server_costs_the_connect_timeout_and_no_more() {
    let options =
        SqlServerOptions { faults: vec![SqlServerFault::SilentAtPrelogin], ..SqlServerOptions::default() };
    let server = Server::with(options).await;
    let url = server.mssql.url();
    let error = stages(&[("url", &url), ("connectionTimeoutMillis", "200")]).await.unwrap_err();
    assert_eq!((&error.detail()["kind"], &error.detail()["stage"]), (&json!("timed_out"), &json!("tls")));
    let cx = OpenContext { call: CallContext::within(Duration::from_millis(100)), ..open_context().unwrap() };
    let opened = source(&Driver::new(), &[("url", &url)]).unwrap().open(&cx).await;
    let code = opened.err().unwrap().code();
    assert!(matches!(code, ErrorCode::QueryTimeout | ErrorCode::SourceUnreachable), "{code}");
}

#[tokio::test]
async fn refused_credentials_say_who_was_refused_and_never_the_password() {
    let server = Server::start().await;
    let (url, authority) = (server.mssql.url(), server.authority());
    let base = [("url", url.as_str()), ("sslrootcert", authority.as_str())];
    for (setting, native) in [(("password", "hunter2hunter2"), "18456"), (("database", "nowhere"), "4060")] {
        let error = stages(&[base[0], base[1], setting]).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::SourceAuthFailed, "{error}");
        assert_eq!(error.detail()["nativeCode"], json!(native));
        assert_eq!(error.detail()["stage"], json!("auth"));
        let shown = format!("{error} {error:?} {:?}", error.detail());
        assert!(!shown.contains("hunter2") && !shown.contains(APP_PASSWORD));
    }
    for (number, code) in [(40_613, ErrorCode::SourceUnreachable), (18_470, ErrorCode::SourceAuthFailed)] {
        server.mssql.set_faults(vec![SqlServerFault::FailLogin(SqlServerError::numbered(number))]);
        assert_eq!(stages(&base).await.unwrap_err().code(), code, "{number}");
    }
}

#[tokio::test]
async fn fields_and_connection_strings_log_in_as_a_url_does() {
    let server = Server::start().await;
    let (port, authority) = (server.mssql.port().to_string(), server.authority());
    let place = format!("localhost,{port}");
    for settings in [vec![("host", "localhost"), ("port", port.as_str())], vec![("server", place.as_str())]] {
        let mut all = settings.clone();
        all.extend([
            ("user", APP_USER),
            ("password", APP_PASSWORD),
            ("db", "app"),
            ("sslrootcert", &authority),
        ]);
        stages(&all).await.unwrap_or_else(|error| panic!("{settings:?}: {error}"));
    }
    let string = format!(
        "Server=tcp:127.0.0.1,{port};Database=app;User ID={APP_USER};Password='{}'",
        APP_PASSWORD.replace('\'', "''")
    );
    stages(&[("connectionString", &string), ("sslrootcert", &authority)]).await.unwrap();
}

#[tokio::test]
async fn addresses_pass_the_sources_own_rules() {
    let server = Server::start().await;
    let port = server.mssql.port().to_string();
    let managed = OpenContext { filter: AddressFilter::guarded([]), ..open_context().unwrap() };
    for instance in [None, Some("SQLEXPRESS")] {
        let mut texts = vec![("host", "127.0.0.1"), ("user", "sa"), ("password", "x")];
        match instance {
            None => texts.push(("port", &port)),
            // The Browser's own address is held against the rules before anything is sent to it.
            Some(instance) => texts.push(("instanceName", instance)),
        }
        let driver = Driver::new();
        let config =
            Config::from_texts(connector_api::Connector::manifest(&driver), Origin::Managed, texts).unwrap();
        let opened = connector_api::Connector::source(&driver, config).unwrap().open(&managed).await;
        assert_eq!(opened.err().unwrap().code(), ErrorCode::PolicyDenied, "{instance:?}");
    }
    assert!(server.mssql.sessions().is_empty());
}

#[tokio::test]
async fn a_login_is_sent_on_through_the_same_rules_and_not_forever() {
    let (gateway, database) = (Server::start().await, Server::start().await);
    let to = |host: &str, port: u16| vec![SqlServerFault::RedirectLogin { host: host.to_owned(), port }];
    gateway.mssql.set_faults(to("localhost", database.mssql.port()));
    let url = gateway.mssql.url();
    let reports = stages(&[("url", &url), ("trustServerCertificate", "true")]).await.unwrap();
    assert_eq!(reports.iter().filter(|report| report.stage == Stage::Tls).count(), 2);
    assert!(database.mssql.sessions().pop().unwrap().encrypted);
    // The other server's own certificate has to be good: its authority is another one.
    let authority = gateway.authority();
    let error = stages(&[("url", &url), ("sslrootcert", &authority)]).await.unwrap_err();
    assert_eq!(error.detail()["kind"], json!("certificate_unknown_issuer"));
    database.mssql.set_faults(to("localhost", database.mssql.port()));
    let error = stages(&[("url", &url), ("trustServerCertificate", "true")]).await.unwrap_err();
    assert_eq!((error.code(), &error.detail()["stage"]), (ErrorCode::SourceUnreachable, &json!("auth")));
    // What a managed configuration may not reach itself, a server cannot send it to.
    let metadata = format!("127.0.0.1:{}", gateway.mssql.port());
    gateway.mssql.set_faults(to("169.254.169.254", 80));
    let filter = AddressFilter::guarded([metadata.parse().unwrap()]);
    let cx = OpenContext { filter, ..open_context().unwrap() };
    let source = source(&Driver::new(), &[("url", &url), ("trustServerCertificate", "true")]).unwrap();
    assert_eq!(source.open(&cx).await.err().unwrap().code(), ErrorCode::PolicyDenied);
}

#[tokio::test]
async fn the_primary_is_read_and_a_replica_only_where_somebody_asks_for_one() {
    let server = Server::start().await;
    let (port, authority) = (server.mssql.port(), server.authority());
    let string = |intent: &str| {
        let password = APP_PASSWORD.replace('\'', "''");
        format!("Server=127.0.0.1,{port};Database=app;User ID={APP_USER};Password='{password}'{intent}")
    };
    for (intent, read_only) in
        [("", false), (";ApplicationIntent=ReadWrite", false), (";Application Intent=ReadOnly", true)]
    {
        stages(&[("url", &string(intent)), ("sslrootcert", &authority)]).await.unwrap();
        assert_eq!(server.mssql.sessions().pop().unwrap().read_only_intent, read_only, "{intent}");
    }
    let url = server.mssql.url_with(&[("applicationIntent", "readOnly")]);
    stages(&[("url", &url), ("sslrootcert", &authority)]).await.unwrap();
    assert!(server.mssql.sessions().pop().unwrap().read_only_intent);
    // A primary without replicas to read from may take nobody who asks for one: that is told, and not got round.
    server.mssql.set_faults(vec![SqlServerFault::FailLogin(SqlServerError::numbered(979))]);
    let logins = server.mssql.sessions().len();
    let error = stages(&[("url", &url), ("sslrootcert", &authority)]).await.unwrap_err();
    assert_eq!((error.code(), &error.detail()["nativeCode"]), (ErrorCode::SourceUnreachable, &json!("979")));
    assert_eq!(server.mssql.sessions().len(), logins + 1);
    let hint = |error: &Error| error.detail()["hint"].as_str().unwrap().to_owned();
    assert!(hint(&error).contains("remove applicationIntent"));
    server.mssql.set_faults(vec![SqlServerFault::FailLogin(SqlServerError::numbered(978))]);
    let url = server.mssql.url();
    let error = stages(&[("url", &url), ("sslrootcert", &authority)]).await.unwrap_err();
    assert!(hint(&error).contains("set applicationIntent=readOnly"));
}

#[tokio::test]
async fn the_certificates_name_may_be_another_than_the_hosts() {
    let options =
        SqlServerOptions { certificate: ServerCertificate::WrongName, ..SqlServerOptions::default() };
    let server = Server::with(options).await;
    let (url, authority) = (server.mssql.url(), server.authority());
    let base = [("url", url.as_str()), ("sslrootcert", authority.as_str())];
    let error = stages(&base).await.unwrap_err();
    assert_eq!(error.detail()["kind"], json!("certificate_name_mismatch"));
    let named = ("hostNameInCertificate", "wrong.example");
    let reports = stages(&[base[0], base[1], named]).await.unwrap();
    assert!(report(&reports, Stage::Tls).note.ends_with(", verified"));
}
