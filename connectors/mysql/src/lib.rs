//! MySQL and MariaDB, natively; PlanetScale speaks the same protocol.
//!
//! - `config`: URL and fields, parsed once; the manifests of the three bridge names
//! - `wire`: the protocol itself
//! - `connect`: a session opened stage by stage (dns, tcp, tls, auth, query); stopping a statement
//! - `catalog`: targets, columns and keys
//! - `session`: jobs in, rows out
//! - `types`: binary values to JSON
//! - `params`: typed parameters
//! - `error`: the server's numbers as portable codes

mod catalog;
mod config;
mod connect;
mod error;
mod params;
mod session;
mod types;
mod wire;

use std::sync::Arc;

use async_trait::async_trait;
use connector_api::{Connector, OpenContext, Session, Source, Stage, StageReport};
use connector_model::config::Config;
use connector_model::error::Result;
use connector_model::manifest::Manifest;

use catalog::Catalog;
use config::{Product, Settings};
use session::MySession;

/// The driver for MySQL and whatever speaks its protocol, under one of its bridge names.
#[derive(Debug)]
pub struct MySql {
    manifest: Manifest,
    product: Product,
}

impl MySql {
    fn of(product: Product) -> Self {
        MySql { manifest: config::manifest(product), product }
    }

    /// The driver as `@semilayer/bridge-mysql`.
    pub fn new() -> Self {
        MySql::of(Product::MySql)
    }

    /// The driver as `@semilayer/bridge-mariadb`.
    pub fn mariadb() -> Self {
        MySql::of(Product::MariaDb)
    }

    /// The driver as `@semilayer/bridge-planetscale`: the server's certificate is checked unless the configuration
    /// says otherwise.
    pub fn planetscale() -> Self {
        MySql::of(Product::PlanetScale)
    }
}

impl Default for MySql {
    fn default() -> Self {
        MySql::new()
    }
}

impl Connector for MySql {
    fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    fn source(&self, config: Config) -> Result<Box<dyn Source>> {
        let settings = Settings::parse(&config, self.product)?;
        Ok(Box::new(MySource { settings, catalog: Arc::default() }))
    }
}

/// One configured database.
struct MySource {
    settings: Settings,
    catalog: Arc<Catalog>,
}

#[async_trait]
impl Source for MySource {
    async fn open(&self, cx: &OpenContext) -> Result<Box<dyn Session>> {
        cx.passed(StageReport::new(Stage::Config, std::time::Duration::ZERO, "complete"));
        let login = connect::open(cx, &self.settings).await?;
        let session = MySession::begin(cx, login, self.catalog.clone(), self.settings.binary).await?;
        Ok(Box::new(session))
    }
}
