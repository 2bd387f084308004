//! A key of every type that has an order, of a primary key or of a unique index, read page by page in every direction.

use connector_memory::{Table, Value};
use connector_model::request::Kind;
use connector_model::target::LogicalType;
use serde_json::{Value as Json, json};

use super::tables::{Types, column, sample, table, text};
use crate::bench::Bench;
use crate::job::Job;
use crate::report::{Failure, Report};
use crate::subject::{Range, StoredType, Subject};
use crate::walk::walk;

/// Rows of each table, in no order.
const ROWS: [i64; 9] = [5, 1, 9, 3, 2, 8, 7, 4, 6];

/// Walks through all of them.
pub(super) async fn walk_by_every_key(subject: &dyn Subject, report: &mut Report) -> Result<(), Failure> {
    let mut bench = Bench::open(subject, tables(subject)?).await?;
    let names: Vec<String> = bench.tables().iter().map(|table| table.name.clone()).collect();
    for name in names {
        for (kind, options) in walks() {
            let job = Job::new(kind, &name, options);
            report.judged(walk(&mut bench, "keys of every type", &job).await);
        }
    }
    Ok(())
}

fn tables(subject: &dyn Subject) -> Result<Vec<Table>, Failure> {
    let types = Types::of(subject)?;
    // Of booleans there are two.
    let fits = |stored: &&StoredType| {
        stored.logical.orderable() && stored.logical != LogicalType::Boolean && stored.range != Range::Moments
    };
    let keyed = |(at, stored): (usize, &StoredType)| {
        let columns = vec![
            column("word", types.text, true),
            column("key", *stored, false),
            column("n", types.number, false),
        ];
        let rows = ROWS.map(|n| {
            let word = match n % 4 {
                0 => Value::Null,
                1 => text("a"),
                _ => text("b"),
            };
            vec![word, sample(*stored, n), Value::Integer(n)]
        });
        let table = table(&format!("key {at}"), columns, vec![1], rows.to_vec());
        match at % 2 {
            0 => table,
            _ => Table { unique_index: table.primary_key.clone(), primary_key: Vec::new(), ..table },
        }
    };
    Ok(subject.types().iter().filter(fits).enumerate().map(keyed).collect())
}

fn walks() -> Vec<(Kind, Json)> {
    vec![
        (Kind::Read, json!({"limit": 2})),
        (Kind::Read, json!({"limit": 4, "fields": ["n"]})),
        (Kind::Query, json!({"limit": 2, "orderBy": {"key": "desc"}, "select": ["n"]})),
        (Kind::Query, json!({"limit": 1, "orderBy": {"word": "asc"}, "select": ["word"]})),
        (Kind::Query, json!({"limit": 2, "orderBy": {"word": "desc", "key": "asc"}})),
        (
            Kind::Query,
            json!({"limit": 3, "orderBy": {"word": "asc", "key": "desc"}, "where": {"n": {"$gt": 2}}}),
        ),
    ]
}
