//! TLS modes, credentials, addresses, sockets.

use std::sync::Arc;

use connector_api::{OpenContext, PathRules, Stage, StageReport};
use connector_model::config::{Config, Origin};
use connector_model::error::{Error, ErrorCode};
use connector_postgres::Postgres as Driver;
use dial::AddressFilter;
use driver_tests::{Stages, open_context, source};
use serde_json::json;
use test_servers::{
    APP_PASSWORD, APP_USER, PgBouncer, PgBouncerOptions, Postgres, PostgresOptions, ServerCertificate,
};

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
    let authority = server.postgres.authority_file().to_str().unwrap().to_owned();
    let url = server.postgres.url();
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
}

#[tokio::test]
async fn a_wrong_certificate_is_refused_and_a_server_without_tls_too() {
    for (certificate, kind) in [
        (ServerCertificate::WrongName, "certificate_name_mismatch"),
        (ServerCertificate::Expired, "certificate_expired"),
        (ServerCertificate::UnknownAuthority, "certificate_unknown_issuer"),
    ] {
        let options = PostgresOptions { tls: Some(certificate), ..PostgresOptions::default() };
        let postgres = Postgres::start(options).await.unwrap();
        let authority = postgres.authority_file().to_str().unwrap().to_owned();
        let url = postgres.url();
        let error = stages(&[("url", &url), ("sslmode", "verify-full"), ("sslrootcert", &authority)]).await;
        let error = error.unwrap_err();
        assert_eq!(
            (error.code(), &error.detail()["kind"]),
            (ErrorCode::SourceUnreachable, &json!(kind)),
            "{error}"
        );
    }
    let plain = Postgres::start(PostgresOptions::default()).await.unwrap();
    let url = plain.url();
    let error = stages(&[("url", &url), ("sslmode", "require")]).await.unwrap_err();
    assert_eq!(error.detail()["kind"], json!("tls_not_offered"));
    let reports = stages(&[("url", &url)]).await.unwrap();
    assert_eq!(tls_note(&reports), "off");
    assert!(reports.iter().any(|report| report.stage == Stage::Tls && report.warning.is_some()));
}

#[tokio::test]
async fn refused_credentials_say_who_was_refused_and_never_the_password() {
    let server = Server::start().await;
    let url = server.postgres.url();
    for (settings, native) in [
        (vec![("url", url.as_str()), ("password", "hunter2hunter2")], "28P01"),
        (vec![("url", url.as_str()), ("database", "nowhere")], "3D000"),
    ] {
        let error = stages(&settings).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::SourceAuthFailed, "{error}");
        assert_eq!(error.detail()["nativeCode"], json!(native));
        assert_eq!(error.detail()["stage"], json!("auth"));
        let shown = format!("{error} {error:?} {:?}", error.detail());
        assert!(!shown.contains("hunter2") && !shown.contains(APP_PASSWORD));
    }
}

#[tokio::test]
async fn fields_with_an_odd_password_log_in_as_a_url_does() {
    let server = Server::start().await;
    let port = server.postgres.port().to_string();
    let fields = [
        ("host", "localhost"),
        ("port", &port),
        ("user", APP_USER),
        ("password", APP_PASSWORD),
        ("database", "app"),
    ];
    stages(&fields).await.unwrap();
    // As people paste it, nothing encoded: a password of the characters that URLs themselves are made of.
    server.run("ALTER ROLE app PASSWORD 'p@ss:/w%rd#?&='").await;
    let raw = format!("postgres://{APP_USER}:p@ss:/w%rd#?&=@127.0.0.1:{port}/app");
    stages(&[("url", &raw)]).await.unwrap();
}

#[tokio::test]
async fn a_pooler_is_seen_and_a_server_is_seen_as_direct() {
    let server = Server::start().await;
    let bouncer = PgBouncer::start(&server.postgres, &PgBouncerOptions::default()).await.unwrap();
    let note = |reports: Vec<StageReport>| {
        reports.into_iter().find(|report| report.stage == Stage::Query).map(|report| report.note).unwrap()
    };
    assert!(note(stages(&[("url", &bouncer.url())]).await.unwrap()).contains("through a pooler"));
    assert!(!note(stages(&[("url", &server.postgres.url())]).await.unwrap()).contains("pooler"));
    let forced = stages(&[("url", &server.postgres.url()), ("prepare", "false")]).await.unwrap();
    assert!(note(forced).contains("through a pooler"));
}

