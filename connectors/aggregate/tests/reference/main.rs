//! The aggregator against plain code over plain values.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod memory;

use std::collections::{BTreeMap, BTreeSet};

use connector_aggregate::{Aggregator, Memory, STATE_BYTES, Scan};
use connector_model::Conventions;
use connector_model::error::Result;
use connector_model::json;
use connector_model::request::{self, Aggregate, Kind, Request};
use connector_model::target::{LogicalType, TargetColumn, TargetSchema};
use proptest::prelude::*;
use serde_json::{Value, json};

/// A row: its key, and columns of some types that may be NULL.
#[derive(Debug, Clone)]
struct Row {
    id: i64,
    name: Option<String>,
    whole: Option<i64>,
    /// Hundredths.
    price: Option<i128>,
    /// Microseconds since 1970.
    at: Option<i64>,
}

fn schema() -> TargetSchema {
    let column = |(name, logical_type): (&str, LogicalType)| TargetColumn {
        name: name.to_owned(),
        native_type: String::new(),
        nullable: name != "id",
        primary_key: name == "id",
        logical_type,
    };
    let columns = [
        ("id", LogicalType::Integer),
        ("name", LogicalType::Text),
        ("whole", LogicalType::Integer),
        ("price", LogicalType::Decimal),
        ("at", LogicalType::TimestampTz),
    ];
    TargetSchema {
        name: "t".to_owned(),
        kind: "table".to_owned(),
        columns: columns.map(column).into(),
        primary_key: vec!["id".to_owned()],
        key: vec!["id".to_owned()],
        row_count: None,
    }
}

/// The request's scan, and an aggregator for its rows.
fn begin(request: &Aggregate, conventions: Conventions, limit: usize) -> Result<(Scan, Aggregator)> {
    let scan = Scan::new(request, &schema(), &[], conventions.clone())?;
    let aggregator = Aggregator::new(request, &scan, conventions, limit, &Memory::default())?;
    Ok((scan, aggregator))
}

fn cents(value: i128) -> String {
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{}.{:02}", value.abs() / 100, value.abs() % 100)
}

impl Row {
    fn cell(&self, name: &str) -> String {
        let written = |write: &dyn Fn(&mut Vec<u8>)| {
            let mut cell = Vec::new();
            write(&mut cell);
            String::from_utf8(cell).unwrap()
        };
        let cell = match name {
            "id" => Some(format!("\"{}\"", self.id)),
            "name" => self.name.as_ref().map(|name| written(&|out| json::text(out, name))),
            "whole" => self.whole.map(|whole| written(&|out| json::integer_text(out, whole))),
            "price" => self.price.map(|price| format!("\"{}\"", cents(price))),
            "at" => self.at.map(|at| written(&|out| json::timestamp(out, at))),
            other => panic!("no column {other}"),
        };
        cell.unwrap_or_else(|| "null".to_owned())
    }

    /// The row as a connector writes it that was asked for these columns.
    fn write(&self, scan: &Scan) -> String {
        let cells = scan.columns.iter().map(|field| format!("\"{}\":{}", field.name, self.cell(&field.name)));
        format!("{{{}}}", cells.collect::<Vec<_>>().join(","))
    }
}

fn request(options: &Value) -> Aggregate {
    let options = options.to_string();
    match request::parse(Kind::Aggregate, Some("t"), Some(&options), "@semilayer/bridge-x").unwrap() {
        Request::Aggregate(aggregate) => aggregate,
        other => panic!("{other:?}"),
    }
}

/// The groups of the rows, given in pieces of so many.
fn groups(options: &Value, rows: &[Row], piece: usize) -> Vec<Value> {
    let (scan, mut aggregator) = begin(&request(options), Conventions::default(), STATE_BYTES).unwrap();
    for piece in rows.chunks(piece) {
        let objects: Vec<String> = piece.iter().map(|row| row.write(&scan)).collect();
        aggregator.rows(objects.join(",").as_bytes()).unwrap();
    }
    let mut groups = aggregator.finish().unwrap();
    let mut found = Vec::new();
    let mut group = Vec::new();
    while groups.write_next(&mut group) {
        found.push(serde_json::from_slice(&group).unwrap());
        group.clear();
    }
    found
}

