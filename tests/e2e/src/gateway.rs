//! A gateway process.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tempfile::TempDir;
use test_servers::{Certificates, Launch, Process, Profile, ServerCertificate, binaries, free_port};

use crate::LIMIT;
use crate::caller::Caller;

const ADMIN: &str = "admin_e2e_0123456789abcdefghijklmnopqrstuvwxyz";

/// How a gateway is started.
#[derive(Debug, Clone, Copy, Default)]
pub struct GatewayOptions {
    /// Serve TLS with this certificate.
    pub tls: Option<ServerCertificate>,
    /// Listen at `::1` alone, instead of at 127.0.0.1 alone.
    pub ipv6: bool,
}

impl GatewayOptions {
    fn host(self) -> &'static str {
        if self.ipv6 { "[::1]" } else { "127.0.0.1" }
    }
}

/// A running gateway with an empty database of its own.
pub struct Gateway {
    process: Process,
    options: GatewayOptions,
    port: u16,
    folder: TempDir,
    certificates: Certificates,
    http: Client,
}

/// What a runner presents itself with.
#[derive(Debug, Clone)]
pub struct Identity {
    /// The runner's id.
    pub id: String,
    /// Its token.
    pub token: String,
}

impl Gateway {
    /// Starts a gateway.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(options: GatewayOptions) -> Result<Gateway> {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let folder = TempDir::new()?;
        let certificates = Certificates::generate("e2e")?;
        std::fs::write(folder.path().join("ca.pem"), certificates.authority())?;
        let port = free_port()?;
        let mut http = Client::builder().pool_max_idle_per_host(64).no_proxy();
        if options.tls.is_some() {
            let authority = reqwest::Certificate::from_pem(certificates.authority().as_bytes())?;
            http = http.tls_certs_only([authority]);
        }
        let process = Self::launch(options, port, &folder, &certificates)?;
        let gateway = Gateway { process, options, port, folder, certificates, http: http.build()? };
        gateway.up().await?;
        Ok(gateway)
    }

    fn launch(
        options: GatewayOptions,
        port: u16,
        folder: &TempDir,
        certificates: &Certificates,
    ) -> Result<Process> {
        let path = folder.path();
        let mut launch = Launch::new(binaries(Profile::Dev)?.gateway)
            .arg("serve")
            .env("DATABASE_URL", format!("sqlite://{}", path.join("gateway.db").display()))
            .env("GATEWAY_LISTEN", format!("{}:{port}", options.host()))
            .env("GATEWAY_ADMIN_TOKEN", ADMIN);
        if let Some(which) = options.tls {
            let credential = certificates.server(which);
            std::fs::write(path.join("cert.pem"), &credential.certificate)?;
            std::fs::write(path.join("key.pem"), &credential.key)?;
            launch = launch
                .env("GATEWAY_TLS_CERT", path.join("cert.pem"))
                .env("GATEWAY_TLS_KEY", path.join("key.pem"));
        }
        Process::start(&launch)
    }

    async fn up(&self) -> Result<()> {
        let ready = async {
            while self.http.get(self.url("/readyz")).send().await.is_err() {
                ensure!(self.process.exit().is_none(), "the gateway ended: {:?}", self.process.lines());
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Ok(())
        };
        tokio::time::timeout(LIMIT, ready).await.context("the gateway did not come up")?
    }

    /// Ends it as a crash would, and starts it again on the same port and database.
    ///
    /// # Errors
    /// When it does not come up again.
    pub async fn crash_and_restart(&mut self) -> Result<()> {
        self.process.kill9().await?;
        self.process = Self::launch(self.options, self.port, &self.folder, &self.certificates)?;
        self.up().await
    }

    /// The process.
    pub fn process(&self) -> &Process {
        &self.process
    }

    /// The path of the authority that signed its certificate.
    pub fn authority(&self) -> String {
        self.folder.path().join("ca.pem").display().to_string()
    }

    /// An URL of it.
    pub fn url(&self, path: &str) -> String {
        let scheme = if self.options.tls.is_some() { "https" } else { "http" };
        // Callers know the gateway by the name in its certificate.
        let host =
            if self.options.tls.is_some() && !self.options.ipv6 { "localhost" } else { self.options.host() };
        format!("{scheme}://{host}:{}{path}", self.port)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What a runner dials.
    pub fn connect_url(&self) -> String {
        self.url("/connect").replacen("http", "ws", 1)
    }

    /// A request of the admin API.
    ///
    /// # Errors
    /// When there is no answer, or it is not a success.
    pub async fn admin(&self, method: Method, path: &str, body: Option<Value>) -> Result<Value> {
        let mut request = self.http.request(method, self.url(path)).bearer_auth(ADMIN);
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let response = request.send().await?;
        let (status, text) = (response.status(), response.text().await?);
        ensure!(status.is_success(), "{path}: {status} {text}");
        Ok(serde_json::from_str(&text)?)
    }

    /// A runner of that name.
    ///
    /// # Errors
    /// When the gateway refuses.
    pub async fn runner(&self, name: &str) -> Result<Identity> {
        let created = self.admin(Method::POST, "/v1/runners", Some(json!({ "name": name }))).await?;
        Ok(Identity { id: text(&created, "/runner/id")?, token: text(&created, "/token")? })
    }

    /// A runner-local source, assigned to the runner.
    ///
    /// # Errors
    /// When the gateway refuses.
    pub async fn source(&self, name: &str, bridge: &str, runner: &Identity) -> Result<()> {
        let source = json!({ "name": name, "bridge": format!("@semilayer/bridge-{bridge}"), "credentialsLocation": "runner-local" });
        self.admin(Method::POST, "/v1/sources", Some(source)).await?;
        let path = format!("/v1/runners/{}/assignments", runner.id);
        self.admin(Method::POST, &path, Some(json!({ "source": name }))).await?;
        Ok(())
    }

    /// Somebody with a key.
    ///
    /// # Errors
    /// When the gateway refuses.
    pub async fn caller(&self) -> Result<Caller> {
        let created = self.admin(Method::POST, "/v1/keys", Some(json!({ "kind": "sk" }))).await?;
        Ok(Caller::new(self.http.clone(), self.url(""), text(&created, "/token")?))
    }

    /// Waits until a source answers through some runner.
    ///
    /// # Errors
    /// When it never does.
    pub async fn serving(&self, caller: &Caller, source: &str) -> Result<()> {
        let served = async {
            loop {
                let answer = caller.ask(source, "test", &json!({})).await?;
                if answer.status == StatusCode::OK {
                    return Ok(());
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LIMIT, served).await.context("the source never answered")?
    }
}

fn text(value: &Value, place: &str) -> Result<String> {
    value
        .pointer(place)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .with_context(|| format!("no text at {place}"))
}
