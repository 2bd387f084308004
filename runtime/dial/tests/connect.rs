//! Lookup and race over real sockets on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a failed unwrap fails the test"
)]

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dial::{
    AddressFilter, ConnectOptions, Destination, Dialer, Family, Kind, Lookup, LookupFailure, LookupFault,
    Roots, Stage, SystemLookup,
};
use socket2::{Domain, SockRef, Socket, Type};

/// Names with fixed addresses.
struct Table(HashMap<&'static str, Vec<IpAddr>>);

impl Lookup for Table {
    fn lookup(&self, host: &str, _family: Family) -> Result<Vec<SocketAddr>, LookupFailure> {
        match self.0.get(host) {
            Some(addresses) => Ok(addresses.iter().map(|address| SocketAddr::new(*address, 0)).collect()),
            None => Err(LookupFailure {
                fault: LookupFault::NameNotFound,
                source: io::ErrorKind::NotFound.into(),
            }),
        }
    }
}

fn dialer(name: &'static str, addresses: &[&str]) -> Dialer {
    let addresses = addresses.iter().map(|address| address.parse().unwrap()).collect();
    Dialer::with_lookup(Roots::only(&[]).unwrap(), Arc::new(Table(HashMap::from([(name, addresses)]))))
}

fn within(timeout: Duration) -> ConnectOptions {
    ConnectOptions { timeout, ..ConnectOptions::default() }
}

/// A port on which nothing listens.
fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A listener whose queue is full, so that the kernel answers no further attempt.
struct Silent {
    address: SocketAddr,
    _listener: Socket,
    _queued: Vec<Socket>,
}

fn silent(address: &str) -> Silent {
    let address: SocketAddr = address.parse().unwrap();
    let listener = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    listener.bind(&address.into()).unwrap();
    listener.listen(0).unwrap();
    let address = listener.local_addr().unwrap().as_socket().unwrap();
    // A queue of length 0 holds one connection; the others wait for an answer that never comes.
    let queued = (0..3)
        .map(|_| {
            let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
            socket.set_nonblocking(true).unwrap();
            let started = socket.connect(&address.into());
            assert!(started.is_ok() || started.unwrap_err().raw_os_error() == Some(115), "not EINPROGRESS");
            socket
        })
        .collect();
    Silent { address, _listener: listener, _queued: queued }
}

#[tokio::test]
async fn a_name_that_does_not_exist_says_so() {
    let error = dialer("db", &[])
        .connect(&Destination::new("nope", 1), &ConnectOptions::default())
        .await
        .unwrap_err();
    assert_eq!((error.stage(), error.kind()), (Stage::Dns, &Kind::NameNotFound));
    assert_eq!(error.to_string(), "nope:1: the name does not exist");
}

#[test]
fn the_systems_resolver_tells_its_failures_apart() {
    // No name server is asked for either: a label of 64 bytes cannot be sent (RFC 1035 §2.3.4), and a
    // numeric host of the other family is refused on the spot.
    let too_long = format!("{}.invalid", "a".repeat(64));
    let failure = SystemLookup.lookup(&too_long, Family::Any).unwrap_err();
    assert_ne!(failure.fault, LookupFault::NoAddress);
    let failure = SystemLookup.lookup("127.0.0.1", Family::V6).unwrap_err();
    assert_eq!(failure.fault, LookupFault::NoAddress);
}

#[tokio::test]
async fn an_unknown_name_fails_in_the_dns_stage_with_the_systems_resolver() {
    let dialer = Dialer::new(Roots::only(&[]).unwrap());
    let error = dialer
        .connect(&Destination::new("name.invalid", 1), &within(Duration::from_secs(20)))
        .await
        .unwrap_err();
    assert_eq!(error.stage(), Stage::Dns);
    // Which of the two depends on whether this machine has a name server that answers.
    assert!(matches!(error.kind(), Kind::NameNotFound | Kind::ResolverFailed), "{error}");
}

#[tokio::test]
async fn a_host_that_can_be_no_name_is_never_looked_up() {
    let error = dialer("", &["127.0.0.1"])
        .resolve(&Destination::new("", 1), Family::Any, &AddressFilter::default())
        .await;
    assert_eq!(error.unwrap_err().kind(), &Kind::InvalidHost);
}

#[tokio::test]
async fn a_pinned_family_leaves_the_other_out() {
    let dialer = dialer("db", &["::1", "127.0.0.1"]);
    let filter = AddressFilter::unrestricted();
    let only_v4 = dialer.resolve(&Destination::new("db", 7), Family::V4, &filter).await.unwrap();
    assert_eq!(only_v4.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["127.0.0.1:7"]);
    let error = dialer.resolve(&Destination::new("127.0.0.1", 7), Family::V6, &filter).await.unwrap_err();
    assert_eq!((error.stage(), error.kind()), (Stage::Dns, &Kind::NoAddress));
}

#[tokio::test]
async fn a_port_where_nothing_listens_refuses() {
    let port = closed_port();
    let destination = Destination::new("db", port);
    let error =
        dialer("db", &["127.0.0.1"]).connect(&destination, &ConnectOptions::default()).await.unwrap_err();
    assert_eq!((error.stage(), error.kind()), (Stage::Tcp, &Kind::Refused));
    assert_eq!(error.address(), Some(SocketAddr::from(([127, 0, 0, 1], port))));
    assert_eq!(error.to_string(), format!("db:{port} (127.0.0.1:{port}): connection refused"));
}

#[tokio::test]
async fn a_peer_that_does_not_answer_times_out_in_the_tcp_stage() {
    let peer = silent("127.0.0.1:0");
    let destination = Destination::new("127.0.0.1", peer.address.port());
    let error = dialer("", &[]).connect(&destination, &within(Duration::from_millis(300))).await.unwrap_err();
    assert_eq!((error.stage(), error.kind()), (Stage::Tcp, &Kind::TimedOut));
    assert_eq!(error.address(), Some(peer.address));
    assert!(error.elapsed() >= Duration::from_millis(300));
}

/// A lookup that ends only when the test says so.
struct Hanging(Mutex<Receiver<()>>);

impl Lookup for Hanging {
    fn lookup(&self, _host: &str, _family: Family) -> Result<Vec<SocketAddr>, LookupFailure> {
        let _ended = self.0.lock().unwrap().recv();
        Ok(Vec::new())
    }
}

#[tokio::test]
async fn a_resolver_that_hangs_times_out_in_the_dns_stage() {
    let (release, hold): (Sender<()>, _) = channel();
    let dialer = Dialer::with_lookup(Roots::only(&[]).unwrap(), Arc::new(Hanging(Mutex::new(hold))));
    let error =
        dialer.connect(&Destination::new("db", 1), &within(Duration::from_millis(50))).await.unwrap_err();
    assert_eq!((error.stage(), error.kind()), (Stage::Dns, &Kind::TimedOut));
    drop(release);
}

#[tokio::test]
async fn the_family_that_works_wins_when_the_other_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let dialer = dialer("db", &["::1", "127.0.0.1"]);
    let connected =
        dialer.connect(&Destination::new("db", address.port()), &ConnectOptions::default()).await.unwrap();
    assert_eq!(connected.address.socket_addr(), address);
    assert_eq!(connected.stream.peer_addr().unwrap(), address);
}

