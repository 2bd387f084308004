use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;

use super::*;
use crate::store::*;
use crate::tokens::{NewToken, TokenKind};

/// A lease that has run out by the time anyone looks.
const RUN_OUT: Duration = Duration::ZERO;
const LEASE: Duration = Duration::from_secs(60);

async fn store() -> (SqliteStore, TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&directory.path().join("gateway.db")).await.unwrap();
    (store, directory)
}

fn audit(action: &'static str) -> AuditEntry {
    AuditEntry {
        actor: "test".to_owned(),
        action,
        subject_type: "runner",
        subject_id: None,
        detail: json!({}),
    }
}

fn runner_key(home: &Home, runner: Uuid) -> NewKey {
    let token = NewToken::generate(TokenKind::Runner, &home.org_slug);
    NewKey {
        id: Uuid::now_v7(),
        org_id: home.org_id,
        environment_id: None,
        kind: TokenKind::Runner,
        runner_id: Some(runner),
        name: None,
        hash: token.hash,
        prefix: token.prefix,
        last4: token.last4,
    }
}

async fn runner(store: &SqliteStore, name: &str) -> (RunnerRecord, NewKey) {
    let home = store.home().await.unwrap();
    let new = NewRunner { id: Uuid::now_v7(), org_id: home.org_id, name: name.to_owned() };
    let key = runner_key(&home, new.id);
    let record = store.create_runner(&new, &key, &audit("runner.create")).await.unwrap();
    (record, key)
}

async fn source(store: &SqliteStore, name: &str) -> SourceRecord {
    let new = NewSource {
        id: Uuid::now_v7(),
        environment_id: store.home().await.unwrap().environment_id,
        name: name.to_owned(),
        bridge: "@semilayer/bridge-sqlite".to_owned(),
        credentials_location: CredentialsLocation::RunnerLocal,
        timeout_ms: 1_000,
    };
    store.create_source(&new, &audit("source.connect")).await.unwrap()
}

#[tokio::test]
async fn the_home_is_made_once() {
    let (store, _directory) = store().await;
    let (first, second) = (store.home().await.unwrap(), store.home().await.unwrap());
    assert_eq!(first.org_id, second.org_id);
    assert_eq!(first.environment_id, second.environment_id);
    assert_eq!((first.org_slug.as_str(), first.environment_slug.as_str()), ("default", "production"));
}

#[tokio::test]
async fn a_runner_is_found_by_id_and_name_and_its_name_is_taken() {
    let (store, _directory) = store().await;
    let (record, key) = runner(&store, "edge").await;
    for name in [record.id.to_string(), record.id.to_string().to_uppercase(), "edge".to_owned()] {
        assert_eq!(store.runner(&name).await.unwrap().map(|found| found.id), Some(record.id), "{name}");
    }
    assert!(store.runner("Edge").await.unwrap().is_none());
    let home = store.home().await.unwrap();
    let again = NewRunner { id: Uuid::now_v7(), org_id: home.org_id, name: "edge".to_owned() };
    let refused =
        store.create_runner(&again, &runner_key(&home, again.id), &audit("runner.create")).await.unwrap_err();
    assert!(matches!(refused, StoreError::Conflict { what: "runner" }), "{refused}");
    assert_eq!(store.key_by_hash(&key.hash).await.unwrap().and_then(|key| key.runner_id), Some(record.id));
}

#[tokio::test]
async fn a_refused_change_leaves_no_audit_entry_behind() {
    let (store, _directory) = store().await;
    source(&store, "primary").await;
    let before =
        store.audit_entries(&AuditFilter { limit: 100, ..AuditFilter::default() }).await.unwrap().len();
    let new = NewSource {
        id: Uuid::now_v7(),
        environment_id: store.home().await.unwrap().environment_id,
        name: "primary".to_owned(),
        bridge: "x".to_owned(),
        credentials_location: CredentialsLocation::RunnerLocal,
        timeout_ms: 1,
    };
    assert!(store.create_source(&new, &audit("source.connect")).await.is_err());
    let after =
        store.audit_entries(&AuditFilter { limit: 100, ..AuditFilter::default() }).await.unwrap().len();
    assert_eq!(before, after);
}

