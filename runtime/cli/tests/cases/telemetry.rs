//! What is told to a collector, and what `/metrics` shows.

use std::time::{Duration, Instant};

use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value;
use rustix::process::Signal;
use serde_json::{Value as Json, json};

use super::stopping::get;
use crate::support::collector::{Collector, attribute};
use crate::support::gateway::{Gateway, Session, job, local};
use crate::support::program::{Running, TOKEN, database, run};

const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

struct Setup {
    runner: Running,
    session: Session,
    shop: Json,
    _folder: tempfile::TempDir,
}

/// A connected runner with a source `shop`.
async fn setup(more: &[(&str, &str)]) -> Setup {
    let folder = tempfile::tempdir().unwrap();
    let file = database(folder.path());
    let gateway = Gateway::open().await;
    let url = gateway.url();
    let own = [
        ("SEMILAYER_RUNNER_TOKEN", TOKEN),
        ("SEMILAYER_RUNNER_ID", "edge"),
        ("SEMILAYER_GATEWAY_URL", &*url),
        ("SEMILAYER_SOURCE_SHOP_PATH", &*file),
        ("SEMILAYER_SOURCE_DEAD_URL", "postgres://app:hunter2@127.0.0.1:1/x"),
    ];
    let variables: Vec<_> = own.into_iter().chain(more.iter().copied()).collect();
    let mut runner = Running::start(folder.path(), &[], &variables);
    let shop = local("shop", "sqlite");
    let (session, _) = gateway.greet(json!([shop, local("dead", "postgres")])).await;
    runner.logged("→ connected").await;
    Setup { runner, session, shop, _folder: folder }
}

async fn port(runner: &Running) -> String {
    let line = runner.seen.lines().find(|line| line.contains("health: http://")).expect("no port");
    line.rsplit_once(':').unwrap().1.trim_end_matches("/health").to_owned()
}

#[tokio::test]
async fn a_job_is_a_span_under_its_callers_and_is_counted() {
    let mut collector = Collector::open("200 OK").await;
    let Setup { mut runner, mut session, shop, _folder } = setup(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url),
        ("OTEL_EXPORTER_OTLP_HEADERS", "x-key=hunter2%20"),
        ("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test,service.name=overridden"),
        ("OTEL_SERVICE_NAME", "edge-runner"),
        ("OTEL_BSP_SCHEDULE_DELAY", "20"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "50"),
    ])
    .await;
    let options = json!({"limit": 7, "traceparent": PARENT});
    session.send(job("11111111-2222", &shop, "query", Some("things"), options)).await;
    assert_eq!(session.answer("11111111-2222").await.1["type"], "done");
    session.send(job("2", &local("dead", "postgres"), "test", None, json!({}))).await;
    assert_eq!(session.answer("2").await.1["code"], "SOURCE_UNREACHABLE");
    // Its caller records nothing of it.
    let unsampled = PARENT.replace("-01", "-00");
    session.send(job("3", &shop, "count", Some("things"), json!({"traceparent": unsampled}))).await;
    session.answer("3").await;
    session.send(job("4", &shop, "no-such-kind", None, json!({}))).await;
    session.answer("4").await;

    let received = collector.received(|received| received.spans.len() == 3).await;
    let span = |id: &str| {
        received
            .spans
            .iter()
            .find(|span| attribute(&span.attributes, "semilayer.job.id").as_deref() == Some(id))
            .unwrap()
    };
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let done = span("11111111-2222");
    assert_eq!(
        (hex(&done.trace_id), hex(&done.parent_span_id)),
        (TRACE.to_owned(), "00f067aa0ba902b7".to_owned())
    );
    assert_eq!((done.name.as_str(), done.span_id.len(), done.kind), ("job query", 8, 2));
    assert!(done.start_time_unix_nano > 0 && done.end_time_unix_nano >= done.start_time_unix_nano);
    let of_done = |key: &str| attribute(&done.attributes, key);
    assert_eq!(of_done("semilayer.source").as_deref(), Some("shop"));
    assert_eq!(of_done("semilayer.rows").as_deref(), Some("7"));
    assert!(of_done("semilayer.bytes").unwrap().parse::<u64>().unwrap() > 100);
    assert_eq!((of_done("error.type"), done.status.clone().unwrap().code), (None, 0));
    let failed = span("2");
    assert_eq!(attribute(&failed.attributes, "error.type").as_deref(), Some("SOURCE_UNREACHABLE"));
    assert_eq!((failed.status.clone().unwrap().code, failed.parent_span_id.len()), (2, 0));
    assert_eq!((failed.trace_id.len(), span("4").name.as_str()), (16, "job unknown"));
    assert_eq!(attribute(&received.resource, "service.name").as_deref(), Some("edge-runner"));
    assert_eq!(attribute(&received.resource, "service.instance.id").as_deref(), Some("edge"));
    assert_eq!(attribute(&received.resource, "deployment.environment").as_deref(), Some("test"));
    assert!(
        received
            .heads
            .iter()
            .all(|head| head.contains("x-key: hunter2 \r\n") || head.contains("x-key: hunter2\r\n"))
    );

    let received = collector
        .received(|received| {
            let jobs = received.metrics.iter().find(|metric| metric.name == "semilayer_jobs_total");
            let Some(Data::Sum(sum)) = jobs.and_then(|metric| metric.data.clone()) else { return false };
            let is_one = |code: &str| {
                sum.data_points.iter().any(|point| {
                    attribute(&point.attributes, "outcome").as_deref() == Some(code)
                        && point.value == Some(Value::AsDouble(1.0))
                        && point.start_time_unix_nano > 0
                })
            };
            is_one("ok") && is_one("SOURCE_UNREACHABLE") && is_one("INVALID_JOB")
        })
        .await;
    let duration =
        received.metrics.iter().find(|metric| metric.name == "semilayer_job_duration_seconds").unwrap();
    let Some(Data::Histogram(histogram)) = &duration.data else { panic!("{duration:?}") };
    let point = &histogram.data_points[0];
    assert_eq!((point.explicit_bounds.len(), point.bucket_counts.len()), (15, 16));
    assert_eq!(point.bucket_counts.iter().sum::<u64>(), point.count);

    let line = runner.logged("→ error 4").await;
    assert!(!line.contains("trace="), "{line}");
    for token in ["← job 11111111 ", "→ done 11111111 "] {
        let line = runner.seen.lines().find(|line| line.contains(token)).unwrap();
        assert!(line.contains(&format!("trace=\"{TRACE}\"")), "{line}");
    }
    runner.signal(Signal::TERM);
    let ended = runner.ended().await;
    assert_eq!(ended.code, Some(0));
    assert!(!ended.out.contains("hunter2"), "{}", ended.out);
}

