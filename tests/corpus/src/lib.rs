//! What the fuzz targets in `fuzz/` do with their input. The tests beside this do the same with the corpus that the
//! targets have found, on every machine.
//!
//! Each function takes any bytes. Whatever they are, nothing may panic, and a statement that comes out has to be one: its
//! quotes and brackets close, nothing but our own words stands outside of quotes, there is no comment and no second
//! statement, and what is bound is something that the engine can store.

mod statement;
mod tables;

use connector_model::cursor::Scope;
use connector_model::request::{Kind, Request, parse};
use connector_sql::{
    AggregateDialect, AggregateSelect, Cockroach, MySql, Postgres, Select, SqlServer, Sqlite, Table,
};

use statement::check;

/// What errors call the connector.
const BRIDGE: &str = "@semilayer/bridge-fuzz";

/// Every dialect.
fn dialects() -> [&'static dyn AggregateDialect; 5] {
    [&Postgres, &Cockroach, &Sqlite, &MySql, &SqlServer]
}

/// A `query` job's options to SQL, in every dialect.
pub fn filter(input: &[u8]) {
    let Ok(options) = std::str::from_utf8(input) else { return };
    let Ok(Request::Query(query)) = parse(Kind::Query, Some("t"), Some(options), BRIDGE) else { return };
    for dialect in dialects() {
        for table in [tables::keyed(), tables::keyless()] {
            if let Ok(select) = Select::query(dialect, &table, &query) {
                check(dialect, &select.statement);
            }
            if let Ok(count) = connector_sql::count(dialect, &table, &query.filter) {
                check(dialect, &count);
            }
        }
    }
}

/// A cursor, as `read` and as `query` take it.
pub fn cursor(input: &[u8]) {
    let Ok(cursor) = std::str::from_utf8(input) else { return };
    for (plain, order) in [(true, "id asc"), (false, "a desc, b asc")] {
        let scope = Scope { target: "t", order, plain };
        if let Ok(position) = scope.read(cursor, 2) {
            // What was understood is issued again and understood in the same way.
            let again = scope.read(&scope.issue(&position), 2);
            assert_eq!(again.ok().as_ref(), Some(&position), "a cursor that does not read back");
        }
    }
    let options = format!("{{\"cursor\":{}}}", json_text(cursor));
    for table in [tables::keyed(), tables::keyless(), tables::composite()] {
        for kind in [Kind::Read, Kind::Query] {
            let Ok(request) = parse(kind, Some("t"), Some(&options), BRIDGE) else { continue };
            for dialect in dialects() {
                if let Ok(select) = page(dialect, &table, &request) {
                    check(dialect, &select.statement);
                }
            }
        }
    }
}

/// An `aggregate` job's options to SQL, in every dialect.
pub fn aggregate(input: &[u8]) {
    let Ok(options) = std::str::from_utf8(input) else { return };
    let Ok(Request::Aggregate(request)) = parse(Kind::Aggregate, Some("t"), Some(options), BRIDGE) else {
        return;
    };
    let joined = tables::composite();
    let tables: Vec<&Table> = request.joins.iter().map(|_| &joined).collect();
    for dialect in dialects() {
        if let Ok(select) = AggregateSelect::new(dialect, &tables::keyed(), &tables, &request) {
            check(dialect, &select.statement);
        }
    }
}

fn page(dialect: &dyn AggregateDialect, table: &Table, request: &Request) -> connector_model::Result<Select> {
    match request {
        Request::Read(read) => Select::read(dialect, table, read),
        Request::Query(query) => Select::query(dialect, table, query),
        _ => Err(connector_model::Error::internal("no page")),
    }
}

fn json_text(text: &str) -> String {
    let mut out = Vec::new();
    connector_model::json::text(&mut out, text);
    String::from_utf8_lossy(&out).into_owned()
}
