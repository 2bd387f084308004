//! Opening the file, and what can be wrong with it.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use connector_api::{OpenContext, SinkLimits, Stage, StageReport};
use connector_model::{Error, ErrorCode, Result};
use rusqlite::config::DbConfig;
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags, ffi};

use crate::catalog::Catalog;
use crate::config::Settings;
use crate::error::{primary, query_failed, result_code, said};
use crate::flow::Flow;
use crate::worker::{Database, Worker};

/// The longest text or blob that SQLite may bring into memory: above what a row may have as JSON, and above the
/// longest list of values that a job can send as one parameter.
const MAX_VALUE_BYTES: i32 = 32 * 1024 * 1024;

/// Opens the database on a thread of its own.
///
/// # Errors
/// `SOURCE_UNREACHABLE` with `detail.stage` and `detail.kind`; `POLICY_DENIED`; `CANCELLED` and `QUERY_TIMEOUT`.
pub(crate) async fn open(cx: &OpenContext, settings: &Settings, catalog: &Arc<Catalog>) -> Result<Worker> {
    let (settings, catalog, watched) = (settings.clone(), Arc::clone(catalog), cx.clone());
    let flow = Flow::new(SinkLimits::default().row_bytes);
    // A lock is waited for only as long as somebody waits for the session.
    let waiting = StopOnDrop(Arc::clone(&flow));
    let open = move || {
        let path = watched.paths.check(&settings.path)?;
        let connection = prepared(&path, &watched)?;
        Ok(Database { connection, catalog, binary: settings.binary })
    };
    let worker = cx.call.run(Worker::start(&flow, open)).await.map_err(|error| at(error, Stage::Auth))?;
    drop(waiting);
    worker
}

struct StopOnDrop(Arc<Flow>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.stop();
    }
}

fn at(error: Error, stage: Stage) -> Error {
    error.with("stage", stage.as_str())
}

/// The connection, ready for reading, each stage reported.
fn prepared(path: &Path, cx: &OpenContext) -> Result<Connection> {
    let begun = Instant::now();
    let file = DatabaseFile::look_at(path).map_err(|error| at(error, Stage::Auth))?;
    let connection = connected(path).map_err(|error| at(file.open_failed(&error), Stage::Auth))?;
    let mut opened = StageReport::new(Stage::Auth, begun.elapsed(), format!("{} opens", file.name));
    if file.kind == Kind::Empty {
        opened = opened.with_warning("the file is empty: a database without tables");
    }
    cx.passed(opened);

    let begun = Instant::now();
    let tables: i64 = connection
        .query_row("SELECT count(*) FROM sqlite_schema WHERE type IN ('table', 'view')", [], |row| row.get(0))
        .map_err(|error| at(query_failed(&error), Stage::Query))?;
    let found = format!("SQLite {}, {tables} tables and views", rusqlite::version());
    cx.passed(StageReport::new(Stage::Query, begun.elapsed(), found));

    let read_only = connection
        .is_readonly(rusqlite::MAIN_DB)
        .map_err(|error| at(query_failed(&error), Stage::ReadOnly))?;
    if !read_only {
        return Err(at(Error::internal("SQLite opened the file for writing"), Stage::ReadOnly));
    }
    cx.passed(StageReport::new(Stage::ReadOnly, begun.elapsed(), "opened read-only"));
    Ok(connection)
}

/// Opens without ever creating, and takes everything away that reading does not need.
fn connected(path: &Path) -> rusqlite::Result<Connection> {
    // One thread uses a connection: SQLite's own mutexes would guard nothing.
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_handler(Some(Flow::wait_for_lock))?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    connection.set_limit(Limit::SQLITE_LIMIT_LENGTH, MAX_VALUE_BYTES)?;
    connection.set_limit(Limit::SQLITE_LIMIT_ATTACHED, 0)?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cell_size_check = ON;")?;
    // The first read: only now SQLite looks into the file.
    connection.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(connection)
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Empty,
    /// A rollback journal, or no database at all.
    Plain,
    /// A write-ahead log, which a reader has to open as well.
    Wal,
}