#[tokio::test]
async fn a_host_with_ipv6_alone_is_reached_by_its_address_and_by_a_name_of_both_families() {
    let listener =
        TcpListener::bind("[::1]:0").expect("this machine has no IPv6 loopback, which the test needs");
    let address = listener.local_addr().unwrap();
    let dialer = dialer("db", &["127.0.0.1", "::1"]);
    for host in ["db", "::1", "[::1]"] {
        let destination = Destination::new(host, address.port());
        let connected = dialer.connect(&destination, &ConnectOptions::default()).await.unwrap();
        assert_eq!(connected.address.socket_addr(), address, "{host}");
    }
}

#[tokio::test]
async fn an_address_that_is_silent_is_overtaken() {
    let dead = silent("127.0.0.2:0");
    let alive = TcpListener::bind(("127.0.0.1", dead.address.port())).unwrap();
    let dialer = dialer("db", &["127.0.0.2", "127.0.0.1"]);
    let destination = Destination::new("db", dead.address.port());
    let connected = dialer.connect(&destination, &within(Duration::from_secs(10))).await.unwrap();
    assert_eq!(connected.address.socket_addr(), alive.local_addr().unwrap());
    assert!(connected.tcp >= Duration::from_millis(250));
}

#[tokio::test]
async fn every_address_that_failed_is_reported() {
    let port = closed_port();
    let dialer = dialer("db", &["127.0.0.1", "127.0.0.2"]);
    let error = dialer.connect(&Destination::new("db", port), &ConnectOptions::default()).await.unwrap_err();
    let tried: Vec<String> =
        error.attempts().iter().map(|attempt| attempt.address.ip().to_string()).collect();
    assert_eq!(tried, ["127.0.0.1", "127.0.0.2"]);
    assert!(error.to_string().ends_with("connection refused (2 addresses tried)"), "{error}");
}

