use test_servers::{
    APP_PASSWORD, ServerCertificate, SqlServer, SqlServerEncryption, SqlServerError, SqlServerFault,
    SqlServerOptions,
};
use tiberius::{AuthMethod, EncryptionLevel};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{config, connect, number, query, started};

#[tokio::test]
async fn who_connects_is_recorded() {
    let server = started().await;
    let mut config = config(&server);
    config.readonly(true);
    let mut client = connect(config).await.unwrap();
    let rows = query(&mut client, "SELECT DB_NAME() AS db, APP_NAME() AS app").await.unwrap();
    assert_eq!(rows[0].get::<&str, _>("db"), Some("app"));
    assert_eq!(rows[0].get::<&str, _>("app"), Some("a test"));
    let sessions = server.sessions();
    let [session] = sessions.as_slice() else { panic!("{sessions:?}") };
    assert_eq!((session.user.as_str(), session.database.as_str()), ("app", "app"));
    assert_eq!(session.application, "a test");
    assert!(session.read_only_intent && !session.login_encrypted && !session.encrypted);
    assert_eq!(server.statements()[0].text, "SELECT DB_NAME() AS db, APP_NAME() AS app");
}

#[tokio::test]
async fn encryption_is_for_all_or_for_the_login_alone() {
    let server = started().await;
    for (level, all) in
        [(EncryptionLevel::On, true), (EncryptionLevel::Required, true), (EncryptionLevel::Off, false)]
    {
        let mut config = config(&server);
        config.encryption(level);
        let mut client = connect(config).await.unwrap();
        assert_eq!(query(&mut client, "SELECT 1 AS one").await.unwrap()[0].get::<i32, _>(0), Some(1));
        let session = server.sessions().pop().unwrap();
        assert!(session.login_encrypted);
        assert_eq!(session.encrypted, all, "{level:?}");
    }
}

#[tokio::test]
async fn a_server_may_require_encryption_or_not_have_it() {
    let options =
        SqlServerOptions { encryption: SqlServerEncryption::Required, ..SqlServerOptions::default() };
    let server = SqlServer::start(options).await.unwrap();
    let mut asked = config(&server);
    asked.encryption(EncryptionLevel::Off);
    let mut client = connect(asked).await.unwrap();
    query(&mut client, "SELECT 1").await.unwrap();
    assert!(server.sessions()[0].encrypted);

    let options =
        SqlServerOptions { encryption: SqlServerEncryption::NotSupported, ..SqlServerOptions::default() };
    let server = SqlServer::start(options).await.unwrap();
    let mut asked = config(&server);
    asked.encryption(EncryptionLevel::Required);
    assert!(matches!(connect(asked).await, Err(tiberius::error::Error::Protocol(_))));
}

#[tokio::test]
async fn certificates_that_must_be_refused_are_refused() {
    for certificate in
        [ServerCertificate::WrongName, ServerCertificate::Expired, ServerCertificate::UnknownAuthority]
    {
        let server =
            SqlServer::start(SqlServerOptions { certificate, ..SqlServerOptions::default() }).await.unwrap();
        let mut config = config(&server);
        config.encryption(EncryptionLevel::Required);
        let refused = connect(config).await;
        assert!(matches!(&refused, Err(tiberius::error::Error::Tls(_))), "{certificate:?}: {refused:?}");
        assert!(server.sessions().is_empty());
    }
}

#[tokio::test]
async fn wrong_credentials_and_databases_have_their_numbers() {
    let server = started().await;
    for (user, password) in [("app", "wrong"), ("nobody", APP_PASSWORD)] {
        let mut config = config(&server);
        config.authentication(AuthMethod::sql_server(user, password));
        assert_eq!(number(connect(config).await), Some(18456));
    }
    let mut elsewhere = config(&server);
    elsewhere.database("elsewhere");
    assert_eq!(number(connect(elsewhere).await), Some(4060));
    assert_eq!(
        server.sessions().iter().map(|session| session.refused).collect::<Vec<_>>(),
        [Some(18456), Some(18456), Some(4060)]
    );
}

#[tokio::test]
async fn connections_break_where_a_test_wants_it() {
    let server = started().await;
    for fault in [SqlServerFault::CloseAtPrelogin, SqlServerFault::CloseAtTls, SqlServerFault::CloseAtLogin] {
        server.set_faults(vec![fault.clone()]);
        let mut config = config(&server);
        config.encryption(EncryptionLevel::Required);
        let error = connect(config).await.err().unwrap();
        assert!(
            matches!(error, tiberius::error::Error::Io { .. } | tiberius::error::Error::Tls(_)),
            "{fault:?}: {error:?}"
        );
    }
    server.set_faults(vec![SqlServerFault::FailLogin(SqlServerError::numbered(18470))]);
    assert_eq!(number(connect(config(&server)).await), Some(18470));
    server.set_faults(Vec::new());
    connect(config(&server)).await.unwrap();
}

#[tokio::test]
async fn a_server_that_was_stopped_comes_back_with_its_tables() {
    let mut server = started().await;
    server
        .execute("CREATE TABLE dbo.t (id int NOT NULL PRIMARY KEY); INSERT INTO t VALUES (1);")
        .await
        .unwrap();
    let mut client = connect(config(&server)).await.unwrap();
    server.stop().await;
    assert!(query(&mut client, "SELECT 1").await.is_err());
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", server.port())).await.is_err());
    server.restart().await.unwrap();
    let mut client = connect(config(&server)).await.unwrap();
    assert_eq!(query(&mut client, "SELECT id FROM t").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_client_may_be_sent_on_to_another_server() {
    let server = started().await;
    server.set_faults(vec![SqlServerFault::RedirectLogin { host: "elsewhere.example".into(), port: 1434 }]);
    match connect(config(&server)).await {
        Err(tiberius::error::Error::Routing { host, port }) => {
            assert_eq!((host.as_str(), port), ("elsewhere.example", 1434));
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_no_tds_costs_its_own_connection_and_nothing_else() {
    let server = started().await;
    let mut client = connect(config(&server)).await.unwrap();
    let prelogin = [18, 1, 0, 14, 0, 0, 0, 0, 0xff, 0, 0, 0, 0, 0];
    let torn_login = [prelogin.as_slice(), &[16, 1, 0, 12, 0, 0, 0, 0, 1, 2, 3, 4]].concat();
    for bytes in
        [&b"GET / HTTP/1.1\r\n\r\n"[..], &[18, 1, 0, 2, 0, 0, 0, 0], &[18, 1, 0xff, 0xff], &torn_login]
    {
        let mut tcp = tokio::net::TcpStream::connect(("127.0.0.1", server.port())).await.unwrap();
        tcp.write_all(bytes).await.unwrap();
        tcp.shutdown().await.unwrap();
        let mut answer = Vec::new();
        // Whether it ends in order or is reset, it ends.
        let _reset = tcp.read_to_end(&mut answer).await;
        assert!(answer.len() < 64, "{answer:?}");
    }
    assert_eq!(query(&mut client, "SELECT 1").await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_fatal_error_ends_the_connection() {
    let server = started().await;
    let mut client = connect(config(&server)).await.unwrap();
    let error = SqlServerError { class: 20, ..SqlServerError::numbered(3624) };
    server.set_faults(vec![SqlServerFault::FailStatement { matching: "fatal".into(), error }]);
    assert_eq!(number(query(&mut client, "SELECT 'fatal'").await), Some(3624));
    assert!(matches!(query(&mut client, "SELECT 1").await, Err(tiberius::error::Error::Io { .. })));
}
