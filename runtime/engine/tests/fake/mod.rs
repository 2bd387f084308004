//! A database made of a script: the target says how a call behaves, [`Server`] whether it can be reached.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
#![allow(dead_code, unreachable_pub, reason = "every test file uses another part of it")]

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use connector_api::{
    CallContext, Chunks, Connector, Counted, OpenContext, Page, RowSink, ServerInfo, Session, Source,
};
use connector_model::config::Config;
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::json::Envelope;
use connector_model::manifest::{Field, FieldKind, Manifest, pool_fields};
use connector_model::request::{Count, Query, Read};
use connector_model::target::{Column, LogicalType, Target, TargetColumn, TargetSchema};
use connector_model::{Capabilities, json};
use dial::{Dialer, Roots};
use runner_engine::{
    Assignment, Credentials, Done, Engine, EngineSettings, Environment, FileSources, JobRequest, Limits,
    ManagedRules, Reply, Served,
};
use secrecy::SecretString;
use tokio::sync::oneshot;

/// What all sessions of all fake sources share.
#[derive(Default)]
pub struct Server {
    pub is_down: AtomicBool,
    pub is_silent: AtomicBool,
    pub refuses_login: AtomicBool,
    pub sessions: AtomicUsize,
    pub opened: AtomicUsize,
    pub opening: AtomicUsize,
    pub most_opening: AtomicUsize,
    pub pings: AtomicUsize,
    pub queries: AtomicUsize,
    pub urls: Mutex<Vec<String>>,
}

impl Server {
    pub fn sessions(&self) -> usize {
        self.sessions.load(SeqCst)
    }
}

pub struct Fake {
    pub server: Arc<Server>,
    manifest: Manifest,
}

impl Fake {
    pub fn new(name: &'static str, server: Arc<Server>) -> Self {
        let mut fields = vec![
            Field::new("url", "URL", FieldKind::String).aliases(&["connectionString"]),
            Field::new("host", "Host", FieldKind::String),
            Field::new("port", "Port", FieldKind::Number),
            Field::new("password", "Password", FieldKind::Password).aliases(&["pass"]),
            Field::new("accessKeyId", "Access key", FieldKind::String),
        ];
        fields.extend(pool_fields());
        let manifest = Manifest {
            package_name: name.into(),
            display_name: "Fake".into(),
            icon: "fake".into(),
            supports_url: true,
            url_placeholder: None,
            url_schemes: vec!["fake".into()],
            fields,
            capabilities: Capabilities::relational(),
            version: "0.0.0".into(),
        };
        Fake { server, manifest }
    }
}

impl Connector for Fake {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn source(&self, config: Config) -> Result<Box<dyn Source>> {
        Ok(Box::new(FakeSource { server: self.server.clone(), config }))
    }
}

struct FakeSource {
    server: Arc<Server>,
    config: Config,
}

struct Opening(Arc<Server>);

impl Drop for Opening {
    fn drop(&mut self) {
        self.0.opening.fetch_sub(1, SeqCst);
    }
}

#[async_trait]
impl Source for FakeSource {
    async fn open(&self, _: &OpenContext) -> Result<Box<dyn Session>> {
        let server = &self.server;
        server.opened.fetch_add(1, SeqCst);
        server.most_opening.fetch_max(server.opening.fetch_add(1, SeqCst) + 1, SeqCst);
        let _opening = Opening(server.clone());
        tokio::time::sleep(Duration::from_millis(5)).await;
        if server.is_silent.load(SeqCst) {
            std::future::pending::<()>().await;
        }
        if server.is_down.load(SeqCst) {
            return Err(Error::new(ErrorCode::SourceUnreachable, "connection refused").with("stage", "tcp"));
        }
        if server.refuses_login.load(SeqCst) {
            return Err(Error::new(ErrorCode::SourceAuthFailed, "password refused"));
        }
        server.urls.lock().unwrap().push(self.config.text("url").unwrap_or_default().to_owned());
        server.sessions.fetch_add(1, SeqCst);
        Ok(Box::new(FakeSession { server: server.clone(), is_clean: true }))
    }
}

struct FakeSession {
    server: Arc<Server>,
    is_clean: bool,
}

