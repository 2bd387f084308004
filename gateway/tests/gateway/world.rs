//! A gateway with one runner, one source and one key, and what a test asks of it.

use secrecy::ExposeSecret as _;
use semilayer_gateway::{Actor, KeyRequest, Running, Settings, SourceRequest, start};
use serde_json::Value;

use crate::fake_runner::FakeRunner;

/// A gateway and what the tests made in it.
pub struct World {
    pub gateway: Running,
    pub runner_id: String,
    pub runner_token: String,
    pub key: String,
    pub http: reqwest::Client,
    _directory: tempfile::TempDir,
}

/// The name of the source and of the runner.
pub const SOURCE: &str = "primary";
pub const RUNNER: &str = "edge";

impl World {
    pub async fn new() -> Self {
        Self::with(|_| {}).await
    }

    /// A world whose settings `change` has seen.
    pub async fn with(change: impl FnOnce(&mut Settings)) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let directory = tempfile::tempdir().expect("a directory");
        let mut settings = Settings::local(directory.path().join("gateway.db"));
        change(&mut settings);
        let gateway = start(settings).await.expect("a gateway");
        let administration = gateway.administration();
        let actor = Actor("test".to_owned());
        let runner = administration.create_runner(&actor, RUNNER).await.expect("a runner");
        administration
            .connect_source(&actor, &SourceRequest::runner_local(SOURCE, "postgres"))
            .await
            .expect("a source");
        administration.assign(&actor, RUNNER, SOURCE).await.expect("an assignment");
        let request = KeyRequest { kind: "sk".to_owned(), name: None };
        let key = administration.create_key(&actor, &request).await.expect("a key");
        Self {
            runner_id: runner.runner.id.to_string(),
            runner_token: runner.token.reveal().to_owned(),
            key: key.token.reveal().to_owned(),
            http: reqwest::Client::new(),
            gateway,
            _directory: directory,
        }
    }

    pub fn actor(&self) -> Actor {
        Actor("test".to_owned())
    }

    /// The runner, connected and acknowledged, with windows.
    pub async fn runner(&self) -> FakeRunner {
        FakeRunner::connect(self, &["credit", "drain"]).await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.gateway.address())
    }

    /// A job of `kind`, ready to be sent.
    pub fn job(&self, kind: &str, body: &Value) -> reqwest::RequestBuilder {
        self.http
            .post(self.url(&format!("/v1/sources/{SOURCE}/{kind}")))
            .bearer_auth(&self.key)
            .body(body.to_string())
    }

    /// Sends a job from a task of its own.
    pub fn send(&self, kind: &str, body: &Value) -> tokio::task::JoinHandle<Answer> {
        let request = self.job(kind, body);
        tokio::spawn(async move { Answer::of(request.send().await.expect("an answer")).await })
    }

    /// A request with the admin token.
    pub fn admin(&self, method: reqwest::Method, path: &str) -> reqwest::RequestBuilder {
        let token = self.gateway.admin_token().expect("a first start").expose_secret();
        self.http.request(method, self.url(path)).bearer_auth(token)
    }

    /// The jobs on record, once there are `count` and none is still running.
    pub async fn finished_jobs(&self, count: usize) -> Vec<Value> {
        loop {
            let answer = self.admin(reqwest::Method::GET, "/v1/jobs").send().await.expect("an answer");
            let body = Answer::of(answer).await.body;
            let jobs = body["jobs"].as_array().expect("a list").clone();
            if jobs.len() >= count && jobs.iter().all(|job| job["status"] != "dispatched") {
                return jobs;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// An answer, read whole.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
    pub body: Value,
}

impl Answer {
    pub async fn of(response: reqwest::Response) -> Self {
        let status = response.status().as_u16();
        let headers = response.headers().clone();
        let text = response.text().await.expect("a body");
        let body = serde_json::from_str(&text).unwrap_or_else(|error| panic!("not JSON ({error}): {text}"));
        Self { status, headers, body }
    }
}
