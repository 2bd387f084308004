//! What is told of a job.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use opentelemetry_proto::tonic::common::v1::any_value::Value;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue};
use opentelemetry_proto::tonic::trace::v1::span::SpanKind;
use opentelemetry_proto::tonic::trace::v1::status::StatusCode;
use opentelemetry_proto::tonic::trace::v1::{Span, Status};

/// The flags of a span whose parent is in another process: sampled, and "is remote" known and true (OTLP, `SpanFlags`).
const REMOTE_PARENT: u32 = 0x301;
/// The flags of a span without a parent: sampled.
const SAMPLED: u32 = 0x1;

/// The caller's span.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parent {
    /// The trace.
    pub trace_id: [u8; 16],
    /// The span.
    pub span_id: [u8; 8],
    /// Whether it is recorded; a job of one that is not is not told of either.
    pub is_sampled: bool,
}

/// A job that has ended. No value of a row or of a parameter is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JobSpan {
    /// The job's id.
    pub id: String,
    /// Its source.
    pub source: String,
    /// Its kind; one of a closed set.
    pub kind: &'static str,
    /// Why it failed, if it did.
    pub code: Option<&'static str>,
    /// Rows sent.
    pub rows: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// How long it waited for admission.
    pub queue_wait: Duration,
    /// When it ended.
    pub ended: SystemTime,
    /// How long it took.
    pub took: Duration,
    /// The caller's span.
    pub parent: Option<Parent>,
}

impl JobSpan {
    /// As it is sent.
    pub(super) fn encode(self) -> Span {
        let end = nanos(self.ended);
        let took = u64::try_from(self.took.as_nanos()).unwrap_or(u64::MAX);
        let (trace_id, parent_span_id, flags) = match self.parent {
            Some(parent) => (parent.trace_id.to_vec(), parent.span_id.to_vec(), REMOTE_PARENT),
            None => (rand::random::<[u8; 16]>().to_vec(), Vec::new(), SAMPLED),
        };
        let mut attributes = vec![
            text("semilayer.job.id", self.id),
            text("semilayer.job.kind", self.kind),
            text("semilayer.source", self.source),
            number("semilayer.rows", self.rows),
            number("semilayer.bytes", self.bytes),
            number("semilayer.queue_wait_ms", u64::try_from(self.queue_wait.as_millis()).unwrap_or(u64::MAX)),
        ];
        // The name that OpenTelemetry's conventions have for it.
        attributes.extend(self.code.map(|code| text("error.type", code)));
        let code = if self.code.is_some() { StatusCode::Error } else { StatusCode::Unset };
        Span {
            trace_id,
            span_id: rand::random::<[u8; 8]>().to_vec(),
            parent_span_id,
            flags,
            name: format!("job {}", self.kind),
            kind: SpanKind::Server.into(),
            start_time_unix_nano: end.saturating_sub(took),
            end_time_unix_nano: end,
            attributes,
            status: Some(Status { message: String::new(), code: code.into() }),
            ..Span::default()
        }
    }
}

/// Nanoseconds since 1970.
pub(super) fn nanos(moment: SystemTime) -> u64 {
    let since = moment.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// An attribute that is a text.
pub(super) fn text(key: &str, value: impl Into<String>) -> KeyValue {
    attribute(key, Value::StringValue(value.into()))
}

fn number(key: &str, value: u64) -> KeyValue {
    attribute(key, Value::IntValue(i64::try_from(value).unwrap_or(i64::MAX)))
}

fn attribute(key: &str, value: Value) -> KeyValue {
    KeyValue { key: key.to_owned(), value: Some(AnyValue { value: Some(value) }), ..KeyValue::default() }
}