#[tokio::test]
async fn rotating_and_revoking_spare_no_old_key() {
    let (store, _directory) = store().await;
    let (record, first) = runner(&store, "edge").await;
    let home = store.home().await.unwrap();
    let second = runner_key(&home, record.id);
    store.rotate_runner(record.id, &second, &audit("runner.rotate")).await.unwrap();
    let revoked = |key: Option<KeyRecord>| key.unwrap().revoked_at.is_some();
    assert!(revoked(store.key_by_hash(&first.hash).await.unwrap()));
    assert!(!revoked(store.key_by_hash(&second.hash).await.unwrap()));
    store.revoke_runner(record.id, &audit("runner.revoke")).await.unwrap();
    assert!(revoked(store.key_by_hash(&second.hash).await.unwrap()));
    let first_time = store.runner("edge").await.unwrap().unwrap().revoked_at;
    store.revoke_runner(record.id, &audit("runner.revoke")).await.unwrap();
    assert_eq!(store.runner("edge").await.unwrap().unwrap().revoked_at, first_time);
}

#[tokio::test]
async fn assignments_are_made_and_taken_once_and_go_with_the_source() {
    let (store, _directory) = store().await;
    let (edge, _) = runner(&store, "edge").await;
    let primary = source(&store, "primary").await;
    assert!(store.assign(edge.id, primary.id, &audit("runner.assign")).await.unwrap());
    assert!(!store.assign(edge.id, primary.id, &audit("runner.assign")).await.unwrap());
    assert_eq!(store.runners_of(primary.id).await.unwrap().len(), 1);
    assert_eq!(store.sources_of(edge.id).await.unwrap()[0].name, "primary");
    assert_eq!(store.assignments().await.unwrap()[0].1, "primary");
    assert!(store.delete_source(primary.id, &audit("source.delete")).await.unwrap());
    assert!(!store.unassign(edge.id, primary.id, &audit("runner.unassign")).await.unwrap());
    assert!(store.sources_of(edge.id).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_lease_is_live_until_it_runs_out_and_is_swept_with_its_runner_seen() {
    let (store, _directory) = store().await;
    let (edge, _) = runner(&store, "edge").await;
    let (instance, session) = (Uuid::now_v7(), Uuid::now_v7());
    store.begin_instance(instance, "127.0.0.1:1", LEASE).await.unwrap();
    let new = NewSession {
        id: session,
        runner_id: edge.id,
        instance_id: instance,
        runtime_version: Some("1".to_owned()),
        features: "[]".to_owned(),
        connectors: "[]".to_owned(),
    };
    store.open_session(&new, LEASE).await.unwrap();
    assert_eq!(store.live_sessions().await.unwrap()[0].id, session);
    assert_eq!(store.sweep().await.unwrap(), 0);

    let lease =
        SessionLease { id: session, heard_ago_ms: 5_000, active_jobs: 2, source_health: "[]".to_owned() };
    store.renew(instance, &[lease], RUN_OUT).await.unwrap();
    let row = store.runner("edge").await.unwrap().unwrap();
    assert!(row.last_seen_at.is_some());
    // A lease of no length has run out as soon as the clock moves on.
    while store.sweep().await.unwrap() == 0 {
        tokio::task::yield_now().await;
    }
    assert!(store.live_sessions().await.unwrap().is_empty());
    assert!(store.runner("edge").await.unwrap().unwrap().last_seen_at.is_some());
}

#[tokio::test]
async fn a_renewal_writes_every_session_of_its_instance_and_no_other() {
    let (store, _directory) = store().await;
    let (edge, _) = runner(&store, "edge").await;
    let (ours, theirs) = (Uuid::now_v7(), Uuid::now_v7());
    let mut sessions = Vec::new();
    for instance in [ours, theirs] {
        store.begin_instance(instance, "127.0.0.1:1", LEASE).await.unwrap();
        let new = NewSession {
            id: Uuid::now_v7(),
            runner_id: edge.id,
            instance_id: instance,
            runtime_version: None,
            features: "[]".to_owned(),
            connectors: "[]".to_owned(),
        };
        store.open_session(&new, LEASE).await.unwrap();
        sessions.push(new.id);
    }
    let before = store.live_sessions().await.unwrap();
    let leases: Vec<SessionLease> = sessions
        .iter()
        .map(|id| SessionLease { id: *id, heard_ago_ms: 0, active_jobs: 0, source_health: "[]".to_owned() })
        .collect();
    store.renew(ours, &leases, LEASE * 2).await.unwrap();
    let after = store.live_sessions().await.unwrap();
    let grew = |id: Uuid| {
        let at = |list: &[SessionRecord]| list.iter().find(|one| one.id == id).unwrap().lease_expires_at;
        at(&after) > at(&before)
    };
    assert!(grew(sessions[0]));
    assert!(!grew(sessions[1]));
    store.end_instance(theirs).await.unwrap();
    assert_eq!(store.live_sessions().await.unwrap().len(), 1);
}

#[tokio::test]
async fn jobs_are_recorded_in_groups_listed_newest_first_and_forgotten() {
    let (store, _directory) = store().await;
    let (edge, _) = runner(&store, "edge").await;
    let primary = source(&store, "primary").await;
    let started: Vec<(StartedJob, u64)> = (0..3)
        .map(|number| {
            let id = Uuid::now_v7();
            let job = StartedJob {
                id,
                request_id: id,
                source_id: primary.id,
                runner_id: (number != 2).then_some(edge.id),
                session_id: None,
                kind: "query",
                target: Some(format!("t{number}")),
                attempt: 1,
                deadline_ms: 1_000,
            };
            (job, 0)
        })
        .collect();
    let finished = FinishedJob {
        id: started[0].0.id,
        status: JobStatus::Done,
        rows: 3,
        bytes: 99,
        error_code: None,
        error_message: None,
    };
    store.record_jobs(&started, &[(finished, 0)]).await.unwrap();
    let all = JobFilter { limit: 10, ..JobFilter::default() };
    let jobs = store.jobs(&all).await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.target.as_deref().unwrap()).collect::<Vec<_>>(), ["t2", "t1", "t0"]);
    assert_eq!((jobs[2].status.as_str(), jobs[2].rows, jobs[2].bytes), ("done", Some(3), Some(99)));
    assert_eq!((jobs[2].source.as_deref(), jobs[2].runner.as_deref()), (Some("primary"), Some("edge")));
    let of_runner = JobFilter { runner: Some(edge.id), ..all.clone() };
    assert_eq!(store.jobs(&of_runner).await.unwrap().len(), 2);
    let next = JobFilter {
        before: Some(Position { at: jobs[0].created_at, id: jobs[0].id }),
        since: Some(LEASE),
        ..all.clone()
    };
    assert_eq!(store.jobs(&next).await.unwrap().len(), 2);

    assert_eq!(store.fail_abandoned_jobs().await.unwrap(), 2);
    assert!(store.jobs(&all).await.unwrap().iter().all(|job| job.status != "dispatched"));
    assert_eq!(store.forget_older_than(LEASE).await.unwrap(), 0);
    // What ended in this very millisecond is not yet older than no time at all.
    while !store.jobs(&all).await.unwrap().is_empty() {
        store.forget_older_than(Duration::ZERO).await.unwrap();
    }
}

