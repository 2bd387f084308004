//! The contract's `where` table, row by row.

use connector_memory::ColumnDef;
use connector_model::request::Kind;
use connector_model::target::LogicalType;
use serde_json::{Value as Json, json};

use super::tables::{EMPTY, LOG, PEOPLE, WORDS, fixed};
use crate::bench::Bench;
use crate::job::Job;
use crate::report::{Failure, Report};
use crate::subject::Subject;

/// How long an `$in` list has to be able to be.
const LONG_LIST: i64 = 50_000;

/// Runs the cases.
///
/// # Errors
/// The engine could not be filled.
pub async fn run(subject: &dyn Subject, report: &mut Report) -> Result<(), Failure> {
    let capabilities = subject.capabilities();
    if !capabilities.where_pushdown {
        return Ok(());
    }
    let mut bench = Bench::open(subject, fixed(subject)?).await?;
    let names: Vec<String> = bench.tables().iter().map(|table| table.name.clone()).collect();
    for (at, filter) in filters().into_iter().chain(every_type(&bench)).chain([(PEOPLE, nested(64))]) {
        let Some(target) = names.get(at) else { continue };
        if !declared(&filter, &capabilities.where_logical_ops, &capabilities.where_string_ops) {
            continue;
        }
        for kind in [Kind::Query, Kind::Count] {
            let job = Job::new(kind, target, json!({ "where": filter }));
            report.judged(bench.check("the where table", &job).await);
        }
    }
    Ok(())
}

/// Whether the connector declares every operator that the filter uses.
fn declared(filter: &Json, logical: &[&str], strings: &[&str]) -> bool {
    const COMPARISONS: [&str; 9] = ["$eq", "$ne", "$gt", "$gte", "$lt", "$lte", "$in", "$nin", "$exists"];
    match filter {
        Json::Object(entries) => entries.iter().all(|(key, value)| {
            let known = |names: &[&str]| names.contains(&key.as_str());
            let is_optional =
                known(&["$and", "$or", "$not"]) || known(connector_model::Capabilities::STRING_OPS);
            (known(&COMPARISONS) || known(logical) || known(strings) || !is_optional)
                && declared(value, logical, strings)
        }),
        Json::Array(items) => items.iter().all(|item| declared(item, logical, strings)),
        _ => true,
    }
}

