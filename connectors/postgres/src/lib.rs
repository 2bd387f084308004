//! PostgreSQL, natively.
//!
//! - `config`: URL and fields, parsed once; the manifest
//! - `connect`: a session opened stage by stage (dns, tcp, tls, auth, query); cancel requests
//! - `catalog`: targets, columns and keys
//! - `session`: jobs in, rows out; what is said directly to a server and what through a pooler
//! - `types`: binary values to JSON
//! - `params`: typed parameters
//! - `error`: SQLSTATEs as portable codes

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
use session::PgSession;

/// The PostgreSQL driver.
#[derive(Debug)]
pub struct Postgres {
    manifest: Manifest,
}

impl Postgres {
    /// The driver under its bridge name.
    pub fn new() -> Self {
        Postgres { manifest: config::manifest() }
    }
}

impl Default for Postgres {
    fn default() -> Self {
        Postgres::new()
    }
}

impl Connector for Postgres {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn source(&self, config: Config) -> Result<Box<dyn Source>> {
        let settings = Settings::parse(&config)?;
        Ok(Box::new(PgSource { settings, catalog: Arc::default() }))
    }
}

/// One configured database.
struct PgSource {
    settings: Settings,
    catalog: Arc<Catalog>,
}

#[async_trait]
impl Source for PgSource {
    async fn open(&self, cx: &OpenContext) -> Result<Box<dyn Session>> {
        cx.passed(StageReport::new(Stage::Config, std::time::Duration::ZERO, "complete"));
        let login = connect::open(cx, &self.settings).await?;
        let session = PgSession::begin(cx, login, self.catalog.clone(), self.settings.binary).await?;
        Ok(Box::new(session))
    }
}
