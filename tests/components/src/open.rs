//! A component by its name, a source of it, a session.

use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use connector_api::{CallContext, Connector, OpenContext, PathRules, Session, Source};
use connector_host::load::{Compiler, Entries, LoadSettings, LoadedModule, load_file};
use connector_model::config::{Config, Origin};
use connector_model::error::{Error, Result as ConnectorResult};
use dial::{AddressFilter, Dialer, Roots};

/// How long a test's call may take: a debug build on a busy machine is slow.
pub const LIMIT: Duration = Duration::from_secs(60);

/// A component of connectors/components, built when it is not up to date and loaded as from the operator's folder.
///
/// # Errors
/// When it does not build or is refused.
pub async fn component(name: &str) -> Result<Arc<LoadedModule>> {
    load(name, test_servers::component).await
}

/// A guest of tests/guests, otherwise as [`component`].
///
/// # Errors
/// As [`component`].
pub async fn guest(name: &str) -> Result<Arc<LoadedModule>> {
    load(name, test_servers::guest).await
}

async fn load(name: &str, build: fn(&str) -> Result<PathBuf>) -> Result<Arc<LoadedModule>> {
    let wanted = name.to_owned();
    let file = tokio::task::spawn_blocking(move || build(&wanted)).await??;
    let settings = LoadSettings {
        folder: None,
        cache: Some(compiled(&file)?),
        entries: Entries::default(),
        claims: Vec::new(),
        compiler: Compiler::Here,
    };
    load_file(&settings, &file).await.map_err(|refused| anyhow::anyhow!("{name} is refused: {refused}"))
}

/// Where machine code is kept from test to test: beside the components, for this user alone.
fn compiled(file: &Path) -> Result<PathBuf> {
    let folder = file.parent().context("a component lies in a folder")?.join("compiled");
    match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error.into()),
        _ => Ok(folder),
    }
}

/// A source that the operator configured.
///
/// # Errors
/// What the connector finds wrong with the settings.
pub fn source(connector: &dyn Connector, settings: &[(&str, &str)]) -> ConnectorResult<Box<dyn Source>> {
    let config = Config::from_texts(connector.manifest(), Origin::Local, settings.iter().copied())?;
    connector.source(config)
}

/// How sessions are opened.
#[derive(Debug, Clone, Default)]
pub struct Opening {
    /// A certificate authority besides the machine's own.
    pub authority: Option<PathBuf>,
}

impl Opening {
    /// A session of a source.
    ///
    /// # Errors
    /// What kept it from being opened.
    pub async fn session(
        &self,
        connector: &dyn Connector,
        settings: &[(&str, &str)],
    ) -> ConnectorResult<Box<dyn Session>> {
        source(connector, settings)?.open(&self.context()?).await
    }

    /// A context that may go anywhere, as a local source's may.
    ///
    /// # Errors
    /// The authorities cannot be read.
    pub fn context(&self) -> ConnectorResult<OpenContext> {
        let files: Vec<PathBuf> = self.authority.clone().into_iter().collect();
        let roots = Roots::load(&files).map_err(|error| Error::internal(error.to_string()))?;
        Ok(OpenContext {
            dialer: Dialer::new(roots),
            filter: AddressFilter::unrestricted(),
            paths: PathRules::Unrestricted,
            application: Arc::from("semilayer-runner/testtest"),
            call: CallContext::within(LIMIT),
            observer: None,
        })
    }
}