#[tokio::test]
async fn what_waits_is_sent_when_the_runner_stops_also_as_json() {
    let mut collector = Collector::open("200 OK").await;
    let Setup { runner, mut session, shop, _folder } = setup(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &collector.url),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_BSP_SCHEDULE_DELAY", "3600000"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "3600000"),
    ])
    .await;
    session.send(job("1", &shop, "query", Some("things"), json!({"limit": 2, "traceparent": PARENT}))).await;
    session.answer("1").await;
    runner.signal(Signal::TERM);
    assert_eq!(runner.ended().await.code, Some(0));
    let received =
        collector.received(|received| received.spans.len() == 1 && !received.metrics.is_empty()).await;
    assert_eq!(attribute(&received.spans[0].attributes, "semilayer.rows").as_deref(), Some("2"));
    assert_eq!(received.spans[0].parent_span_id, [0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7]);
    assert!(received.metrics.iter().any(|metric| metric.name == "semilayer_job_rows_total"));
}

#[tokio::test]
async fn a_collector_that_refuses_or_is_away_costs_spans_that_are_counted_and_no_job() {
    let collector = Collector::open("400 Bad Request").await;
    let variables = [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", &*collector.url),
        ("OTEL_METRICS_EXPORTER", "none"),
        ("OTEL_BSP_SCHEDULE_DELAY", "10"),
        ("PORT", "0"),
    ];
    let Setup { mut runner, mut session, shop, _folder } = setup(&variables).await;
    session.send(job("1", &shop, "test", None, json!({}))).await;
    assert_eq!(session.answer("1").await.1["type"], "done");
    let line = runner.logged("does not take what it is sent").await;
    assert!(line.contains(" WARN ") && line.contains("400 Bad Request"), "{line}");
    let port = port(&runner).await;
    let dropped = async {
        while !get(&port, "/metrics").await.1.contains("semilayer_otlp_dropped_total{signal=\"traces\"} 1\n")
        {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), dropped).await.expect("the lost span is not counted");
    runner.signal(Signal::TERM);
    assert_eq!(runner.ended().await.code, Some(0));

    // One that takes connections and says nothing, and a drain time of nothing.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let variables = [("OTEL_EXPORTER_OTLP_ENDPOINT", &*url), ("SEMILAYER_DRAIN_SECONDS", "0")];
    let Setup { runner, mut session, shop, _folder } = setup(&variables).await;
    session.send(job("1", &shop, "test", None, json!({}))).await;
    assert_eq!(session.answer("1").await.1["type"], "done");
    runner.signal(Signal::TERM);
    let asked = Instant::now();
    assert_eq!(runner.ended().await.code, Some(0));
    assert!(asked.elapsed() < Duration::from_secs(8), "{:?}", asked.elapsed());
}

