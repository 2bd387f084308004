//! A module in a host of its own, and whoever takes its rows.

#![allow(dead_code, reason = "each test binary uses its part")]

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use connector_api::{
    CallContext, Chunks, Connector, OpenContext, PathRules, RowSink, Session, SinkLimits, Source,
    StageObserver, StageReport,
};
use connector_host::{HostEngine, HostedConnector, Module, ModulePolicy};
use connector_model::config::{Config, Origin};
use connector_model::error::Result;
use connector_model::filter::Filter;
use connector_model::json::Envelope;
use connector_model::request::{Query, Read};
use dial::{AddressFilter, Dialer, Roots};
use serde_json::Value;
use tokio::sync::mpsc;
use wasmtime::component::Component;

/// The plain guest, compiled and linked.
pub(crate) struct Host {
    pub(crate) engine: HostEngine,
    pub(crate) connector: Arc<HostedConnector>,
}

impl Host {
    /// With what an operator says when nothing.
    pub(crate) fn new() -> Host {
        Host::with(ModulePolicy::default())
    }

    pub(crate) fn with(policy: ModulePolicy) -> Host {
        let path = test_servers::guest("plain").expect("the guest builds");
        let bytes = std::fs::read(&path).expect("it can be read");
        let module =
            Module::examine(&bytes, PathBuf::from("plain.wasm"), policy, None).expect("it is in order");
        let engine = HostEngine::new().expect("an engine");
        let component = Component::new(engine.engine(), &bytes).expect("it compiles");
        let connector = engine.connector(Arc::new(module), component).expect("it links");
        Host { engine, connector }
    }

    /// A source with these settings.
    pub(crate) fn source(&self, settings: &[(&str, &str)]) -> Box<dyn Source> {
        let settings = settings.iter().copied();
        let config =
            Config::from_texts(self.connector.manifest(), Origin::Local, settings).expect("a config");
        self.connector.source(config).expect("a source")
    }

    /// A session of a source with `rows` rows.
    pub(crate) async fn session(&self, rows: u64) -> Box<dyn Session> {
        let rows = rows.to_string();
        self.source(&[("rows", &rows)]).open(&opening(None)).await.expect("a session")
    }

    /// The instances that there are.
    pub(crate) fn instances(&self) -> u64 {
        self.engine.engine().pooling_allocator_metrics().expect("a pool").component_instances()
    }
}

pub(crate) fn opening(observer: Option<Arc<dyn StageObserver>>) -> OpenContext {
    OpenContext {
        dialer: Dialer::new(Roots::only(&[]).expect("no roots")),
        filter: AddressFilter::unrestricted(),
        paths: PathRules::Unrestricted,
        application: "semilayer-runner/test".into(),
        call: CallContext::within(Duration::from_secs(60)),
        observer,
    }
}

pub(crate) fn minute() -> CallContext {
    CallContext::within(Duration::from_secs(60))
}

/// The stages of an open.
#[derive(Default)]
pub(crate) struct Stages(pub(crate) Mutex<Vec<StageReport>>);

impl StageObserver for Stages {
    fn passed(&self, report: StageReport) {
        self.0.lock().unwrap().push(report);
    }
}

/// What a job's caller gets: every chunk as it is sent.
pub(crate) struct Caller {
    chunks: mpsc::Sender<Vec<u8>>,
}

impl Caller {
    pub(crate) fn new() -> (Caller, mpsc::Receiver<Vec<u8>>) {
        let (chunks, taken) = mpsc::channel(10_000);
        (Caller { chunks }, taken)
    }
}

#[async_trait]
impl Chunks for Caller {
    fn envelope(&self) -> Envelope {
        Envelope { prefix: b"[".to_vec(), suffix: b"]".to_vec() }
    }

    async fn send(&mut self, chunk: Vec<u8>) -> Result<()> {
        self.chunks.send(chunk).await.expect("somebody listens");
        Ok(())
    }
}

/// The rows that a call writes, with what it returns.
pub(crate) async fn rows<T>(
    call: impl AsyncFnOnce(&mut RowSink<'_>) -> Result<T>,
) -> Result<(T, Vec<Value>)> {
    let (mut caller, mut taken) = Caller::new();
    let mut out = RowSink::new(&mut caller, SinkLimits::default());
    let answer = call(&mut out).await?;
    out.flush().await?;
    let mut rows = Vec::new();
    while let Ok(chunk) = taken.try_recv() {
        rows.extend(serde_json::from_slice::<Vec<Value>>(&chunk).expect("every chunk is JSON"));
    }
    Ok((answer, rows))
}

/// A query of everything in a target.
pub(crate) fn all(target: &str) -> Query {
    Query {
        target: target.to_owned(),
        select: None,
        filter: Filter::TRUE,
        joins: Vec::new(),
        order_by: Vec::new(),
        limit: None,
        offset: 0,
        cursor: None,
        include_total: true,
    }
}

/// A page of a target in key order.
pub(crate) fn page(target: &str, limit: u64, cursor: Option<String>) -> Read {
    Read { target: target.to_owned(), fields: None, limit, cursor, changed_since: None }
}
