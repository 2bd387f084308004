//! PostgreSQL and the databases that speak its protocol, natively.
//!
//! - `family`: what differs between them, in one table
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
mod family;
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
use family::Family;
use session::PgSession;

/// The driver, for one member of the family.
pub struct Postgres {
    manifest: Manifest,
    family: &'static Family,
}

impl Postgres {
    /// PostgreSQL.
    pub fn new() -> Self {
        Postgres::of(&family::POSTGRES)
    }

    /// CockroachDB.
    pub fn cockroachdb() -> Self {
        Postgres::of(&family::COCKROACHDB)
    }

    /// Neon.
    pub fn neon() -> Self {
        Postgres::of(&family::NEON)
    }

    /// Supabase's database.
    pub fn supabase() -> Self {
        Postgres::of(&family::SUPABASE)
    }

    fn of(family: &'static Family) -> Self {
        Postgres { manifest: config::manifest(family), family }
    }
}

impl std::fmt::Debug for Postgres {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Postgres").field(&self.family.package_name).finish()
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
        let settings = Settings::parse(&config, self.family)?;
        Ok(Box::new(PgSource { family: self.family, settings, catalog: Arc::default() }))
    }
}

/// One configured database.
struct PgSource {
    family: &'static Family,
    settings: Settings,
    catalog: Arc<Catalog>,
}

#[async_trait]
impl Source for PgSource {
    async fn open(&self, cx: &OpenContext) -> Result<Box<dyn Session>> {
        cx.passed(StageReport::new(Stage::Config, std::time::Duration::ZERO, "complete"));
        let login = connect::open(cx, self.family, &self.settings).await?;
        let catalog = self.catalog.clone();
        let session = PgSession::begin(cx, self.family, login, catalog, self.settings.binary).await?;
        Ok(Box::new(session))
    }
}
