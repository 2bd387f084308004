//! The series as Prometheus text.

use std::sync::OnceLock;
use std::time::Duration;

use metrics::{Unit, describe_counter, describe_gauge, describe_histogram};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};
use thiserror::Error;

use crate::process;
use crate::series::{self, Kind};

/// How often values of histograms are put where they are counted. Until then each takes eight bytes: at 40,000 jobs a
/// second that is two megabytes.
const UPKEEP: Duration = Duration::from_secs(2);

/// A process has one set of series; a program may hold several runners.
static INSTALLED: OnceLock<PrometheusHandle> = OnceLock::new();

/// The series as Prometheus text. A clone shows the same.
#[derive(Clone)]
pub struct Exposition(PrometheusHandle);

/// Why the series cannot be kept.
#[derive(Debug, Error)]
pub enum Taken {
    /// Something else in this process keeps them.
    #[error("this process keeps its metrics elsewhere already")]
    Elsewhere,
    /// The bounds of the histograms are no bounds.
    #[error("the bounds of the histograms cannot be used: {0}")]
    Bounds(BuildError),
}

impl Exposition {
    /// Begins to keep the series of this process. What was counted before is lost, and so is what is counted later by
    /// something that was made before.
    ///
    /// # Errors
    /// [`Taken`].
    pub fn install() -> Result<Exposition, Taken> {
        if let Some(handle) = INSTALLED.get() {
            return Ok(Exposition(handle.clone()));
        }
        let histograms = series::ALL.iter().filter(|series| series.kind == Kind::Histogram);
        let mut builder = PrometheusBuilder::new();
        for series in histograms {
            let matcher = Matcher::Full(series.name.to_owned());
            builder = builder.set_buckets_for_metric(matcher, &series::SECONDS).map_err(Taken::Bounds)?;
        }
        let recorder = builder.build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).map_err(|_| Taken::Elsewhere)?;
        describe();
        Ok(Exposition(INSTALLED.get_or_init(|| handle).clone()))
    }

    /// The text, format version 0.0.4.
    pub fn text(&self) -> String {
        let mut text = self.0.render();
        process::write(&mut text);
        text
    }

    /// Keeps the memory of histograms small whether anybody asks for the text or not. Never ends.
    pub async fn upkeep(self) {
        loop {
            tokio::time::sleep(UPKEEP).await;
            self.0.run_upkeep();
        }
    }
}

fn describe() {
    for series in series::ALL {
        match series.kind {
            Kind::Counter => describe_counter!(series.name, series.help),
            Kind::Gauge => describe_gauge!(series.name, series.help),
            Kind::Histogram => describe_histogram!(series.name, Unit::Seconds, series.help),
        }
    }
}
