//! The suite over a file that somebody else filled.

use async_trait::async_trait;
use connector_api::{Connector, Session};
use connector_conformance::{ExistingOptions, ExistingReport, Sessions, existing};
use connector_model::Result;
use connector_sqlite::Sqlite;

use crate::subject::{Database, context};

#[async_trait]
impl Sessions for Database {
    async fn open(&self) -> Result<Box<dyn Session>> {
        self.source().open(&context()).await
    }
}

async fn tried(sql: &str) -> ExistingReport {
    let database = Database::new(sql);
    let connector = Sqlite::new();
    let manifest = connector.manifest();
    existing(&database, &manifest.package_name, &manifest.capabilities, &ExistingOptions::default())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_passes_whose_columns_are_of_every_type() {
    let report = tried(
        "CREATE TABLE visits (id INTEGER PRIMARY KEY, name TEXT, score REAL, paid DECIMAL(10,2), ok BOOLEAN,
           at DATETIME, raw BLOB, doc JSON);
         WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
         INSERT INTO visits SELECT i, CASE i % 4 WHEN 0 THEN NULL ELSE 'v_' || (i % 13) END, i / 7.0, i % 9, i % 2,
           datetime(1700000000 + i * 60, 'unixepoch'), randomblob(3), json_object('i', i) FROM n;",
    )
    .await;
    assert!(report.passed(), "{report}");
    assert_eq!(report.rows, 300);
    assert!(report.judged_answers() > 300, "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_column_with_a_collation_of_its_own_is_said_and_not_judged() {
    let report = tried(
        "CREATE TABLE words (id INTEGER PRIMARY KEY, word TEXT COLLATE NOCASE, code TEXT);
         INSERT INTO words (word, code) VALUES ('b', 'B'), ('A', 'A'), ('a', 'a'), ('C', 'c'), ('c', 'C'), ('d', 'b');",
    )
    .await;
    assert!(report.passed(), "{report}");
    let collated: Vec<_> = report.notes.iter().filter(|note| note.contains("collation")).collect();
    assert!(matches!(collated.as_slice(), [note] if note.contains("\"word\"")), "{report}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_introspection_says_is_held_against_the_rows() {
    let report = tried(
        "CREATE TABLE loose (id INTEGER PRIMARY KEY, n INTEGER, flag BOOLEAN);
         INSERT INTO loose VALUES (1, 5, 1), (2, 'five', 'maybe');",
    )
    .await;
    assert!(!report.passed());
    assert!(
        report.to_string().contains("\"flag\" is Boolean by introspection, and a row has a text in it"),
        "{report}"
    );
    assert!(report.notes.iter().any(|note| note.contains("\"n\"")), "{report}");
}
