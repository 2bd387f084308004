//! The connector and its sources.

use std::sync::Arc;

use async_trait::async_trait;
use connector_api::{Connector, OpenContext, Session, Source};
use connector_model::{Config, Manifest, Result};

use crate::catalog::Catalog;
use crate::config::{self, Settings};
use crate::connect;
use crate::session::SqliteSession;

/// SQLite database files.
#[derive(Debug)]
pub struct Sqlite {
    manifest: Manifest,
}

impl Sqlite {
    /// The connector.
    pub fn new() -> Self {
        Sqlite { manifest: config::manifest() }
    }
}

impl Default for Sqlite {
    fn default() -> Self {
        Sqlite::new()
    }
}

impl Connector for Sqlite {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn source(&self, config: Config) -> Result<Box<dyn Source>> {
        let settings = Settings::new(&config)?;
        Ok(Box::new(SqliteSource { settings, catalog: Arc::new(Catalog::default()) }))
    }
}

/// One database file.
struct SqliteSource {
    settings: Settings,
    catalog: Arc<Catalog>,
}

#[async_trait]
impl Source for SqliteSource {
    async fn open(&self, cx: &OpenContext) -> Result<Box<dyn Session>> {
        let worker = connect::open(cx, &self.settings, &self.catalog).await?;
        Ok(Box::new(SqliteSession::new(worker)))
    }
}
