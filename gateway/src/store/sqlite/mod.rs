//! The store on SQLite: one file, one instance.
//!
//! Two pools on one write-ahead-logged file. All writing goes through a pool of a single connection, so writers
//! wait in line here instead of meeting `SQLITE_BUSY` there; readers never wait for them.

mod audit;
mod identity;
mod jobs;
mod sessions;
mod sources;

use std::fs::File;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use sqlx::sqlite::{
    SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
};
use sqlx::{Row as _, Sqlite, Transaction};
use uuid::Uuid;

use super::{Moment, Store, StoreError};

/// The database's clock, in milliseconds since the epoch, as an SQL expression.
macro_rules! now_ms {
    () => {
        "CAST(unixepoch('subsec') * 1000 AS INTEGER)"
    };
}
use now_ms;

/// Connections for reading: lists and cache misses, which are rare and short.
const READERS: u32 = 4;
/// How long a statement waits for a lock that another process holds (a backup, a shell).
const BUSY_WAIT: Duration = Duration::from_secs(5);

/// The store on one SQLite file.
pub struct SqliteStore {
    writer: SqlitePool,
    reader: SqlitePool,
    /// Held for as long as the store lives; the operating system lets go of it with the process.
    _lock: File,
}

impl SqliteStore {
    /// Opens the database at `path`, creating it when missing, and brings its tables up to date.
    ///
    /// # Errors
    /// [`StoreError::InUse`] when another gateway has it open, [`StoreError::Open`] when it cannot be opened
    /// or migrated.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let lock = lock(path)?;
        create_private(path)?;
        let options = SqliteConnectOptions::new()
            .filename(path)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            // With a write-ahead log this keeps the file sound over a crash; only the last commits can be lost.
            .synchronous(SqliteSynchronous::Normal)
            .foreign_keys(true)
            .busy_timeout(BUSY_WAIT);
        let open_failed =
            |error: &dyn std::fmt::Display| StoreError::Open { path: shown(path), reason: error.to_string() };
        let writer = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options.clone())
            .await
            .map_err(|error| open_failed(&error))?;
        sqlx::migrate!("./migrations").run(&writer).await.map_err(|error| open_failed(&error))?;
        let reader = SqlitePoolOptions::new()
            .max_connections(READERS)
            .connect_with(options.pragma("query_only", "ON"))
            .await
            .map_err(|error| open_failed(&error))?;
        Ok(Self { writer, reader, _lock: lock })
    }

    async fn begin(&self) -> Result<Transaction<'static, Sqlite>, StoreError> {
        Ok(self.writer.begin().await?)
    }
}

#[async_trait]
impl Store for SqliteStore {
    async fn ping(&self) -> Result<(), StoreError> {
        sqlx::query("SELECT 1").execute(&self.reader).await?;
        Ok(())
    }

    async fn close(&self) {
        self.reader.close().await;
        self.writer.close().await;
    }
}

/// Takes the file beside the database that keeps a second gateway out. The lock is advisory and the file stays:
/// deleting it would let two processes lock two different files of one name.
fn lock(path: &Path) -> Result<File, StoreError> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let lock_path = PathBuf::from(name);
    let file = create_private(&lock_path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(std::fs::TryLockError::WouldBlock) => Err(StoreError::InUse { path: shown(path) }),
        Err(std::fs::TryLockError::Error(error)) => {
            Err(StoreError::Open { path: shown(&lock_path), reason: error.to_string() })
        }
    }
}

/// Opens a file, creating it readable by this user only: the database says who may do what. SQLite gives the files
/// it keeps beside the database the same mode.
fn create_private(path: &Path) -> Result<File, StoreError> {
    File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| StoreError::Open { path: shown(path), reason: error.to_string() })
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

/// Turns the violation of a unique index into a conflict that names the thing.
fn conflict(what: &'static str) -> impl Fn(sqlx::Error) -> StoreError {
    move |error| match error.as_database_error() {
        Some(refused) if refused.is_unique_violation() => StoreError::Conflict { what },
        _ => StoreError::Database(error),
    }
}

fn uuid(row: &SqliteRow, column: &'static str) -> Result<Uuid, StoreError> {
    optional_uuid(row, column)?.ok_or(StoreError::Corrupt { column })
}

fn optional_uuid(row: &SqliteRow, column: &'static str) -> Result<Option<Uuid>, StoreError> {
    let text: Option<&str> = row.try_get(column)?;
    text.map(|text| Uuid::parse_str(text).map_err(|_| StoreError::Corrupt { column })).transpose()
}

fn moment(row: &SqliteRow, column: &'static str) -> Result<Moment, StoreError> {
    Ok(Moment(row.try_get(column)?))
}

fn optional_moment(row: &SqliteRow, column: &'static str) -> Result<Option<Moment>, StoreError> {
    let at: Option<i64> = row.try_get(column)?;
    Ok(at.map(Moment))
}

/// A count that the table keeps as SQLite's signed integer.
fn count(row: &SqliteRow, column: &'static str) -> Result<Option<u64>, StoreError> {
    let value: Option<i64> = row.try_get(column)?;
    value.map(|value| u64::try_from(value).map_err(|_| StoreError::Corrupt { column })).transpose()
}

/// Milliseconds as SQLite's integer; anything longer than 292 million years is that long.
fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
