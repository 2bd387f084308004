//! The MariaDB that tests start.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use mysql_async::prelude::Queryable;
use mysql_async::{Conn, OptsBuilder};
use test_servers::{APP_PASSWORD, APP_USER, Exit, MariaDb, MariaDbOptions};

fn login(server: &MariaDb) -> OptsBuilder {
    OptsBuilder::default()
        .ip_or_hostname("127.0.0.1")
        .tcp_port(server.port())
        .user(Some(APP_USER))
        .pass(Some(APP_PASSWORD))
        .db_name(Some(APP_USER))
        .prefer_socket(false)
}

#[tokio::test]
async fn the_user_reads_and_cannot_write() {
    let server = MariaDb::start(MariaDbOptions::default()).await.unwrap();
    server.admin().await.unwrap().query_drop("CREATE TABLE t AS SELECT 42 AS n").await.unwrap();
    let mut app = Conn::new(login(&server)).await.unwrap();
    assert_eq!(app.query_first::<i64, _>("SELECT n FROM t").await.unwrap(), Some(42));
    app.query_drop("INSERT INTO t VALUES (1)").await.unwrap_err();
}

#[tokio::test]
async fn settings_and_data_survive_a_stop_and_the_port_stays() {
    let options = MariaDbOptions::default().setting("max-user-connections", "7");
    let mut server = MariaDb::start(options).await.unwrap();
    let port = server.port();
    server.admin().await.unwrap().query_drop("CREATE TABLE t AS SELECT 42 AS n").await.unwrap();
    server.stop().await.unwrap();
    assert_eq!(server.process().exit(), Some(Exit::Code(0)));
    server.restart().await.unwrap();
    assert_eq!(server.port(), port);
    let mut admin = server.admin().await.unwrap();
    assert_eq!(admin.query_first::<i64, _>("SELECT n FROM t").await.unwrap(), Some(42));
    let most: Option<i64> = admin.query_first("SELECT @@max_user_connections").await.unwrap();
    assert_eq!(most, Some(7));
}

#[tokio::test]
async fn nothing_is_left_after_drop() {
    let server = MariaDb::start(MariaDbOptions::with_tls()).await.unwrap();
    let (process, socket) = (server.process().id(), server.socket());
    let runs = || std::fs::exists(format!("/proc/{process}")).unwrap();
    assert!(runs() && socket.exists());
    drop(server);
    assert!(!runs() && !socket.exists());
}
