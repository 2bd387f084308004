//! The conformance suite: every answer held against the oracle's.

use async_trait::async_trait;
use connector_api::{CallContext, Connector, OpenContext, PathRules, Session, Source};
use connector_conformance::ddl::{SQLITE_TYPES, sqlite, sqlite_change};
use connector_conformance::{
    Change, Range, RunOptions, StoredType, Subject, SubjectError, conformance_tests,
};
use connector_memory::{Profile, Table};
use connector_model::config::Origin;
use connector_model::target::LogicalType;
use connector_model::{Capabilities, Config};
use connector_sqlite::Sqlite;
use dial::{AddressFilter, Dialer, Roots};
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;
use tempfile::TempDir;

/// A database file, filled by a connection that writes and read through the driver.
struct SqliteFile {
    connector: Sqlite,
    source: Box<dyn Source>,
    path: PathBuf,
    _folder: TempDir,
}

impl SqliteFile {
    fn new() -> Result<SqliteFile, SubjectError> {
        let folder = TempDir::new()?;
        let path = folder.path().join("conformance.db");
        // A log beside the file, so that filling it never waits for a reader.
        rusqlite::Connection::open(&path)?.execute_batch("PRAGMA journal_mode = WAL; CREATE TABLE _ (_)")?;
        let connector = Sqlite::new();
        let named = path.to_string_lossy();
        let config = Config::from_texts(connector.manifest(), Origin::Local, [("path", &*named)])?;
        let source = connector.source(config)?;
        Ok(SqliteFile { connector, source, path, _folder: folder })
    }
}

#[async_trait]
impl Subject for SqliteFile {
    fn name(&self) -> &str {
        &self.connector.manifest().package_name
    }

    fn profile(&self) -> Profile {
        Profile::SQLITE
    }

    fn capabilities(&self) -> Capabilities {
        self.connector.manifest().capabilities.clone()
    }

    fn types(&self) -> &'static [StoredType] {
        static TYPES: LazyLock<Vec<StoredType>> = LazyLock::new(|| {
            // A column that is only called JSON has numeric affinity: it turns long numbers into doubles when they are
            // stored, before any driver sees them. One that is called TEXT as well keeps what it is given.
            let json = StoredType::new(LogicalType::Json, "JSON TEXT", Range::Full);
            SQLITE_TYPES.iter().copied().chain([json]).collect()
        });
        &TYPES
    }

    async fn load(&self, tables: &[Table]) -> Result<(), SubjectError> {
        let mut writer = rusqlite::Connection::open(&self.path)?;
        let transaction = writer.transaction()?;
        for statement in tables.iter().flat_map(sqlite) {
            transaction.execute_batch(&statement)?;
        }
        Ok(transaction.commit()?)
    }

    async fn change(&self, table: &Table, change: &Change) -> Result<bool, SubjectError> {
        let mut writer = rusqlite::Connection::open(&self.path)?;
        let transaction = writer.transaction()?;
        for statement in sqlite_change(table, change) {
            transaction.execute_batch(&statement)?;
        }
        transaction.commit()?;
        Ok(true)
    }

    async fn open(&self) -> Result<Box<dyn Session>, SubjectError> {
        let cx = OpenContext {
            dialer: Dialer::new(Roots::load(&[])?),
            filter: AddressFilter::unrestricted(),
            paths: PathRules::Unrestricted,
            application: "semilayer-runner/test".into(),
            call: CallContext::within(Duration::from_secs(60)),
            observer: None,
        };
        Ok(self.source.open(&cx).await?)
    }
}

/// Enough to meet every operator on every type many times over.
const OPTIONS: RunOptions = RunOptions { cases: 1_000, seed: 20_260_301 };

conformance_tests!(suite, SqliteFile::new().unwrap(), OPTIONS);
