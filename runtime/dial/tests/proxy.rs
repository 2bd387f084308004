//! Tunnels through real proxies on loopback, and through ones that open none.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a failed unwrap fails the test"
)]

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use dial::{
    Destination, DialError, Dialer, Family, Kind, Lookup, LookupFailure, LookupFault, Proxy as ProxyUrl,
    ProxyFault, Roots, SocksReply, Stage, Tunnel,
};
use test_servers::{Proxy, ProxyBehaviour, ProxyOptions, ProxyProtocol, free_port};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

const LIMIT: Duration = Duration::from_secs(20);
/// For what is expected to run out.
const SHORT: Duration = Duration::from_millis(300);

/// Names with fixed addresses, and no resolver behind them.
#[derive(Default)]
struct Table(HashMap<&'static str, Vec<IpAddr>>);

impl Lookup for Table {
    fn lookup(&self, host: &str, _family: Family) -> Result<Vec<SocketAddr>, LookupFailure> {
        let unknown =
            || LookupFailure { fault: LookupFault::NameNotFound, source: io::ErrorKind::NotFound.into() };
        let addresses = self.0.get(host).ok_or_else(unknown)?;
        Ok(addresses.iter().map(|address| SocketAddr::new(*address, 0)).collect())
    }
}

fn knowing(names: &[(&'static str, &[&str])]) -> Dialer {
    let names = names
        .iter()
        .map(|(name, addresses)| (*name, addresses.iter().map(|address| address.parse().unwrap()).collect()));
    Dialer::with_lookup(Roots::only(&[]).unwrap(), Arc::new(Table(names.collect())))
}

/// Says first, then sends back what it is sent.
async fn echo() -> (u16, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let serving = tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                stream.write_all(b"welcome").await.unwrap();
                let (mut from, mut to) = stream.split();
                let _ended = tokio::io::copy(&mut from, &mut to).await;
            });
        }
    });
    (port, serving)
}

async fn through(
    dialer: &Dialer,
    url: &str,
    host: &str,
    port: u16,
    limit: Duration,
) -> Result<Tunnel, DialError> {
    let proxy = ProxyUrl::parse(url).unwrap();
    dialer.connect_through(&proxy, &Destination::new(host, port), limit, None).await
}

async fn speaks(tunnel: Result<Tunnel, DialError>) {
    let mut stream = tunnel.unwrap().stream;
    stream.write_all(b"hello").await.unwrap();
    let mut heard = [0; 12];
    stream.read_exact(&mut heard).await.unwrap();
    assert_eq!(&heard, b"welcomehello");
}

async fn failed(url: &str, host: &str, port: u16) -> DialError {
    match through(&knowing(&[]), url, host, port, LIMIT).await {
        Err(error) => error,
        Ok(_) => panic!("{url} opened a tunnel"),
    }
}

#[tokio::test]
async fn a_tunnel_carries_bytes_both_ways_and_the_proxy_looks_the_name_up() {
    let (port, _serving) = echo().await;
    for (protocol, scheme) in [(ProxyProtocol::Connect, "http"), (ProxyProtocol::Socks5, "socks5h")] {
        let proxy = Proxy::start(ProxyOptions::speaking(protocol).route("far.example", port)).await.unwrap();
        speaks(through(&knowing(&[]), &proxy.url(scheme), "far.example", 443, LIMIT).await).await;
        let asked = proxy.requests();
        assert_eq!((asked.len(), asked[0].host.as_str(), asked[0].port), (1, "far.example", 443));
        // An address is one, also for a proxy that looks names up.
        speaks(through(&knowing(&[]), &proxy.url(scheme), "127.0.0.1", port, LIMIT).await).await;
        assert_eq!(proxy.requests()[1].host, "127.0.0.1");
    }
}

