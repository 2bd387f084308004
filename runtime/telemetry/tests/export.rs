//! The export against servers that do not do what they should.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dial::{Dialer, Roots};
use http::HeaderMap;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use runner_telemetry::Exposition;
use runner_telemetry::otlp::{Collector, Encoding, Endpoint, JobSpan, Otlp};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

/// Longer than anything that a test waits for.
const PATIENCE: Duration = Duration::from_secs(30);

async fn server() -> (TcpListener, Collector) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = Endpoint::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    let collector = Collector {
        traces: Some(endpoint.join("/v1/traces")),
        metrics: None,
        encoding: Encoding::Protobuf,
        headers: HeaderMap::new(),
        timeout: PATIENCE,
        span_delay: Duration::from_millis(10),
        metric_interval: PATIENCE,
        attributes: vec![("service.name".to_owned(), "test".to_owned())],
    };
    (listener, collector)
}

fn start(collector: Collector) -> Otlp {
    let dialer = Dialer::new(Roots::only(&[]).unwrap());
    Otlp::start(collector, &dialer, Arc::new(String::new))
}

fn span(id: usize) -> JobSpan {
    JobSpan {
        id: id.to_string(),
        source: "shop".to_owned(),
        kind: "query",
        code: None,
        rows: 1,
        bytes: 1,
        queue_wait: Duration::ZERO,
        ended: SystemTime::now(),
        took: Duration::from_millis(5),
        parent: None,
    }
}

/// The spans of the next request on a connection.
async fn request(stream: &mut TcpStream) -> usize {
    let mut bytes = Vec::new();
    loop {
        assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "closed");
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
        let length: usize = length.parse().unwrap();
        while bytes.len() < end + 4 + length {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "closed");
        }
        let request = ExportTraceServiceRequest::decode(&bytes[end + 4..end + 4 + length]).unwrap();
        let scopes = request.resource_spans.into_iter().flat_map(|resource| resource.scope_spans);
        return scopes.map(|scope| scope.spans.len()).sum();
    }
}

async fn answer(stream: &mut TcpStream, head: &str, body: &[u8]) {
    let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len());
    stream.write_all(head.as_bytes()).await.unwrap();
    stream.write_all(body).await.unwrap();
}

#[tokio::test]
async fn a_collector_that_is_busy_gets_the_same_spans_again_and_a_broken_connection_is_replaced() {
    let (listener, collector) = server().await;
    let otlp = start(collector);
    otlp.spans().unwrap().take(span(1));
    let (mut stream, _) = listener.accept().await.unwrap();
    assert_eq!(request(&mut stream).await, 1);
    answer(&mut stream, "503 Service Unavailable\r\nRetry-After: 0", b"later").await;
    assert_eq!(request(&mut stream).await, 1, "on the same connection");
    drop(stream);
    let (mut stream, _) =
        tokio::time::timeout(PATIENCE, listener.accept()).await.expect("nobody dials again").unwrap();
    assert_eq!(request(&mut stream).await, 1);
    answer(&mut stream, "200 OK", b"").await;
    otlp.finish(Instant::now() + PATIENCE).await;
}

#[tokio::test]
async fn a_silent_collector_makes_nobody_wait_and_what_is_lost_is_counted() {
    let exposition = Exposition::install().unwrap();
    let (listener, collector) = server().await;
    let otlp = start(collector);
    let spans = otlp.spans().unwrap();
    spans.take(span(0));
    let (_stream, _) = listener.accept().await.unwrap();
    // The export waits for an answer: of these as many are kept as there is room for.
    let took = std::time::Instant::now();
    (0..10_000).for_each(|id| spans.take(span(id)));
    assert!(took.elapsed() < Duration::from_secs(2), "{:?}", took.elapsed());
    let text = exposition.text();
    let dropped =
        text.lines().find_map(|line| line.strip_prefix("semilayer_otlp_dropped_total{signal=\"traces\"} "));
    let dropped: usize = dropped.unwrap().parse().unwrap();
    assert!((10_000 - 2_048 - 512..=10_000 - 2_048).contains(&dropped), "{dropped}");
    let took = std::time::Instant::now();
    otlp.finish(Instant::now() + Duration::from_millis(100)).await;
    assert!(took.elapsed() < Duration::from_secs(5), "{:?}", took.elapsed());
}
