//! SQL Server, natively.
//!
//! - `config`: URL, connection string and fields, parsed once; the manifest
//! - `connect`: a session opened stage by stage (dns, tcp, tls, auth, query); attentions
//! - `catalog`: targets, columns and keys
//! - `session`: jobs in, rows out
//! - `types`: values to JSON
//! - `params`: typed parameters
//! - `error`: error numbers as portable codes

mod catalog;
mod config;
mod connect;
mod error;
mod params;
mod session;
mod types;

use std::sync::Arc;

use async_trait::async_trait;
use connector_api::{Connector, OpenContext, Session, Source, Stage, StageReport};
use connector_model::config::Config;
use connector_model::error::Result;
use connector_model::manifest::Manifest;

use catalog::Catalog;
use config::Settings;
use session::SqlServerSession;

/// The SQL Server driver.
#[derive(Debug)]
pub struct SqlServer {
    manifest: Manifest,
}

impl SqlServer {
    /// The driver under its bridge name.
    pub fn new() -> Self {
        SqlServer { manifest: config::manifest() }
    }
}

impl Default for SqlServer {
    fn default() -> Self {
        SqlServer::new()
    }
}

impl Connector for SqlServer {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn source(&self, config: Config) -> Result<Box<dyn Source>> {
        let settings = Settings::parse(&config)?;
        Ok(Box::new(SqlServerSource { settings, catalog: Arc::default() }))
    }
}

/// One configured database.
struct SqlServerSource {
    settings: Settings,
    catalog: Arc<Catalog>,
}

#[async_trait]
impl Source for SqlServerSource {
    async fn open(&self, cx: &OpenContext) -> Result<Box<dyn Session>> {
        cx.passed(StageReport::new(Stage::Config, std::time::Duration::ZERO, "complete"));
        let login = connect::open(cx, &self.settings).await?;
        let session = SqlServerSession::begin(cx, login, self.catalog.clone(), self.settings.binary).await?;
        Ok(Box::new(session))
    }
}