fn number(decimal: &str) -> Value {
    let mut out = Vec::new();
    json::number_or_text(&mut out, decimal);
    serde_json::from_slice(&out).unwrap()
}

fn double(value: Option<f64>) -> Value {
    let mut out = Vec::new();
    value.map_or_else(|| json::null(&mut Vec::new()), |value| json::float64(&mut out, value));
    if out.is_empty() { Value::Null } else { serde_json::from_slice(&out).unwrap() }
}

fn moment(at: Option<i64>) -> Value {
    at.map_or(Value::Null, |at| {
        let mut out = Vec::new();
        json::timestamp(&mut out, at);
        serde_json::from_slice(&out).unwrap()
    })
}

/// What the measures of [`measures`] are of these rows.
fn expected(rows: &[&Row]) -> Value {
    let wholes: Vec<i64> = rows.iter().filter_map(|row| row.whole).collect();
    let prices: Vec<i128> = rows.iter().filter_map(|row| row.price).collect();
    let mut names: BTreeMap<&str, u64> = BTreeMap::new();
    rows.iter().filter_map(|row| row.name.as_deref()).for_each(|name| *names.entry(name).or_default() += 1);
    let mut top: Vec<(&str, u64)> = names.iter().map(|(name, count)| (*name, *count)).collect();
    top.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let mut sorted: Vec<f64> = prices.iter().map(|price| cents(*price).parse().unwrap()).collect();
    sorted.sort_by(f64::total_cmp);
    let place = 0.25 * (sorted.len().max(1) - 1) as f64;
    let low = sorted.get(place.floor() as usize).copied();
    let high = sorted.get(place.ceil() as usize).copied();
    let quarter = low.zip(high).map(|(low, high)| low + (high - low) * (place - place.floor()));
    let mut dated: Vec<&&Row> = rows.iter().filter(|row| row.at.is_some()).collect();
    dated.sort_by_key(|row| (row.at, row.id));
    let first = dated.first().copied();
    let last = dated.iter().rev().take_while(|row| row.at == dated.last().unwrap().at).last().copied();
    let total: i128 = wholes.iter().map(|whole| i128::from(*whole)).sum();
    let mean = |total: i128, count: usize| (count > 0).then(|| total as f64 / count as f64);
    let whole = |row: Option<&&Row>| {
        row.and_then(|row| row.whole).map_or(Value::Null, |whole| json!(whole.to_string()))
    };
    json!({
        "rows": rows.len(),
        "named": rows.iter().filter(|row| row.name.is_some()).count(),
        "names": names.len(),
        "wholes": wholes.iter().collect::<BTreeSet<_>>().len(),
        "total": if wholes.is_empty() { Value::Null } else { number(&total.to_string()) },
        "prices": if prices.is_empty() { Value::Null } else { number(&cents(prices.iter().sum())) },
        "mean": double(mean(total, wholes.len())),
        "least": prices.iter().min().map_or(Value::Null, |price| json!(cents(*price))),
        "greatest": wholes.iter().max().map_or(Value::Null, |whole| json!(whole.to_string())),
        "longest": rows.iter().filter_map(|row| row.name.as_deref()).max(),
        "latest": moment(rows.iter().filter_map(|row| row.at).max()),
        "quarter": double(quarter),
        "top": top.iter().take(2).map(|(key, count)| json!({"key": key, "count": count})).collect::<Vec<_>>(),
        "first": whole(first),
        "last": whole(last),
        "negative": wholes.iter().filter(|whole| **whole < 0).count(),
    })
}

fn measures() -> Value {
    json!({
        "rows": {"agg": "count"},
        "named": {"agg": "count", "column": "name"},
        "names": {"agg": "count_distinct", "column": "name"},
        "wholes": {"agg": "count_distinct", "column": "whole", "accuracy": "fast"},
        "total": {"agg": "sum", "column": "whole"},
        "prices": {"agg": "rate", "column": "price"},
        "mean": {"agg": "avg", "column": "whole"},
        "least": {"agg": "min", "column": "price"},
        "greatest": {"agg": "max", "column": "whole"},
        "longest": {"agg": "max", "column": "name"},
        "latest": {"agg": "max", "column": "at"},
        "quarter": {"agg": "percentile", "column": "price", "p": 0.25},
        "top": {"agg": "top_k", "column": "name", "k": 2},
        "first": {"agg": "first", "column": "whole"},
        "last": {"agg": "last", "column": "whole"},
        "negative": {"agg": "count", "column": "whole", "where": {"whole": {"$lt": 0}}},
    })
}

