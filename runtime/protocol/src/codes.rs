//! Error codes as they stand on the wire. `code` is an open string there: a peer may send others, and a
//! connector's own codes pass through unchanged.

/// DNS, TCP, TLS or a timeout before authentication; `detail.stage` says which. Retryable.
pub const SOURCE_UNREACHABLE: &str = "SOURCE_UNREACHABLE";
/// The database refused the credentials.
pub const SOURCE_AUTH_FAILED: &str = "SOURCE_AUTH_FAILED";
/// A runner-local source for which no variable is set.
pub const SOURCE_NOT_CONFIGURED: &str = "SOURCE_NOT_CONFIGURED";
/// The database refused the query.
pub const SOURCE_QUERY_FAILED: &str = "SOURCE_QUERY_FAILED";
/// Unknown or malformed target.
pub const INVALID_TARGET: &str = "INVALID_TARGET";
/// A job, or its options, of the wrong shape.
pub const INVALID_JOB: &str = "INVALID_JOB";
/// An operator that the source cannot push down (lower case, as published).
pub const UNSUPPORTED_OPERATOR: &str = "unsupported_operator";
/// The connector lacks this operation.
pub const UNSUPPORTED_JOB: &str = "UNSUPPORTED_JOB";
/// No driver or connector of that name is loaded.
pub const UNKNOWN_BRIDGE: &str = "UNKNOWN_BRIDGE";
/// The deadline passed.
pub const QUERY_TIMEOUT: &str = "QUERY_TIMEOUT";
/// Cancelled by the gateway.
pub const CANCELLED: &str = "CANCELLED";
/// The runner's own policy forbids it.
pub const POLICY_DENIED: &str = "POLICY_DENIED";
/// A row, or the whole result, is over its limit.
pub const RESULT_TOO_LARGE: &str = "RESULT_TOO_LARGE";
/// Concurrency limit and queue are full. Retryable.
pub const RUNNER_BUSY: &str = "RUNNER_BUSY";
/// The runner is shutting down. Retryable.
pub const RUNNER_DRAINING: &str = "RUNNER_DRAINING";
/// A connector module trapped, or ran out of fuel, time or memory.
pub const CONNECTOR_FAILED: &str = "CONNECTOR_FAILED";
/// A bug in the runner.
pub const INTERNAL: &str = "INTERNAL";

/// Gateway side: nobody who could run the job is connected (HTTP 503).
pub const NO_RUNNERS_ONLINE: &str = "no_runners_online";
/// Gateway side: the socket was lost while the job ran, after any retry (HTTP 502).
pub const RUNNER_FAILED: &str = "runner_failed";
