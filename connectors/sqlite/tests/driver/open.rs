//! What can be wrong with a file, and what opening takes away.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use connector_api::{CallContext, OpenContext, PathRules, Stage};
use connector_model::ErrorCode;
use connector_model::request::Kind;
use serde_json::json;

use super::subject::{Database, Stages, context, job, refused, source, watched};

fn is_unreachable(error: &connector_model::Error, kind: &str) {
    assert_eq!(error.code(), ErrorCode::SourceUnreachable, "{error}");
    assert_eq!(error.detail()["kind"], kind, "{error}");
    assert_eq!(error.detail()["stage"], "auth", "{error}");
}

#[tokio::test]
async fn a_missing_file_is_an_error_and_is_not_created() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("absent.db");
    let error = refused(&path).await;
    is_unreachable(&error, "file_missing");
    assert!(error.message().contains("\"absent.db\" does not exist"), "{error}");
    assert!(!path.exists());
    is_unreachable(&refused(&folder.path().join("no/such/folder.db")).await, "file_missing");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_is_no_database_file_is_named_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    is_unreachable(&refused(folder.path()).await, "is_directory");
    is_unreachable(&refused("/dev/null".as_ref()).await, "not_a_file");
    for (name, content) in [("notes.txt", "Dear diary, ".repeat(2_000)), ("short.txt", "hello".into())] {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        is_unreachable(&refused(&path).await, "not_a_database");
    }
}

#[tokio::test]
async fn an_empty_file_is_a_database_without_tables_and_a_warning() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("empty.db");
    std::fs::write(&path, "").unwrap();
    let stages = Arc::new(Stages::default());
    let source = source(&[("path", path.to_str().unwrap())]).unwrap();
    let mut session = source.open(&watched(&stages)).await.unwrap();
    assert!(session.list_targets(&CallContext::within(Duration::from_secs(5))).await.unwrap().is_empty());
    assert!(stages.0.lock().unwrap()[0].warning.as_deref().unwrap().contains("empty"));
}

#[tokio::test]
async fn stages_are_reported_in_their_order() {
    let database = Database::new("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let stages = Arc::new(Stages::default());
    let mut session = database.source().open(&watched(&stages)).await.unwrap();
    let passed: Vec<_> = stages.0.lock().unwrap().iter().map(|report| report.stage).collect();
    assert_eq!(passed, [Stage::Auth, Stage::Query, Stage::ReadOnly]);
    let info = session.ping(&CallContext::within(Duration::from_secs(5))).await.unwrap();
    assert_eq!(info.product, "SQLite");
    assert!(info.version.starts_with("3."));
}

#[tokio::test]
async fn a_managed_config_opens_only_what_the_operator_named() {
    let database = Database::new("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let open = async |patterns: &[&str]| {
        let paths = PathRules::only(patterns.iter().copied()).unwrap();
        database.source().open(&OpenContext { paths, ..context() }).await.map(|_| ())
    };
    assert_eq!(open(&[]).await.unwrap_err().code(), ErrorCode::PolicyDenied);
    let allowed = format!("{}/*.db", std::fs::canonicalize(database.folder()).unwrap().display());
    open(&[&allowed]).await.unwrap();
}

#[tokio::test]
async fn a_database_that_is_held_is_waited_for_until_the_deadline_only() {
    let database = Database::new("CREATE TABLE t (id INTEGER PRIMARY KEY)");
    let writer = database.writer();
    writer
        .execute_batch("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE; INSERT INTO t VALUES (1)")
        .unwrap();
    let cx = OpenContext { call: CallContext::within(Duration::from_millis(150)), ..context() };
    let error = database.source().open(&cx).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::QueryTimeout);
    drop(writer);
    database.source().open(&context()).await.unwrap();
}

/// Names the database for the half of a test that runs where its folder is read-only.
const FILE: &str = "CONNECTOR_SQLITE_TEST_READ_ONLY_FILE";

/// Runs `test` again in a mount namespace of its own, in which the database's folder is read-only: even root cannot
/// write there. (`/proc/<pid>/root` would not do: SQLite resolves it to the path outside.)
fn again_read_only(test: &str, database: &Database) {
    const MOUNT: &str = "mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\" && exec \"$@\"";
    let folder = std::fs::canonicalize(database.folder()).unwrap();
    let run = |namespaces: &str| {
        Command::new("unshare")
            .args([namespaces, "sh", "-c", MOUNT])
            .arg(&folder)
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test, "--nocapture"])
            .env(FILE, folder.join("test.db"))
            .output()
            .expect("`unshare` and `mount` are needed: apt-get install util-linux mount")
    };
    let mut done = run("-m");
    if !done.status.success() {
        // Not root: a user namespace may allow it.
        let second = run("-rm");
        done = if second.stdout.is_empty() { done } else { second };
    }
    let (said, failed) = (String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success() && said.contains("1 passed"), "{said}\n{failed}");
}

fn read_only_file() -> Option<PathBuf> {
    let file = PathBuf::from(std::env::var_os(FILE)?);
    std::fs::write(file.with_file_name("probe"), "").unwrap_err();
    Some(file)
}

#[tokio::test]
async fn a_wal_database_on_a_read_only_mount_is_an_error_by_name() {
    let Some(file) = read_only_file() else {
        let database = Database::new("PRAGMA journal_mode = WAL; CREATE TABLE t (id INTEGER PRIMARY KEY)");
        assert!(!database.folder().join("test.db-shm").exists(), "the writer left its files behind");
        return again_read_only("open::a_wal_database_on_a_read_only_mount_is_an_error_by_name", &database);
    };
    let error = refused(&file).await;
    is_unreachable(&error, "wal_read_only");
    assert!(error.message().contains("\"test.db\" is in WAL mode"), "{error}");
    assert!(error.message().contains("journal_mode = DELETE"), "{error}");
}

#[tokio::test]
async fn a_database_without_wal_is_read_from_a_read_only_mount() {
    let Some(file) = read_only_file() else {
        let database = Database::new("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (7)");
        return again_read_only("open::a_database_without_wal_is_read_from_a_read_only_mount", &database);
    };
    let source = source(&[("path", file.to_str().unwrap())]).unwrap();
    let mut session = source.open(&context()).await.unwrap();
    let (rows, _) = job(&mut *session, Kind::Read, "t", &json!({})).await.unwrap();
    assert_eq!(rows, [json!({"id": 7})]);
}

#[tokio::test]
async fn a_journal_of_a_crashed_writer_is_not_ours_to_roll_back() {
    let database = Database::new("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)");
    let folder = std::fs::canonicalize(database.folder()).unwrap();
    let crashed = folder.join("crashed.db");
    let mut writer = database.writer();
    let transaction = writer.transaction().unwrap();
    // Enough to spill into the file: what is copied then is a half-written database with its journal.
    transaction
        .execute_batch(
            "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; \
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000) \
             INSERT INTO t SELECT i, hex(randomblob(200)) FROM n",
        )
        .unwrap();
    std::fs::copy(folder.join("test.db-journal"), folder.join("crashed.db-journal")).unwrap();
    std::fs::copy(database.path(), &crashed).unwrap();
    let error = refused(&crashed).await;
    is_unreachable(&error, "hot_journal");
    assert!(folder.join("crashed.db-journal").exists());
}