fn row() -> impl Strategy<Value = Row> {
    let names = prop::sample::select(vec!["a", "B", "ä\u{1f980}", "", "a\"b\\c\n", "zz"]);
    (
        prop::option::weighted(0.8, names),
        prop::option::weighted(0.8, prop_oneof![-3_i64..3, any::<i64>()]),
        prop::option::weighted(
            0.8,
            prop_oneof![-300_i128..300, any::<i128>().prop_map(|large| large / 1_000)],
        ),
        prop::option::weighted(0.8, prop_oneof![0_i64..3, -1_000_000_000_000_000..1_000_000_000_000_000_i64]),
    )
        .prop_map(|(name, whole, price, at)| Row {
            id: 0,
            name: name.map(str::to_owned),
            whole,
            price,
            at,
        })
}

fn rows() -> impl Strategy<Value = Vec<Row>> {
    prop::collection::vec(row(), 0..60).prop_map(|mut rows| {
        (0..).zip(&mut rows).for_each(|(id, row)| row.id = id);
        rows
    })
}

fn day(micros: i64) -> i64 {
    micros.div_euclid(86_400_000_000)
}

proptest! {
    #[test]
    fn groups_are_those_of_the_reference(rows in rows(), piece in 1_usize..20) {
        let options = json!({
            "dimensions": [{"field": "name"}, {"field": "at", "bucket": "day", "as": "day"}],
            "measures": measures(),
            "changeTrackingColumn": "at",
        });
        let mut by: BTreeMap<(&str, i64), Vec<&Row>> = BTreeMap::new();
        for row in &rows {
            if let (Some(name), Some(at)) = (&row.name, row.at) {
                by.entry((name, day(at))).or_default().push(row);
            }
        }
        let expected: Vec<Value> = by
            .iter()
            .map(|((name, day), rows)| {
                let label = moment(Some(day * 86_400_000_000)).as_str().unwrap()[..10].to_owned();
                json!({"dims": {"name": name, "day": label}, "measures": expected(rows), "count": rows.len()})
            })
            .collect();
        prop_assert_eq!(groups(&options, &rows, piece), expected);
    }

    #[test]
    fn without_dimensions_there_is_one_group(rows in rows()) {
        let options = json!({"measures": measures(), "changeTrackingColumn": "at"});
        let all: Vec<&Row> = rows.iter().collect();
        let expected = json!({"dims": {}, "measures": expected(&all), "count": rows.len()});
        prop_assert_eq!(groups(&options, &rows, 7), [expected]);
    }

    #[test]
    fn the_order_of_the_rows_changes_nothing(rows in rows(), turn in 0_usize..60) {
        let options = json!({
            "dimensions": [{"field": "whole", "bucket": {"type": "numeric", "breaks": [-10, 0, 10]}}],
            "measures": measures(),
            "changeTrackingColumn": "at",
            "sample": 0.7,
            "having": {"rows": {"$gt": 1}},
            "sort": [{"key": "prices", "dir": "desc"}],
        });
        let mut turned: Vec<Row> = rows.iter().rev().cloned().collect();
        let length = turned.len().max(1);
        turned.rotate_left(turn % length);
        prop_assert_eq!(groups(&options, &turned, 3), groups(&options, &rows, 60));
    }

    #[test]
    fn sorting_cutting_and_choosing_are_done_to_whole_groups(rows in rows(), limit in 0_usize..5) {
        let all = json!({"dimensions": [{"field": "name"}], "measures": {"total": {"agg": "sum", "column": "price"}}});
        let mut some = all.clone();
        some["having"] = json!({"$or": [{"total": {"$gte": 0}}, {"count": {"$in": [2, 4]}}]});
        some["sort"] = json!([{"key": "count", "dir": "desc"}]);
        some["limit"] = json!(limit);
        let mut expected = groups(&all, &rows, 5);
        expected.retain(|group| {
            let total = &group["measures"]["total"];
            let positive = match total {
                Value::String(digits) => !digits.starts_with('-'),
                Value::Number(number) => number.as_f64().unwrap() >= 0.0,
                _ => false,
            };
            positive || [2, 4].contains(&group["count"].as_u64().unwrap())
        });
        // Stable: ties keep the order of the dimension.
        expected.sort_by_key(|group| std::cmp::Reverse(group["count"].as_u64()));
        expected.truncate(limit);
        prop_assert_eq!(groups(&some, &rows, 5), expected);
    }
}

