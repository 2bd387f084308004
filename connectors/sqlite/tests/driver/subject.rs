//! A database file with a session of the driver, and jobs as the runner parses them.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use connector_api::context::CallContext;
use connector_api::{
    Chunks, Connector, OpenContext, Page, PathRules, RowSink, Session, SinkLimits, Source, StageObserver,
    StageReport,
};
use connector_model::config::Origin;
use connector_model::json::Envelope;
use connector_model::request::{Kind, Request, parse};
use connector_model::{Config, Error, Result};
use connector_sqlite::Sqlite;
use dial::{AddressFilter, Dialer, Roots};
use serde_json::Value;
use tempfile::TempDir;

/// Longer than any call of a test takes when it works.
pub(crate) const LONG: Duration = Duration::from_secs(60);

/// A database file that goes when this is dropped.
pub(crate) struct Database {
    folder: TempDir,
    path: PathBuf,
}

impl Database {
    /// A new file, filled by `sql`.
    pub(crate) fn new(sql: &str) -> Database {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("test.db");
        let database = Database { folder, path };
        database.writer().execute_batch(sql).unwrap();
        database
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A connection that writes, as the application beside the runner does.
    pub(crate) fn writer(&self) -> rusqlite::Connection {
        rusqlite::Connection::open(&self.path).unwrap()
    }

    pub(crate) fn source(&self) -> Box<dyn Source> {
        source(&[("path", self.path.to_str().unwrap())]).unwrap()
    }

    pub(crate) async fn session(&self) -> Box<dyn Session> {
        self.source().open(&context()).await.unwrap()
    }
}

pub(crate) fn source(settings: &[(&str, &str)]) -> Result<Box<dyn Source>> {
    let connector = Sqlite::new();
    let config = Config::from_texts(connector.manifest(), Origin::Local, settings.iter().copied())?;
    connector.source(config)
}

pub(crate) fn context() -> OpenContext {
    OpenContext {
        dialer: Dialer::new(Roots::load(&[]).unwrap()),
        filter: AddressFilter::unrestricted(),
        paths: PathRules::Unrestricted,
        application: "semilayer-runner/test".into(),
        call: CallContext::within(LONG),
        observer: None,
    }
}

/// Opens the file at `path`, which is expected to fail.
pub(crate) async fn refused(path: &Path) -> Error {
    let source = source(&[("path", path.to_str().unwrap())]).unwrap();
    match source.open(&context()).await {
        Ok(_) => panic!("{} opens", path.display()),
        Err(error) => error,
    }
}

/// Keeps the stages.
#[derive(Default)]
pub(crate) struct Stages(pub(crate) Mutex<Vec<StageReport>>);

impl StageObserver for Stages {
    fn passed(&self, report: StageReport) {
        self.0.lock().unwrap().push(report);
    }
}

pub(crate) fn watched(stages: &Arc<Stages>) -> OpenContext {
    OpenContext { observer: Some(Arc::clone(stages) as Arc<dyn StageObserver>), ..context() }
}

/// Keeps the chunks.
#[derive(Default)]
pub(crate) struct Sent(pub(crate) Vec<Vec<u8>>);

#[async_trait]
impl Chunks for Sent {
    fn envelope(&self) -> Envelope {
        Envelope { prefix: b"[".to_vec(), suffix: b"]".to_vec() }
    }

    async fn send(&mut self, chunk: Vec<u8>) -> Result<()> {
        self.0.push(chunk);
        Ok(())
    }
}

impl Sent {
    pub(crate) fn rows(&self) -> Vec<Value> {
        self.0.iter().flat_map(|chunk| serde_json::from_slice::<Vec<Value>>(chunk).unwrap()).collect()
    }
}

/// Runs a `read`, a `query` or an `aggregate`.
pub(crate) async fn job(
    session: &mut dyn Session,
    kind: Kind,
    target: &str,
    options: &Value,
) -> Result<(Vec<Value>, Page)> {
    job_within(session, kind, target, options, &CallContext::within(LONG)).await
}

pub(crate) async fn job_within(
    session: &mut dyn Session,
    kind: Kind,
    target: &str,
    options: &Value,
    call: &CallContext,
) -> Result<(Vec<Value>, Page)> {
    let mut sent = Sent::default();
    let mut out = RowSink::new(&mut sent, SinkLimits::default());
    let request = parse(kind, Some(target), Some(&options.to_string()), "@semilayer/bridge-sqlite")?;
    let page = match request {
        Request::Read(read) => session.read(call, &read, &mut out).await?,
        Request::Query(query) => session.query(call, &query, &mut out).await?,
        Request::Aggregate(aggregate) => {
            session.aggregate(call, &aggregate, &mut out).await?;
            Page::default()
        }
        other => panic!("{other:?} has no rows"),
    };
    out.flush().await?;
    Ok((sent.rows(), page))
}

pub(crate) async fn count(session: &mut dyn Session, target: &str, options: &Value) -> Result<u64> {
    match parse(Kind::Count, Some(target), Some(&options.to_string()), "@semilayer/bridge-sqlite")? {
        Request::Count(count) => {
            let counted = session.count(&CallContext::within(LONG), &count).await?;
            assert!(!counted.approximate);
            Ok(counted.total)
        }
        other => panic!("{other:?} is no count"),
    }
}
