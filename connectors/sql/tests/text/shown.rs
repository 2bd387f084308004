//! A request as both dialects say it.

use std::fmt::Write as _;

use connector_model::Result;
use connector_model::request::{Kind, Request, parse};
use connector_sql::{Dialect, Postgres, Select, Sqlite, Statement, Table, count};
use serde_json::Value;
use sqlparser::ast::{SetExpr, Statement as Parsed};
use sqlparser::dialect::{Dialect as ParserDialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

/// The two dialects, each with the parser that has to understand it.
pub(crate) fn dialects() -> [(&'static str, &'static dyn Dialect, &'static dyn ParserDialect); 2] {
    [("postgres", &Postgres, &PostgreSqlDialect {}), ("sqlite", &Sqlite, &SQLiteDialect {})]
}

/// Fails unless the text is one single SELECT.
pub(crate) fn is_one_select(text: &str, parser: &dyn ParserDialect) {
    // sqlparser does not know GLOB, which SQLite reads as it reads REGEXP. Names and values of these tests have no such
    // word in them.
    let text = text.replace(" GLOB ", " REGEXP ");
    // Nor does it know that T-SQL's FETCH, like its OFFSET, takes any expression.
    let text = match text.rsplit_once(" FETCH NEXT @P") {
        Some((before, after)) => {
            let after = after.trim_start_matches(|digit: char| digit.is_ascii_digit());
            format!("{before} FETCH NEXT 1{after}")
        }
        None => text,
    };
    let parsed = Parser::parse_sql(parser, &text).unwrap_or_else(|error| panic!("{error}: {text}"));
    let [Parsed::Query(query)] = parsed.as_slice() else { panic!("not one query: {text}") };
    assert!(matches!(*query.body, SetExpr::Select(_)), "not a SELECT: {text}");
}

/// The statements of a job: the rows, and the total where the job is a read.
pub(crate) fn statements(
    dialect: &dyn Dialect,
    table: &Table,
    kind: Kind,
    options: &Value,
) -> Result<Vec<(&'static str, Statement)>> {
    Ok(match parse(kind, Some(&table.name), Some(&options.to_string()), "@semilayer/bridge-x")? {
        Request::Read(read) => vec![
            ("rows", Select::read(dialect, table, &read)?.statement),
            ("total", Select::read_total(dialect, table, &read)?),
        ],
        Request::Query(query) => vec![("rows", Select::query(dialect, table, &query)?.statement)],
        Request::Count(request) => vec![("total", count(dialect, table, &request.filter)?)],
        other => panic!("{other:?} is no SQL"),
    })
}

/// The job, then what each dialect makes of it.
pub(crate) fn shown(table: &Table, kind: Kind, options: &Value) -> String {
    let mut shown = format!("{} {options}\n", kind.as_str());
    for (name, dialect, parser) in dialects() {
        match statements(dialect, table, kind, options) {
            Ok(statements) => {
                for (what, statement) in statements {
                    is_one_select(&statement.text, parser);
                    writeln!(shown, "  {name} {what}: {}", statement.text).unwrap();
                    for (position, param) in statement.params.iter().enumerate() {
                        writeln!(shown, "    {} {:?} {:?}", position + 1, param.kind, param.value).unwrap();
                    }
                }
            }
            Err(error) => writeln!(shown, "  {name}: {error}").unwrap(),
        }
    }
    shown
}

/// Several jobs, one below the other.
pub(crate) fn all(table: &Table, kind: Kind, jobs: &[Value]) -> String {
    jobs.iter().map(|options| shown(table, kind, options)).collect::<Vec<_>>().join("\n")
}
