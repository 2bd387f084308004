//! An engine with one connector, one source and a policy from a file, asked as a gateway asks it.

use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use connector_api::{Chunks, Connector, Counted};
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::json::Envelope;
use dial::{Dialer, Roots};
use runner_engine::{
    Assignment, Credentials, Done, Engine, EngineSettings, Environment, FileSources, JobRequest, Limits,
    ManagedRules, Policies, Reply, Served,
};
use semilayer_runner::Variables;
use semilayer_runner::settings::file::ConfigFile;
use semilayer_runner::settings::policy;
use serde_json::Value;
use tokio::sync::oneshot;

/// What a job was answered.
#[derive(Debug, Default)]
pub struct Answer {
    /// Its rows, groups or entries.
    pub rows: Vec<Value>,
    /// The number that a count is answered with.
    pub counted: Option<u64>,
    /// How it ended, if it did.
    pub done: Option<Done>,
    /// How it failed, if it did.
    pub error: Option<Error>,
}

impl Answer {
    /// The code it failed with.
    pub fn code(&self) -> Option<ErrorCode> {
        self.error.as_ref().map(Error::code)
    }

    /// A text of the error's detail.
    pub fn detail(&self, key: &str) -> Option<&str> {
        self.error.as_ref()?.detail().get(key)?.as_str()
    }

    /// The error's message.
    pub fn message(&self) -> &str {
        self.error.as_ref().map_or("", Error::message)
    }
}

/// Keeps an answer until its end.
struct Recorder {
    answer: Answer,
    ended: oneshot::Sender<Answer>,
}

#[async_trait]
impl Chunks for Recorder {
    fn envelope(&self) -> Envelope {
        Envelope { prefix: b"[".to_vec(), suffix: b"]".to_vec() }
    }

    async fn send(&mut self, chunk: Vec<u8>) -> Result<()> {
        let rows: Vec<Value> =
            serde_json::from_slice(&chunk).map_err(|error| Error::internal(error.to_string()))?;
        self.answer.rows.extend(rows);
        Ok(())
    }
}

#[async_trait]
impl Reply for Recorder {
    fn aggregate_envelope(&self) -> Envelope {
        self.envelope()
    }

    async fn total(&mut self, counted: Counted) -> Result<()> {
        self.answer.counted = Some(counted.total);
        Ok(())
    }

    fn done(self: Box<Self>, done: Done) {
        let Recorder { mut answer, ended } = *self;
        answer.done = Some(done);
        drop(ended.send(answer));
    }

    fn error(self: Box<Self>, error: Error) {
        let Recorder { mut answer, ended } = *self;
        answer.error = Some(error);
        drop(ended.send(answer));
    }
}

/// An engine with the source `shop`.
pub struct Runner {
    engine: Engine,
    bridge: String,
    jobs: AtomicU32,
}

impl Runner {
    /// An engine whose source is configured by these settings, spelled as in variables, under the policy of this text of
    /// a configuration file.
    ///
    /// # Errors
    /// What of all that cannot be used.
    pub fn new(
        connector: Arc<dyn Connector>,
        settings: &[(&str, &str)],
        policy: &str,
    ) -> std::result::Result<Runner, Box<dyn std::error::Error>> {
        // Fails only where somebody has chosen a provider before.
        let _chosen = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let variables =
            settings.iter().map(|(key, value)| (format!("SEMILAYER_SOURCE_SHOP_{key}"), (*value).to_owned()));
        let bridge = connector.manifest().package_name.to_string();
        let settings = EngineSettings {
            limits: Limits::default(),
            runner_short_id: "3f2a9c1e".to_owned(),
            dialer: Dialer::new(Roots::load(&[])?),
            managed: ManagedRules::default(),
            environment: Arc::new(Environment::new(variables)),
            file: FileSources::new(),
            policies: policies(policy)?,
        };
        let engine = Engine::new(settings, vec![Served::from(connector)])?;
        Ok(Runner { engine, bridge, jobs: AtomicU32::new(1) })
    }

    /// Runs a job to its end.
    ///
    /// # Errors
    /// When it does not end.
    pub async fn ask(
        &self,
        kind: &str,
        target: &str,
        options: &Value,
    ) -> std::result::Result<Answer, Box<dyn std::error::Error>> {
        let request = JobRequest {
            id: self.jobs.fetch_add(1, Ordering::Relaxed).to_string(),
            source: Assignment {
                id: "1".to_owned(),
                name: "shop".to_owned(),
                bridge: self.bridge.clone(),
                credentials: Credentials::RunnerLocal,
            },
            kind: kind.to_owned(),
            target: Some(target.to_owned()).filter(|target| !target.is_empty()),
            options: Some(serde_json::value::to_raw_value(options)?),
            deadline_ms: 60_000,
        };
        let (ended, answer) = oneshot::channel();
        self.engine.submit(request, Box::new(Recorder { answer: Answer::default(), ended }));
        Ok(answer.await?)
    }
}

/// The policy of a configuration file's text.
///
/// # Errors
/// What of it cannot be used.
pub fn policies(text: &str) -> std::result::Result<Policies, Box<dyn std::error::Error>> {
    let mut file = tempfile::NamedTempFile::new()?;
    file.write_all(text.as_bytes())?;
    let file = ConfigFile::read(file.path())?;
    Ok(Policies::new(&policy::read(&file, &Variables::default())?, &Policies::default())?)
}