#[tokio::test]
async fn a_login_that_could_write_is_a_warning() {
    let server = Server::start().await;
    server.run("CREATE TABLE t (i int); GRANT SELECT ON t TO app").await;
    let url = server.postgres.url();
    let warned = |reports: &[StageReport]| {
        reports.iter().any(|report| report.stage == Stage::ReadOnly && report.warning.is_some())
    };
    assert!(!warned(&stages(&[("url", &url)]).await.unwrap()));
    server.run("GRANT INSERT ON t TO app").await;
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
        let json = json!({"url": url});
        let driver = Driver::new();
        let config =
            Config::from_json(connector_api::Connector::manifest(&driver), Origin::Managed, &json).unwrap();
        connector_api::Connector::source(&driver, config).unwrap()
    };
    let port = server.postgres.port();
    let loopback = managed(&server.postgres.url());
    let error = loopback.open(&guarded(&[], &[])).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::PolicyDenied, "{error}");
    assert!(error.message().contains("SEMILAYER_MANAGED_ALLOW_HOSTS"), "{error}");
    loopback.open(&guarded(&["127.0.0.1", "localhost"], &[])).await.unwrap();
    for host in ["169.254.169.254", "[::ffff:169.254.169.254]", "0.0.0.0", "2852039166"] {
        let error = managed(&format!("postgres://a:b@{host}:{port}/app"))
            .open(&guarded(&[], &[]))
            .await
            .err()
            .unwrap();
        assert_eq!(error.code(), ErrorCode::PolicyDenied, "{host}: {error}");
    }
    let folder = server.postgres.socket_directory().display().to_string();
    let socket = managed(&format!("postgres://{APP_USER}@/app?host={folder}&port={port}"));
    let error = socket.open(&guarded(&[], &[])).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::PolicyDenied, "{error}");
    assert!(error.message().contains("SEMILAYER_MANAGED_ALLOW_FILES"), "{error}");
    let allowed = format!("{folder}/.s.PGSQL.*");
    let error = socket.open(&guarded(&[], &[&allowed])).await.err().map(|error| error.code());
    // The socket is reached; whether it lets this login in without a password is the server's business.
    assert_ne!(error, Some(ErrorCode::PolicyDenied));
}

#[tokio::test]
async fn a_port_where_nothing_listens_and_a_peer_that_is_no_database_are_told_apart() {
    let free = test_servers::free_port().unwrap();
    let error = stages(&[("url", &format!("postgres://a:b@127.0.0.1:{free}/d"))]).await.unwrap_err();
    assert_eq!((error.code(), &error.detail()["kind"]), (ErrorCode::SourceUnreachable, &json!("refused")));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port().to_string();
    tokio::spawn(async move {
        // The first caller gets words, every later one gets silence.
        let (mut first, _) = listener.accept().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut first, b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
        let mut held = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            held.push(socket);
        }
    });
    let url = format!("postgres://a:b@127.0.0.1:{port}/d");
    let error = stages(&[("url", &url)]).await.unwrap_err();
    assert_eq!(error.detail()["kind"], json!("not_postgres"), "{error}");
    for mode in ["prefer", "disable"] {
        let hangs = [("url", url.as_str()), ("sslmode", mode), ("connectionTimeoutMillis", "200")];
        let error = stages(&hangs).await.unwrap_err();
        assert_eq!(
            (error.code(), &error.detail()["kind"]),
            (ErrorCode::SourceUnreachable, &json!("timed_out"))
        );
    }
}

#[tokio::test]
async fn of_several_hosts_the_first_that_answers_and_has_the_role_is_taken() {
    let server = Server::start().await;
    let port = server.postgres.port();
    let (silent, refusing) =
        (tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap(), test_servers::free_port().unwrap());
    let hosts = format!("127.0.0.1:{refusing},{},127.0.0.1:{port}", silent.local_addr().unwrap());
    let settings = |role: &'static str| {
        let hosts = hosts.clone();
        async move {
            stages(&[
                ("host", hosts.as_str()),
                ("user", APP_USER),
                ("password", APP_PASSWORD),
                ("database", "app"),
                ("connectionTimeoutMillis", "500"),
                ("targetSessionAttrs", role),
            ])
            .await
        }
    };
    for role in ["any", "primary", "read-write", "prefer-standby"] {
        settings(role).await.unwrap_or_else(|error| panic!("{role}: {error}"));
    }
    for role in ["standby", "read-only"] {
        let error = settings(role).await.unwrap_err();
        assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{role}: {error}");
        assert!(error.message().contains("targetSessionAttrs"), "{role}: {error}");
    }
}
