//! A server that is slow at every step has the connect timeout in all, through each driver.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::time::Duration;

use connector_api::{CallContext, Connector, OpenContext};
use connector_model::error::ErrorCode;
use connector_mssql::SqlServer;
use connector_mysql::MySql;
use connector_postgres::Postgres;
use driver_tests::{open_context, source};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep};

/// What the peer waits for before it says its first words.
const SLOW: Duration = Duration::from_secs(7);
/// Each driver's own connect timeout.
const DEFAULT: Duration = Duration::from_secs(10);

/// Says `words` late, and then nothing more to whatever it is told. Its port.
async fn peer(words: Vec<u8>, speaks_first: bool) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let (mut caller, _) = listener.accept().await.unwrap();
        let mut heard = [0; 1_024];
        if !speaks_first {
            assert!(caller.read(&mut heard).await.unwrap() > 0);
        }
        sleep(SLOW).await;
        caller.write_all(&words).await.unwrap();
        while caller.read(&mut heard).await.is_ok_and(|length| length > 0) {}
    });
    port
}

/// MySQL's greeting, of a server without TLS.
fn greeting() -> Vec<u8> {
    let mut packet = b"\x0a8.0.36\0".to_vec();
    packet.extend_from_slice(&7_u32.to_le_bytes());
    packet.extend_from_slice(b"abcdefgh\0");
    packet.extend_from_slice(&0xf7ff_u16.to_le_bytes());
    packet.extend_from_slice(&[45, 2, 0]);
    packet.extend_from_slice(&0x81ff_u16.to_le_bytes());
    packet.push(21);
    packet.extend_from_slice(&[0; 10]);
    packet.extend_from_slice(b"ijklmnopqrst\0mysql_native_password\0");
    // Without TLS.
    packet[8 + 4 + 9 + 1] &= !0x08;
    let length = u32::try_from(packet.len()).unwrap().to_le_bytes();
    [&length[..3], &[0], &packet].concat()
}

/// SQL Server's answer before the login: a version, and that there is no TLS.
fn prelogin() -> Vec<u8> {
    let options = [0, 0, 11, 0, 6, 1, 0, 17, 0, 1, 0xff, 16, 0, 0, 0, 0, 0, 2];
    [&[4, 1, 0, 26, 0, 0, 1, 0], &options[..]].concat()
}

async fn hangs_at_the_login(connector: &dyn Connector, port: u16, settings: &[(&str, &str)]) {
    let port = port.to_string();
    let settings = [settings, &[("port", port.as_str()), ("user", "ann"), ("password", "secret")]].concat();
    let cx = open_context().unwrap();
    let started = Instant::now();
    let error = source(connector, &settings).unwrap().open(&cx).await.err().unwrap();
    let elapsed = started.elapsed();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{error}");
    assert_eq!((&error.detail()["stage"], &error.detail()["kind"]), (&json!("auth"), &json!("timed_out")));
    assert!(elapsed >= DEFAULT && elapsed < DEFAULT + Duration::from_secs(1), "{elapsed:?}");
}

#[tokio::test(start_paused = true)]
async fn postgresql_has_ten_seconds_in_all() {
    let port = peer(b"N".to_vec(), false).await;
    hangs_at_the_login(&Postgres::new(), port, &[("host", "127.0.0.1")]).await;
}

#[tokio::test(start_paused = true)]
async fn a_job_that_has_less_time_names_the_stage_it_ended_in() {
    // TLS is offered, and then nothing more is said.
    let port = peer(b"S".to_vec(), false).await.to_string();
    let settings = [("host", "127.0.0.1"), ("port", &port), ("user", "ann")];
    let cx = OpenContext { call: CallContext::within(Duration::from_secs(9)), ..open_context().unwrap() };
    let error = source(&Postgres::new(), &settings).unwrap().open(&cx).await.err().unwrap();
    assert!(matches!(error.code(), ErrorCode::QueryTimeout | ErrorCode::SourceUnreachable), "{error}");
    assert_eq!(error.detail().get("stage"), Some(&json!("tls")), "{error}");
}

#[tokio::test(start_paused = true)]
async fn mysql_has_ten_seconds_in_all() {
    let port = peer(greeting(), true).await;
    hangs_at_the_login(&MySql::new(), port, &[("host", "127.0.0.1")]).await;
}

#[tokio::test(start_paused = true)]
async fn sql_server_has_ten_seconds_in_all() {
    let port = peer(prelogin(), false).await;
    hangs_at_the_login(&SqlServer::new(), port, &[("server", "127.0.0.1"), ("encrypt", "false")]).await;
}
