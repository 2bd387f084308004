//! The runner protocol: frames, close codes, error codes and limits; no I/O.
//!
//! One WebSocket between a runner and its gateway carries text frames, one JSON object each, told apart by
//! a string `type`. This crate is what both ends agree on:
//!
//! - [`RunnerFrame`] and [`GatewayFrame`]: every frame of either direction, with `encode`;
//! - [`decode_runner`] and [`decode_gateway`]: forward compatible, bounded, never panicking, and never
//!   putting a frame's content into an error;
//! - [`chunk_prefix`] and [`CHUNK_SUFFIX`]: what a chunk is made of, so that rows are written once, straight
//!   into the frame; [`row_slices`] and [`write_ndjson`]: the way back, without parsing a value;
//! - [`CloseCode`] and [`Reaction`]: what a runner does after each way a session can end;
//! - [`limits`], [`features`], [`headers`], [`codes`], [`kinds`]: the names and numbers.

mod chunk;
mod close;
pub mod codes;
mod decode;
pub mod features;
mod frame_error;
mod gateway_frame;
pub mod headers;
mod invalid_job;
pub mod kinds;
pub mod limits;
mod number;
mod opaque;
mod peek;
mod rows;
mod runner_frame;
mod source;

pub use chunk::{CHUNK_SUFFIX, Chunk, RawJson, aggregate_prefix, chunk_prefix};
pub use close::{CloseCode, Reaction, Schedule, reasons};
pub use decode::{Incoming, decode_gateway, decode_runner};
pub use frame_error::{FrameError, FrameProblem};
pub use gateway_frame::{
    AssignmentsChanged, Cancel, Credit, GatewayFrame, HelloAck, Job, JobParams, JobSpec, Ping,
};
pub use opaque::Opaque;
pub use rows::{RowSlices, RowsError, row_slices, write_ndjson};
pub use runner_frame::{
    ConnectorInfo, ConnectorKind, Done, DoneMeta, Draining, Heartbeat, Hello, JobError, Limits, RunnerFrame,
    SourceHealth, SourceState, Stats,
};
pub use source::{AssignedSource, AssignedSources, CredentialsLocation};

/// The protocol version this crate speaks: `hello.version` and `hello-ack.serverVersion`.
pub const PROTOCOL_VERSION: u64 = 1;

/// The hosted gateway, used when none is configured.
pub const DEFAULT_GATEWAY_URL: &str = "wss://runner.semilayer.com/connect";
