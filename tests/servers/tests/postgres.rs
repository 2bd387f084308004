//! The servers really start, let the right people in, and are gone afterwards.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a failed unwrap fails the test")]

use std::path::Path;
use std::time::Duration;

use test_servers::{
    APP_PASSWORD, Exit, Launch, Origin, PgBouncer, PgBouncerOptions, Postgres, PostgresOptions, Process,
    ServerCertificate,
};

const LIMIT: Duration = Duration::from_secs(30);

/// Runs libpq's own client, an independent judge of TLS and SCRAM.
async fn psql(url: &str, sql: &str) -> (Exit, String, String) {
    let launch =
        Launch::new("/usr/bin/psql").args(["--no-psqlrc", "-At", url, "-c", sql]).env("HOME", "/nonexistent");
    let process = Process::start(&launch).unwrap();
    let exit = process.wait(LIMIT).await.unwrap();
    (exit, process.text(Origin::Stdout), process.text(Origin::Stderr))
}

fn is_running(pid: i32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

#[tokio::test]
async fn a_tls_and_scram_login_works_and_is_verified() {
    let server = Postgres::start(PostgresOptions::with_tls()).await.unwrap();
    let authority = server.authority_file().display().to_string();
    let verified =
        [("sslmode", "verify-full"), ("sslrootcert", authority.as_str()), ("channel_binding", "require")];
    let sql = "SELECT ssl, current_user, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
    let (exit, out, err) = psql(&server.url_with(&verified), sql).await;
    assert_eq!((exit, out.as_str()), (Exit::Code(0), "t|app|TLSv1.3\n"), "{err}");

    let (exit, out, _) = psql(&server.url_with(&[("sslmode", "disable")]), sql).await;
    assert_eq!((exit, out.as_str()), (Exit::Code(0), "f|app|\n"));

    let wrong = server.url().replace("p%40", "p%41");
    assert_ne!(wrong, server.url());
    let (exit, _, err) = psql(&wrong, sql).await;
    assert_eq!(exit, Exit::Code(2));
    assert!(err.contains("password authentication failed"), "{err}");
}

#[tokio::test]
async fn bad_certificates_are_bad() {
    for which in
        [ServerCertificate::WrongName, ServerCertificate::Expired, ServerCertificate::UnknownAuthority]
    {
        let options = PostgresOptions { tls: Some(which), ..PostgresOptions::default() };
        let server = Postgres::start(options).await.unwrap();
        let authority = server.authority_file().display().to_string();
        let full = [("sslmode", "verify-full"), ("sslrootcert", authority.as_str())];
        assert_eq!(psql(&server.url_with(&full), "SELECT 1").await.0, Exit::Code(2), "{which:?}");
        assert_eq!(
            psql(&server.url_with(&[("sslmode", "require")]), "SELECT 1").await.0,
            Exit::Code(0),
            "{which:?}"
        );
    }
}

#[tokio::test]
async fn a_client_certificate_is_a_login() {
    let options = PostgresOptions {
        access_rules: vec!["hostssl all app 127.0.0.1/32 cert".to_owned()],
        ..PostgresOptions::with_tls()
    };
    let server = Postgres::start(options).await.unwrap();
    let client = server.certificates().client();
    let dir = tempfile::tempdir().unwrap();
    let (certificate, key) = (dir.path().join("client.crt"), dir.path().join("client.key"));
    std::fs::write(&certificate, &client.certificate).unwrap();
    std::fs::write(&key, &client.key).unwrap();
    std::fs::set_permissions(&key, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let (certificate, key) = (certificate.display().to_string(), key.display().to_string());
    let url = server.url_with(&[("sslmode", "require"), ("sslcert", &certificate), ("sslkey", &key)]);
    let (exit, out, err) = psql(&url, "SELECT current_user").await;
    assert_eq!((exit, out.as_str()), (Exit::Code(0), "app\n"), "{err}");
    assert_eq!(psql(&server.url_with(&[("sslmode", "require")]), "SELECT 1").await.0, Exit::Code(2));
}

#[tokio::test]
async fn settings_and_data_survive_a_kill_and_the_port_stays() {
    let mut server = Postgres::start(PostgresOptions::default().setting("work_mem", "7MB")).await.unwrap();
    let port = server.port();
    let admin = server.admin().await.unwrap();
    admin.batch_execute("CREATE TABLE t AS SELECT 42 AS n; CHECKPOINT").await.unwrap();
    server.kill().await.unwrap();
    admin.simple_query("SELECT 1").await.unwrap_err();
    server.restart().await.unwrap();
    assert_eq!(server.port(), port);
    let admin = server.admin().await.unwrap();
    assert_eq!(admin.query_one("SELECT n FROM t", &[]).await.unwrap().get::<_, i32>(0), 42);
    assert_eq!(admin.query_one("SHOW work_mem", &[]).await.unwrap().get::<_, String>(0), "7MB");
    server.stop().await.unwrap();
    assert_eq!(server.process().exit(), Some(Exit::Code(0)));
    server.restart().await.unwrap();
}

#[tokio::test]
async fn a_frozen_server_is_silent_until_thawed() {
    let server = Postgres::start(PostgresOptions::default()).await.unwrap();
    let admin = server.admin().await.unwrap();
    server.freeze().unwrap();
    let query = admin.simple_query("SELECT 1");
    tokio::pin!(query);
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut query).await.is_err());
    server.thaw().unwrap();
    tokio::time::timeout(LIMIT, query).await.unwrap().unwrap();
}

