//! From bytes to frames.

use bytes::Bytes;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use crate::limits::MAX_FRAME_BYTES;
use crate::{Chunk, FrameError, FrameProblem, GatewayFrame, RunnerFrame, invalid_job, peek};

/// What a received frame turned out to be.
#[derive(Debug, Clone, PartialEq)]
pub enum Incoming<F> {
    /// A frame of this protocol.
    Frame(F),
    /// A type from a later version: ignore it.
    Unknown {
        /// Its `type`, cut to 64 characters.
        kind: String,
    },
    /// A `job`, or a part of its answer, whose other fields are malformed: that job ends, the session goes
    /// on.
    BadJob {
        /// The job.
        id: String,
        /// Which field, in words without content.
        reason: &'static str,
    },
}

/// How much of an unknown type is kept, in characters.
const UNKNOWN_KIND_CHARS: usize = 64;

/// Reads a frame from the gateway.
///
/// # Errors
/// A frame that says nothing usable; see [`FrameProblem`].
pub fn decode_gateway(frame: &[u8]) -> Result<Incoming<GatewayFrame>, FrameError> {
    let reading = Reading::new(frame)?;
    match reading.kind() {
        "job" => reading.typed("job", GatewayFrame::Job, Some(invalid_job::reason)),
        "cancel" => reading.typed("cancel", GatewayFrame::Cancel, None),
        "credit" => reading.typed("credit", GatewayFrame::Credit, None),
        "ping" => reading.typed("ping", GatewayFrame::Ping, None),
        "hello-ack" => reading.typed("hello-ack", GatewayFrame::HelloAck, None),
        "assignments-changed" => reading.typed("assignments-changed", GatewayFrame::AssignmentsChanged, None),
        _ => reading.unknown(),
    }
}

/// Reads a frame from a runner. A chunk's rows share the memory of `frame`.
///
/// # Errors
/// A frame that says nothing usable; see [`FrameProblem`].
pub fn decode_runner(frame: &Bytes) -> Result<Incoming<RunnerFrame>, FrameError> {
    let reading = Reading::new(frame)?;
    match reading.kind() {
        "chunk" => match Chunk::decode(frame) {
            Ok(chunk) => Ok(Incoming::Frame(RunnerFrame::Chunk(chunk))),
            Err(error) => reading.fault("chunk", &error, Some(any_field)),
        },
        "done" => reading.typed("done", RunnerFrame::Done, Some(any_field)),
        "error" => reading.typed("error", RunnerFrame::Error, Some(any_field)),
        "heartbeat" => reading.typed("heartbeat", RunnerFrame::Heartbeat, None),
        "hello" => reading.typed("hello", RunnerFrame::Hello, None),
        "draining" => reading.typed("draining", RunnerFrame::Draining, None),
        _ => reading.unknown(),
    }
}

/// Says what is wrong with a frame that carries, or ends, a job. Frames that merely steer one (`credit`) have
/// none: their fault must not end the job.
type Reason = fn(&[u8]) -> &'static str;

fn any_field(_: &[u8]) -> &'static str {
    "a field is missing or has the wrong shape"
}

/// A frame whose envelope has been read.
struct Reading<'a> {
    frame: &'a [u8],
    kind: std::borrow::Cow<'a, str>,
    id: Option<std::borrow::Cow<'a, str>>,
}

impl<'a> Reading<'a> {
    fn new(frame: &'a [u8]) -> Result<Self, FrameError> {
        let fail = |problem| FrameError { size: frame.len(), kind: None, problem };
        if frame.len() > MAX_FRAME_BYTES {
            return Err(fail(FrameProblem::TooLarge));
        }
        let (kind, id) = peek::envelope(frame).map_err(fail)?;
        Ok(Self { frame, kind, id })
    }

    fn kind(&self) -> &str {
        &self.kind
    }

    fn typed<T, F>(
        self,
        kind: &'static str,
        wrap: impl FnOnce(T) -> F,
        reason: Option<Reason>,
    ) -> Result<Incoming<F>, FrameError>
    where
        T: Deserialize<'a>,
    {
        match serde_json::from_slice(self.frame) {
            Ok(value) => Ok(Incoming::Frame(wrap(value))),
            Err(error) => self.fault(kind, &error, reason),
        }
    }

    fn unknown<F>(self) -> Result<Incoming<F>, FrameError> {
        self.valid_json::<IgnoredAny>(None)?;
        Ok(Incoming::Unknown { kind: self.kind.chars().take(UNKNOWN_KIND_CHARS).collect() })
    }

    fn fault<F>(
        self,
        kind: &'static str,
        error: &serde_json::Error,
        reason: Option<Reason>,
    ) -> Result<Incoming<F>, FrameError> {
        // A wrong field is reported before what follows it is read, and that may not be JSON at all.
        if error.is_data() {
            self.valid_json::<IgnoredAny>(Some(kind))?;
        } else {
            return Err(self.error(Some(kind), FrameProblem::not_json(error)));
        }
        match (&self.id, reason) {
            (Some(id), Some(reason)) => {
                Ok(Incoming::BadJob { id: id.clone().into_owned(), reason: reason(self.frame) })
            }
            _ => Err(self.error(Some(kind), FrameProblem::BadField)),
        }
    }

    fn valid_json<T: DeserializeOwned>(&self, kind: Option<&'static str>) -> Result<(), FrameError> {
        match serde_json::from_slice::<T>(self.frame) {
            Ok(_) => Ok(()),
            Err(error) => Err(self.error(kind, FrameProblem::not_json(&error))),
        }
    }

    fn error(&self, kind: Option<&'static str>, problem: FrameProblem) -> FrameError {
        FrameError { size: self.frame.len(), kind, problem }
    }
}

/// Encodes `frame`.
///
/// Writing these plain structs into memory has no failing path. Should one be added, the far side sees a
/// frame of this type without fields, which it reports as a protocol error, instead of a panic here.
pub(crate) fn text_or_bare<F: Serialize>(frame: &F, kind: &'static str) -> String {
    serde_json::to_string(frame).unwrap_or_else(|_| format!(r#"{{"type":"{kind}"}}"#))
}
