//! The few frames that the measurements need.

use anyhow::{Result, bail};
use bytes::Bytes;
use runner_protocol::{
    AssignedSource, Cancel, CredentialsLocation, Credit, GatewayFrame, HelloAck, Incoming, JobError,
    RunnerFrame, decode_runner, features,
};

use crate::world::{REFERENCE, Source};

/// Longer than any measurement, in milliseconds.
const DEADLINE_MS: u64 = 300_000;

/// What every chunk begins with, up to its job's id.
const CHUNK: &[u8] = br#"{"type":"chunk","id":""#;

/// What came from the runner.
#[derive(Debug)]
pub(crate) enum Event {
    /// Rows of a job: the whole frame.
    Chunk {
        /// The job.
        job: u64,
        /// The frame.
        frame: Bytes,
    },
    /// A job's good end.
    Done {
        /// The job.
        job: u64,
        /// Its rows, as the runner counted them.
        rows: u64,
        /// Where the next page begins.
        next: Option<String>,
    },
    /// A job's bad end.
    Failed(JobError),
    /// Anything that is about no job.
    Other,
}

/// Sorts a frame without looking at rows.
pub(super) fn event(frame: Bytes) -> Result<Event> {
    if let Some(rest) = frame.strip_prefix(CHUNK) {
        let id = rest.split(|byte| *byte == b'"').next().unwrap_or_default();
        let job = number(std::str::from_utf8(id)?)?;
        return Ok(Event::Chunk { job, frame });
    }
    match decode_runner(&frame) {
        Ok(Incoming::Frame(RunnerFrame::Done(done))) => {
            let job = number(&done.id)?;
            let (rows, next) = done.meta.map_or((0, None), |meta| (meta.count, meta.next_cursor));
            Ok(Event::Done { job, rows, next })
        }
        Ok(Incoming::Frame(RunnerFrame::Error(error))) => Ok(Event::Failed(error)),
        Ok(Incoming::BadJob { reason, .. }) => bail!("the runner sent a malformed frame: {reason}"),
        Ok(_) => Ok(Event::Other),
        Err(error) => bail!("the runner sent what is no frame: {error}"),
    }
}

fn number(id: &str) -> Result<u64> {
    id.parse().map_err(|_| anyhow::anyhow!("the runner answered for a job that was never sent"))
}

pub(super) fn hello_ack(sources: &[Source]) -> String {
    let assigned: Vec<AssignedSource> = sources
        .iter()
        .map(|source| AssignedSource {
            id: source.name().to_owned(),
            name: source.name().to_owned(),
            bridge: source.bridge().to_owned(),
            credentials_location: CredentialsLocation::RunnerLocal,
            config: None,
        })
        .collect();
    GatewayFrame::HelloAck(HelloAck {
        server_version: runner_protocol::PROTOCOL_VERSION,
        assigned_sources: assigned.into(),
        features: vec![features::CREDIT.to_owned()],
        session_id: None,
    })
    .encode()
}

/// A job that answers with rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Query<'a> {
    /// `query` or `read`.
    pub(crate) kind: &'static str,
    /// The source.
    pub(crate) source: Source,
    /// The table or view.
    pub(crate) target: &'a str,
    /// The options, a JSON object.
    pub(crate) options: &'a str,
}

impl Query<'_> {
    /// The whole reference table.
    pub(crate) fn everything(source: impl Into<Source>) -> Query<'static> {
        Query { kind: "query", source: source.into(), target: REFERENCE, options: "{}" }
    }

    /// The frame. Written by hand because its cost is part of every small job's time.
    pub(super) fn frame(&self, id: u64) -> String {
        let Query { kind, source, target, options } = self;
        let (source, bridge) = (source.name(), source.bridge());
        format!(
            r#"{{"type":"job","id":"{id}","params":{{"source":{{"id":"{source}","name":"{source}","bridge":"{bridge}","credentialsLocation":"runner-local"}},"job":{{"kind":"{kind}","target":"{target}","options":{options}}}}},"deadlineMs":{DEADLINE_MS}}}"#
        )
    }
}

pub(super) fn cancel(id: u64) -> String {
    GatewayFrame::Cancel(Cancel { id: id.to_string() }).encode()
}

pub(super) fn credit(id: u64, bytes: u64) -> String {
    GatewayFrame::Credit(Credit { id: id.to_string(), bytes }).encode()
}

#[cfg(test)]
mod tests {
    use runner_protocol::{Job, decode_gateway};

    use super::*;
    use crate::world::Route;

    #[test]
    fn the_job_written_by_hand_is_a_job() {
        let query = Query {
            kind: "query",
            source: Route::Direct.into(),
            target: "t",
            options: r#"{"where":{"id":7}}"#,
        };
        let Ok(Incoming::Frame(GatewayFrame::Job(job))) = decode_gateway(query.frame(42).as_bytes()) else {
            panic!("not a job")
        };
        let Job { id, params, deadline_ms } = *job;
        assert_eq!((id.as_str(), deadline_ms), ("42", DEADLINE_MS));
        assert_eq!((params.job.kind.as_str(), params.job.target.as_deref()), ("query", Some("t")));
        assert_eq!(
            (params.source.name.as_str(), params.source.bridge.as_str()),
            ("direct", Source::from(Route::Direct).bridge())
        );
    }

    #[test]
    fn a_chunk_is_known_by_its_first_bytes() {
        let mut frame = runner_protocol::chunk_prefix("17").to_vec();
        frame.extend_from_slice(br#"{"id":1}]}"#);
        assert!(matches!(event(frame.into()).unwrap(), Event::Chunk { job: 17, .. }));
        let done = Bytes::from_static(br#"{"type":"done","id":"17","meta":{"count":3,"durationMs":1}}"#);
        assert!(matches!(event(done).unwrap(), Event::Done { job: 17, rows: 3, .. }));
        assert!(matches!(event(Bytes::from_static(br#"{"type":"heartbeat"}"#)).unwrap(), Event::Other));
        assert!(event(Bytes::from_static(b"[]")).is_err());
    }
}
