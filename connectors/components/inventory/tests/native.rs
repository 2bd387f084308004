//! The connector in this process, against a service of its own.

#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod server;

use inventory::Inventory;
use semilayer_connector::error::{ErrorCode, Result};
use semilayer_connector::testing::{FakeHttp, FakeResponse, Harness, Kind, native};
use serde_json::json;

fn open() -> Harness<Inventory> {
    native(&json!({ "url": server::start(), "token": server::TOKEN, "pageRows": 60 })).unwrap()
}

#[test]
fn the_lists_are_shown_with_their_columns() -> Result<()> {
    let mut inventory = open();
    assert_eq!(inventory.ping()?.version, "2.1");
    let names: Vec<String> = inventory.list()?.into_iter().map(|target| target.name).collect();
    assert_eq!(names, ["items", "movements"]);
    assert_eq!(inventory.introspect("items")?.primary_key, ["sku"]);
    let error = inventory.introspect("movement").unwrap_err();
    assert_eq!(error.code(), ErrorCode::InvalidTarget);
    assert!(error.message().contains("did you mean \"movements\""), "{error}");
    Ok(())
}

#[test]
fn rows_have_the_contracts_form() -> Result<()> {
    let first = json!({ "limit": 1, "where": { "dimensions": null } });
    assert_eq!(
        open().query("items", &first)?,
        [json!({
            "sku": "sku-00003", "name": "100% Screw No. 3", "warehouse": "north", "quantity": 21, "price": "3.03",
            "dimensions": null, "updated_at": "2024-04-04T03:03:00.500Z",
        })]
    );
    Ok(())
}

#[test]
fn filters_orders_and_counts_agree() -> Result<()> {
    let mut inventory = open();
    let filter = json!({ "warehouse": "east", "price": null, "name": { "$contains": "100%" } });
    let options =
        json!({ "where": filter, "orderBy": { "quantity": "desc" }, "select": ["sku", "quantity"] });
    let rows = inventory.query("items", &options)?;
    let expected = (1..=server::ITEMS).filter(|id| id % 3 == 2 && id % 11 == 0 && id % 4 == 3).count();
    assert_eq!(rows.len(), expected);
    assert!(rows.is_sorted_by(|left, right| left["quantity"].as_i64() >= right["quantity"].as_i64()));
    assert_eq!(inventory.count("items", &json!({ "where": filter }))?.total, expected as u64);
    Ok(())
}

#[test]
fn pages_lose_and_repeat_nothing() -> Result<()> {
    let mut inventory = open();
    for (target, rows) in [("items", server::ITEMS), ("movements", server::MOVEMENTS)] {
        let all = inventory.query(target, &json!({}))?;
        assert_eq!(all.len() as u64, rows);
        assert_eq!(inventory.walk(Kind::Read, target, &json!({}), 71)?, all);
        let back = json!({ "orderBy": { "updated_at": "desc" } });
        assert_eq!(inventory.walk(Kind::Query, target, &back, 39)?, inventory.query(target, &back)?);
    }
    Ok(())
}

#[test]
fn only_what_changed_is_read() -> Result<()> {
    let options = json!({ "changedSince": "2024-12-20T00:00:00Z", "limit": 100 });
    let rows = open().read("movements", &options)?;
    assert!(!rows.is_empty());
    assert!(rows.iter().all(|row| row["updated_at"].as_str() > Some("2024-12-20")));
    Ok(())
}

#[test]
fn the_service_filters_what_it_can() -> Result<()> {
    let fake = FakeHttp::install(|request| match request.path() {
        "/v1/health" => FakeResponse::json(200, &json!({ "version": "2" })),
        _ => FakeResponse::json(200, &json!([server::item(1)])),
    });
    let mut inventory = native::<Inventory>(&json!({ "url": "http://inventory.example/v1" }))?;
    // The service may send more than was asked for.
    assert_eq!(inventory.count("items", &json!({ "where": { "warehouse": "a b" } }))?.total, 0);
    let asked = fake.requests().pop().unwrap();
    assert_eq!(asked.target, "/v1/items?limit=500&warehouse=a%20b");
    Ok(())
}

#[test]
fn what_is_wrong_is_said() {
    let problem = |config| native::<Inventory>(&config).err().unwrap();
    let error = problem(json!({ "url": server::start(), "token": "hunter2" }));
    assert_eq!(error.code(), ErrorCode::SourceAuthFailed);
    assert!(error.message().contains("`token`") && !error.message().contains("hunter2"), "{error}");
    assert_eq!(problem(json!({ "url": "http://127.0.0.1:1" })).code(), ErrorCode::SourceUnreachable);
    assert_eq!(problem(json!({ "url": "hunter2" })).code(), ErrorCode::SourceNotConfigured);
    assert!(problem(json!({ "urll": "x" })).message().contains("did you mean \"url\""));
    let _down = FakeHttp::install(|_| FakeResponse::text(503, "maintenance until noon"));
    let error = problem(json!({ "url": "http://inventory.example" }));
    assert_eq!(error.code(), ErrorCode::SourceQueryFailed);
    assert!(error.message().contains("maintenance"), "{error}");
}
