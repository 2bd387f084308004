//! Requests to real listeners.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use dial::BoxedStream;
use http::{Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Empty, Full};
use hyper::body::{Body, Frame};
use test_servers::ServerCertificate;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::Instant;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody, WasiHttpHooks};

use super::Gate;
use crate::reach::testing::{Peer, Way};

const MIB: usize = 1024 * 1024;

/// Reads one request's head; none at the end of the stream.
async fn head(stream: &mut BoxedStream) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return None,
        }
    }
    Some(String::from_utf8(head).unwrap())
}

/// Answers every request on a connection with this, and hands the heads on.
async fn answering(
    certificate: Option<ServerCertificate>,
    answer: &'static str,
) -> (Peer, mpsc::Receiver<String>) {
    let (heads, seen) = mpsc::channel(100);
    let peer = Peer::serve(certificate, move |mut stream: BoxedStream| {
        let heads = heads.clone();
        async move {
            while let Some(head) = head(&mut stream).await {
                heads.send(head).await.unwrap();
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.flush().await.unwrap();
                if answer.contains("connection: close") {
                    break;
                }
            }
        }
    })
    .await;
    (peer, seen)
}

const OK: &str = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";

fn gate(way: &Way) -> Gate {
    Gate::new(way.open())
}

fn empty() -> WasiBody {
    Empty::new().map_err(|never| match never {}).boxed_unsync()
}

fn get(url: &str) -> Request<WasiBody> {
    Request::get(url).body(empty()).unwrap()
}

async fn send(gate: &mut Gate, request: Request<WasiBody>) -> Result<Response<WasiBody>, Error> {
    send_within(gate, request, RequestOptions::default()).await
}

async fn send_within(
    gate: &mut Gate,
    request: Request<WasiBody>,
    options: RequestOptions,
) -> Result<Response<WasiBody>, Error> {
    let sending = gate.send_request(request, Some(options), Box::new(async { Ok(()) }));
    Box::into_pin(sending).await.map(|(response, _)| response)
}

