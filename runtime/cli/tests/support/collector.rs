//! An OpenTelemetry collector: an HTTP server that decodes what it gets.

use std::sync::{Arc, Mutex};

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::metrics::v1::Metric;
use opentelemetry_proto::tonic::trace::v1::Span;
use prost::Message;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::gateway::PATIENCE;

/// What has come in.
#[derive(Default, Clone)]
pub(crate) struct Received {
    pub(crate) spans: Vec<Span>,
    /// Those of the latest request.
    pub(crate) metrics: Vec<Metric>,
    /// Of the latest request.
    pub(crate) resource: Vec<KeyValue>,
    /// The heads of all requests.
    pub(crate) heads: Vec<String>,
}

pub(crate) struct Collector {
    pub(crate) url: String,
    received: watch::Receiver<Received>,
}

impl Collector {
    /// One that answers every request with this status.
    pub(crate) async fn open(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, received) = watch::channel(Received::default());
        let sender = Arc::new(Mutex::new(sender));
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, status, sender.clone()));
            }
        });
        Collector { url, received }
    }

    /// Waits until what has come in is like this.
    pub(crate) async fn received(&mut self, like: impl Fn(&Received) -> bool) -> Received {
        let waiting = self.received.wait_for(|received| like(received));
        tokio::time::timeout(PATIENCE, waiting).await.expect("the collector never got that").unwrap().clone()
    }
}

async fn serve(mut stream: TcpStream, status: &str, sender: Arc<Mutex<watch::Sender<Received>>>) {
    let mut bytes = Vec::new();
    loop {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            if stream.read_buf(&mut bytes).await.unwrap_or(0) == 0 {
                return;
            }
            continue;
        };
        let head = String::from_utf8(bytes.drain(..end + 4).collect()).unwrap();
        let field = |name: &str| {
            let line =
                head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix(name).map(str::to_owned));
            line.unwrap_or_else(|| panic!("no {name} in {head}"))
        };
        let length: usize = field("content-length: ").parse().unwrap();
        while bytes.len() < length {
            assert!(stream.read_buf(&mut bytes).await.unwrap() > 0, "a request broke off");
        }
        let body: Vec<u8> = bytes.drain(..length).collect();
        let is_json = match field("content-type: ").as_str() {
            "application/json" => true,
            "application/x-protobuf" => false,
            other => panic!("{other}"),
        };
        sender.lock().unwrap().send_modify(|received| take(received, &head, &body, is_json));
        let answer = if is_json { "{}" } else { "" };
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{answer}", answer.len());
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

fn take(received: &mut Received, head: &str, body: &[u8], is_json: bool) {
    received.heads.push(head.to_owned());
    if head.starts_with("POST /v1/traces HTTP/1.1\r\n") {
        let request: ExportTraceServiceRequest = decode(body, is_json);
        for of_resource in request.resource_spans {
            received.resource = of_resource.resource.unwrap().attributes;
            received.spans.extend(of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans));
        }
    } else if head.starts_with("POST /v1/metrics HTTP/1.1\r\n") {
        let request: ExportMetricsServiceRequest = decode(body, is_json);
        let all = request.resource_metrics.into_iter().flat_map(|resource| resource.scope_metrics);
        received.metrics = all.flat_map(|scope| scope.metrics).collect();
    } else {
        panic!("{head}");
    }
}

fn decode<T: Message + Default + DeserializeOwned>(body: &[u8], is_json: bool) -> T {
    if is_json { serde_json::from_slice(body).unwrap() } else { T::decode(body).unwrap() }
}

/// An attribute as text.
pub(crate) fn attribute(attributes: &[KeyValue], key: &str) -> Option<String> {
    let value = attributes.iter().find(|attribute| attribute.key == key)?.value.clone()?.value?;
    Some(match value {
        Value::StringValue(text) => text,
        Value::IntValue(number) => number.to_string(),
        other => panic!("{key}: {other:?}"),
    })
}
