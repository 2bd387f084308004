//! Addresses that the grant does not name, by every way that there is.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use connector_api::OpenContext;
use connector_host::ModulePolicy;
use connector_model::config::Origin;
use connector_model::error::ErrorCode;
use dial::AddressFilter;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::asked::reported;
use crate::beside::{Beside, LONG, context, open};

/// The connections that one session may hold, as the host has it.
const CONNECTIONS: usize = 64;

/// A server on loopback that counts who came, and answers each with the same text.
struct Listening {
    address: SocketAddr,
    came: Arc<AtomicUsize>,
}

impl Listening {
    async fn begin(answer: &str) -> Listening {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let came = Arc::new(AtomicUsize::new(0));
        let (counted, answer) = (Arc::clone(&came), answer.to_owned());
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                counted.fetch_add(1, Ordering::SeqCst);
                let answer = answer.clone();
                tokio::spawn(async move {
                    let mut request = [0; 4096];
                    while stream.read(&mut request).await.is_ok_and(|read| read > 0) {
                        let _ = stream.write_all(answer.as_bytes()).await;
                    }
                });
            }
        });
        Listening { address, came }
    }

    async fn redirecting(to: &str) -> Listening {
        let answer = format!("HTTP/1.1 302 Found\r\nlocation: http://{to}/\r\ncontent-length: 0\r\n\r\n");
        Listening::begin(&answer).await
    }

    fn port(&self) -> String {
        self.address.port().to_string()
    }

    fn came(&self) -> usize {
        self.came.load(Ordering::SeqCst)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_reached_that_the_configuration_does_not_name() {
    let (granted, other) = (Listening::begin("").await, Listening::begin("").await);
    let beside = Beside::begin().await;
    let config = [("host", "127.0.0.1"), ("port", &*granted.port())];
    // The one place that it may: otherwise the refusals below would say nothing.
    let mut session = beside.open(&config).await.unwrap();
    let (word, what) = reported(session.as_mut(), &format!("dial>{}", granted.address)).await;
    assert_eq!(word, "reached", "{what}");
    let (granted_port, port) = (granted.port(), other.port());
    let places = [
        format!("127.0.0.1:{port}"),
        format!("localhost:{granted_port}"),
        format!("localhost:{port}"),
        format!("LOCALHOST.:{port}"),
        format!("::ffff:127.0.0.1:{port}"),
        format!("[::ffff:127.0.0.1]:{port}"),
        format!("::ffff:7f00:1:{port}"),
        format!("::1:{port}"),
        format!("[::1]:{port}"),
        format!("2130706433:{port}"),
        format!("0x7f000001:{port}"),
        format!("0x7f.1:{port}"),
        format!("127.1:{port}"),
        format!("0:{port}"),
        format!("0.0.0.0:{port}"),
        format!("127.0.0.1@evil:{port}"),
        format!("127.0.0.1%00.example:{port}"),
        "127.0.0.1:0".to_owned(),
        "169.254.169.254:80".to_owned(),
        "fd00:ec2::254:80".to_owned(),
        "10.0.0.1:22".to_owned(),
        // The manifest asks for it, and the operator has not allowed it.
        "elsewhere.example:443".to_owned(),
        format!("a.localhost:{granted_port}"),
    ];
    for way in ["dial", "dial-tls"] {
        for place in &places {
            let (word, what) = reported(session.as_mut(), &format!("{way}>{place}")).await;
            assert_eq!(word, "not-allowed", "{way} {place}: {what}");
        }
    }
    for place in &places {
        let (word, what) = reported(session.as_mut(), &format!("http>{place}/")).await;
        assert_eq!(word, "refused", "http {place}: {what}");
    }
    assert_eq!((granted.came(), other.came()), (1, 0));
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redirect_leads_nowhere_that_a_request_would_not() {
    let other = Listening::begin("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
    let beside = Beside::begin().await;
    for to in [
        other.address.to_string(),
        format!("localhost:{}", other.port()),
        format!("[::ffff:127.0.0.1]:{}", other.port()),
        "169.254.169.254".to_owned(),
    ] {
        let redirecting = Listening::redirecting(&to).await;
        let config = [("host", "127.0.0.1"), ("port", &*redirecting.port())];
        let mut session = beside.open(&config).await.unwrap();
        let (word, what) = reported(session.as_mut(), &format!("http>{}/", redirecting.address)).await;
        assert_eq!(word, "refused", "{to}: {what}");
        assert!(what.contains(&to), "it was not even redirected: {what}");
        assert_eq!(redirecting.came(), 1);
    }
    assert_eq!(other.came(), 0);
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_that_resolves_to_loopback_is_refused_where_the_gateway_chose_it() {
    let listening = Listening::begin("").await;
    let beside = Beside::begin().await;
    let context = OpenContext { filter: AddressFilter::guarded([]), ..context(LONG) };
    let config = [("host", "localhost"), ("port", &*listening.port())];
    let mut session = open(&beside.hostile(), Origin::Managed, &config, &context).await.unwrap();
    for way in ["dial", "dial-tls", "http"] {
        let (word, what) = reported(session.as_mut(), &format!("{way}>localhost:{}", listening.port())).await;
        assert_ne!(word, "reached", "{what}");
    }
    assert_eq!(listening.came(), 0);
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sockets_beside_the_hosts_own_are_not_there() {
    let granted = Listening::begin("").await;
    let beside = Beside::begin().await;
    let config = [("host", "127.0.0.1"), ("port", &*granted.port())];
    let mut session = beside.open(&config).await.unwrap();
    // Not even where the host would dial.
    for target in [
        format!("socket>{}", granted.address),
        "socket>169.254.169.254:80".to_owned(),
        format!("resolve>localhost:{}", granted.port()),
        format!("datagram>{}", granted.address),
        "datagram>8.8.8.8:53".to_owned(),
        "listen>127.0.0.1:0".to_owned(),
        "listen>0.0.0.0:0".to_owned(),
    ] {
        let (word, what) = reported(session.as_mut(), &target).await;
        assert_eq!(word, "refused", "{target}: {what}");
    }
    assert_eq!(granted.came(), 0);
    beside.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_connections_are_a_few_and_gone_with_their_session() {
    let granted = Listening::begin("").await;
    let beside = Beside::begin().await;
    let before = open_files();
    let config = [("host", "127.0.0.1"), ("port", &*granted.port())];
    let mut session = beside.open(&config).await.unwrap();
    let (word, what) = reported(session.as_mut(), &format!("connections>{}", granted.address)).await;
    assert_eq!(word, "stopped", "{what}");
    assert!(what.starts_with(&format!("after {CONNECTIONS}: ")), "{what}");
    assert!(granted.came() <= CONNECTIONS, "{} came: {what}", granted.came());
    drop(session);
    // Those of the honest module and of what else runs here come and go.
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    while open_files() > before + 16 {
        assert!(
            tokio::time::Instant::now() < deadline,
            "{} files were open, {} still are",
            before,
            open_files()
        );
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    beside.end().await;
}

fn open_files() -> usize {
    std::fs::read_dir("/proc/self/fd").unwrap().count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_operator_allows_is_only_that() {
    let (allowed, other) = (Listening::begin("").await, Listening::begin("").await);
    let rule = format!("127.0.0.1:{}", allowed.port()).parse().unwrap();
    let beside = Beside::allowing(ModulePolicy { allow_hosts: vec![rule], ..ModulePolicy::default() }).await;
    let mut session = beside.open(&[]).await.unwrap();
    // Allowed, and not asked for: the manifest has the source's own host only, and there is none.
    let (word, what) = reported(session.as_mut(), &format!("dial>{}", allowed.address)).await;
    assert_eq!(word, "not-allowed", "{what}");
    let (word, what) = reported(session.as_mut(), &format!("dial>{}", other.address)).await;
    assert_eq!(word, "not-allowed", "{what}");
    assert_eq!((allowed.came(), other.came()), (0, 0));
    let error = crate::asked::fails(session.as_mut(), "dial>127.0.0.1:1").await;
    assert_eq!(error.code(), ErrorCode::SourceQueryFailed);
    beside.end().await;
}
