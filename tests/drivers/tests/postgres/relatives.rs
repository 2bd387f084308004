//! The members of the family that are not PostgreSQL, as far as PostgreSQL can stand in for them: their statements run,
//! their answers have the form that the driver reads. Nothing here proves what their own servers do.

use connector_api::Connector;
use serde_json::json;

use crate::{Driver, Server, open_context, query, read, source};

/// CockroachDB's own column of `information_schema.columns`, which says `rowid` is hidden.
const HIDDEN: &str = "DO $$ BEGIN
  EXECUTE 'CREATE OR REPLACE VIEW information_schema.columns AS SELECT s.*,
      CASE WHEN s.column_name = ''rowid'' THEN ''YES'' ELSE ''NO'' END AS is_hidden FROM ('
    || rtrim(pg_get_viewdef('information_schema.columns'::regclass), ';') || ') s';
END $$";

#[tokio::test]
async fn cockroachdbs_statements_list_describe_read_and_page() {
    let server = Server::start().await;
    server.run(HIDDEN).await;
    server
        .run(
            "CREATE TYPE mood AS ENUM ('sad', 'happy');
             CREATE TABLE t (b text, a bigint, n int, tags text[], e mood, PRIMARY KEY (a, b));
             INSERT INTO t VALUES ('x', 1, NULL, '{p,q}', 'sad'), ('y', 1, 5, NULL, 'happy'), ('z', 2, NULL, '{}', NULL);
             CREATE TABLE keyless (v int, rowid bigint PRIMARY KEY);
             INSERT INTO keyless VALUES (7, 1), (8, 2);
             CREATE VIEW v AS SELECT a, n FROM t;
             CREATE SCHEMA crdb_internal; CREATE TABLE crdb_internal.hidden (a int);
             GRANT USAGE ON SCHEMA crdb_internal TO app;
             GRANT SELECT ON ALL TABLES IN SCHEMA public, crdb_internal TO app",
        )
        .await;
    let driver = Driver::cockroachdb();
    let source = source(&driver, &[("url", &server.postgres.url())]).unwrap();
    let mut session = source.open(&open_context().unwrap()).await.unwrap();
    let cx = connector_api::CallContext::within(crate::LIMIT);

    let targets = session.list_targets(&cx).await.unwrap();
    let named: Vec<(&str, &str)> =
        targets.iter().map(|target| (target.name.as_str(), target.kind.as_str())).collect();
    assert_eq!(named, [("keyless", "table"), ("t", "table"), ("v", "view")]);

    let described = session.introspect(&cx, "t").await.unwrap();
    assert_eq!(described.primary_key, ["a", "b"]);
    let types: Vec<&str> = described.columns.iter().map(|column| column.native_type.as_str()).collect();
    assert_eq!(types, ["text", "bigint", "integer", "text[]", "mood"]);
    let keyless = session.introspect(&cx, "keyless").await.unwrap();
    assert_eq!((keyless.primary_key.len(), keyless.columns.len()), (0, 1), "a hidden key is no key");

    let first = read(&mut *session, "t", json!({"limit": 2})).await.unwrap();
    assert_eq!(first.rows[0], json!({"b": "x", "a": "1", "n": null, "tags": ["p", "q"], "e": "sad"}));
    let cursor = first.page.next_cursor.unwrap();
    let second = read(&mut *session, "t", json!({"limit": 2, "cursor": cursor})).await.unwrap();
    assert_eq!(second.rows.iter().map(|row| &row["b"]).collect::<Vec<_>>(), ["z"]);
    let offset = read(&mut *session, "keyless", json!({"limit": 1})).await.unwrap();
    let next = json!({"limit": 1, "cursor": offset.page.next_cursor});
    assert_eq!(read(&mut *session, "keyless", next).await.unwrap().rows, [json!({"v": 8})]);
    assert_eq!(query(&mut *session, "t", json!({"where": {"e": "happy"}})).await.unwrap().rows.len(), 1);
}

#[tokio::test]
async fn neon_and_supabase_take_nothing_but_tls_unless_told_otherwise() {
    let server = Server::start().await;
    let url = server.postgres.url();
    for driver in [Driver::neon(), Driver::supabase()] {
        let name = &driver.manifest().display_name;
        let plain = source(&driver, &[("url", &url), ("sslmode", "disable")]).unwrap();
        assert!(plain.open(&open_context().unwrap()).await.is_ok(), "{name}");
    }
    // The test server's authority is its own: a check of it fails, encryption alone does not.
    let opened = source(&Driver::neon(), &[("url", &url)]).unwrap().open(&open_context().unwrap()).await;
    let refused = opened.err().expect("the certificate's authority is nobody's");
    assert_eq!(refused.detail()["stage"], "tls", "{refused}");
    let stages = std::sync::Arc::new(driver_tests::Stages::default());
    let mut cx = open_context().unwrap();
    cx.observer = Some(stages.clone());
    source(&Driver::supabase(), &[("url", &url)]).unwrap().open(&cx).await.unwrap();
    let tls = stages.reports().into_iter().find(|report| report.stage == connector_api::Stage::Tls).unwrap();
    assert!(tls.note.contains("encrypted"), "{}", tls.note);
}
