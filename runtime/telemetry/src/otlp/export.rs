//! What runs: a task a signal, each with a connection of its own.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use dial::Dialer;
use metrics::{Counter, counter};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::metrics::v1::{ResourceMetrics, ScopeMetrics};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tokio_util::sync::CancellationToken;

use super::collector::Collector;
use super::encoding::Encoding;
use super::points::{self, Period};
use super::post::{Failed, Poster};
use super::span::{self, JobSpan};

/// Spans that wait, at most: some seconds of a busy runner's, in about a megabyte.
const WAITING: usize = 2_048;
/// Spans of one request.
const BATCH: usize = 512;
/// How often a batch is tried before it is given up.
const ATTEMPTS: u32 = 5;
/// The wait after the first failure; it doubles with each further one.
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Shows the series' text.
type Text = Arc<dyn Fn() -> String + Send + Sync>;

/// Takes spans of jobs. A clone is the same queue.
#[derive(Clone)]
pub struct Spans {
    queue: mpsc::Sender<JobSpan>,
    dropped: Counter,
}

impl Spans {
    /// Takes a span, or counts it when too many wait. Never waits itself.
    pub fn take(&self, span: JobSpan) {
        if self.queue.try_send(span).is_err() {
            self.dropped.increment(1);
        }
    }
}

/// The export to one collector.
pub struct Otlp {
    spans: Option<Spans>,
    stop: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Otlp {
    /// Starts it. `text` shows the series. Needs a tokio runtime.
    pub fn start(collector: Collector, dialer: &Dialer, text: Text) -> Otlp {
        let mut otlp = Otlp { spans: None, stop: CancellationToken::new(), tasks: Vec::new() };
        let Collector {
            traces,
            metrics,
            encoding,
            headers,
            timeout,
            span_delay,
            metric_interval,
            attributes,
        } = collector;
        let attributes = attributes.iter().map(|(name, value)| span::text(name, value)).collect();
        let resource = Resource { attributes, ..Resource::default() };
        let export = |signal: &'static str, endpoint| Export {
            poster: Poster::new(dialer.clone(), endpoint, headers.clone(), encoding.content_type(), timeout),
            encoding,
            resource: resource.clone(),
            stop: otlp.stop.clone(),
            signal,
            exported: counter!("semilayer_otlp_exported_total", "signal" => signal),
            dropped: counter!("semilayer_otlp_dropped_total", "signal" => signal),
            is_failing: false,
        };
        let mut tasks = Vec::new();
        if let Some(endpoint) = traces {
            let export = export("traces", endpoint);
            let (queue, waiting) = mpsc::channel(WAITING);
            otlp.spans = Some(Spans { queue, dropped: export.dropped.clone() });
            tasks.push(tokio::spawn(export.spans(waiting, span_delay)));
        }
        if let Some(endpoint) = metrics {
            let export = export("metrics", endpoint);
            tasks.push(tokio::spawn(export.metrics(text, metric_interval)));
        }
        Otlp { tasks, ..otlp }
    }

    /// Where spans go, if they are sent.
    pub fn spans(&self) -> Option<Spans> {
        self.spans.clone()
    }

    /// Sends what waits, and the series as they are now, until `limit` at most.
    pub async fn finish(self, limit: Instant) {
        self.stop.cancel();
        for mut task in self.tasks {
            if timeout_at(limit, &mut task).await.is_err() {
                task.abort();
                tracing::warn!(
                    "the collector of OTEL_EXPORTER_OTLP_ENDPOINT was too slow for the last of what it should get"
                );
            }
        }
    }
}

/// The export of one signal.
struct Export {
    poster: Poster,
    encoding: Encoding,
    resource: Resource,
    stop: CancellationToken,
    signal: &'static str,
    exported: Counter,
    dropped: Counter,
    /// Whether the last request failed: what is known is not said again.
    is_failing: bool,
}

