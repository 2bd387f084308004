//! SQLite.

use std::path::PathBuf;

use async_trait::async_trait;
use connector_api::{Connector, Session};
use connector_conformance::ddl::{SQLITE_TYPES, sqlite};
use connector_conformance::run::Part;
use connector_conformance::stamp::part;
use connector_conformance::{StoredType, Subject, SubjectError};
use connector_memory::{Profile, Table};
use connector_model::Capabilities;
use connector_sqlite::Sqlite;
use driver_tests::{open_context, source};
use tempfile::TempDir;

use crate::OPTIONS;
use crate::streamed::Streamed;

/// A database file of its own.
pub(crate) struct File {
    driver: Sqlite,
    path: PathBuf,
    _folder: TempDir,
}

impl File {
    pub(crate) fn new() -> File {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("equality.db");
        // A log beside the file, so that filling it never waits for a reader.
        let writer = rusqlite::Connection::open(&path).unwrap();
        writer.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE _ (_)").unwrap();
        File { driver: Sqlite::new(), path, _folder: folder }
    }

    pub(crate) fn execute(&self, sql: &str) {
        rusqlite::Connection::open(&self.path).unwrap().execute_batch(sql).unwrap();
    }
}

#[async_trait]
impl Subject for File {
    fn name(&self) -> &str {
        "sqlite"
    }

    fn profile(&self) -> Profile {
        Profile::SQLITE
    }

    fn capabilities(&self) -> Capabilities {
        self.driver.manifest().capabilities.clone()
    }

    fn types(&self) -> &'static [StoredType] {
        SQLITE_TYPES
    }

    async fn load(&self, tables: &[Table]) -> Result<(), SubjectError> {
        let mut writer = rusqlite::Connection::open(&self.path)?;
        let transaction = writer.transaction()?;
        for statement in tables.iter().flat_map(sqlite) {
            transaction.execute_batch(&statement)?;
        }
        Ok(transaction.commit()?)
    }

    async fn open(&self) -> Result<Box<dyn Session>, SubjectError> {
        let source = source(&self.driver, &[("path", &self.path.to_string_lossy())])?;
        Ok(source.open(&open_context()?).await?)
    }
}

#[test]
fn streamed_groups_are_what_the_oracle_gets() {
    let report = part(async { Streamed(File::new()) }, Part::Aggregates, OPTIONS);
    assert!(report.passed(), "{report}");
}

#[test]
fn generated_aggregates_are_streamed_as_the_oracle_answers_them() {
    let report = part(async { Streamed(File::new()) }, Part::GeneratedAggregates, OPTIONS);
    assert!(report.passed(), "{report}");
}