fn numbered(count: i64) -> Vec<Row> {
    (0..count).map(|id| Row { id, name: None, whole: Some(id), price: None, at: None }).collect()
}

#[test]
fn a_sample_is_a_share_of_the_rows_and_the_same_each_time() {
    let rows = numbered(20_000);
    let count = |share: f64, rows: &[Row]| {
        groups(&json!({"sample": share}), rows, 1_000)[0]["count"].as_u64().unwrap()
    };
    for share in [0.01, 0.1, 0.5, 0.9] {
        let found = count(share, &rows) as f64;
        let expected = 20_000.0 * share;
        assert!((found - expected).abs() < 5.0 * expected.sqrt(), "{share}: {found}");
    }
    // What is in a small sample is in a greater one, and a row is in it or not whatever comes with it.
    let (front, back) = rows.split_at(7_000);
    assert_eq!(count(0.1, front) + count(0.1, back), count(0.1, &rows));
}

#[test]
fn what_cannot_be_computed_is_refused_by_its_name() {
    let refused = |options: &Value| {
        let error = begin(&request(options), Conventions::default(), STATE_BYTES).unwrap_err();
        assert_eq!(error.code().as_str(), "INVALID_JOB", "{options}: {error}");
        error.detail()["option"].as_str().unwrap().to_owned()
    };
    for (options, option) in [
        (json!({"dimensions": [{"field": "whole", "bucket": "day"}]}), "dimensions[0].bucket"),
        (json!({"dimensions": [{"field": "name", "bucket": "day"}]}), "dimensions[0].bucket"),
        (json!({"dimensions": [{"field": "id"}, {"field": "nam"}]}), "dimensions[1].field"),
        (json!({"measures": {"m": {"agg": "max", "column": "nam"}}}), "measures.m.column"),
        (json!({"measures": {"m": {"agg": "count", "where": {"nam": 1}}}}), "measures.m.where"),
        (json!({"candidatesWhere": {"nam": 1}}), "candidatesWhere"),
        (json!({"candidatesWhere": {"whole": {"$lte": "x"}}}), "candidatesWhere"),
        (json!({"changeTrackingColumn": "nam"}), "changeTrackingColumn"),
        (
            json!({"dimensions": [{"field": "name", "bucket": {"type": "numeric", "step": 1}}]}),
            "dimensions[0].bucket",
        ),
        (json!({"measures": {"m": {"agg": "sum", "column": "name"}}}), "measures.m.column"),
        (json!({"measures": {"m": {"agg": "percentile", "column": "at", "p": 0.5}}}), "measures.m.column"),
        (json!({"measures": {"m": {"agg": "count", "where": {"whole": {"$gt": "x"}}}}}), "measures.m.where"),
        (json!({"measures": {"m": {"agg": "count"}}, "having": {"m": {"$lt": "x"}}}), "having"),
    ] {
        assert_eq!(refused(&options), option, "{options}");
    }
}

#[test]
fn letters_lose_their_case_as_in_the_database() {
    let request =
        request(&json!({"measures": {"n": {"agg": "count", "where": {"name": {"$contains": "ÉC"}}}}}));
    let count = |folds_beyond_ascii: bool| -> Value {
        let conventions = Conventions { folds_beyond_ascii, ..Conventions::default() };
        let (_, mut aggregator) = begin(&request, conventions, STATE_BYTES).unwrap();
        aggregator.rows("{\"name\":\"école\"},{\"name\":\"Écu\"},{\"name\":\"ecu\"}".as_bytes()).unwrap();
        let mut out = Vec::new();
        aggregator.finish().unwrap().write_next(&mut out);
        serde_json::from_slice::<Value>(&out).unwrap()["measures"]["n"].clone()
    };
    assert_eq!((count(true), count(false)), (json!(2), json!(1)));
}

