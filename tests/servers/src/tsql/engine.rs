//! The databases of a server.

use std::sync::{Arc, PoisonError, RwLock};

use anyhow::{Result, bail};

use super::batch::Batch;
use super::catalog::{Catalog, Database};
use super::session::{Login, Outcome, Session};

/// The databases, shared by all sessions.
#[derive(Debug)]
pub(crate) struct Engine {
    catalog: RwLock<Arc<Catalog>>,
    default_database: String,
    major_version: u8,
}

impl Engine {
    /// With `master` and one database more.
    pub(crate) fn new(database: &str, major_version: u8, snapshot_isolation: bool) -> Self {
        let mut catalog = Catalog::default();
        catalog.databases.insert("master".to_owned(), Database::new(1, true));
        catalog.databases.insert(database.to_owned(), Database::new(5, snapshot_isolation));
        Self { catalog: RwLock::new(Arc::new(catalog)), default_database: database.to_owned(), major_version }
    }

    pub(crate) fn has_database(&self, name: &str) -> bool {
        self.catalog().databases.contains_key(name)
    }

    pub(crate) const fn major_version(&self) -> u8 {
        self.major_version
    }

    /// The catalogue as it is now.
    pub(super) fn catalog(&self) -> Arc<Catalog> {
        self.catalog.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Changes the catalogue; nobody sees it half changed.
    pub(super) fn change<T>(
        &self,
        change: impl FnOnce(&mut Catalog) -> super::error::Result<T>,
    ) -> super::error::Result<T> {
        let mut catalog = self.catalog.write().unwrap_or_else(PoisonError::into_inner);
        change(Arc::make_mut(&mut catalog))
    }

    /// Puts an earlier catalogue back.
    pub(super) fn restore(&self, earlier: Arc<Catalog>) {
        *self.catalog.write().unwrap_or_else(PoisonError::into_inner) = earlier;
    }

    /// Runs a batch for its effects.
    pub(crate) fn execute(self: &Arc<Self>, sql: &str) -> Result<()> {
        let login =
            Login { spid: 1, database: self.default_database.clone(), application: "tests".to_owned() };
        let mut session = Session::new(self.clone(), login);
        let failed = |error: super::error::SqlError| {
            anyhow::anyhow!("error {} in line {}: {}", error.number, error.line, error.message)
        };
        let mut batch = Batch::parse(sql, Vec::new()).map_err(failed)?;
        loop {
            match session.step(&mut batch, Box::new(|| false)).map_err(failed)? {
                None => return Ok(()),
                Some(Outcome::Rows(mut rows)) => while rows.next_row().map_err(failed)?.is_some() {},
                Some(Outcome::Wait(_)) => bail!("WAITFOR has no meaning here"),
                Some(_) => {}
            }
        }
    }
}