impl Export {
    async fn spans(mut self, mut waiting: mpsc::Receiver<JobSpan>, delay: Duration) {
        loop {
            let batch = self.gather(&mut waiting, delay).await;
            if batch.is_empty() {
                return;
            }
            let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
            let spans = batch.into_iter().map(JobSpan::encode).collect();
            let request = ExportTraceServiceRequest {
                resource_spans: vec![ResourceSpans {
                    resource: Some(self.resource.clone()),
                    scope_spans: vec![ScopeSpans { scope: Some(scope()), spans, ..ScopeSpans::default() }],
                    ..ResourceSpans::default()
                }],
            };
            let Some(body) = self.encoding.encode(&request) else { continue };
            let mut attempt = 1;
            let answer = loop {
                match self.poster.post(body.clone()).await {
                    Ok(answer) => break Some(answer),
                    Err(failed) => {
                        self.note(Err(&failed));
                        if !failed.is_passing() || attempt == ATTEMPTS || self.stop.is_cancelled() {
                            break None;
                        }
                        let wait = FIRST_WAIT.saturating_mul(1 << (attempt - 1));
                        tokio::select! {
                            () = sleep(failed.pause().unwrap_or(wait)) => {}
                            // The last attempt is made at once.
                            () = self.stop.cancelled() => {}
                        }
                        attempt += 1;
                    }
                }
            };
            let refused = answer.map_or(count, |answer| {
                self.note(Ok(()));
                let answer: ExportTraceServiceResponse = self.encoding.decode(&answer);
                rejected(answer.partial_success.map(|partial| partial.rejected_spans), count)
            });
            self.settle(count, refused);
        }
    }

    /// Spans for one request: those that come within `delay` of the first. None when there will be no more.
    async fn gather(&self, waiting: &mut mpsc::Receiver<JobSpan>, delay: Duration) -> Vec<JobSpan> {
        let mut batch = Vec::new();
        let mut until = None;
        while batch.len() < BATCH {
            let room = BATCH - batch.len();
            let full = async {
                match until {
                    Some(until) => sleep_until(until).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = self.stop.cancelled(), if !waiting.is_closed() => waiting.close(),
                () = full => break,
                more = waiting.recv_many(&mut batch, room) => if more == 0 { break },
            }
            until = until.or_else(|| Some(Instant::now() + delay));
        }
        batch
    }

    async fn metrics(mut self, text: Text, interval: Duration) {
        let began = span::nanos(SystemTime::now());
        loop {
            let is_last = tokio::select! {
                () = sleep(interval) => false,
                () = self.stop.cancelled() => true,
            };
            let period = Period { began, now: span::nanos(SystemTime::now()) };
            let (metrics, count) = points::metrics(&text(), period);
            let request = ExportMetricsServiceRequest {
                resource_metrics: vec![ResourceMetrics {
                    resource: Some(self.resource.clone()),
                    scope_metrics: vec![ScopeMetrics {
                        scope: Some(scope()),
                        metrics,
                        ..ScopeMetrics::default()
                    }],
                    ..ResourceMetrics::default()
                }],
            };
            let Some(body) = self.encoding.encode(&request) else { return };
            // Not tried again: the next ones say all that these did.
            let answer = self.poster.post(body).await;
            self.note(answer.as_ref().map(|_| ()));
            let refused = answer.map_or(count, |answer| {
                let answer: ExportMetricsServiceResponse = self.encoding.decode(&answer);
                rejected(answer.partial_success.map(|partial| partial.rejected_data_points), count)
            });
            self.settle(count, refused);
            if is_last {
                return;
            }
        }
    }

    fn settle(&self, count: u64, refused: u64) {
        self.exported.increment(count - refused);
        self.dropped.increment(refused);
    }

    /// Says when a collector begins to fail and when it is back, and nothing in between.
    fn note(&mut self, outcome: Result<(), &Failed>) {
        let (signal, endpoint) = (self.signal, self.poster.endpoint());
        match outcome {
            Err(failed) if !self.is_failing => {
                tracing::warn!(
                    signal,
                    "the collector {endpoint} does not take what it is sent: {failed}; jobs are not affected"
                );
            }
            Ok(()) if self.is_failing => {
                tracing::info!(signal, "the collector {endpoint} takes what it is sent again");
            }
            _ => {}
        }
        self.is_failing = outcome.is_err();
    }
}

fn scope() -> InstrumentationScope {
    InstrumentationScope { name: "semilayer-runner".to_owned(), ..InstrumentationScope::default() }
}

/// How many of `count` a collector did not take although it answered well.
fn rejected(said: Option<i64>, count: u64) -> u64 {
    said.and_then(|said| u64::try_from(said).ok()).unwrap_or(0).min(count)
}
