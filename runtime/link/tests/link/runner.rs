//! The runner's end: a link whose jobs, states and end a test looks at.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use dial::BoxedStream;
use runner_link::{
    Connect, ConnectError, GatewayUrl, HelloParts, JobHandler, JobReply, Link, LinkState, Outcome, Settings,
    Signals,
};
use runner_protocol::{AssignedSource, Job, Stats};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use turmoil::net::TcpStream;

use crate::gateway::PORT;

/// What the link did, in order.
#[derive(Debug)]
pub(crate) enum Event {
    Connecting,
    Connected,
    Acknowledged(Vec<String>),
    Draining,
    Disconnected(String),
    Waiting { attempt: u32, delay: Duration },
    Stopped,
    Assigned(usize),
    Job(Box<Job>, JobReply),
    Cancel(String),
    Lost,
}

/// More than any test causes.
const MAX_EVENTS: usize = 4_096;

/// A running link.
pub(crate) struct Runner {
    pub(crate) events: mpsc::Receiver<(Instant, Event)>,
    pub(crate) signals: Signals,
    pub(crate) task: JoinHandle<Outcome>,
}

pub(crate) fn settings() -> Settings {
    let url = GatewayUrl::parse(&format!("ws://gateway:{PORT}/connect")).unwrap();
    Settings::new(url, "runner-1", "rk_secret".into()).unwrap().with_seed(11).with_runtime_version("0.1.0")
}

pub(crate) fn start(settings: Settings) -> Runner {
    let (sender, events) = mpsc::channel(MAX_EVENTS);
    let signals = Signals::default();
    let observer = {
        let sender = sender.clone();
        move |state: &LinkState<'_>| note(&sender, event(state))
    };
    let link = Link::new(settings, Arc::new(Simulated), Arc::new(Handler(sender)), Arc::new(observer));
    let task = tokio::spawn(link.run(signals.clone()));
    Runner { events, signals, task }
}

impl Runner {
    /// The next event that `pick` wants; what comes before it is passed over.
    pub(crate) async fn find<T>(&mut self, pick: impl Fn(Event) -> Option<T>) -> (Instant, T) {
        loop {
            let (at, event) = self.events.recv().await.unwrap();
            if let Some(found) = pick(event) {
                return (at, found);
            }
        }
    }

    pub(crate) async fn acknowledged(&mut self) -> (Instant, Vec<String>) {
        self.find(|event| match event {
            Event::Acknowledged(features) => Some(features),
            _ => None,
        })
        .await
    }

    pub(crate) async fn disconnected(&mut self) -> (Instant, String) {
        self.find(|event| match event {
            Event::Disconnected(reason) => Some(reason),
            _ => None,
        })
        .await
    }

    pub(crate) async fn waiting(&mut self) -> (u32, Duration) {
        self.find(|event| match event {
            Event::Waiting { attempt, delay } => Some((attempt, delay)),
            _ => None,
        })
        .await
        .1
    }

    pub(crate) async fn job(&mut self) -> (Job, JobReply) {
        self.find(|event| match event {
            Event::Job(job, reply) => Some((*job, reply)),
            _ => None,
        })
        .await
        .1
    }

    pub(crate) async fn lost(&mut self) {
        self.find(|event| matches!(event, Event::Lost).then_some(())).await;
    }

    pub(crate) async fn stop(self) -> Outcome {
        self.signals.stop.cancel();
        self.task.await.unwrap()
    }
}

fn event(state: &LinkState<'_>) -> Event {
    match state {
        LinkState::Connecting => Event::Connecting,
        LinkState::Connected => Event::Connected,
        LinkState::Acknowledged { features, .. } => Event::Acknowledged(features.to_vec()),
        LinkState::Draining => Event::Draining,
        LinkState::Disconnected { reason } => Event::Disconnected(reason.to_string()),
        LinkState::Waiting { attempt, delay } => Event::Waiting { attempt: *attempt, delay: *delay },
        LinkState::Stopped => Event::Stopped,
        other => panic!("{other:?}"),
    }
}

fn note(sender: &mpsc::Sender<(Instant, Event)>, event: Event) {
    // A test that has seen enough no longer listens.
    match sender.try_send((Instant::now(), event)) {
        Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => {}
        Err(mpsc::error::TrySendError::Full(_)) => panic!("more than {MAX_EVENTS} events"),
    }
}

/// Connects over the simulated network.
pub(crate) struct Simulated;

#[async_trait]
impl Connect for Simulated {
    async fn connect(&self) -> Result<BoxedStream, ConnectError> {
        Ok(Box::new(TcpStream::connect(("gateway", PORT)).await?))
    }
}

struct Handler(mpsc::Sender<(Instant, Event)>);

pub(crate) fn parts() -> HelloParts {
    HelloParts { capabilities: vec!["postgres".into()], connectors: vec![], max_concurrent_jobs: 256 }
}

impl JobHandler for Handler {
    fn hello(&self) -> HelloParts {
        parts()
    }

    fn stats(&self) -> Stats {
        Stats { active_jobs: 3, ..Stats::default() }
    }

    fn assigned(&self, sources: Vec<AssignedSource>) {
        note(&self.0, Event::Assigned(sources.len()));
    }

    fn job(&self, job: Job, reply: JobReply) {
        note(&self.0, Event::Job(Box::new(job), reply));
    }

    fn cancel(&self, id: &str) {
        note(&self.0, Event::Cancel(id.to_owned()));
    }

    fn lost(&self) {
        note(&self.0, Event::Lost);
    }
}