#[tokio::test]
async fn socks5_is_given_this_machines_addresses_one_after_the_other() {
    let (port, _serving) = echo().await;
    let proxy = Proxy::start(ProxyOptions::speaking(ProxyProtocol::Socks5)).await.unwrap();
    // The proxy reaches loopback only, so the first one fails there.
    let dialer = knowing(&[("dual.example", &["192.0.2.1", "127.0.0.1"])]);
    speaks(through(&dialer, &proxy.url("socks5"), "dual.example", port, LIMIT).await).await;
    let asked: Vec<String> = proxy.requests().into_iter().map(|request| request.host).collect();
    assert_eq!(asked, ["192.0.2.1", "127.0.0.1"]);
    let error = failed(&proxy.url("socks5"), "unknown.example", port).await;
    assert_eq!((error.stage(), error.kind()), (Stage::Dns, &Kind::NameNotFound));
    assert!(error.proxy().is_some());
    assert_eq!(proxy.requests().len(), 2);
}

#[tokio::test]
async fn a_login_is_decoded_and_a_missing_or_wrong_one_is_told_apart() {
    let (port, _serving) = echo().await;
    for (protocol, scheme) in [(ProxyProtocol::Connect, "http"), (ProxyProtocol::Socks5, "socks5h")] {
        let options = ProxyOptions::speaking(protocol).login("al@corp", "hunter2:/%");
        let proxy = Proxy::start(options).await.unwrap();
        let right = proxy.url_with(scheme, "al%40corp:hunter2%3A%2F%25");
        speaks(through(&knowing(&[]), &right, "localhost", port, LIMIT).await).await;
        assert_eq!(proxy.requests()[0].login.as_deref(), Some("al@corp:hunter2:/%"));
        let schemes = if scheme == "http" { vec!["Basic".to_owned()] } else { Vec::new() };
        let missing = failed(&proxy.url(scheme), "localhost", port).await;
        assert_eq!(missing.kind(), &Kind::Proxy(ProxyFault::LoginMissing { schemes: schemes.clone() }));
        let wrong = failed(&proxy.url_with(scheme, "al%40corp:hunter3"), "localhost", port).await;
        assert_eq!(wrong.kind(), &Kind::Proxy(ProxyFault::LoginRefused { schemes }));
        for error in [missing, wrong] {
            let said = format!("{error} {error:?}");
            assert!(error.stage() == Stage::Proxy && !said.contains("hunter"), "{said}");
        }
    }
}

#[tokio::test]
async fn a_proxy_that_is_itself_reached_over_tls_never_shows_the_login_to_the_network() {
    let (port, _serving) = echo().await;
    let options = ProxyOptions::speaking(ProxyProtocol::ConnectInTls).login("app", "hunter2");
    let proxy = Proxy::start(options).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    std::fs::write(&authority, proxy.own_authority()).unwrap();
    let dialer = Dialer::new(Roots::only(&[authority]).unwrap());
    let url = proxy.url_with("https", "app:hunter2");
    speaks(through(&dialer, &url, "127.0.0.1", port, LIMIT).await).await;
    let untrusting = Dialer::new(Roots::only(&[]).unwrap());
    let Err(error) = through(&untrusting, &url, "127.0.0.1", port, LIMIT).await else { panic!() };
    assert_eq!((error.stage(), error.kind()), (Stage::Proxy, &Kind::CertificateUnknownIssuer));
    assert!(error.certificate().unwrap().issuer.contains("Test Authority"), "{error}");
    assert_eq!(proxy.requests().len(), 1, "the login was told to a proxy that nobody knows");
    // Its plain sibling does not speak TLS.
    let answering = ProxyBehaviour::Say(b"HTTP/1.1 400 Bad Request\r\n\r\n");
    let plain = Proxy::start(ProxyOptions::default().behaving(answering)).await.unwrap();
    let Err(error) = through(&dialer, &plain.url("https"), "127.0.0.1", port, LIMIT).await else { panic!() };
    assert_eq!((error.stage(), error.kind()), (Stage::Proxy, &Kind::NotTls));
}

