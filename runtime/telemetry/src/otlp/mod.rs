//! Spans and metrics to an OpenTelemetry collector: OTLP 1.x over HTTP, as protobuf or JSON.
//!
//! The messages are those of the project's own crate; what carries them is ours: one bounded queue, one task a signal, and the
//! runner's own dialer, so that the same authorities are trusted as everywhere. A collector that is slow or away costs
//! spans, which are counted, and never a job.
//!
//! - [`Collector`]: where it is and how it is spoken to
//! - [`JobSpan`]: what is told of a job
//! - `points`: the series' text as metrics
//! - `encoding`: messages as bytes
//! - `post`: one request and its answer
//! - [`Otlp`]: what runs

mod collector;
mod encoding;
mod endpoint;
mod export;
mod pairs;
mod points;
mod post;
mod span;

pub use collector::Collector;
pub use encoding::Encoding;
pub use endpoint::{Endpoint, EndpointError};
pub use export::{Otlp, Spans};
pub use pairs::{PairsError, pairs};
pub use span::{JobSpan, Parent};
