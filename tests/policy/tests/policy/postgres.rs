//! PostgreSQL.

use std::sync::Arc;

use connector_model::error::ErrorCode;
use connector_postgres::Postgres as Driver;
use policy_tests::Runner;
use serde_json::json;
use test_servers::{Postgres, PostgresOptions};

use crate::{Subject, TABLES, answers, attempts, policy};

/// The tests' user may read whatever there is: nothing but the policy stands before it.
const GRANT: &str = "DO $$ DECLARE name text; BEGIN
    FOR name IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)' LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO app; GRANT SELECT ON ALL TABLES IN SCHEMA %I TO app', name, name);
    END LOOP;
END $$";

async fn server(sql: &str) -> Postgres {
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let server = Postgres::start(PostgresOptions::default()).await.unwrap();
    let admin = server.admin().await.unwrap();
    admin.batch_execute(sql).await.unwrap();
    admin.batch_execute(GRANT).await.unwrap();
    server
}

fn subject(server: &Postgres, policy: &str) -> Subject {
    let runner = Runner::new(Arc::new(Driver::new()), &[("URL", server.url().as_str())], policy).unwrap();
    Subject { runner, schema: "public" }
}

#[tokio::test]
async fn nothing_gets_round_the_policy_and_the_rest_is_answered() {
    let server = server(TABLES).await;
    let subject = subject(&server, &policy("public"));
    attempts::all(&subject).await;
    answers::all(&subject).await;
}

#[tokio::test]
async fn what_shows_the_rows_of_another_target_is_denied_where_columns_are_hidden() {
    let server = server(
        "CREATE TABLE events (id integer, kind text, ip text) PARTITION BY LIST (kind);
         CREATE TABLE events_a PARTITION OF events FOR VALUES IN ('a');
         INSERT INTO events VALUES (1, 'a', 'hidden-ip');
         CREATE MATERIALIZED VIEW events_seen AS SELECT id, ip AS address FROM events;
         CREATE SCHEMA plain;
         CREATE VIEW plain.harmless AS SELECT 1 AS one;
         CREATE TABLE \"public\".\"plain.events\" (id integer PRIMARY KEY, ip text);
         INSERT INTO \"plain.events\" VALUES (1, 'hidden-ip')",
    )
    .await;
    let subject = subject(&server, "[policy]\nmask = { \"public.*.ip\" = \"redact\" }");
    for target in ["events_a", "public.events_a", "events_seen"] {
        let answer = subject.ask("query", target, json!({})).await;
        assert_eq!(answer.detail("rule"), Some("policy.views"), "{target}: {answer:?}");
        Subject::shows_nothing(target, &answer);
    }
    let whole = subject.ask("query", "events", json!({})).await;
    assert_eq!(whole.rows, [json!({"id": 1, "kind": "a", "ip": "***"})]);
    // A schema without a rule has its views.
    let harmless = subject.ask("query", "plain.harmless", json!({})).await;
    assert_eq!(harmless.rows, [json!({"one": 1})]);
    // A table of the default schema whose own name has a dot.
    let odd = subject.ask("query", "plain.events", json!({})).await;
    assert_eq!(odd.rows, [json!({"id": 1, "ip": "***"})]);
}

#[tokio::test]
async fn another_schema_is_another_target_whatever_the_names() {
    let server = server(
        "CREATE SCHEMA audit;
         CREATE TABLE users (id integer PRIMARY KEY, email text);
         CREATE TABLE audit.users (id integer PRIMARY KEY, email text);
         CREATE TABLE \"Users\" (id integer PRIMARY KEY, email text);
         INSERT INTO users VALUES (1, 'a@x.org');
         INSERT INTO audit.users VALUES (1, 'hidden-a');
         INSERT INTO \"Users\" VALUES (1, 'hidden-b')",
    )
    .await;
    let subject = subject(
        &server,
        "[policy]\ntargets = [\"public.*\"]\nmask = { \"audit.users.email\" = \"null\" }\n\
         [policy.sources.other]\ntargets = [\"*\"]",
    );
    let own = subject.ask("query", "users", json!({})).await;
    assert_eq!(own.rows, [json!({"id": 1, "email": "a@x.org"})]);
    for target in ["audit.users", "audit.Users", "AUDIT.users"] {
        let answer = subject.ask("query", target, json!({})).await;
        assert_eq!(answer.code(), Some(ErrorCode::PolicyDenied), "{target}: {answer:?}");
    }
    let listed = subject.ask("listTargets", "", json!({})).await;
    assert!(listed.rows.iter().all(|row| row["schema"] == "public"), "{:?}", listed.rows);
    // Names that differ in case alone are two tables here, and one to a policy.
    let subject = self::subject(&server, "[policy]\ncolumns.deny = [\"public.users.email\"]");
    let other = subject.ask("query", "Users", json!({})).await;
    assert_eq!(other.rows, [json!({"id": 1})]);
}

#[tokio::test]
async fn sizes_are_kept_and_the_session_goes_on() {
    let server =
        server("CREATE TABLE n AS SELECT g AS id, repeat('x', 100) AS t FROM generate_series(1, 50000) g")
            .await;
    let subject =
        subject(&server, "[policy]\nmax_rows = 20_000\n[policy.sources.SHOP]\nmax_bytes = \"1MiB\"");
    let answer = subject.ask("query", "n", json!({"select": ["id"]})).await;
    assert_eq!(
        (answer.code(), answer.detail("setting")),
        (Some(ErrorCode::ResultTooLarge), Some("[policy] max_rows"))
    );
    assert!(answer.rows.len() <= 20_000);
    let answer = subject.ask("query", "n", json!({})).await;
    assert_eq!(answer.detail("setting"), Some("[policy.sources.SHOP] max_bytes"), "{:?}", answer.error);
    let answer = subject.ask("query", "n", json!({"limit": 10, "includeTotal": false})).await;
    assert_eq!(answer.rows.len(), 10);
}
