//! A live session without a socket, for tests of what is done with sessions.

use std::sync::Arc;

use runner_protocol::{Hello, JobError};
use uuid::Uuid;

use super::session::{Ends, Session};
use super::unsent::FRAMES;
use super::{Delivery, Registry};
use crate::store::{Moment, RunnerRecord};
use crate::tokens::{NewToken, TokenKind};

/// A session in the registry, and the ends that a socket would hold. Dropping it is the end of the socket, which the
/// registry has not heard of yet.
pub(crate) struct Live {
    /// The session.
    pub(crate) session: Arc<Session>,
    ends: Ends,
}

impl Live {
    /// A session of `runner`, which reported `load` running jobs.
    pub(crate) fn new(registry: &Registry, runner: Uuid, bridge: &str, load: u64) -> Self {
        let record = RunnerRecord {
            id: runner,
            name: "edge".to_owned(),
            created_at: Moment(0),
            revoked_at: None,
            last_seen_at: None,
        };
        let hello = Hello { capabilities: vec![bridge.to_owned()], ..Hello::default() };
        let token = NewToken::generate(TokenKind::Runner, "test");
        let (session, ends) = Session::new(Uuid::now_v7(), &record, token.hash, &hello);
        let session = Arc::new(session);
        session.report(load, Vec::new());
        registry.add(&session);
        Self { session, ends }
    }

    /// Fills the queue of frames, which nobody empties.
    pub(crate) async fn fill(&self) {
        for _ in 0..FRAMES {
            self.session.credit(Uuid::nil(), 1).await;
        }
    }

    /// Takes the next frame, which has to be a job, and ends that job with `code`.
    pub(crate) async fn fail_next_job(&mut self, code: &str) {
        let (message, _room) = self.ends.outgoing.recv().await.expect("a frame").into_message();
        let text = message.into_text().expect("a text");
        let frame: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(frame["type"], "job", "{frame}");
        let id = frame["id"].as_str().and_then(|id| Uuid::parse_str(id).ok()).expect("an id");
        let error = JobError {
            id: id.to_string(),
            code: code.to_owned(),
            message: format!("a {code}"),
            detail: None,
            retryable: Some(true),
        };
        self.session.forget(id).expect("the job").put(Delivery::Failed(Box::new(error)));
    }

    /// Takes frames out until none waits; how many there were.
    pub(crate) fn drain(&mut self) -> usize {
        std::iter::from_fn(|| self.ends.outgoing.try_recv().ok()).count()
    }
}