#[tokio::test]
async fn every_refusal_has_its_number_and_the_proxys_name() {
    for status in [400, 403, 405, 502, 503, 504] {
        let refusing = ProxyOptions::default().behaving(ProxyBehaviour::Refuse(status));
        let proxy = Proxy::start(refusing).await.unwrap();
        let error = failed(&proxy.url("http"), "far.example", 443).await;
        assert_eq!(error.kind(), &Kind::Proxy(ProxyFault::Status(status)));
        let port = proxy.port();
        let said = format!(
            "far.example:443 through the proxy http://127.0.0.1:{port}: the proxy answers {status} to CONNECT"
        );
        assert_eq!(error.to_string(), said);
    }
    for (reply, expected) in [
        (1, SocksReply::GeneralFailure),
        (2, SocksReply::NotAllowed),
        (3, SocksReply::NetworkUnreachable),
        (4, SocksReply::HostUnreachable),
        (5, SocksReply::ConnectionRefused),
        (6, SocksReply::TimeToLiveExpired),
        (7, SocksReply::CommandNotSupported),
        (8, SocksReply::AddressTypeNotSupported),
        (77, SocksReply::Unassigned),
    ] {
        let refusing = ProxyOptions::speaking(ProxyProtocol::Socks5).behaving(ProxyBehaviour::Refuse(reply));
        let proxy = Proxy::start(refusing).await.unwrap();
        let error = failed(&proxy.url("socks5h"), "far.example", 443).await;
        assert_eq!(error.kind(), &Kind::Proxy(ProxyFault::Socks(expected)));
    }
}

#[tokio::test]
async fn a_proxy_that_hangs_or_hangs_up_or_is_none_says_so() {
    for (protocol, scheme) in [(ProxyProtocol::Connect, "http"), (ProxyProtocol::Socks5, "socks5h")] {
        let proxy = Proxy::start(ProxyOptions::speaking(protocol)).await.unwrap();
        let url = proxy.url(scheme);
        proxy.set_behaviour(ProxyBehaviour::Close);
        assert_eq!(failed(&url, "far.example", 443).await.kind(), &Kind::Proxy(ProxyFault::Closed));
        proxy.set_behaviour(ProxyBehaviour::Say(b"SSH-2.0-OpenSSH_9.2\r\n"));
        assert_eq!(failed(&url, "far.example", 443).await.kind(), &Kind::Proxy(ProxyFault::NotAProxy));
        proxy.set_behaviour(ProxyBehaviour::Hang);
        let Err(error) = through(&knowing(&[]), &url, "far.example", 443, SHORT).await else { panic!() };
        assert_eq!((error.stage(), error.kind()), (Stage::Proxy, &Kind::Proxy(ProxyFault::Silent)));
        assert!(error.elapsed() >= SHORT && error.address().is_some());
    }
    // The one taken for the other, both ways.
    let connect = Proxy::start(ProxyOptions::default()).await.unwrap();
    let socks = Proxy::start(ProxyOptions::speaking(ProxyProtocol::Socks5)).await.unwrap();
    for (url, host) in [(socks.url("http"), "far.example")] {
        assert_eq!(failed(&url, host, 443).await.kind(), &Kind::Proxy(ProxyFault::Closed));
    }
    connect.set_behaviour(ProxyBehaviour::Say(b"HTTP/1.1 400 Bad Request\r\n\r\n"));
    let error = failed(&connect.url("socks5"), "127.0.0.1", 443).await;
    assert_eq!(error.kind(), &Kind::Proxy(ProxyFault::NotAProxy));
}

#[tokio::test]
async fn a_proxy_that_is_not_reached_is_a_failure_of_the_proxys_stage() {
    let port = free_port().unwrap();
    let error = failed(&format!("http://app:hunter2@127.0.0.1:{port}"), "far.example", 443).await;
    assert_eq!((error.stage(), error.kind()), (Stage::Proxy, &Kind::Refused));
    assert_eq!(
        error.to_string(),
        format!(
            "far.example:443 through the proxy http://app:…@127.0.0.1:{port}: the proxy cannot be reached, connection refused"
        )
    );
    let error = failed("http://nowhere.example:3128", "far.example", 443).await;
    assert_eq!((error.stage(), error.kind()), (Stage::Proxy, &Kind::NameNotFound));
    assert_eq!(error.destination().unwrap().host(), "far.example");
    let error = failed("http://127.0.0.1:1", "not a host", 443).await;
    assert_eq!((error.stage(), error.kind()), (Stage::Dns, &Kind::InvalidHost));
}
