//! A guest that behaves, through the traits that every connector has.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use std::sync::Arc;

use connector_api::{Connector, Counted, Stage};
use connector_model::config::{Config, Origin};
use connector_model::cursor::CursorKind;
use connector_model::error::ErrorCode;
use connector_model::filter::{Filter, Operand, Test};
use connector_model::request::{Aggregate, Count, Query};
use support::{Host, Stages, all, minute, opening, page, rows};

#[tokio::test]
async fn rows_arrive_whole_and_their_number_is_seen() {
    let host = Host::new();
    host.connector.warm().await.unwrap();
    let mut session = host.session(25_000).await;
    let (page, rows) = rows(async |out| session.query(&minute(), &all("numbers"), out).await).await.unwrap();
    assert_eq!((page.total, page.next_cursor), (Some(25_000), None));
    assert_eq!(rows.len(), 25_000);
    for (at, row) in rows.iter().enumerate() {
        assert_eq!(row["id"], at);
        assert_eq!(row["label"], format!("row \"{at}\" of the table of numbers"));
    }
    assert!(session.reusable());
}

#[tokio::test]
async fn pages_end_where_the_next_begins_and_the_total_is_told_once() {
    let host = Host::new();
    let mut session = host.session(2_500).await;
    let (mut cursor, mut seen, mut totals) = (None, Vec::new(), Vec::new());
    loop {
        let request = page("numbers", 1_000, cursor.take());
        let (page, rows) = rows(async |out| session.read(&minute(), &request, out).await).await.unwrap();
        seen.extend(rows.into_iter().map(|row| row["id"].as_u64().unwrap()));
        totals.push(page.total);
        assert_eq!(page.cursor_kind, page.next_cursor.as_ref().map(|_| CursorKind::Keyset));
        match page.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(seen, (0..2_500).collect::<Vec<_>>());
    // Counted by the guest: the first page does not show it.
    assert_eq!(totals, [Some(2_500), None, None]);
}

#[tokio::test]
async fn totals_are_counted_only_where_rows_do_not_show_them() {
    let host = Host::new();
    let mut session = host.session(100).await;
    for (limit, offset, include_total, shown, total) in [
        (Some(10), 0, true, 10, Some(100)),
        (Some(100), 0, true, 100, Some(100)),
        (None, 40, true, 60, Some(100)),
        (None, 400, true, 0, Some(100)),
        (Some(0), 0, true, 0, Some(100)),
        (Some(10), 0, false, 10, None),
    ] {
        let query = Query { limit, offset, include_total, ..all("numbers") };
        let (page, rows) = rows(async |out| session.query(&minute(), &query, out).await).await.unwrap();
        assert_eq!((rows.len(), page.total), (shown, total), "limit {limit:?}, offset {offset}");
    }
}

#[tokio::test]
async fn what_is_asked_beside_rows_is_answered() {
    let host = Host::new();
    let mut session = host.session(7).await;
    let cx = minute();
    let info = session.ping(&cx).await.unwrap();
    assert_eq!((info.product.as_str(), info.version.as_str(), info.can_write), ("Plain", "1.0", Some(true)));
    let targets = session.list_targets(&cx).await.unwrap();
    assert_eq!(targets.len(), 1);
    assert_eq!((targets[0].name.as_str(), targets[0].estimated_rows), ("numbers", Some(7)));
    let schema = session.introspect(&cx, "numbers").await.unwrap();
    assert_eq!((schema.primary_key, schema.columns.len()), (vec!["id".to_owned()], 2));
    let count = Count { target: "numbers".into(), filter: Filter::TRUE };
    assert_eq!(session.count(&cx, &count).await.unwrap(), Counted { total: 7, approximate: false });
    assert!(session.conventions().nulls_last);
    assert!(!session.aggregates().supports);
}

#[tokio::test]
async fn every_error_has_its_code_and_the_session_serves_on() {
    let host = Host::new();
    let mut session = host.session(7).await;
    let cx = minute();
    let filtered =
        Query { filter: Filter::Column("id".into(), Test::Equal(Operand::Integer(3))), ..all("numbers") };
    let strange = Query { cursor: Some("of another shape".into()), ..all("numbers") };
    for (query, code, said) in [
        (all("nowhere"), ErrorCode::InvalidTarget, "nowhere"),
        (filtered, ErrorCode::UnsupportedOperator, "no filter"),
        (strange, ErrorCode::InvalidJob, "`cursor`"),
        (all("refuses"), ErrorCode::SourceQueryFailed, "secret-value"),
    ] {
        let error = rows(async |out| session.query(&cx, &query, out).await).await.unwrap_err();
        assert_eq!(error.code(), code);
        assert!(error.message().contains(said), "{error}");
        assert!(!error.loggable().contains("secret-value"), "{}", error.loggable());
        assert!(session.reusable(), "{error}");
    }
    let (_, rows) = rows(async |out| session.query(&cx, &all("numbers"), out).await).await.unwrap();
    assert_eq!(rows.len(), 7);
}

#[tokio::test]
async fn what_the_manifest_leaves_out_is_refused_without_asking_the_guest() {
    let host = Host::new();
    let mut session = host.session(7).await;
    let request = Aggregate {
        target: "numbers".into(),
        joins: Vec::new(),
        dimensions: Vec::new(),
        measures: Vec::new(),
        filter: Filter::TRUE,
        ids: None,
        sample: None,
        having: Filter::TRUE,
        sort: Vec::new(),
        limit: None,
        change_column: None,
    };
    let error = rows(async |out| session.aggregate(&minute(), &request, out).await).await.unwrap_err();
    assert_eq!(error.code(), ErrorCode::UnsupportedJob);
    assert!(error.message().contains("plain") && error.message().contains("aggregate"), "{error}");
}

#[tokio::test]
async fn an_open_reports_its_stages() {
    let host = Host::new();
    let stages = Arc::new(Stages::default());
    host.source(&[]).open(&opening(Some(stages.clone()))).await.unwrap();
    let reports = stages.0.lock().unwrap();
    let names: Vec<Stage> = reports.iter().map(|report| report.stage).collect();
    assert_eq!(names, [Stage::Config, Stage::Auth, Stage::Query, Stage::ReadOnly]);
    assert_eq!(reports[1].note, "connector plain 0.1.0");
    assert_eq!(reports[2].note, "Plain 1.0");
    assert_eq!(reports[2].warning.as_deref(), Some("this login could write"));
    assert!(reports[3].warning.is_some());
}

#[tokio::test]
async fn a_wrong_password_is_told_as_one() {
    let host = Host::new();
    let opened = host.source(&[("password", "wrong")]).open(&opening(None)).await;
    let error = opened.err().unwrap();
    assert_eq!((error.code(), &error.detail()["stage"]), (ErrorCode::SourceAuthFailed, &"auth".into()));
    assert_eq!(error.detail()["nativeCode"], "BADPASS");
    assert!(!error.message().contains("wrong\""), "{error}");
    assert_eq!(host.instances(), 0);
}

#[tokio::test(start_paused = true)]
async fn sessions_are_counted_and_a_place_that_becomes_free_is_taken() {
    let policy = connector_host::ModulePolicy { max_sessions: 1, ..Default::default() };
    let host = Host::with(policy);
    let first = host.session(1).await;
    let error = host.source(&[]).open(&opening(None)).await.err().unwrap();
    assert_eq!(error.code(), ErrorCode::RunnerBusy);
    assert!(error.message().contains("max_sessions"), "{error}");
    drop(first);
    host.session(1).await;
}

#[tokio::test]
async fn a_configuration_is_typed_by_the_manifest() {
    let host = Host::new();
    let manifest = host.connector.manifest();
    assert!(Config::from_texts(manifest, Origin::Local, [("rows", "many")]).is_err());
    // The fields that size the pool stand in every manifest, a module's too.
    assert!(Config::from_texts(manifest, Origin::Local, [("pool.max", "3")]).is_ok());
}
