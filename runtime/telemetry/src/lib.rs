//! What a runner tells of itself to whoever looks after it.
//!
//! There is one set of series, kept by the `metrics` facade wherever something is counted. It is shown as Prometheus text,
//! and the very same text is what a collector gets, taken apart: the two can never say different things. Without the
//! setting that asks for it nothing here is started, and what is counted costs nothing.
//!
//! - [`series`]: every series there is
//! - [`Exposition`]: the series as Prometheus text
//! - [`process`]: what the system says of the process
//! - [`otlp`]: spans and metrics to an OpenTelemetry collector

mod exposition;
pub mod otlp;
pub mod process;
pub mod series;

pub use exposition::{Exposition, Taken};