#[tokio::test]
async fn nothing_is_left_after_drop() {
    let server = Postgres::start(PostgresOptions::default()).await.unwrap();
    let bouncer = PgBouncer::start(&server, &PgBouncerOptions::default()).await.unwrap();
    let admin = server.admin().await.unwrap();
    let backend: i32 = admin.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0);
    let (postmaster, pooler) = (server.process().id(), bouncer.process().id());
    let directory = server.socket_directory().to_owned();
    assert!(is_running(backend) && is_running(postmaster) && is_running(pooler));
    drop((bouncer, server));
    assert!(!is_running(postmaster) && !is_running(pooler) && !is_running(backend));
    assert!(!directory.exists());
}

#[tokio::test]
async fn pgbouncer_pools_transactions_over_few_server_connections() {
    let server = Postgres::start(PostgresOptions::default()).await.unwrap();
    let options = PgBouncerOptions { pool_size: 1, ..PgBouncerOptions::default() };
    let bouncer = PgBouncer::start(&server, &options).await.unwrap();
    let mut backends = Vec::new();
    for _ in 0..3 {
        let client = bouncer.client().await.unwrap();
        let rows = client.simple_query("SELECT pg_backend_pid()").await.unwrap();
        let pid = rows.iter().find_map(|message| match message {
            tokio_postgres::SimpleQueryMessage::Row(row) => row.get(0).map(ToOwned::to_owned),
            _ => None,
        });
        backends.push((client, pid.unwrap()));
    }
    assert!(
        backends.iter().all(|(_, pid)| *pid == backends[0].1),
        "clients do not share the server connection"
    );
}

#[tokio::test]
async fn pgbouncer_speaks_tls_and_the_server_behind_it_too() {
    let server = Postgres::start(PostgresOptions::with_tls()).await.unwrap();
    let options = PgBouncerOptions {
        tls: Some(ServerCertificate::Good),
        settings: vec![("server_tls_sslmode".to_owned(), "require".to_owned())],
        ..PgBouncerOptions::default()
    };
    let bouncer = PgBouncer::start(&server, &options).await.unwrap();
    let authority = bouncer.authority_file().display().to_string();
    let url = bouncer.url_with(&[("sslmode", "verify-full"), ("sslrootcert", authority.as_str())]);
    let (exit, out, err) = psql(&url, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()").await;
    assert_eq!((exit, out.as_str()), (Exit::Code(0), "t\n"), "{err}");
}

#[test]
fn the_password_is_as_odd_as_it_claims() {
    for special in ['@', ':', '/', '%', ' ', '#', '?', '&', '=', '\'', '"', '\\'] {
        assert!(APP_PASSWORD.contains(special), "{special}");
    }
}