#[tokio::test]
async fn metrics_are_shown_with_the_port_and_can_be_switched_off() {
    let Setup { runner, mut session, shop, _folder } = setup(&[("PORT", "0")]).await;
    session.send(job("1", &shop, "query", Some("things"), json!({"limit": 3}))).await;
    session.answer("1").await;
    // A source that nobody assigned makes no series.
    session.send(job("2", &local("guessed", "sqlite"), "test", None, json!({}))).await;
    session.answer("2").await;
    let port = port(&runner).await;
    let (status, text) = get(&port, "/metrics").await;
    assert_eq!(status, "200");
    for line in [
        "semilayer_jobs_total{kind=\"query\",source=\"shop\",outcome=\"ok\"} 1",
        "semilayer_jobs_total{kind=\"test\",source=\"(other)\",outcome=\"SOURCE_NOT_CONFIGURED\"} 1",
        "semilayer_job_rows_total{source=\"shop\"} 3",
        "semilayer_job_duration_seconds_count{kind=\"query\",source=\"shop\"} 1",
        "semilayer_job_duration_seconds_bucket{kind=\"query\",source=\"shop\",le=\"60\"} 1",
        "semilayer_job_queue_wait_seconds_count{source=\"shop\"} 1",
        "semilayer_pool_sessions{source=\"shop\",state=\"idle\"} 1",
        "semilayer_pool_sessions_limit{source=\"shop\"} 10",
        "semilayer_source_up{source=\"shop\"} 1",
        "semilayer_gateway_connected 1",
        "semilayer_jobs_limit 256",
        "# TYPE semilayer_job_duration_seconds histogram",
    ] {
        assert!(text.lines().any(|shown| shown == line), "{line}\n{text}");
    }
    assert!(!text.contains("guessed"), "{text}");
    drop((runner, session));

    for off in [("SEMILAYER_METRICS", "off"), ("SEMILAYER_METRICS", "false")] {
        let Setup { runner, session: _session, _folder, .. } = setup(&[("PORT", "0"), off]).await;
        let port = self::port(&runner).await;
        assert_eq!(get(&port, "/metrics").await.0, "404");
        assert_eq!(get(&port, "/livez").await.0, "200");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_collectors_settings_is_said_before_anything_starts() {
    let folder = tempfile::tempdir().unwrap();
    let own = [
        ("SEMILAYER_RUNNER_TOKEN", TOKEN),
        ("SEMILAYER_RUNNER_ID", "edge"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9"),
    ];
    for (variable, error) in [
        (
            ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
            "OTEL_EXPORTER_OTLP_PROTOCOL: must be http/protobuf or http/json",
        ),
        (
            ("OTEL_EXPORTER_OTLP_HEADERS", "hunter2"),
            "OTEL_EXPORTER_OTLP_HEADERS: entry 1 is not of the form key=value",
        ),
        (
            ("OTEL_EXPORTER_OTLP_HEADERS", "a=b,x y=hunter2"),
            "OTEL_EXPORTER_OTLP_HEADERS: the key of entry 2 cannot be",
        ),
        (
            ("OTEL_EXPORTER_OTLP_TIMEOUT", "soon"),
            "OTEL_EXPORTER_OTLP_TIMEOUT: must be a whole number from 10 to",
        ),
        (("OTEL_TRACES_EXPORTER", "zipkin"), "OTEL_TRACES_EXPORTER: must be otlp or none"),
        (
            ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:hunter2@x"),
            "OTEL_EXPORTER_OTLP_ENDPOINT: must not contain a user",
        ),
        (("SEMILAYER_METRICS", "maybe"), "SEMILAYER_METRICS: must be on or off"),
    ] {
        let variables: Vec<_> =
            own.into_iter().filter(|(name, _)| *name != variable.0).chain([variable]).collect();
        let ended = run(folder.path(), &[], &variables).await;
        assert_eq!(ended.code, Some(2), "{variable:?} {}", ended.err);
        assert!(ended.err.starts_with(&format!("error: {error}")), "{}", ended.err);
        assert!(!ended.err.contains("hunter2"), "{}", ended.err);
    }
}
