//! What is kept and told of a runner, where it is asked for: series, and spans for a collector.

use std::sync::Arc;
use std::time::SystemTime;

use dial::Dialer;
use runner_engine::{EndedJob, Engine, JobObserver};
use runner_telemetry::Exposition;
use runner_telemetry::otlp::{JobSpan, Otlp, Parent, Spans};
use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::metrics::Metrics;
use super::readiness::Readiness;
use crate::connectors::loading::Loaded;
use crate::settings::Settings;

/// Begins to keep the series, if anybody is to see them. Comes first: what is made before is not counted.
pub(super) fn install(settings: &Settings) -> Option<Exposition> {
    let serving = &settings.serving;
    let is_shown = serving.port.is_some() && serving.metrics;
    let is_sent = settings.collector.as_ref().is_some_and(|collector| collector.metrics.is_some());
    if !is_shown && !is_sent {
        return None;
    }
    match Exposition::install() {
        Ok(exposition) => Some(exposition),
        Err(problem) => {
            tracing::error!("there are no metrics: {problem}");
            None
        }
    }
}

/// What runs for as long as the runner does.
pub(super) struct Telemetry {
    metrics: Option<Metrics>,
    upkeep: Option<JoinHandle<()>>,
    otlp: Option<Otlp>,
}

impl Telemetry {
    /// Starts what the settings ask for, and nothing where they ask for nothing. Needs a tokio runtime.
    pub(super) fn start(
        exposition: Option<Exposition>,
        settings: &Settings,
        dialer: &Dialer,
        engine: &Engine,
        loaded: &Loaded,
        readiness: &Readiness,
    ) -> Telemetry {
        let upkeep = exposition.clone().map(|exposition| tokio::spawn(exposition.upkeep()));
        let metrics = exposition.map(|exposition| {
            let (engine, loaded, readiness) = (engine.clone(), loaded.clone(), readiness.clone());
            Metrics::new(exposition, engine, loaded, readiness, settings.serving.max_jobs)
        });
        let otlp = settings.collector.clone().map(|collector| {
            let shown = metrics.clone();
            let text = move || shown.as_ref().map(Metrics::text).unwrap_or_default();
            Otlp::start(collector, dialer, Arc::new(text))
        });
        if let Some(spans) = otlp.as_ref().and_then(Otlp::spans) {
            engine.observe(Arc::new(Told(spans)));
        }
        Telemetry { metrics, upkeep, otlp }
    }

    /// What `/metrics` shows.
    pub(super) fn metrics(&self) -> Option<Metrics> {
        self.metrics.clone()
    }

    /// Sends what is to be sent, until `limit` at most, and ends.
    pub(super) async fn finish(self, limit: Instant) {
        if let Some(otlp) = self.otlp {
            otlp.finish(limit).await;
        }
        if let Some(upkeep) = self.upkeep {
            upkeep.abort();
        }
    }
}

/// Tells a collector of jobs.
struct Told(Spans);

impl JobObserver for Told {
    fn ended(&self, job: &EndedJob<'_>) {
        let parent = job.parent.map(|parent| Parent {
            trace_id: parent.trace_id,
            span_id: parent.span_id,
            is_sampled: parent.is_sampled,
        });
        // The caller decides for the whole trace (OpenTelemetry's `parentbased_always_on`).
        if parent.is_some_and(|parent| !parent.is_sampled) {
            return;
        }
        self.0.take(JobSpan {
            id: job.id.to_owned(),
            source: job.source.to_owned(),
            kind: job.kind,
            code: job.code.map(|code| code.as_str()),
            rows: job.rows,
            bytes: job.bytes,
            queue_wait: job.queue_wait,
            ended: SystemTime::now(),
            took: job.took,
            parent,
        });
    }
}
