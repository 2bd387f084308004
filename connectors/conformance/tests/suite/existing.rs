//! The suite over a target that exists already: the oracle passes, every broken connector fails, and a target that does
//! not fit is refused before anything is tried.

use std::sync::Arc;

use async_trait::async_trait;
use connector_api::Session;
use connector_conformance::{ExistingOptions, ExistingReport, Sessions, existing};
use connector_memory::{ColumnDef, Database, MemorySession, Profile, Table, Value};
use connector_model::Capabilities;
use connector_model::error::{ErrorCode, Result};
use connector_model::target::LogicalType;

use crate::broken::{FAULTS, Fault};
use crate::subjects::Wrap;

/// A database in memory, whole or broken.
struct InMemory {
    database: Arc<Database>,
    wrap: Wrap,
}

#[async_trait]
impl Sessions for InMemory {
    async fn open(&self) -> Result<Box<dyn Session>> {
        Ok((self.wrap)(MemorySession::new(Arc::clone(&self.database)), Arc::clone(&self.database)))
    }
}

fn whole(session: MemorySession, _: Arc<Database>) -> Box<dyn Session> {
    Box::new(session)
}

fn column(name: &str, logical_type: LogicalType, native: &str, nullable: bool) -> ColumnDef {
    ColumnDef { name: name.into(), logical_type, native_type: native.into(), nullable }
}

/// A table with a column of most types; NULL, ties and odd names in it.
fn items(rows: i64) -> Table {
    let row = |n: i64| {
        let or_null = |value: Value| if n % 5 == 3 { Value::Null } else { value };
        vec![
            Value::Integer(n),
            or_null(Value::Text(
                ["pear", "a_b", "a%b", "it's", "Pear"][n as usize % 5].to_owned()
                    + &"x".repeat(n as usize % 3),
            )),
            or_null(Value::Float(n as f64 / 3.0)),
            or_null(Value::Decimal(format!("{}.50", n % 7))),
            Value::Boolean(n % 2 == 0),
            or_null(Value::TimestampTz(1_709_208_855_000_000 + n * 1_000_000)),
            Value::Uuid([n as u8; 16]),
            Value::Json(format!("{{\"n\":{n}}}")),
        ]
    };
    Table {
        name: "items".into(),
        kind: "table".into(),
        columns: vec![
            column("id", LogicalType::Integer, "bigint", false),
            column("na\"me", LogicalType::Text, "text", true),
            column("ratio", LogicalType::Float, "double precision", true),
            column("amount", LogicalType::Decimal, "numeric", true),
            column("ok", LogicalType::Boolean, "boolean", false),
            column("updated_at", LogicalType::TimestampTz, "timestamptz", true),
            column("ref", LogicalType::Uuid, "uuid", false),
            column("doc", LogicalType::Json, "jsonb", true),
        ],
        primary_key: vec![0],
        unique_index: Vec::new(),
        rows: (0..rows).map(row).collect(),
    }
}

fn tried(tables: Vec<Table>, wrap: Wrap, options: ExistingOptions) -> Result<ExistingReport> {
    let sessions = InMemory { database: Arc::new(Database::new(tables, Profile::POSTGRES)?), wrap };
    let aggregates = Some(MemorySession::AGGREGATES);
    let capabilities = Capabilities { aggregates, ..Capabilities::relational() };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(existing(&sessions, "@semilayer/bridge-memory", &capabilities, &options))
}

#[test]
fn the_oracle_agrees_with_itself() {
    let report = tried(vec![items(60)], whole, ExistingOptions::default()).unwrap();
    assert!(report.passed(), "{report}");
    assert!(report.judged_answers() > 300, "{report}");
    let text = report.to_string();
    assert!(text.contains("over target \"items\": 60 rows, 8 columns"), "{text}");
    assert!(text.contains("aggregate") && text.contains("column \"doc\" (jsonb) is returned"), "{text}");
}

#[test]
fn every_broken_connector_differs() {
    // These do not show in a target that is only read: nothing says which key it should have.
    let unseen = [Fault::HidesTheKey];
    let faults = FAULTS.iter().filter(|(fault, _)| !unseen.contains(fault));
    let passed: Vec<Fault> = faults
        .filter(|(_, wrap)| {
            tried(vec![items(60)], *wrap, ExistingOptions::default()).is_ok_and(|report| report.passed())
        })
        .map(|(fault, _)| *fault)
        .collect();
    assert!(passed.is_empty(), "{passed:?} pass");
}

#[test]
fn a_difference_can_be_pasted() {
    let (_, wrap) = FAULTS.iter().find(|(fault, _)| *fault == Fault::ForgetsDescending).unwrap();
    let report = tried(vec![items(60)], *wrap, ExistingOptions::default()).unwrap();
    let difference = report.differences.first().unwrap();
    assert_eq!(difference.request["kind"], "query");
    assert_eq!(difference.request["target"], "items");
    assert!(difference.request["options"]["orderBy"].is_object(), "{report}");
    let text = report.to_string();
    let pasted = text.lines().find_map(|line| line.trim().strip_prefix("request:")).unwrap();
    assert_eq!(serde_json::from_str::<serde_json::Value>(pasted).unwrap(), difference.request);
    assert!(text.ends_with("answers are wrong."), "{text}");
}

#[test]
fn the_first_target_that_fits_is_taken_and_one_that_does_not_is_refused_by_name() {
    let named = |name: &str, rows| Table { name: name.into(), ..items(rows) };
    let tables = || vec![named("empty", 0), named("large", 10_001), named("small", 20), named("other", 30)];
    let few = |target: Option<&str>| ExistingOptions {
        target: target.map(str::to_owned),
        cases: 5,
        ..ExistingOptions::default()
    };
    assert_eq!(tried(tables(), whole, few(None)).unwrap().target, "small");
    assert_eq!(tried(tables(), whole, few(Some("large"))).unwrap_err().code(), ErrorCode::ResultTooLarge);
    assert!(tried(tables(), whole, few(Some("empty"))).unwrap().passed());
    let error = tried(vec![named("empty", 0), named("large", 10_001)], whole, few(None)).unwrap_err();
    assert!(error.message().contains("\"empty\" is empty"), "{error}");
}