fn filters() -> Vec<(usize, Json)> {
    let ids: Vec<Json> = (0..LONG_LIST).map(Json::from).chain([json!("x"), Json::Null]).collect();
    let words: Vec<String> = (0..LONG_LIST).map(|n| format!("w{n}")).chain(["a".to_owned()]).collect();
    let people = [
        json!({}),
        json!({"age": 36}),
        json!({"age": "36"}),
        json!({"age": null}),
        json!({"age": {"$eq": null}}),
        json!({"age": {"$ne": null}}),
        json!({"age": {"$ne": 36}}),
        json!({"age": {"$nin": [36]}}),
        json!({"$not": {"age": 36}}),
        json!({"$not": {"age": 36, "name": ""}}),
        json!({"$not": {"age": {"$gt": 7, "$lt": 40}}}),
        json!({"$not": {"$or": [{"age": 36}, {"name": null}]}}),
        json!({"age": {"$in": []}}),
        json!({"age": {"$nin": []}}),
        json!({"$not": {"age": {"$in": []}}}),
        json!({"$not": {"age": {"$nin": []}}}),
        json!({"age": {"$in": ["x", 7, "36", 1.5]}}),
        json!({"age": {"$in": ["x"]}}),
        json!({"$not": {"age": {"$in": ["x"]}}}),
        json!({"age": {"$nin": ["x"]}}),
        json!({"age": {"$nin": ["x", 7]}}),
        json!({"$not": {"age": {"$nin": ["x"]}}}),
        json!({"$not": {"age": {"$nin": ["x", 7]}}}),
        json!({"$not": {"age": {"$nin": ["x", null]}}}),
        json!({"age": {"$in": [7, null]}}),
        json!({"age": {"$in": [null]}}),
        json!({"age": {"$nin": [7, null]}}),
        json!({"age": {"$nin": [null]}}),
        json!({"$not": {"age": {"$in": [7, null]}}}),
        json!({"$not": {"age": {"$nin": [7, null]}}}),
        json!({"age": [7, 8]}),
        json!({"age": []}),
        json!({"$or": []}),
        json!({"$and": []}),
        json!({"$not": {}}),
        json!({"$not": {"$or": []}}),
        json!({"age": {}}),
        json!({"$or": [{}, {"age": 1}]}),
        json!({"$or": [{"age": 7}, {"name": "Ada"}], "id": {"$lt": 3}}),
        json!({"$and": [{"$or": [{"id": 1}, {"id": 2}]}, {"$or": [{"id": 2}, {"id": 3}]}]}),
        json!({"name": {"$contains": "ADA"}}),
        json!({"name": {"$contains": "%"}}),
        json!({"name": {"$contains": "_"}}),
        json!({"name": {"$contains": "\\"}}),
        json!({"name": {"$contains": "[x]"}}),
        json!({"name": {"$contains": "*"}}),
        json!({"name": {"$contains": ""}}),
        json!({"name": {"$endsWith": "_\\"}}),
        json!({"name": {"$startsWith": "bo"}}),
        json!({"name": {"$startsWith": "[X"}}),
        json!({"name": {"$like": "A%"}}),
        json!({"name": {"$like": "_da"}}),
        json!({"name": {"$like": "[x]%"}}),
        json!({"name": {"$like": "%*?"}}),
        json!({"name": {"$like": "%\\"}}),
        json!({"name": {"$like": "%\\\\"}}),
        json!({"name": {"$ilike": "A%"}}),
        json!({"name": {"$ilike": "%\\%"}}),
        json!({"name": {"$ilike": "%b\\_%"}}),
        json!({"name": {"$contains": 1}}),
        json!({"name": {"$like": null}}),
        json!({"$not": {"name": {"$contains": 1}}}),
        json!({"$not": {"name": {"$contains": "a"}}}),
        json!({"age": {"$startsWith": "3"}}),
        json!({"age": {"$like": "%7"}}),
        json!({"age": {"$exists": false}}),
        json!({"$not": {"age": {"$exists": false}}}),
        json!({"age": "thirty"}),
        json!({"$not": {"age": "thirty"}}),
        json!({"age": {"$ne": "thirty"}}),
        json!({"$not": {"age": {"$ne": "thirty"}}}),
        json!({"age": {"$gt": "thirty"}}),
        json!({"age": {"$lte": true}}),
        json!({"age": {"$gte": 7.5}}),
        json!({"age": 36.0}),
        json!({"age": "36.00"}),
        json!({"age": i64::MAX}),
        json!({"age": {"$lt": 9_223_372_036_854_775_808_u64}}),
        json!({"age": {"$gte": 9_223_372_036_854_775_808_u64}}),
        json!({"age": {"$gt": "-9223372036854775809"}}),
        json!({"age": {"$lt": 1e300}}),
        json!({"name": 36}),
        json!({"name": {"$gt": "A", "$lt": "a"}}),
        json!({"id": {"$in": ids}}),
        json!({"id": {"$nin": ids}}),
        json!({"$regex": "x"}),
        json!({"$nor": []}),
        json!({"age": {"$regex": "x"}}),
        json!({"age": {"": 1}}),
    ];
    let log = [json!({"text": "b"}), json!({"level": {"$lt": 2}})];
    let elsewhere = [
        (EMPTY, json!({"id": 1})),
        (EMPTY, json!({"id": {"$gt": "x"}})),
        (WORDS, json!({ "word": words })),
        (WORDS, json!({"word": {"$in": ["v1.", "", "日本語", null, 7]}})),
    ];
    let at = |table| move |filter| (table, filter);
    people.into_iter().map(at(PEOPLE)).chain(log.into_iter().map(at(LOG))).chain(elsewhere).collect()
}

/// Every other type, held against what is in it, what is not, and what cannot be.
fn every_type(bench: &Bench<'_>) -> Vec<(usize, Json)> {
    let Some(people) = bench.tables().get(PEOPLE) else { return Vec::new() };
    let profile = bench.oracle().profile();
    let mut filters = Vec::new();
    // An array's text is each engine's own.
    let comparable = |column: &ColumnDef| column.logical_type != LogicalType::Array;
    for (at, column) in people.columns.iter().enumerate().skip(3).filter(|(_, column)| comparable(column)) {
        let name = &column.name;
        let shown = |row: &Vec<connector_memory::Value>| -> Option<Json> {
            let mut out = Vec::new();
            profile.write(&mut out, column, row.get(at)?);
            serde_json::from_slice(&out).ok().filter(|json: &Json| !json.is_null() && !json.is_object())
        };
        for value in people.rows.iter().filter_map(shown) {
            filters.extend([
                json!({ name: value }),
                json!({ name: {"$ne": value} }),
                json!({ name: {"$gt": value} }),
                json!({ name: {"$lte": value} }),
                json!({ name: [value, null] }),
            ]);
        }
        filters.extend([
            json!({ name: "no value of it" }),
            json!({ name: {"$ne": "no value of it"} }),
            json!({ name: {"$nin": ["no value of it", null]} }),
            json!({ name: {"$exists": true} }),
            json!({ name: {"$lt": "no value of it"} }),
        ]);
    }
    filters.into_iter().map(|filter| (PEOPLE, filter)).collect()
}

/// A filter of this depth that passes the rows whose age is known: an even number of negations.
fn nested(depth: usize) -> Json {
    (0..depth - depth % 2).fold(json!({"age": {"$gt": 7}}), |inner, _| json!({ "$not": inner }))
}
