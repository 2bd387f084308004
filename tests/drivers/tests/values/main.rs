//! What each engine's types look like in JSON: `docs/values.md`, made from what real servers answer.
//!
//! Each engine's file lists its samples: a type, a value as that engine writes it. The server stores them, the driver reads
//! them, and the table of the answers has to be the one in the document. `UPDATE_DOCS=1` writes it there instead.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod document;
mod mariadb;
mod mssql;
mod postgres;
mod sqlite;

use connector_api::{CallContext, RowSink, Session, SinkLimits};
use connector_model::request::{Kind, Request, parse};
use driver_tests::{Collector, LIMIT};
use serde_json::value::RawValue;

/// A type and one of its values, both as the engine writes them.
type Sample = (&'static str, &'static str);

/// The cells of the one row of a target, verbatim, in the order of its columns.
async fn cells(session: &mut dyn Session, target: &str) -> Vec<String> {
    let mut collector = Collector::default();
    let mut out = RowSink::new(&mut collector, SinkLimits::default());
    let Request::Query(request) = parse(Kind::Query, Some(target), None, "@semilayer/bridge-test").unwrap()
    else {
        panic!("a query")
    };
    session.query(&CallContext::within(LIMIT), &request, &mut out).await.unwrap();
    out.flush().await.unwrap();
    let text = String::from_utf8(collector.chunks.concat()).unwrap();
    let rows: Vec<std::collections::BTreeMap<String, Box<RawValue>>> = serde_json::from_str(&text).unwrap();
    let [row] = rows.as_slice() else { panic!("one row: {text}") };
    row.values().map(|value| value.get().to_owned()).collect()
}

/// A column's name that sorts by its number.
fn column(number: usize) -> String {
    format!("c{number:03}")
}