impl Drop for FakeSession {
    fn drop(&mut self) {
        self.server.sessions.fetch_sub(1, SeqCst);
    }
}

impl FakeSession {
    /// Does what the target says.
    async fn act(&mut self, cx: &CallContext, target: &str, out: &mut RowSink<'_>) -> Result<Page> {
        self.server.queries.fetch_add(1, SeqCst);
        let (what, number) = target.split_once(':').unwrap_or((target, "0"));
        let number: u64 = number.parse().unwrap();
        self.is_clean = false;
        match what {
            "rows" => {
                out.columns([&Column { name: "id".into(), logical_type: LogicalType::Integer }]);
                for id in 0..number {
                    out.row(|row| {
                        json::integer(row.cell()?, i64::try_from(id).unwrap());
                        Ok(())
                    })?;
                    out.flush_if_full().await?;
                }
            }
            "slow" => {
                let slept = cx.run(tokio::time::sleep(Duration::from_millis(number))).await;
                // The database was stopped and said so: the session is clean.
                self.is_clean = true;
                slept?;
            }
            "fail" => {
                self.is_clean = true;
                let message = "duplicate key value \"secret value\"";
                return Err(Error::native(ErrorCode::SourceQueryFailed, message, "23505"));
            }
            "gone" => {
                return Err(Error::new(ErrorCode::SourceUnreachable, "the server closed the connection"));
            }
            "panic" => panic!("a bug in the driver"),
            "hang" => std::future::pending().await,
            "dirty" => return Ok(Page::default()),
            other => return Err(Error::new(ErrorCode::InvalidTarget, format!("no table {other}"))),
        }
        self.is_clean = true;
        Ok(Page { total: Some(number), ..Page::default() })
    }
}

#[async_trait]
impl Session for FakeSession {
    fn reusable(&self) -> bool {
        self.is_clean
    }

    async fn ping(&mut self, _: &CallContext) -> Result<ServerInfo> {
        self.server.pings.fetch_add(1, SeqCst);
        if self.server.is_down.load(SeqCst) {
            return Err(Error::new(ErrorCode::SourceUnreachable, "no answer"));
        }
        Ok(ServerInfo::default())
    }

    async fn read(&mut self, cx: &CallContext, request: &Read, out: &mut RowSink<'_>) -> Result<Page> {
        self.act(cx, &request.target, out).await
    }

    async fn query(&mut self, cx: &CallContext, request: &Query, out: &mut RowSink<'_>) -> Result<Page> {
        self.act(cx, &request.target, out).await
    }

    async fn count(&mut self, _: &CallContext, _: &Count) -> Result<Counted> {
        Ok(Counted { total: 42, approximate: true })
    }

    async fn list_targets(&mut self, _: &CallContext) -> Result<Vec<Target>> {
        let target = |name: &str| Target {
            name: name.to_owned(),
            kind: "table".to_owned(),
            schema: None,
            estimated_rows: Some(7),
        };
        Ok(vec![target("a"), target("b\"")])
    }

    async fn introspect(&mut self, _: &CallContext, target: &str) -> Result<TargetSchema> {
        Ok(TargetSchema {
            name: target.to_owned(),
            kind: "table".to_owned(),
            columns: vec![TargetColumn {
                name: "id".to_owned(),
                native_type: "bigint".to_owned(),
                nullable: false,
                primary_key: true,
                logical_type: LogicalType::Integer,
            }],
            primary_key: vec!["id".to_owned()],
            key: vec!["id".to_owned()],
            row_count: None,
        })
    }
}

/// What a job was answered.
#[derive(Debug, Default, Clone)]
pub struct Answer {
    pub chunks: Vec<String>,
    pub counted: Option<Counted>,
    pub done: Option<Done>,
    pub error: Option<Error>,
}

impl Answer {
    pub fn code(&self) -> Option<ErrorCode> {
        self.error.as_ref().map(Error::code)
    }

    pub fn detail(&self, key: &str) -> Option<&str> {
        self.error.as_ref()?.detail().get(key)?.as_str()
    }
}

/// A reply that keeps what it is told. A second end panics, a dropped one is `None` to the receiver.
pub struct Recorder {
    answer: Answer,
    ended: Option<oneshot::Sender<Answer>>,
    pub is_stuck: bool,
}

