//! One session: from the open WebSocket to its end.
//!
//! One task reads and keeps the time, another writes; the queue between them never makes the reader wait.

mod ending;
mod incoming;

pub(crate) use ending::closed;

use std::ops::ControlFlow;
use std::sync::Arc;

use futures_util::StreamExt;
use runner_protocol::limits::{
    HEALTHY_SESSION_AFTER, HEARTBEAT_INTERVAL, HELLO_ACK_TIMEOUT, MAX_MANIFEST_BYTES,
};
use runner_protocol::{Draining, Heartbeat, Hello, Limits, PROTOCOL_VERSION, RunnerFrame, features};
use tokio::time::{Instant, sleep_until};
use tokio_util::task::AbortOnDropHandle;
use uuid::Uuid;

use crate::disconnect::Disconnect;
use crate::farewell::{farewell, last_words};
use crate::frame_log::FrameLog;
use crate::handler::HelloParts;
use crate::link::Context;
use crate::observer::LinkState;
use crate::send_queue::SendQueue;
use crate::silence::{Silence, Verdict};
use crate::upgrade::Upgraded;
use crate::watched::Activity;
use crate::writer;

/// The features this runner offers.
const FEATURES: [&str; 2] = [features::CREDIT, features::DRAIN];

/// How a session ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) cause: Cause,
    /// Whether it was acknowledged and stayed up long enough to start the backoff over.
    pub(crate) healthy: bool,
}

/// Why a session ended.
#[derive(Debug)]
pub(crate) enum Cause {
    /// This side was asked to.
    Stopped,
    /// Anything else.
    Lost(Disconnect),
}

/// Where a session stands.
#[derive(Debug, Clone, Copy)]
enum Phase {
    /// `hello` is sent.
    Greeting { until: Instant },
    /// It has been acknowledged.
    Running { since: Instant, next_heartbeat: Instant },
}

/// What a session keeps while it runs.
struct Session<'a> {
    context: &'a Context,
    queue: Arc<SendQueue>,
    activity: Activity,
    session_id: String,
    phase: Phase,
    silence: Silence,
    log: FrameLog,
    drain_agreed: bool,
    draining: bool,
}

/// Runs a session to its end.
pub(crate) async fn run(context: &Context, upgraded: Upgraded) -> Ended {
    let (sink, mut source) = upgraded.socket.split();
    let queue = Arc::new(SendQueue::default());
    let mut session = Session::new(context, Arc::clone(&queue), upgraded.activity);
    session.greet();
    let mut writer = AbortOnDropHandle::new(tokio::spawn(writer::write(sink, Arc::clone(&queue))));

    let mut stop = std::pin::pin!(context.signals.stop.cancelled());
    let mut drain = std::pin::pin!(context.signals.drain.cancelled());
    let mut timer = std::pin::pin!(sleep_until(Instant::now()));
    let cause = loop {
        let flow = tokio::select! {
            biased;
            () = &mut stop => ControlFlow::Break(Cause::Stopped),
            () = &mut drain, if !session.draining => session.drain(),
            // Before the frames, so that a flood of them does not keep the heartbeat back.
            () = &mut timer => session.on_time().map_continue(|next| timer.as_mut().reset(next)),
            message = source.next() => session.on_message(message),
            ended = &mut writer => {
                queue.shut();
                context.handler.lost();
                let cause = match last_words(&mut source).await {
                    Some(words) => words,
                    None => ending::of_writer(ended),
                };
                return session.end(Cause::Lost(cause));
            }
            () = queue.idle(), if session.draining => ControlFlow::Break(Cause::Stopped),
        };
        if let ControlFlow::Break(cause) = flow {
            break cause;
        }
    };

    ending::take_leave(&queue, &cause);
    context.handler.lost();
    let closed_by_peer = matches!(cause, Cause::Lost(Disconnect::Closed { .. }));
    farewell(source, writer, closed_by_peer).await;
    queue.shut();
    session.end(cause)
}

/// Goes on, or ends the session.
type Flow<T = ()> = ControlFlow<Cause, T>;

impl<'a> Session<'a> {
    fn new(context: &'a Context, queue: Arc<SendQueue>, activity: Activity) -> Self {
        Self {
            context,
            queue,
            activity,
            session_id: Uuid::new_v4().to_string(),
            phase: Phase::Greeting { until: Instant::now() + HELLO_ACK_TIMEOUT },
            silence: Silence::default(),
            log: FrameLog::default(),
            drain_agreed: false,
            draining: false,
        }
    }

    fn greet(&self) {
        let parts = self.context.handler.hello();
        let hello = hello(&self.context.settings, parts, &FEATURES, &self.session_id);
        self.queue.control(&RunnerFrame::Hello(Box::new(hello)));
        self.context.observer.changed(&LinkState::Connected);
    }

    fn heartbeat(&self) {
        let stats = Some(self.context.handler.stats());
        self.queue.heartbeat(&RunnerFrame::Heartbeat(Heartbeat { stats }));
    }

    /// Begins to finish: tells the gateway where it would understand, and ends once no job is left.
    fn drain(&mut self) -> Flow {
        self.draining = true;
        if self.drain_agreed {
            self.queue.control(&RunnerFrame::Draining(Draining {}));
        }
        self.context.observer.changed(&LinkState::Draining);
        Flow::Continue(())
    }

    /// Does what is due, and says when to look again. Nothing here is done for a frame: an arrival only
    /// notes its time, and is found when this runs.
    fn on_time(&mut self) -> Flow<Instant> {
        let now = Instant::now();
        let next = match &mut self.phase {
            Phase::Greeting { until } if now >= *until => {
                return Flow::Break(Cause::Lost(Disconnect::NoHelloAck));
            }
            Phase::Greeting { until } => *until,
            Phase::Running { next_heartbeat, .. } if now >= *next_heartbeat => {
                let next = now + HEARTBEAT_INTERVAL;
                *next_heartbeat = next;
                self.heartbeat();
                next
            }
            Phase::Running { next_heartbeat, .. } => *next_heartbeat,
        };
        loop {
            match self.silence.judge(self.activity.last(), now) {
                Verdict::Dead => return Flow::Break(Cause::Lost(Disconnect::Silent)),
                Verdict::Ping => self.queue.ping(),
                Verdict::Wait(until) => return Flow::Continue(next.min(until)),
            }
        }
    }

    fn end(&self, cause: Cause) -> Ended {
        let healthy = match self.phase {
            Phase::Running { since, .. } => since.elapsed() >= HEALTHY_SESSION_AFTER,
            Phase::Greeting { .. } => false,
        };
        Ended { cause, healthy }
    }
}

/// The first frame of a session.
pub(crate) fn hello(
    settings: &crate::Settings,
    parts: HelloParts,
    features: &[&str],
    session_id: &str,
) -> Hello {
    let mut connectors = parts.connectors;
    for connector in &mut connectors {
        let size = connector.manifest.as_ref().map_or(0, |manifest| manifest.get().len());
        if size > MAX_MANIFEST_BYTES {
            tracing::warn!(
                connector = connector.name,
                bytes = size,
                "manifest too large for hello, left out"
            );
            connector.manifest = None;
        }
    }
    Hello {
        version: PROTOCOL_VERSION,
        runner_id: settings.runner_id().to_owned(),
        capabilities: parts.capabilities,
        runtime_version: Some(settings.runtime_version.clone()).filter(|version| !version.is_empty()),
        features: features.iter().map(|feature| (*feature).to_owned()).collect(),
        session_id: Some(session_id.to_owned()),
        connectors,
        limits: Some(Limits { max_concurrent_jobs: parts.max_concurrent_jobs }),
    }
}
