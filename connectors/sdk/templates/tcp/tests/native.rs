//! The connector in this process, against a server of its own.

mod server;

use new_connector::NewConnector;
use semilayer_connector::error::{ErrorCode, Result};
use semilayer_connector::testing::{Harness, Kind, native};
use serde_json::json;

fn open() -> Harness<NewConnector> {
    native(&json!({ "host": "127.0.0.1", "port": server::start(), "token": server::TOKEN })).unwrap()
}

#[test]
fn the_server_is_shown_as_it_is() -> Result<()> {
    let mut connector = open();
    assert_eq!(connector.ping()?.version, "1.0");
    assert_eq!(connector.list()?[0].name, "items");
    assert_eq!(connector.introspect("items")?.primary_key, ["id"]);
    let error = connector.introspect("itmes").unwrap_err();
    assert!(error.message().contains("did you mean \"items\""), "{error}");
    Ok(())
}

#[test]
fn rows_are_filtered_sorted_and_counted() -> Result<()> {
    let mut connector = open();
    let options = json!({
        "where": { "price": null, "id": { "$lt": 30 } },
        "orderBy": { "id": "desc" },
        "select": ["id", "name"],
    });
    let rows = connector.query("items", &options)?;
    assert_eq!(rows, [20, 10].map(|id| json!({ "id": id, "name": format!("item {id}") })));
    assert_eq!(connector.count("items", &json!({ "where": { "price": null } }))?.total, server::ITEMS / 10);
    let later =
        json!({ "changedSince": "2024-01-09T00:00:00Z", "changeTrackingColumn": "changed", "limit": 1 });
    assert_eq!(connector.read("items", &later)?[0]["changed"], "2024-01-10T00:00:00.000Z");
    Ok(())
}

#[test]
fn pages_lose_and_repeat_nothing() -> Result<()> {
    let mut connector = open();
    let all = connector.query("items", &json!({}))?;
    assert_eq!(all.len() as u64, server::ITEMS);
    assert_eq!(connector.walk(Kind::Read, "items", &json!({}), 7)?, all);
    Ok(())
}

#[test]
fn what_is_wrong_is_said() {
    let wrong = json!({ "host": "127.0.0.1", "port": server::start(), "token": "wrong" });
    let error = native::<NewConnector>(&wrong).err().unwrap();
    assert_eq!(error.code(), ErrorCode::SourceAuthFailed);
    let nobody = json!({ "host": "127.0.0.1", "port": 1 });
    let error = native::<NewConnector>(&nobody).err().unwrap();
    assert_eq!(error.code(), ErrorCode::SourceUnreachable);
}

#[test]
fn an_answer_that_nobody_read_to_its_end_is_in_nobodys_way() -> Result<()> {
    let mut connector = open();
    // What names a column that is not there fails after the rows were asked for.
    assert!(connector.query("items", &json!({ "select": ["nmae"] })).is_err());
    assert_eq!(connector.ping()?.product, "lines");
    Ok(())
}
