//! Connections to real listeners.

use std::sync::Arc;
use std::time::Duration;

use connector_api::CallContext;
use connector_model::config::Origin;
use connector_model::error::ErrorCode;
use dial::BoxedStream;
use test_servers::ServerCertificate;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::net::Connection;
use super::outbound::Outbound;
use super::testing::{Peer, Way};
use crate::bindings::semilayer::connector::net::{NetError, Tls};

const MIB: usize = 1024 * 1024;

async fn echo(certificate: Option<ServerCertificate>) -> Peer {
    Peer::serve(certificate, |stream: BoxedStream| async move {
        let (mut reader, mut writer) = tokio::io::split(stream);
        let _copied = tokio::io::copy(&mut reader, &mut writer).await;
    })
    .await
}

async fn dial(outbound: &Outbound, host: &str, port: u16, tls: Tls) -> Result<Connection, NetError> {
    Connection::dial(outbound, host, port, tls).await
}

/// The error of a dial that must not come about.
async fn refused(outbound: &Outbound, host: &str, port: u16, tls: Tls) -> NetError {
    match dial(outbound, host, port, tls).await {
        Ok(_) => panic!("{host}:{port} was dialled"),
        Err(error) => error,
    }
}

async fn round_trip(connection: &mut Connection) {
    connection.write(b"hello").await.unwrap();
    let mut answer = Vec::new();
    while answer.len() < 5 {
        answer.extend(connection.read(3).await.unwrap());
    }
    assert_eq!(answer, b"hello");
}

#[tokio::test]
async fn bytes_go_both_ways_under_every_spelling_of_the_host() {
    let peer = echo(None).await;
    for (configured, dialled) in [
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "::ffff:127.0.0.1"),
        ("127.0.0.1", "[::ffff:7f00:1]"),
        ("localhost", "LOCALHOST."),
    ] {
        let outbound = Way::to(&[(configured, peer.port)]).open();
        let mut connection = dial(&outbound, dialled, peer.port, Tls::Off).await.unwrap();
        round_trip(&mut connection).await;
    }
}

#[tokio::test]
async fn reads_are_bounded_and_end_empty() {
    let peer = Peer::serve(None, |mut stream: BoxedStream| async move {
        stream.write_all(&vec![7; 300_000]).await.unwrap();
    })
    .await;
    let outbound = Way::to(&[("127.0.0.1", peer.port)]).open();
    let mut connection = dial(&outbound, "127.0.0.1", peer.port, Tls::Off).await.unwrap();
    assert!(matches!(connection.read(0).await, Err(NetError::Other(_))));
    assert_eq!(connection.read(1).await.unwrap(), [7]);
    let mut total = 1;
    loop {
        let bytes = connection.read(u32::MAX).await.unwrap();
        assert!(bytes.len() <= 64 * 1024 && bytes.capacity() <= 64 * 1024);
        if bytes.is_empty() {
            break;
        }
        total += bytes.len();
    }
    assert_eq!(total, 300_000);
    assert!(connection.read(1).await.unwrap().is_empty());
}

#[tokio::test]
async fn much_is_sent_and_received_whole() {
    for certificate in [None, Some(ServerCertificate::Good)] {
        let peer = Peer::serve(certificate, |mut stream: BoxedStream| async move {
            let mut received = vec![0; 16 * MIB];
            stream.read_exact(&mut received).await.unwrap();
            received.reverse();
            stream.write_all(&received).await.unwrap();
            stream.flush().await.unwrap();
            // Until the other side has read it all.
            let _end = stream.read(&mut [0]).await;
        })
        .await;
        let outbound = Way::to(&[("localhost", peer.port)]).open();
        let tls = if certificate.is_some() { Tls::On } else { Tls::Off };
        let mut connection = dial(&outbound, "localhost", peer.port, tls).await.unwrap();
        let mut sent: Vec<u8> = (0..16 * MIB).map(|n| (n % 251) as u8).collect();
        connection.write(&sent).await.unwrap();
        let mut received = Vec::new();
        while received.len() < sent.len() {
            let bytes = connection.read(u32::MAX).await.unwrap();
            assert!(!bytes.is_empty());
            received.extend(bytes);
        }
        sent.reverse();
        assert!(received == sent);
    }
}