pub type Ended = oneshot::Receiver<Answer>;

pub fn recorder() -> (Box<Recorder>, Ended) {
    let (ended, receiver) = oneshot::channel();
    (Box::new(Recorder { answer: Answer::default(), ended: Some(ended), is_stuck: false }), receiver)
}

#[async_trait]
impl Chunks for Recorder {
    fn envelope(&self) -> Envelope {
        Envelope { prefix: b"[".to_vec(), suffix: b"]".to_vec() }
    }

    async fn send(&mut self, chunk: Vec<u8>) -> Result<()> {
        if self.is_stuck {
            std::future::pending::<()>().await;
        }
        self.answer.chunks.push(String::from_utf8(chunk).unwrap());
        Ok(())
    }
}

#[async_trait]
impl Reply for Recorder {
    fn aggregate_envelope(&self) -> Envelope {
        Envelope { prefix: b"groups[".to_vec(), suffix: b"]".to_vec() }
    }

    async fn total(&mut self, counted: Counted) -> Result<()> {
        self.answer.counted = Some(counted);
        Ok(())
    }

    fn done(mut self: Box<Self>, done: Done) {
        self.answer.done = Some(done);
        let answer = std::mem::take(&mut self.answer);
        drop(self.ended.take().unwrap().send(answer));
    }

    fn error(mut self: Box<Self>, error: Error) {
        self.answer.error = Some(error);
        let answer = std::mem::take(&mut self.answer);
        drop(self.ended.take().unwrap().send(answer));
    }
}

pub fn dialer() -> Dialer {
    Dialer::new(Roots::only(&[]).unwrap())
}

pub fn environment(variables: &[(&str, &str)]) -> Arc<Environment> {
    Arc::new(Environment::new(
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
    ))
}

pub fn local(name: &str) -> Assignment {
    Assignment {
        id: format!("id-{name}"),
        name: name.to_owned(),
        bridge: "@semilayer/bridge-fake".to_owned(),
        credentials: Credentials::RunnerLocal,
    }
}

pub fn managed(name: &str, config: &str) -> Assignment {
    Assignment { credentials: Credentials::Managed { config: SecretString::from(config) }, ..local(name) }
}

pub fn job(id: &str, source: Assignment, target: &str) -> JobRequest {
    JobRequest {
        id: id.to_owned(),
        source,
        kind: "query".to_owned(),
        target: Some(target.to_owned()),
        options: None,
        deadline_ms: 0,
    }
}

pub fn settings(limits: Limits) -> EngineSettings {
    EngineSettings {
        limits,
        runner_short_id: "3f2a9c1e".to_owned(),
        dialer: dialer(),
        managed: ManagedRules::default(),
        environment: environment(&[
            ("SEMILAYER_SOURCE_MAIN_URL", "fake://main"),
            ("SEMILAYER_SOURCE_OTHER_URL", "fake://other"),
        ]),
        file: FileSources::new(),
        reread: None,
    }
}

pub fn served(server: &Arc<Server>) -> Vec<Served> {
    vec![Served::from(Arc::new(Fake::new("@semilayer/bridge-fake", server.clone())) as Arc<dyn Connector>)]
}

pub fn engine(limits: Limits) -> (Engine, Arc<Server>) {
    let server = Arc::new(Server::default());
    (Engine::new(settings(limits), served(&server)).unwrap(), server)
}

/// An engine whose sources are configured by these variables.
pub fn engine_with(variables: &[(&str, &str)]) -> (Engine, Arc<Server>) {
    let server = Arc::new(Server::default());
    let settings = EngineSettings { environment: environment(variables), ..settings(Limits::default()) };
    (Engine::new(settings, served(&server)).unwrap(), server)
}

/// Submits a job and gives the place where its answer will be.
pub fn submit(engine: &Engine, job: JobRequest) -> Ended {
    let (reply, ended) = recorder();
    engine.submit(job, reply);
    ended
}

/// Submits a query of `target` on the source `main` and waits for its answer.
pub async fn ask(engine: &Engine, id: &str, target: &str) -> Answer {
    submit(engine, job(id, local("main"), target)).await.unwrap()
}