/// `count` jobs of one millisecond and one source.
async fn jobs_at_once(store: &SqliteStore, source: Uuid, count: usize) {
    let started: Vec<(StartedJob, u64)> = (0..count)
        .map(|number| {
            let id = Uuid::new_v4();
            let job = StartedJob {
                id,
                request_id: id,
                source_id: source,
                runner_id: None,
                session_id: None,
                kind: "query",
                target: Some(format!("t{number}")),
                attempt: 1,
                deadline_ms: 1_000,
            };
            (job, 0)
        })
        .collect();
    store.record_jobs(&started, &[]).await.unwrap();
    sqlx::query("UPDATE runner_jobs SET created_at = 1700000000000, finished_at = 1")
        .execute(&store.writer)
        .await
        .unwrap();
}

#[tokio::test]
async fn pages_of_jobs_made_in_one_millisecond_lose_and_repeat_nothing() {
    let (store, _directory) = store().await;
    let primary = source(&store, "primary").await;
    jobs_at_once(&store, primary.id, 10).await;
    let mut filter = JobFilter { source: Some(primary.id), limit: 3, ..JobFilter::default() };
    let mut seen = Vec::new();
    loop {
        let page = store.jobs(&filter).await.unwrap();
        let Some(last) = page.last() else { break };
        filter.before = Some(Position { at: last.created_at, id: last.id });
        seen.extend(page.into_iter().filter_map(|job| job.target));
    }
    let newest_first: Vec<String> = (0..10).rev().map(|number| format!("t{number}")).collect();
    assert_eq!(seen, newest_first);
    let gone = Position { at: Moment(1_700_000_000_001), id: Uuid::new_v4() };
    filter.before = Some(gone);
    assert_eq!(
        store.jobs(&filter).await.unwrap().len(),
        3,
        "a cursor whose job is deleted still has its time"
    );
    assert_eq!(store.forget_older_than(LEASE).await.unwrap(), 10);
}

