//! A file of SQLite at the far end.

use std::path::PathBuf;

use async_trait::async_trait;
use connector_api::Connector;
use connector_conformance::ddl::{SQLITE_TYPES, sqlite, sqlite_change};
use connector_conformance::{Change, Executor, StoredType, Subject, SubjectError};
use connector_memory::{Profile, Table};
use connector_model::Capabilities;
use connector_sqlite::Sqlite as Driver;
use tempfile::TempDir;

use crate::through::{Way, with_runner};

/// A database file, filled by a connection that writes, and the way to it.
pub(crate) struct File {
    driver: Driver,
    path: PathBuf,
    way: Way,
    _folder: TempDir,
}

impl File {
    pub(crate) async fn create() -> File {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("conformance.db");
        // A log beside the file, so that filling it never waits for a reader.
        let writer = rusqlite::Connection::open(&path).unwrap();
        writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE _ (_)").unwrap();
        let way = Way::start("sqlite", "PATH", &path.display().to_string()).await.unwrap();
        File { driver: Driver::new(), path, way, _folder: folder }
    }

    fn write(&self, statements: impl IntoIterator<Item = String>) -> Result<(), SubjectError> {
        let mut writer = rusqlite::Connection::open(&self.path)?;
        let transaction = writer.transaction()?;
        for statement in statements {
            transaction.execute_batch(&statement)?;
        }
        Ok(transaction.commit()?)
    }
}

#[async_trait]
impl Subject for File {
    fn name(&self) -> &str {
        &self.driver.manifest().package_name
    }

    fn profile(&self) -> Profile {
        Profile::SQLITE
    }

    fn capabilities(&self) -> Capabilities {
        with_runner(&self.driver.manifest().capabilities)
    }

    fn types(&self) -> &'static [StoredType] {
        SQLITE_TYPES
    }

    async fn load(&self, tables: &[Table]) -> Result<(), SubjectError> {
        self.write(tables.iter().flat_map(sqlite))
    }

    async fn change(&self, table: &Table, change: &Change) -> Result<bool, SubjectError> {
        self.write(sqlite_change(table, change))?;
        Ok(true)
    }

    async fn executor(&self) -> Result<Box<dyn Executor>, SubjectError> {
        Ok(self.way.executor())
    }
}
