//! Frames from a runner to the gateway.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::{Chunk, Opaque, number};

/// A frame that a runner sends.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum RunnerFrame {
    /// First of a session. Boxed because it is many times the size of the others.
    Hello(Box<Hello>),
    /// Every 25 s, and at once after a `ping`.
    Heartbeat(Heartbeat),
    /// Part of a job's result.
    Chunk(Chunk),
    /// A job's good end.
    Done(Done),
    /// A job's bad end.
    Error(JobError),
    /// No further job will be accepted.
    Draining(Draining),
}

/// Who this runner is and what it can do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Hello {
    /// The runner's protocol version.
    #[serde(deserialize_with = "number::whole")]
    pub version: u64,
    /// The runner's id or name.
    pub runner_id: String,
    /// Bridge names that are really served.
    #[serde(default)]
    pub capabilities: Vec<String>,
    /// The runner program's version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runtime_version: Option<String>,
    /// Features on offer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// Names this session, a UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The drivers and modules behind the capabilities.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub connectors: Vec<ConnectorInfo>,
    /// How much this runner takes at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Limits>,
}

/// One driver or module of a runner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ConnectorInfo {
    /// Its bridge name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Native or module.
    pub kind: ConnectorKind,
    /// SHA-256 of a module's file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// A module's manifest, at most [`MAX_MANIFEST_BYTES`](crate::limits::MAX_MANIFEST_BYTES).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<Opaque>,
}

/// How a connector is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ConnectorKind {
    /// Part of the runner's program.
    Native,
    /// A WebAssembly component.
    Wasm,
    /// Something this version does not know.
    #[serde(other)]
    Other,
}

/// How much a runner takes at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Jobs that run at the same time; more are queued.
    #[serde(deserialize_with = "number::whole")]
    pub max_concurrent_jobs: u64,
}

/// A sign of life.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// How the runner is doing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stats: Option<Stats>,
}

/// How a runner is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stats {
    /// Jobs that are running or queued here.
    #[serde(default, deserialize_with = "number::whole")]
    pub active_jobs: u64,
    /// Resident memory of the runner, in MiB.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "number::optional_rounded")]
    pub memory_mb: Option<u64>,
    /// What is known of each source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<SourceHealth>,
}

/// What a runner knows of one source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceHealth {
    /// The source's name.
    pub name: String,
    /// Whether it works.
    pub state: SourceState,
    /// The error code of the last failure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// How long the last check took, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "number::optional_rounded")]
    pub latency_ms: Option<u64>,
    /// When it was last seen in this state, RFC 3339 in UTC.
    #[serde(default)]
    pub checked_at: String,
}

/// Whether a source works.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SourceState {
    /// It answered.
    Ok,
    /// It did not.
    Failing,
    /// Not asked yet, or a state that this version does not know.
    #[serde(other)]
    Unknown,
}

/// A job's good end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The job.
    pub id: String,
    /// Facts about the whole result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub meta: Option<DoneMeta>,
}

/// Facts about a whole result.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DoneMeta {
    /// Rows sent.
    #[serde(default, deserialize_with = "number::whole")]
    pub count: u64,
    /// Time from receipt to the end, in milliseconds.
    #[serde(default, deserialize_with = "number::rounded")]
    pub duration_ms: u64,
    /// Where the next page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_cursor: Option<String>,
    /// Rows that match, whatever limit and offset.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "number::optional")]
    pub total: Option<u64>,
    /// `offset` when the cursor counts rows instead of naming a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor_kind: Option<String>,
}

/// A job's bad end.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct JobError {
    /// The job.
    pub id: String,
    /// One of [`codes`](crate::codes), or a connector's own.
    pub code: String,
    /// One sentence for a person.
    #[serde(default)]
    pub message: String,
    /// Whether another try, here or on another runner, may succeed. Absent from older runners.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retryable: Option<bool>,
    /// Facts for a program. Read as absent when it is no object or nested too deep, so that a job never
    /// hangs on the shape of its error's detail.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "detail")]
    pub detail: Option<Map<String, Value>>,
}

fn detail<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Map<String, Value>>, D::Error> {
    let raw = <&RawValue>::deserialize(deserializer)?;
    Ok(serde_json::from_str(raw.get()).ok())
}

/// No further job will be accepted; those that run are finished.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draining {}

impl RunnerFrame {
    /// The frame's `type`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Hello(_) => "hello",
            Self::Heartbeat(_) => "heartbeat",
            Self::Chunk(_) => "chunk",
            Self::Done(_) => "done",
            Self::Error(_) => "error",
            Self::Draining(_) => "draining",
        }
    }

    /// The frame's text.
    #[must_use]
    pub fn encode(&self) -> String {
        crate::decode::text_or_bare(self, self.kind())
    }
}
