//! The protocol's sizes and times, each with its reason.

use std::time::Duration;

/// Largest frame either side accepts, in bytes; a larger one is closed with 1009.
pub const MAX_FRAME_BYTES: usize = 16 * 1024 * 1024;

/// Largest row, as JSON, in bytes: half a frame, so that a row always fits beside its envelope. A larger
/// one ends its job with `RESULT_TOO_LARGE`.
pub const MAX_ROW_BYTES: usize = 8 * 1024 * 1024;

/// A chunk is sent once it has reached this many bytes: large enough that a frame's cost is spread over
/// hundreds of rows, small enough that the first row is early and a job's memory is flat.
pub const CHUNK_TARGET_BYTES: usize = 64 * 1024;

/// A chunk is never larger than this, unless a single row is.
pub const CHUNK_LIMIT_BYTES: usize = 1024 * 1024;

/// A chunk that has been started is sent within this time, however few rows it has.
pub const CHUNK_LATENCY: Duration = Duration::from_millis(20);

/// A job's send window at its start, in frame bytes, where `credit` is negotiated.
pub const INITIAL_WINDOW_BYTES: u64 = 1024 * 1024;

/// How far the consumer of one job may lag on a gateway without `credit` before that job is cancelled.
pub const MAX_LAG_BYTES: usize = 16 * 1024 * 1024;

/// Largest manifest of one connector inside `hello`, in bytes.
pub const MAX_MANIFEST_BYTES: usize = 64 * 1024;

/// A runner sends `heartbeat` this often.
pub const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(25);

/// A runner sends a WebSocket ping after this long without a received byte.
pub const PING_AFTER_SILENCE: Duration = Duration::from_secs(20);

/// A peer that answers nothing for this long is dead.
pub const DEAD_PEER_AFTER: Duration = Duration::from_secs(60);

/// A runner closes and backs off when `hello-ack` takes longer.
pub const HELLO_ACK_TIMEOUT: Duration = Duration::from_secs(10);

/// A gateway closes with 4400 when `hello` takes longer.
pub const HELLO_TIMEOUT: Duration = Duration::from_secs(10);

/// A gateway pings each runner this often.
pub const GATEWAY_PING_INTERVAL: Duration = Duration::from_secs(10);

/// A probe waits this long after the upgrade for a refusal.
pub const PROBE_REFUSAL_WAIT: Duration = Duration::from_secs(2);

/// A job's deadline when the frame gives none, or 0; in milliseconds.
pub const DEFAULT_DEADLINE_MS: u64 = 30_000;

/// The longest deadline that is honoured: a day, so that adding it to a clock can never overflow.
pub const MAX_DEADLINE: Duration = Duration::from_secs(24 * 60 * 60);

/// A session that stayed up this long after `hello-ack` counts as healthy: the reconnect backoff starts over.
pub const HEALTHY_SESSION_AFTER: Duration = Duration::from_secs(30);