#[tokio::test]
async fn pages_of_runners_and_of_the_audit_log_lose_and_repeat_nothing() {
    let (store, _directory) = store().await;
    for number in 0..7 {
        runner(&store, &format!("r{number}")).await;
    }
    for table in ["runners SET created_at", "audit_log SET at"] {
        let same = format!("UPDATE {table} = 1700000000000");
        sqlx::query(sqlx::AssertSqlSafe(same)).execute(&store.writer).await.unwrap();
    }
    let (mut page, mut names) = (Page { after: None, limit: 2 }, Vec::new());
    while let Some(last) = {
        let runners = store.runners(page).await.unwrap();
        names.extend(runners.iter().map(|one| one.name.clone()));
        runners.last().map(|one| Position { at: one.created_at, id: one.id })
    } {
        page.after = Some(last);
    }
    names.sort();
    assert_eq!(names, ["r0", "r1", "r2", "r3", "r4", "r5", "r6"]);
    let (mut filter, mut entries) = (AuditFilter { limit: 2, ..AuditFilter::default() }, Vec::new());
    while let Some(last) = {
        let page = store.audit_entries(&filter).await.unwrap();
        entries.extend(page.iter().map(|one| one.id));
        page.last().map(|one| Position { at: one.at, id: one.id })
    } {
        filter.before = Some(last);
    }
    let count = entries.len();
    entries.sort();
    entries.dedup();
    assert_eq!((count, entries.len()), (7, 7));
}

#[tokio::test]
async fn what_an_older_build_recorded_is_there_after_the_tables_changed() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("gateway.db");
    let old = sqlx::migrate::Migrator {
        migrations: sqlx::migrate!("./migrations").iter().take(1).cloned().collect(),
        ..sqlx::migrate::Migrator::DEFAULT
    };
    let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
    let pool = SqlitePoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    old.run(&pool).await.unwrap();
    let (first, second, entry) = (Uuid::now_v7(), Uuid::now_v7(), Uuid::now_v7());
    for (id, at) in [(first, 1_700_000_000_000_i64), (second, 1_700_000_000_000)] {
        sqlx::query(
            "INSERT INTO runner_jobs (id, source_id, kind, target, status, dispatched_at, finished_at, attempt, rows) \
             VALUES (?1, ?1, 'query', 't', 'done', ?2, ?2, 1, 7)",
        )
        .bind(id.to_string())
        .bind(at)
        .execute(&pool)
        .await
        .unwrap();
    }
    sqlx::query("INSERT INTO audit_log VALUES (?1, 1700000000000, 'a', 'b', 'c', NULL, '{}')")
        .bind(entry.to_string())
        .execute(&pool)
        .await
        .unwrap();
    pool.close().await;

    let store = SqliteStore::open(&path).await.unwrap();
    let jobs = store.jobs(&JobFilter { limit: 10, ..JobFilter::default() }).await.unwrap();
    assert_eq!(jobs.iter().map(|job| job.id).collect::<Vec<_>>(), [second, first]);
    assert_eq!((jobs[0].created_at, jobs[0].rows), (Moment(1_700_000_000_000), Some(7)));
    let entries = store.audit_entries(&AuditFilter { limit: 10, ..AuditFilter::default() }).await.unwrap();
    assert_eq!(entries.iter().map(|one| one.id).collect::<Vec<_>>(), [entry]);
}

#[tokio::test]
async fn a_second_gateway_on_the_same_file_is_refused() {
    let (_store, directory) = store().await;
    let second = SqliteStore::open(&directory.path().join("gateway.db")).await;
    assert!(matches!(second, Err(StoreError::InUse { .. })));
}

#[tokio::test]
async fn the_database_is_for_its_own_user_only() {
    use std::os::unix::fs::PermissionsExt as _;
    let (store, directory) = store().await;
    store.home().await.unwrap();
    for entry in std::fs::read_dir(directory.path()).unwrap() {
        let entry = entry.unwrap();
        let mode = entry.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{:?}", entry.file_name());
    }
}

#[tokio::test]
async fn a_path_that_cannot_be_opened_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("no/such/folder/gateway.db");
    let Err(error) = SqliteStore::open(&path).await else { panic!("it opened") };
    assert!(error.to_string().contains("no/such/folder"), "{error}");
}