async fn text(response: Response<WasiBody>) -> Result<String, Error> {
    let bytes = response.into_body().collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn a_request_names_the_checked_host_and_its_path() {
    let (peer, mut heads) = answering(None, OK).await;
    let port = peer.port;
    let mut gate = gate(&Way::to(&[("localhost", port), ("127.0.0.1", port)]));
    for (url, line, host) in [
        (
            format!("http://LOCALHOST.:{port}/a/b?c=%20d"),
            "GET /a/b?c=%20d HTTP/1.1",
            format!("localhost:{port}"),
        ),
        (format!("http://localhost:{port}"), "GET / HTTP/1.1", format!("localhost:{port}")),
        (format!("http://[::ffff:127.0.0.1]:{port}/"), "GET / HTTP/1.1", format!("127.0.0.1:{port}")),
    ] {
        let mut request = get(&url);
        request.headers_mut().insert("x-a", "1".parse().unwrap());
        let response = send(&mut gate, request).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok");
        let head = heads.recv().await.unwrap();
        let lines: Vec<&str> = head.trim_end().lines().collect();
        assert_eq!(lines[0], line);
        assert!(lines.contains(&format!("host: {host}").as_str()) && lines.contains(&"x-a: 1"), "{head}");
    }
}

#[tokio::test]
async fn a_request_that_could_mean_another_host_is_refused() {
    let (peer, _heads) = answering(None, OK).await;
    let port = peer.port;
    let mut gate = gate(&Way::to(&[("localhost", port)]));
    let mut refused = async |request| match send(&mut gate, request).await {
        Ok(_) => panic!("it was sent"),
        Err(error) => error,
    };
    let connect = Request::builder().method(Method::CONNECT).uri(format!("http://localhost:{port}/"));
    assert!(matches!(refused(connect.body(empty()).unwrap()).await, Error::HttpRequestMethodInvalid));
    let login = get(&format!("http://localhost:{port}@evil.test/"));
    assert!(matches!(refused(login).await, Error::HttpRequestUriInvalid));
    let login = get(&format!("http://user@localhost:{port}/"));
    assert!(matches!(refused(login).await, Error::HttpRequestUriInvalid));
    for denied in
        ["http://localhost/", "https://localhost/", "http://evil.test/", "http://169.254.169.254/latest"]
    {
        assert!(matches!(refused(get(denied)).await, Error::HttpRequestDenied), "{denied}");
    }
    assert!(matches!(refused(get("ftp://localhost/")).await, Error::HttpProtocolError));
    assert_eq!(peer.accepted(), 0);
}

#[tokio::test]
async fn a_connection_serves_again_until_the_server_closes_it() {
    let (peer, mut heads) = answering(None, OK).await;
    let url = format!("http://localhost:{}/", peer.port);
    let mut gate = gate(&Way::to(&[("localhost", peer.port)]));
    for _ in 0..20 {
        assert_eq!(text(send(&mut gate, get(&url)).await.unwrap()).await.unwrap(), "ok");
        heads.recv().await.unwrap();
    }
    assert_eq!(peer.accepted(), 1);

    let (peer, _heads) =
        answering(None, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok").await;
    let url = format!("http://localhost:{}/", peer.port);
    let mut gate = self::gate(&Way::to(&[("localhost", peer.port)]));
    for n in 1..4 {
        assert_eq!(text(send(&mut gate, get(&url)).await.unwrap()).await.unwrap(), "ok");
        assert_eq!(peer.accepted(), n);
    }
}

#[tokio::test]
async fn a_server_that_closes_while_a_connection_waits_is_dialled_again() {
    // Promises to stay, and leaves.
    let peer = Peer::serve(None, |mut stream: BoxedStream| async move {
        head(&mut stream).await.unwrap();
        stream.write_all(OK.as_bytes()).await.unwrap();
    })
    .await;
    let url = format!("http://localhost:{}/", peer.port);
    let mut gate = gate(&Way::to(&[("localhost", peer.port)]));
    for n in 1..20 {
        let request =
            Request::post(&url).body(Full::from("x").map_err(|never| match never {}).boxed_unsync());
        let response = send(&mut gate, request.unwrap()).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok");
        assert_eq!(peer.accepted(), n);
        while !gate.idle.all_closed() {
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test]
async fn a_connection_is_not_kept_longer_than_the_server_says() {
    let (peer, _heads) =
        answering(None, "HTTP/1.1 200 OK\r\nkeep-alive: timeout=1\r\ncontent-length: 2\r\n\r\nok").await;
    let url = format!("http://localhost:{}/", peer.port);
    let mut gate = gate(&Way::to(&[("localhost", peer.port)]));
    for n in 1..4 {
        text(send(&mut gate, get(&url)).await.unwrap()).await.unwrap();
        assert_eq!(peer.accepted(), n);
    }
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_its_target_is_checked_like_any_other() {
    let (inside, _heads) = answering(None, OK).await;
    let location = format!("http://127.0.0.1:{}/secret", inside.port);
    let answer = format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    let (peer, _heads) = answering(None, answer.leak()).await;
    let mut gate = gate(&Way::to(&[("localhost", peer.port)]));
    let response = send(&mut gate, get(&format!("http://localhost:{}/", peer.port))).await.unwrap();
    assert_eq!(response.status(), StatusCode::FOUND);
    let followed = send(&mut gate, get(response.headers()["location"].to_str().unwrap())).await;
    assert!(matches!(followed, Err(Error::HttpRequestDenied)));
    assert_eq!(inside.accepted(), 0);
}

#[tokio::test]
async fn a_name_that_leads_inside_is_refused_after_its_lookup() {
    let (peer, _heads) = answering(None, OK).await;
    let mut way = Way::to(&[("db.test", peer.port)]);
    way.names.extend([("db.test", "127.0.0.1")]);
    let outbound = way.open();
    let mut gate = Gate::new(outbound.clone());
    let refused = send(&mut gate, get(&format!("http://db.test:{}/", peer.port))).await;
    assert!(matches!(refused, Err(Error::HttpRequestDenied)));
    assert!(outbound.failed().unwrap().message().contains("127.0.0.1 is a loopback address"));
    assert_eq!(peer.accepted(), 0);
}

#[tokio::test]
async fn https_checks_the_certificate_and_is_kept_apart_from_http() {
    let (good, _a) = answering(Some(ServerCertificate::Good), OK).await;
    let (wrong, _b) = answering(Some(ServerCertificate::WrongName), OK).await;
    let (unknown, _c) = answering(Some(ServerCertificate::UnknownAuthority), OK).await;
    let way = Way::to(&[("localhost", good.port), ("localhost", wrong.port), ("localhost", unknown.port)]);
    let outbound = way.open();
    let mut gate = Gate::new(outbound.clone());
    for _ in 0..2 {
        let response = send(&mut gate, get(&format!("https://localhost:{}/", good.port))).await.unwrap();
        assert_eq!(text(response).await.unwrap(), "ok");
    }
    assert_eq!(good.accepted(), 1);
    assert_eq!(way.stages.seen().last().unwrap(), "tls TLSv1.3, verified");
    for (peer, kind) in [(&wrong, "certificate_name_mismatch"), (&unknown, "certificate_unknown_issuer")] {
        let refused = send(&mut gate, get(&format!("https://localhost:{}/", peer.port))).await;
        assert!(matches!(refused, Err(Error::TlsCertificateError)));
        assert_eq!(outbound.failed().unwrap().detail()["kind"], kind);
    }
    // The same place without TLS is another connection.
    assert!(send(&mut gate, get(&format!("http://localhost:{}/", good.port))).await.is_err());
    assert_eq!(good.accepted(), 2);
    let plain = Peer::serve(None, |mut stream: BoxedStream| async move {
        stream.write_all(b"SSH-2.0-none\r\n").await.unwrap();
        let _end = stream.read_to_end(&mut Vec::new()).await;
    })
    .await;
    let mut gate = self::gate(&Way::to(&[("localhost", plain.port)]));
    let refused = send(&mut gate, get(&format!("https://localhost:{}/", plain.port))).await;
    assert!(matches!(refused, Err(Error::TlsProtocolError)));
}

#[tokio::test]
async fn silence_ends_with_the_time_that_the_guest_gives() {
    let silent = Peer::silent().await;
    let stuck = Peer::serve(None, |mut stream: BoxedStream| async move {
        head(&mut stream).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await.unwrap();
        std::future::pending::<()>().await;
    })
    .await;
    let outbound = Way::to(&[("localhost", silent.port), ("localhost", stuck.port)]).open();
    let mut gate = Gate::new(outbound.clone());
    let short = Some(Duration::from_millis(50));
    let started = Instant::now();

    let options = RequestOptions { first_byte_timeout: short, ..RequestOptions::default() };
    let url = format!("http://localhost:{}/", silent.port);
    assert!(matches!(send_within(&mut gate, get(&url), options).await, Err(Error::HttpResponseTimeout)));

    let options = RequestOptions { connect_timeout: short, ..RequestOptions::default() };
    let url = format!("https://localhost:{}/", silent.port);
    assert!(matches!(send_within(&mut gate, get(&url), options).await, Err(Error::ConnectionTimeout)));
    assert_eq!(outbound.failed().unwrap().detail()["stage"], "tls");

    let options = RequestOptions { between_bytes_timeout: short, ..RequestOptions::default() };
    let url = format!("http://localhost:{}/", stuck.port);
    let response = send_within(&mut gate, get(&url), options).await.unwrap();
    assert!(matches!(text(response).await, Err(Error::ConnectionReadTimeout)));

    // The call's own end bounds what the guest does not.
    outbound.begin(&connector_api::CallContext::within(Duration::from_millis(50)));
    let url = format!("http://localhost:{}/", silent.port);
    assert!(matches!(send(&mut gate, get(&url)).await, Err(Error::HttpResponseTimeout)));
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_answer_is_read_as_fast_as_the_guest_takes_it() {
    let sent = Arc::new(AtomicUsize::new(0));
    let count = sent.clone();
    let peer = Peer::serve(None, move |mut stream: BoxedStream| {
        let count = count.clone();
        async move {
            head(&mut stream).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").await.unwrap();
            let mut chunk = b"10000\r\n".to_vec();
            chunk.extend(vec![b'x'; 0x10000]);
            chunk.extend(b"\r\n");
            for _ in 0..1024 {
                stream.write_all(&chunk).await.unwrap();
                count.fetch_add(0x10000, Ordering::SeqCst);
            }
            stream.write_all(b"0\r\n\r\n").await.unwrap();
            head(&mut stream).await;
        }
    })
    .await;
    let mut gate = gate(&Way::to(&[("localhost", peer.port)]));
    let response = send(&mut gate, get(&format!("http://localhost:{}/", peer.port))).await.unwrap();
    // Until the sender stands still.
    let mut before = usize::MAX;
    while before != sent.load(Ordering::SeqCst) {
        before = sent.load(Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(before < 32 * MIB, "{before} bytes were sent to nobody");
    let mut body = response.into_body();
    let mut total = 0;
    while let Some(frame) = body.frame().await {
        let data = frame.unwrap().into_data().unwrap();
        assert!(data.len() <= MIB && data.iter().all(|byte| *byte == b'x'));
        total += data.len();
    }
    assert_eq!(total, 64 * MIB);
}

/// So many pieces of 64 KiB.
struct Pieces(usize);

impl Body for Pieces {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let left = self.0.checked_sub(1);
        Poll::Ready(left.map(|left| {
            self.0 = left;
            Ok(Frame::data(Bytes::from(vec![b'y'; 0x10000])))
        }))
    }
}

#[tokio::test]
async fn a_large_upload_arrives_whole_and_its_connection_serves_again() {
    let peer = Peer::serve(None, |mut stream: BoxedStream| async move {
        while let Some(head) = head(&mut stream).await {
            assert!(head.contains("content-length: 33554432"), "{head}");
            let mut left = 32 * MIB;
            let mut buffer = vec![0; MIB];
            while left > 0 {
                let read = stream.read(&mut buffer).await.unwrap();
                assert!(read > 0 && buffer[..read].iter().all(|byte| *byte == b'y'));
                left -= read;
            }
            stream.write_all(OK.as_bytes()).await.unwrap();
        }
    })
    .await;
    let mut gate = gate(&Way::to(&[("localhost", peer.port)]));
    for _ in 0..2 {
        let request = Request::post(format!("http://localhost:{}/", peer.port))
            .header("content-length", 32 * MIB)
            .body(Pieces(512).boxed_unsync())
            .unwrap();
        assert_eq!(text(send(&mut gate, request).await.unwrap()).await.unwrap(), "ok");
    }
    assert_eq!(peer.accepted(), 1);
}

#[tokio::test]
async fn a_broken_answer_is_an_error() {
    let endless: &'static str =
        format!("HTTP/1.1 200 OK\r\nx: {}\r\ncontent-length: 0\r\n\r\n", "a".repeat(200_000)).leak();
    let many: &'static str = format!("HTTP/1.1 200 OK\r\n{}\r\n", "a: b\r\n".repeat(500)).leak();
    type Expected = fn(&Error) -> bool;
    let cases: &[(&'static str, Expected)] = &[
        (endless, |error| matches!(error, Error::HttpResponseHeaderSectionSize(_))),
        (many, |error| matches!(error, Error::HttpResponseHeaderSectionSize(_))),
        ("HTTP/1.1 200 OK\r\ncontent-length: 9\r\nconnection: close\r\n\r\nhalf", |error| {
            matches!(error, Error::HttpResponseIncomplete | Error::ConnectionTerminated)
        }),
        ("nothing like HTTP\r\n\r\nconnection: close", |error| matches!(error, Error::HttpProtocolError)),
    ];
    for (answer, expected) in cases {
        let (peer, _heads) = answering(None, answer).await;
        let mut gate = gate(&Way::to(&[("localhost", peer.port)]));
        let outcome = match send(&mut gate, get(&format!("http://localhost:{}/", peer.port))).await {
            Ok(response) => text(response).await,
            Err(error) => Err(error),
        };
        let error = outcome.unwrap_err();
        assert!(expected(&error), "{}: {error:?}", &answer[..30]);
    }
}

#[tokio::test]
async fn a_body_that_nobody_reads_closes_its_connection() {
    let (closed, mut closes) = mpsc::channel(1);
    let peer = Peer::serve(None, move |mut stream: BoxedStream| {
        let closed = closed.clone();
        async move {
            head(&mut stream).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n").await.unwrap();
            let _end = stream.read(&mut [0]).await;
            closed.send(()).await.unwrap();
        }
    })
    .await;
    let mut gate = gate(&Way::to(&[("localhost", peer.port)]));
    let response = send(&mut gate, get(&format!("http://localhost:{}/", peer.port))).await.unwrap();
    drop(response);
    closes.recv().await.unwrap();
}

#[tokio::test]
async fn connections_are_counted_and_waiting_ones_make_room() {
    let (peer, _heads) = answering(None, "HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n").await;
    let (other, _others) = answering(None, OK).await;
    let mut gate = gate(&Way::to(&[("localhost", peer.port), ("localhost", other.port)]));
    let (held, waiting) =
        (format!("http://localhost:{}/", peer.port), format!("http://localhost:{}/", other.port));
    let mut answers = Vec::new();
    // The first of them waits and gives its place away.
    text(send(&mut gate, get(&waiting)).await.unwrap()).await.unwrap();
    for _ in 0..64 {
        answers.push(send(&mut gate, get(&held)).await.unwrap());
    }
    assert!(matches!(send(&mut gate, get(&held)).await, Err(Error::ConnectionLimitReached)));
    drop(answers.pop());
    let again = send(&mut gate, get(&waiting)).await;
    assert!(again.is_ok(), "{:?}", again.err());
}