/// What is known of the file before SQLite opens it.
struct DatabaseFile {
    /// The file's name, in quotes, without its folder.
    name: String,
    kind: Kind,
}

impl DatabaseFile {
    fn look_at(path: &Path) -> Result<DatabaseFile> {
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy();
        let name = format!("\"{name}\"");
        let failed = |error: &io::Error| match error.kind() {
            io::ErrorKind::NotFound => unreachable(
                "file_missing",
                format!(
                    "the database file {name} does not exist; correct `path`, or put the file there (it is never created)"
                ),
            ),
            io::ErrorKind::PermissionDenied => unreachable(
                "not_readable",
                format!(
                    "the database file {name} may not be read; let the runner's user read it and enter its folders"
                ),
            ),
            _ => unreachable("not_readable", format!("the database file {name} cannot be read: {error}")),
        };
        let metadata = std::fs::metadata(path).map_err(|error| failed(&error))?;
        if metadata.is_dir() {
            let problem = format!("{name} is a folder; `path` names the database file itself");
            return Err(unreachable("is_directory", problem));
        }
        if !metadata.is_file() {
            let problem = format!("{name} is no regular file; `path` names a database file");
            return Err(unreachable("not_a_file", problem));
        }
        let mut header = Vec::new();
        // The file format version numbers are bytes 18 and 19 of the header (sqlite.org/fileformat2.html, 1.3).
        File::open(path)
            .and_then(|file| file.take(20).read_to_end(&mut header))
            .map_err(|error| failed(&error))?;
        let kind = match header.as_slice() {
            [] => Kind::Empty,
            [.., _, 2] | [.., 2, _] if header.len() == 20 && header.starts_with(b"SQLite format 3\0") => {
                Kind::Wal
            }
            _ => Kind::Plain,
        };
        Ok(DatabaseFile { name, kind })
    }

    fn open_failed(&self, error: &rusqlite::Error) -> Error {
        let name = &self.name;
        let Some(code) = result_code(error) else { return query_failed(error) };
        let beside = matches!(primary(code), ffi::SQLITE_CANTOPEN | ffi::SQLITE_READONLY);
        let (kind, problem) = match primary(code) {
            _ if code == ffi::SQLITE_READONLY_ROLLBACK => (
                "hot_journal",
                format!(
                    "{name} was left by a writer that crashed, and its journal has to be rolled back first; open it once for writing (`sqlite3 {name} .tables`)"
                ),
            ),
            _ if beside && self.kind == Kind::Wal => (
                "wal_read_only",
                format!(
                    "{name} is in WAL mode, and SQLite cannot open or create its `-wal` and `-shm` files beside it; let the runner write to that folder, or convert the file by `PRAGMA journal_mode = DELETE` before it is mounted read-only"
                ),
            ),
            ffi::SQLITE_NOTADB => (
                "not_a_database",
                format!(
                    "{name} is not a SQLite database, or it is encrypted; `path` names a plain SQLite 3 file"
                ),
            ),
            ffi::SQLITE_CORRUPT => {
                ("corrupt", format!("{name} is damaged; `PRAGMA integrity_check` says more"))
            }
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => {
                ("locked", format!("another process keeps {name} locked"))
            }
            ffi::SQLITE_PERM | ffi::SQLITE_AUTH | ffi::SQLITE_CANTOPEN | ffi::SQLITE_READONLY => (
                "not_readable",
                format!("{name} does not open ({}); check the rights on it and on its folder", said(error)),
            ),
            _ => ("not_readable", format!("{name} does not open: {}", said(error))),
        };
        unreachable(kind, problem).with("nativeCode", code.to_string())
    }
}

fn unreachable(kind: &str, problem: String) -> Error {
    Error::new(ErrorCode::SourceUnreachable, problem).with("kind", kind)
}
