//! Frames from the gateway to a runner.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limits::{DEFAULT_DEADLINE_MS, MAX_DEADLINE};
use crate::{AssignedSource, AssignedSources, Opaque, number};

/// A frame that a gateway sends.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum GatewayFrame {
    /// Answer to `hello`.
    HelloAck(HelloAck),
    /// A new set of sources.
    AssignmentsChanged(AssignmentsChanged),
    /// Work. Boxed because it is many times the size of the others.
    Job(Box<Job>),
    /// Stop one job.
    Cancel(Cancel),
    /// Asks for a `heartbeat` at once.
    Ping(Ping),
    /// Enlarges one job's send window.
    Credit(Credit),
}

/// Answer to `hello`: the session is on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HelloAck {
    /// The gateway's protocol version.
    #[serde(default = "version_one", deserialize_with = "number::whole")]
    pub server_version: u64,
    /// Every source this runner is to serve.
    #[serde(default)]
    pub assigned_sources: AssignedSources,
    /// The features in effect: those that both sides have.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub features: Vec<String>,
    /// The session's id, as in `hello` or as the gateway chose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
}

fn version_one() -> u64 {
    crate::PROTOCOL_VERSION
}

/// The whole new set of assigned sources, not a difference.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AssignmentsChanged {
    /// Every source this runner is to serve from now on.
    pub assigned_sources: AssignedSources,
}

/// One unit of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Names the job in every frame about it.
    pub id: String,
    /// What to do, and where.
    pub params: JobParams,
    /// Milliseconds from receipt; 0 on the wire stands for the default.
    #[serde(default = "default_deadline", deserialize_with = "deadline")]
    pub deadline_ms: u64,
}

/// What a job does, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobParams {
    /// The source it runs against.
    pub source: AssignedSource,
    /// The operation.
    pub job: JobSpec,
}

/// One operation on a source.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobSpec {
    /// One of [`kinds`](crate::kinds), or something this version does not know.
    pub kind: String,
    /// The table, view or collection; absent for kinds that have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<String>,
    /// The operation's options, unparsed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub options: Option<Opaque>,
}

impl Job {
    /// The deadline, counted from receipt, at most [`MAX_DEADLINE`].
    #[must_use]
    pub fn deadline(&self) -> Duration {
        match self.deadline_ms {
            0 => Duration::from_millis(DEFAULT_DEADLINE_MS),
            ms => Duration::from_millis(ms).min(MAX_DEADLINE),
        }
    }
}

fn default_deadline() -> u64 {
    DEFAULT_DEADLINE_MS
}

fn deadline<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
    number::whole(deserializer).map(|ms| if ms == 0 { DEFAULT_DEADLINE_MS } else { ms })
}

/// Stop one job, in the database too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancel {
    /// The job. An unknown id is ignored.
    pub id: String,
}

/// Asks for a `heartbeat` at once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ping {}

/// Adds to one job's send window.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Credit {
    /// The job. An unknown id is ignored.
    pub id: String,
    /// Frame bytes that its `chunk` frames may take beyond what they already may.
    #[serde(deserialize_with = "number::whole")]
    pub bytes: u64,
}

impl GatewayFrame {
    /// The frame's `type`.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::HelloAck(_) => "hello-ack",
            Self::AssignmentsChanged(_) => "assignments-changed",
            Self::Job(_) => "job",
            Self::Cancel(_) => "cancel",
            Self::Ping(_) => "ping",
            Self::Credit(_) => "credit",
        }
    }

    /// The frame's text.
    #[must_use]
    pub fn encode(&self) -> String {
        crate::decode::text_or_bare(self, self.kind())
    }
}