#[test]
fn null_stands_where_the_database_has_it() {
    let mut rows = numbered(3);
    rows[1].whole = None;
    let options = json!({
        "dimensions": [{"field": "id"}],
        "measures": {"m": {"agg": "sum", "column": "whole"}},
        "sort": [{"key": "m"}],
    });
    let order = |nulls_last: bool| -> Vec<Value> {
        let conventions = Conventions { nulls_last, ..Conventions::default() };
        let (scan, mut aggregator) = begin(&request(&options), conventions, STATE_BYTES).unwrap();
        let objects: Vec<String> = rows.iter().map(|row| row.write(&scan)).collect();
        aggregator.rows(objects.join(",").as_bytes()).unwrap();
        let mut groups = aggregator.finish().unwrap();
        let mut out = b"[".to_vec();
        while groups.write_next(&mut out) {
            out.push(if groups.is_empty() { b']' } else { b',' });
        }
        let found: Vec<Value> = serde_json::from_slice(&out).unwrap();
        found.iter().map(|group| group["measures"]["m"].clone()).collect()
    };
    assert_eq!(order(false), [Value::Null, json!(0), json!(2)]);
    assert_eq!(order(true), [json!(0), json!(2), Value::Null]);
}

#[test]
fn the_scan_asks_for_what_is_looked_at_and_no_more() {
    let names = |options: Value| {
        let scan = begin(&request(&options), Conventions::default(), STATE_BYTES).unwrap().0;
        assert_eq!(scan.query.select.unwrap().len(), scan.columns.len());
        assert!(scan.query.limit.is_none() && scan.query.order_by.is_empty() && !scan.query.include_total);
        scan.columns.into_iter().map(|field| field.name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(json!({"candidatesWhere": {"at": null}})), "id", "rows are counted");
    let measured = json!({"agg": "sum", "column": "price", "where": {"whole": 1}});
    assert_eq!(
        names(json!({"dimensions": [{"field": "name"}], "measures": {"m": measured}})),
        "name price whole"
    );
    let last = json!({"agg": "last", "column": "name"});
    assert_eq!(names(json!({"measures": {"m": last}, "changeTrackingColumn": "at"})), "id name at");
    assert_eq!(names(json!({"sample": 0.5})), "id");
}

#[test]
fn ids_need_a_key_of_one_column() {
    let request = request(&json!({"ids": [1, "2", "x"]}));
    let scan = |key: &[&str]| {
        let key = key.iter().map(|name| (*name).to_owned()).collect();
        Scan::new(&request, &TargetSchema { key, ..schema() }, &[], Conventions::default())
    };
    assert!(scan(&["id"]).is_ok());
    for key in [&[][..], &["id", "name"]] {
        let error = scan(key).unwrap_err();
        assert_eq!(error.detail()["option"], json!("ids"), "{error}");
        assert!(error.message().contains("`candidatesWhere`"), "{error}");
    }
}

#[test]
fn numbers_of_single_precision_are_what_they_are_in_double_precision() {
    let mut schema = schema();
    schema.columns[2].logical_type = LogicalType::Float;
    schema.columns[2].native_type = "real".to_owned();
    let conventions = Conventions { single_precision: vec!["real".into()], ..Conventions::default() };
    let request = request(&json!({"measures": {
        "sum": {"agg": "sum", "column": "whole"},
        "least": {"agg": "min", "column": "whole"},
        "equal": {"agg": "count", "where": {"whole": 0.3}},
        "above": {"agg": "count", "where": {"whole": {"$gt": 0.3}}},
    }}));
    let scan = Scan::new(&request, &schema, &[], conventions.clone()).unwrap();
    let mut aggregator =
        Aggregator::new(&request, &scan, conventions, STATE_BYTES, &Memory::default()).unwrap();
    aggregator.rows(br#"{"whole":0.3}"#).unwrap();
    let mut out = Vec::new();
    aggregator.finish().unwrap().write_next(&mut out);
    let measures = &serde_json::from_slice::<Value>(&out).unwrap()["measures"];
    assert_eq!(*measures, json!({"sum": f64::from(0.3_f32), "least": 0.3, "equal": 1, "above": 0}));
}