#[tokio::test]
async fn a_certificate_is_checked_for_the_dialled_name() {
    let good = echo(Some(ServerCertificate::Good)).await;
    let wrong = echo(Some(ServerCertificate::WrongName)).await;
    let unknown = echo(Some(ServerCertificate::UnknownAuthority)).await;
    let places = [good.port, wrong.port, unknown.port].map(|port| ("localhost", port));
    let outbound = Way::to(&places).open();

    let mut connection = dial(&outbound, "localhost", good.port, Tls::On).await.unwrap();
    round_trip(&mut connection).await;
    assert!(matches!(connection.start_tls(&outbound, None).await, Err(NetError::Other(_))));
    round_trip(&mut connection).await;

    for (port, kind) in
        [(wrong.port, "certificate_name_mismatch"), (unknown.port, "certificate_unknown_issuer")]
    {
        let error = refused(&outbound, "localhost", port, Tls::On).await;
        assert!(matches!(&error, NetError::Tls(text) if text.contains("certificate presented")), "{error:?}");
        let failed = outbound.failed().unwrap();
        assert_eq!(failed.code(), ErrorCode::SourceUnreachable);
        assert_eq!((&failed.detail()["stage"], &failed.detail()["kind"]), (&"tls".into(), &kind.into()));
        assert!(failed.detail().contains_key("certificateIssuer"));
    }
}

#[tokio::test]
async fn tls_starts_later_and_under_another_name() {
    let peer = echo(Some(ServerCertificate::WrongName)).await;
    let outbound = Way::to(&[("localhost", peer.port)]).open();
    let plain = async || dial(&outbound, "localhost", peer.port, Tls::Off).await.unwrap();

    let mut connection = plain().await;
    connection.start_tls(&outbound, Some("wrong.example".to_owned())).await.unwrap();
    round_trip(&mut connection).await;

    let mut connection = plain().await;
    assert!(matches!(connection.start_tls(&outbound, None).await, Err(NetError::Tls(_))));
    // What is left of it says nothing in clear.
    assert!(matches!(connection.write(b"password").await, Err(NetError::Closed)));
    assert!(matches!(connection.read(1).await, Err(NetError::Closed)));
    assert!(matches!(connection.start_tls(&outbound, None).await, Err(NetError::Closed)));

    let mut connection = plain().await;
    let unusable = connection.start_tls(&outbound, Some("no name".to_owned())).await;
    assert!(matches!(unusable, Err(NetError::Tls(_))), "{unusable:?}");
}

#[tokio::test]
async fn what_is_not_granted_is_not_dialled() {
    let peer = echo(None).await;
    let port = peer.port;
    let mut way = Way::to(&[("db.test", port)]);
    way.names.extend([
        ("db.test", "127.0.0.1"),
        ("mapped.test", "::ffff:127.0.0.1"),
        ("far.test", "10.0.0.5"),
    ]);
    way.asked = vec![format!("mapped.test:{port}"), format!("*.wild.test:{port}")];
    way.allow = vec![format!("mapped.test:{port}")];
    let outbound = way.open();
    for (host, says) in [
        // By name, by address, by spelling.
        ("evil.test", "its manifest asks for"),
        ("127.0.0.1", "its manifest asks for"),
        ("localhost", "its manifest asks for"),
        ("0x7f.0.0.1", "it is a number"),
        ("127.1", "it is a number"),
        ("a.wild.test", "adds \"a.wild.test:"),
        // By what the name resolves to, plain and mapped.
        ("db.test", "127.0.0.1 is a loopback address"),
        ("mapped.test", "::ffff:127.0.0.1 is a loopback address"),
    ] {
        let NetError::NotAllowed(text) = refused(&outbound, host, port, Tls::Off).await else {
            panic!("{host} failed otherwise");
        };
        assert!(text.contains(says), "{host}: {text}");
        let failed = outbound.failed().unwrap();
        assert_eq!((failed.code(), failed.message()), (ErrorCode::PolicyDenied, text.as_str()));
        assert_eq!(failed.detail()["rule"], "connectors.acme.allow_hosts");
        assert!(text.contains("[connectors.acme]") || says == "it is a number", "{text}");
    }
    assert_eq!(peer.accepted(), 0);
    outbound.begin(&CallContext::within(Duration::from_secs(1)));
    assert!(outbound.failed().is_none());
}

#[tokio::test]
async fn a_managed_source_is_told_which_setting_refused() {
    let mut way = Way::to(&[("localhost", 1), ("private.test", 2)]);
    way.origin = Origin::Managed;
    way.names.push(("private.test", "10.0.0.5"));
    let outbound = way.open();
    let NetError::NotAllowed(text) = refused(&outbound, "localhost", 1, Tls::Off).await else { panic!() };
    // The grant allows its own host; the rules for managed sources do not.
    assert!(text.contains("SEMILAYER_MANAGED_ALLOW_HOSTS"), "{text}");
    let NetError::NotAllowed(text) = refused(&outbound, "private.test", 2, Tls::Off).await else { panic!() };
    assert!(text.contains("10.0.0.5 is a private address") && text.contains("[connectors.acme]"), "{text}");
}