#[tokio::test]
async fn a_guarded_name_that_points_at_loopback_is_refused_and_nothing_is_connected() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let options = ConnectOptions { filter: AddressFilter::guarded([]), ..ConnectOptions::default() };
    let error =
        dialer("db", &["127.0.0.1"]).connect(&Destination::new("db", port), &options).await.unwrap_err();
    assert_eq!(error.stage(), Stage::Policy);
    assert_eq!(
        error.to_string(),
        format!("db:{port} (127.0.0.1:{port}): not allowed, 127.0.0.1 is a loopback address")
    );
    assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::WouldBlock);

    let rule = format!("127.0.0.1:{port}").parse().unwrap();
    let options = ConnectOptions { filter: AddressFilter::guarded([rule]), ..ConnectOptions::default() };
    dialer("db", &["127.0.0.1"]).connect(&Destination::new("db", port), &options).await.unwrap();
}

#[tokio::test]
async fn a_name_that_no_rule_can_allow_is_never_looked_up() {
    struct Forbidden;
    impl Lookup for Forbidden {
        fn lookup(&self, host: &str, _family: Family) -> Result<Vec<SocketAddr>, LookupFailure> {
            Ok(vec![format!("{host} was looked up").parse().unwrap()])
        }
    }
    let dialer = Dialer::with_lookup(Roots::only(&[]).unwrap(), Arc::new(Forbidden));
    let filter = AddressFilter::guarded(["db.example".parse().unwrap()]);
    let error = dialer
        .resolve(&Destination::new("secret.attacker.example", 1), Family::Any, &filter)
        .await
        .unwrap_err();
    assert_eq!(error.stage(), Stage::Policy);
}

#[tokio::test]
async fn of_several_addresses_only_the_allowed_are_used() {
    let dialer = dialer("db", &["169.254.169.254", "10.0.0.1", "127.0.0.1"]);
    let resolved =
        dialer.resolve(&Destination::new("db", 9), Family::Any, &AddressFilter::guarded([])).await.unwrap();
    assert_eq!(resolved.addresses.iter().map(ToString::to_string).collect::<Vec<_>>(), ["10.0.0.1:9"]);
}

#[tokio::test]
async fn the_same_address_can_be_connected_to_again() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let dialer = dialer("db", &["127.0.0.1"]);
    let first = dialer.connect(&Destination::new("db", port), &ConnectOptions::default()).await.unwrap();
    let second = dialer.connect_address(first.address, Duration::from_secs(5)).await.unwrap();
    assert_eq!(second.peer_addr().unwrap(), first.stream.peer_addr().unwrap());
    drop(listener);
    let error = dialer.connect_address(first.address, Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(error.kind(), &Kind::Refused);
}

#[tokio::test]
async fn sockets_send_at_once_and_notice_a_dead_peer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let options = ConnectOptions { unsent_bytes: Some(128 * 1024), ..ConnectOptions::default() };
    let destination = Destination::new("127.0.0.1", listener.local_addr().unwrap().port());
    let connected = dialer("", &[]).connect(&destination, &options).await.unwrap();
    assert!(connected.stream.nodelay().unwrap());
    let socket = SockRef::from(&connected.stream);
    assert!(socket.keepalive().unwrap());
    assert_eq!(socket.tcp_notsent_lowat().unwrap(), 128 * 1024);
}

#[tokio::test]
async fn unix_sockets_connect_and_a_missing_one_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("s");
    let dialer = dialer("", &[]);
    let error = dialer.connect_unix(&path, Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(error.kind(), &Kind::SocketMissing);
    assert_eq!(error.to_string(), format!("{}: the socket does not exist", path.display()));
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    dialer.connect_unix(&path, Duration::from_secs(5)).await.unwrap();
    drop(listener);
    let error = dialer.connect_unix(&path, Duration::from_secs(5)).await.unwrap_err();
    assert_eq!(error.kind(), &Kind::Refused);
}

#[test]
fn a_blocking_stream_can_tell_that_the_silent_listener_is_silent() {
    let peer = silent("127.0.0.1:0");
    let result = TcpStream::connect_timeout(&peer.address, Duration::from_millis(100));
    assert_eq!(result.unwrap_err().kind(), io::ErrorKind::TimedOut);
}