#[tokio::test]
async fn an_instance_holds_so_many_connections_and_dropping_one_closes_it() {
    let (closed, mut closes) = mpsc::channel(100);
    let peer = Peer::serve(None, move |mut stream: BoxedStream| {
        let closed = closed.clone();
        async move {
            let end = stream.read(&mut [0; 10]).await;
            closed.send(matches!(end, Ok(0))).await.unwrap();
        }
    })
    .await;
    let outbound = Way::to(&[("127.0.0.1", peer.port)]).open();
    let mut held = Vec::new();
    for _ in 0..64 {
        held.push(dial(&outbound, "127.0.0.1", peer.port, Tls::Off).await.unwrap());
    }
    for _ in 0..1_000 {
        let error = refused(&outbound, "127.0.0.1", peer.port, Tls::Off).await;
        assert!(matches!(&error, NetError::Other(text) if text.contains("64 connections")), "{error:?}");
    }
    assert!(outbound.failed().is_none());
    drop(held.pop());
    assert_eq!(closes.recv().await, Some(true));
    held.push(dial(&outbound, "127.0.0.1", peer.port, Tls::Off).await.unwrap());
}

#[tokio::test]
async fn stages_are_reported_of_the_first_connection_of_an_open() {
    let peer = echo(Some(ServerCertificate::Good)).await;
    let way = Way::to(&[("localhost", peer.port)]);
    let outbound = way.open();
    let connection = dial(&outbound, "localhost", peer.port, Tls::On).await.unwrap();
    let expected = [
        "dns localhost → 127.0.0.1".to_owned(),
        format!("tcp 127.0.0.1:{}", peer.port),
        "tls TLSv1.3, verified".to_owned(),
    ];
    assert_eq!(way.stages.seen(), expected);
    drop(connection);
    drop(dial(&outbound, "localhost", peer.port, Tls::On).await.unwrap());
    assert_eq!(way.stages.seen(), expected);

    // TLS that begins after the open is nobody's business.
    let way = Way::to(&[("localhost", peer.port)]);
    let outbound = way.open();
    let mut connection = dial(&outbound, "localhost", peer.port, Tls::Off).await.unwrap();
    outbound.opened();
    connection.start_tls(&outbound, None).await.unwrap();
    assert_eq!(way.stages.seen().len(), 2);
}

#[tokio::test]
async fn a_dial_ends_with_its_call() {
    let peer = Peer::silent().await;
    let outbound = Way::to(&[("localhost", peer.port)]).open();
    outbound.begin(&CallContext::within(Duration::from_millis(100)));
    let started = Instant::now();
    let error = refused(&outbound, "localhost", peer.port, Tls::On).await;
    assert!(matches!(error, NetError::TimedOut), "{error:?}");
    assert!(started.elapsed() < Duration::from_secs(5));
    let failed = outbound.failed().unwrap();
    assert_eq!((&failed.detail()["stage"], &failed.detail()["kind"]), (&"tls".into(), &"timed_out".into()));
}

#[tokio::test]
async fn failures_are_told_apart_and_forgotten_when_a_connection_comes_about() {
    let peer = echo(None).await;
    let free = test_servers::free_port().unwrap();
    let outbound = Way::to(&[("localhost", free), ("missing.test", 1), ("127.0.0.1", peer.port)]).open();
    assert!(matches!(refused(&outbound, "localhost", free, Tls::Off).await, NetError::Refused));
    assert_eq!(outbound.failed().unwrap().detail()["kind"], "refused");
    assert!(matches!(refused(&outbound, "missing.test", 1, Tls::Off).await, NetError::NameNotFound));
    assert_eq!(outbound.failed().unwrap().detail()["stage"], "dns");
    drop(dial(&outbound, "127.0.0.1", peer.port, Tls::Off).await.unwrap());
    assert!(outbound.failed().is_none());
    let plain = refused(&outbound, "127.0.0.1", peer.port, Tls::On).await;
    assert!(matches!(plain, NetError::Tls(_)), "{plain:?}");
    let nowhere = Arc::new(Outbound::nowhere("acme".into()));
    assert!(matches!(refused(&nowhere, "localhost", 1, Tls::Off).await, NetError::NotAllowed(_)));
}

#[tokio::test]
async fn a_connection_that_the_other_side_resets_is_closed() {
    let peer = Peer::serve(None, |mut stream: BoxedStream| async move {
        let _one = stream.read(&mut [0]).await;
    })
    .await;
    let outbound = Way::to(&[("127.0.0.1", peer.port)]).open();
    let mut connection = dial(&outbound, "127.0.0.1", peer.port, Tls::Off).await.unwrap();
    // More than is read: the end comes as a reset.
    let outcome = loop {
        if let Err(error) = connection.write(&vec![0; MIB]).await {
            break error;
        }
    };
    assert!(matches!(outcome, NetError::Closed), "{outcome:?}");
}
