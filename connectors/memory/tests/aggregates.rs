//! What the oracle says of aggregates, against answers worked out by hand.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a helper of a test fails its test"
)]
use connector_memory::{ColumnDef, Database, Profile, Table, Value, aggregate};
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::request::{Kind, Request, parse};
use connector_model::target::LogicalType;
use connector_model::time::parse_moment;
use serde_json::{Value as Json, json};

fn column(name: &str, logical_type: LogicalType, native_type: &str) -> ColumnDef {
    ColumnDef { name: name.into(), logical_type, native_type: native_type.into(), nullable: name != "id" }
}

/// Sales; the last one is of no country, not dated and not paid.
fn sales() -> Table {
    let row = |id: i64, country: Option<i64>, price: Option<&str>, weight: Option<f64>, at: Option<&str>| {
        vec![
            Value::Integer(id),
            country.map_or(Value::Null, Value::Integer),
            price.map_or(Value::Null, |price| Value::Decimal(price.into())),
            weight.map_or(Value::Null, Value::Float),
            at.map_or(Value::Null, |at| Value::TimestampTz(parse_moment(at).unwrap())),
            Value::Json("{}".into()),
        ]
    };
    Table {
        name: "sales".into(),
        kind: "table".into(),
        columns: vec![
            column("id", LogicalType::Integer, "bigint"),
            column("country", LogicalType::Integer, "bigint"),
            column("price", LogicalType::Decimal, "numeric"),
            column("weight", LogicalType::Float, "double precision"),
            column("at", LogicalType::TimestampTz, "timestamp with time zone"),
            column("note", LogicalType::Json, "json"),
        ],
        primary_key: vec![0],
        unique_index: Vec::new(),
        rows: vec![
            row(1, Some(56), Some("0.10"), Some(1.5), Some("2020-12-31T23:59:59Z")),
            row(2, Some(56), Some("0.20"), None, Some("2021-01-03T00:00:00Z")),
            row(3, Some(49), Some("-1.50"), Some(-0.25), Some("2021-01-04T00:00:00Z")),
            row(4, Some(49), Some("0.20"), Some(0.5), Some("2021-01-04T00:00:00Z")),
            row(5, Some(49), None, Some(4.0), Some("2024-02-29T12:34:56.789Z")),
            row(6, None, None, None, None),
        ],
    }
}

fn countries() -> Table {
    let row = |id: i64, name: &str| vec![Value::Integer(id), Value::Text(name.into())];
    Table {
        name: "countries".into(),
        kind: "table".into(),
        columns: vec![
            column("id", LogicalType::Integer, "bigint"),
            column("name", LogicalType::Text, "text"),
        ],
        primary_key: vec![0],
        unique_index: Vec::new(),
        rows: vec![row(56, "Chile"), row(49, "Germany"), row(1, "Nowhere")],
    }
}

/// A name twice: a join multiplies rows.
fn names() -> Table {
    Table {
        name: "names".into(),
        primary_key: Vec::new(),
        rows: vec![
            vec![Value::Integer(56), Value::Text("Chile".into())],
            vec![Value::Integer(56), Value::Text("Chili".into())],
        ],
        ..countries()
    }
}

fn groups(options: Json) -> Result<Json> {
    let database = Database::new(vec![sales(), countries(), names()], Profile::POSTGRES).unwrap();
    let request =
        parse(Kind::Aggregate, Some("sales"), Some(&options.to_string()), "@semilayer/bridge-memory")?;
    let Request::Aggregate(request) = request else { panic!("no aggregate") };
    let groups = aggregate::groups(&database, &request)?;
    let json = groups.iter().map(|group| {
        let mut out = Vec::new();
        group.write(&mut out, &request);
        serde_json::from_slice::<Json>(&out).unwrap()
    });
    Ok(json.collect())
}

/// The measure of all rows together.
fn measured(measure: Json) -> Json {
    groups(json!({"measures": {"m": measure}})).unwrap()[0]["measures"]["m"].clone()
}

/// The labels of a dimension, sorted by it, with their counts.
fn labels(dimension: Json) -> Vec<(Json, u64)> {
    let name = dimension["field"].clone();
    let groups = groups(json!({"dimensions": [dimension], "sort": [{"key": name}]})).unwrap();
    let groups = groups.as_array().unwrap().iter();
    groups
        .map(|group| (group["dims"][name.as_str().unwrap()].clone(), group["count"].as_u64().unwrap()))
        .collect()
}

#[test]
fn every_function_over_all_rows() {
    for (measure, expected) in [
        (json!({"agg": "count"}), json!(6)),
        (json!({"agg": "count", "column": "price"}), json!(4)),
        (json!({"agg": "count", "where": {"price": {"$lt": 0.2}}}), json!(2)),
        (json!({"agg": "count_distinct", "column": "price"}), json!(3)),
        (json!({"agg": "sum", "column": "price"}), json!(-1)),
        (json!({"agg": "sum", "column": "price", "where": {"price": {"$gt": 0}}}), json!(0.5)),
        (json!({"agg": "rate", "column": "id"}), json!(21)),
        (json!({"agg": "sum", "column": "price", "where": {"id": 5}}), Json::Null),
        (json!({"agg": "sum", "column": "weight"}), json!(5.75)),
        (json!({"agg": "avg", "column": "id"}), json!(3.5)),
        (json!({"agg": "avg", "column": "price"}), json!(-0.25)),
        (json!({"agg": "avg", "column": "weight"}), json!(1.4375)),
        (json!({"agg": "avg", "column": "weight", "where": {"id": 2}}), Json::Null),
        (json!({"agg": "min", "column": "price"}), json!("-1.50")),
        (json!({"agg": "max", "column": "id"}), json!("6")),
        (json!({"agg": "max", "column": "at"}), json!("2024-02-29T12:34:56.789Z")),
        (json!({"agg": "percentile", "column": "id", "p": 0.5}), json!(3.5)),
        (json!({"agg": "percentile", "column": "id", "p": 0.9}), json!(5.5)),
        (json!({"agg": "percentile", "column": "weight", "p": 0.5}), json!(1)),
        (json!({"agg": "percentile", "column": "weight", "p": 0.5, "where": {"id": 2}}), Json::Null),
        (json!({"agg": "top_k", "column": "country", "k": 1}), json!([{"key": "49", "count": 3}])),
        (
            json!({"agg": "top_k", "column": "price", "k": 2}),
            json!([{"key": "0.20", "count": 2}, {"key": "-1.50", "count": 1}]),
        ),
        (json!({"agg": "top_k", "column": "price", "k": 2, "where": {"id": 6}}), json!([])),
        (json!({"agg": "first", "column": "price"}), json!("-1.50")),
        (json!({"agg": "last", "column": "id"}), json!("6")),
    ] {
        assert_eq!(measured(measure.clone()), expected, "{measure}");
    }
}

#[test]
fn an_inexact_mean_keeps_its_digits() {
    let mean = measured(json!({"agg": "avg", "column": "id", "where": {"id": {"$in": [1, 2, 2, 5]}}}));
    assert_eq!(mean.as_str().unwrap(), format!("2.{}", "6".repeat(40)));
}

#[test]
fn what_is_shown_as_null_is_null() {
    let mut table = sales();
    for (row, weight) in table.rows.iter_mut().zip([f64::NAN, f64::INFINITY, 1.5, f64::NEG_INFINITY, 1.5]) {
        row[3] = Value::Float(weight);
    }
    let database = Database::new(vec![table], Profile::POSTGRES).unwrap();
    let options = json!({"dimensions": [{"field": "weight"}], "measures": {
        "n": {"agg": "count_distinct", "column": "weight"}, "top": {"agg": "top_k", "column": "weight", "k": 9},
        "values": {"agg": "count", "column": "weight"}, "max": {"agg": "max", "column": "weight"},
        "last": {"agg": "last", "column": "weight"}}});
    let request =
        parse(Kind::Aggregate, Some("sales"), Some(&options.to_string()), "@semilayer/bridge-memory")
            .unwrap();
    let Request::Aggregate(mut request) = request else { panic!("no aggregate") };
    let mut json = || {
        let mut out = Vec::new();
        aggregate::groups(&database, &request).unwrap()[0].write(&mut out, &request);
        request.dimensions.clear();
        serde_json::from_slice::<Json>(&out).unwrap()
    };
    let top = json!([{"key": 1.5, "count": 2}]);
    let measures = json!({"n": 1, "top": top, "values": 2, "max": 1.5, "last": 1.5});
    assert_eq!(json(), json!({"dims": {"weight": 1.5}, "measures": measures, "count": 2}));
    assert_eq!(json(), json!({"dims": {}, "measures": measures, "count": 6}));
}

#[test]
fn unchanged_rows_never_win_and_the_smaller_key_breaks_a_tie() {
    let by = |agg: &str, column: &str, filter: Json| {
        let measure = json!({"agg": agg, "column": column, "where": filter});
        groups(json!({"measures": {"m": measure}, "changeTrackingColumn": "at"})).unwrap()[0]["measures"]["m"]
            .clone()
    };
    assert_eq!(by("last", "id", json!({})), json!("5"));
    assert_eq!(by("first", "id", json!({})), json!("1"));
    // Rows 3 and 4 changed at the same moment.
    assert_eq!(by("last", "id", json!({"id": {"$lte": 4}})), json!("3"));
    assert_eq!(by("first", "id", json!({"id": {"$gte": 3}})), json!("3"));
    // The last row's own value, even if that is NULL.
    assert_eq!(by("last", "price", json!({})), Json::Null);
    assert_eq!(by("last", "id", json!({"id": 6})), Json::Null);
    assert_eq!(by("last", "note", json!({})), json!({}));
}

#[test]
fn rows_fall_into_their_buckets() {
    let time = |unit: &str| labels(json!({"field": "at", "bucket": unit}));
    assert_eq!(time("week"), [(json!("2020-W53"), 2), (json!("2021-W01"), 2), (json!("2024-W09"), 1)]);
    assert_eq!(time("year"), [(json!("2020"), 1), (json!("2021"), 3), (json!("2024"), 1)]);
    assert_eq!(time("minute").last(), Some(&(json!("2024-02-29T12:34"), 1)));
    let step = |field: &str, step: Json| {
        labels(json!({"field": field, "bucket": {"type": "numeric", "step": step}}))
    };
    assert_eq!(
        step("price", json!(0.1)),
        [(json!("-1.5..-1.4"), 1), (json!("0.1..0.2"), 1), (json!("0.2..0.3"), 2)]
    );
    assert_eq!(step("id", json!(5)), [(json!("0..5"), 4), (json!("5..10"), 2)]);
    assert_eq!(
        step("weight", json!(0.5)),
        [(json!("-0.5..0"), 1), (json!("0.5..1"), 1), (json!("1.5..2"), 1), (json!("4..4.5"), 1)]
    );
    let breaks = json!({"field": "price", "bucket": {"type": "numeric", "breaks": [-1.5, 0.1, 0.2]}});
    assert_eq!(labels(breaks), [(json!("-1.5..0.1"), 1), (json!("0.1..0.2"), 1)]);
    assert_eq!(labels(json!({"field": "country"})), [(json!("49"), 3), (json!("56"), 2)]);
}

#[test]
fn groups_are_chosen_sorted_and_cut_in_this_order() {
    let request = |extra: Json| {
        let mut options = json!({
            "dimensions": [{"field": "price", "as": "cost"}],
            "measures": {"n": {"agg": "count"}, "weight": {"agg": "sum", "column": "weight"}},
        });
        options.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        let groups = groups(options).unwrap();
        groups.as_array().unwrap().iter().map(|group| group["dims"]["cost"].clone()).collect::<Json>()
    };
    assert_eq!(request(json!({"sort": [{"key": "n", "dir": "desc"}]})), json!(["0.20", "-1.50", "0.10"]));
    assert_eq!(request(json!({"sort": [{"key": "weight"}]})), json!(["-1.50", "0.20", "0.10"]));
    assert_eq!(request(json!({"having": {"n": {"$gte": 2}}})), json!(["0.20"]));
    assert_eq!(request(json!({"having": {"$not": {"weight": {"$lt": 0}}}})), json!(["0.10", "0.20"]));
    assert_eq!(request(json!({"candidatesWhere": {"country": 56}, "ids": [1, "3", "x"]})), json!(["0.10"]));
    assert_eq!(request(json!({"ids": []})), json!([]));
    let nothing = json!({"candidatesWhere": {"id": 0}, "measures": {"s": {"agg": "sum", "column": "id"}}});
    assert_eq!(groups(nothing).unwrap(), json!([{"dims": {}, "measures": {"s": null}, "count": 0}]));
}

#[test]
fn joined_rows_stand_beside_their_own() {
    let by_name = |target: &str| {
        groups(json!({
            "joins": [{"target": target, "alias": "c", "on": {"local": "country", "foreign": "id"}}],
            "dimensions": [{"field": "name", "from": "c"}],
            "measures": {"ids": {"agg": "sum", "column": "id"}},
            "sort": [{"key": "name"}],
        }))
        .unwrap()
    };
    assert_eq!(
        by_name("countries"),
        json!([
            {"dims": {"name": "Chile"}, "measures": {"ids": 3}, "count": 2},
            {"dims": {"name": "Germany"}, "measures": {"ids": 12}, "count": 3},
        ])
    );
    assert_eq!(
        by_name("names"),
        json!([
            {"dims": {"name": "Chile"}, "measures": {"ids": 3}, "count": 2},
            {"dims": {"name": "Chili"}, "measures": {"ids": 3}, "count": 2},
        ])
    );
    let all = groups(json!({
        "joins": [
            {"target": "names", "alias": "n", "on": {"local": "country", "foreign": "id"}},
            {"target": "countries", "alias": "c", "on": {"local": "country", "foreign": "id"}},
        ],
        "measures": {"n": {"agg": "count", "column": "n.name"}, "c": {"agg": "count", "column": "c.name"}},
        "candidatesWhere": {"$or": [{"c.name": {"$ne": "Germany"}}, {"id": 3}]},
    }));
    assert_eq!(all.unwrap(), json!([{"dims": {}, "measures": {"n": 4, "c": 5}, "count": 5}]));
}

#[test]
fn what_cannot_be_is_named() {
    let named = |error: &Error, code: ErrorCode, option: &str, word: &str| {
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(error.detail()["option"], option, "{error}");
        assert!(error.message().contains(word), "{error}");
    };
    let join = |target: &str, local: &str, foreign: &str| json!({"joins": [{"target": target, "alias": "c", "on": {"local": local, "foreign": foreign}}]});
    let measure = |json: Json| json!({"measures": {"m": json}});
    for (options, option, word) in [
        (json!({"dimensions": [{"field": "contry"}]}), "dimensions", "\"country\""),
        (json!({"dimensions": [{"field": "note"}]}), "dimensions", "\"note\""),
        (json!({"dimensions": [{"field": "id", "bucket": "day"}]}), "dimensions", "\"id\""),
        (
            json!({"dimensions": [{"field": "at", "bucket": {"type": "numeric", "step": 1}}]}),
            "dimensions",
            "\"at\"",
        ),
        (measure(json!({"agg": "sum", "column": "at"})), "measures", "\"at\""),
        (measure(json!({"agg": "percentile", "column": "note", "p": 0.5})), "measures", "\"note\""),
        (measure(json!({"agg": "min", "column": "note"})), "measures", "\"note\""),
        (measure(json!({"agg": "first", "column": "note"})), "measures", "\"note\""),
        (measure(json!({"agg": "count", "column": "pric"})), "measures", "\"price\""),
        (measure(json!({"agg": "count", "where": {"pric": 1}})), "measures", "\"price\""),
        (json!({"candidatesWhere": {"idd": 1}}), "candidatesWhere", "\"id\""),
        (json!({"candidatesWhere": {"id": {"$gt": "x"}}}), "candidatesWhere", "\"id\""),
        (json!({"having": {"count": {"$gt": "x"}}}), "having", "\"count\""),
        (json!({"changeTrackingColumn": "att"}), "changeTrackingColumn", "\"at\""),
        (json!({"changeTrackingColumn": "note"}), "changeTrackingColumn", "\"note\""),
        (join("countries", "contry", "id"), "joins", "\"country\""),
        (join("countries", "country", "idd"), "joins", "\"id\""),
        (join("countries", "c.id", "id"), "joins", "c.id"),
        (join("countries", "country", "name"), "joins", "\"country\""),
    ] {
        named(&groups(options).unwrap_err(), ErrorCode::InvalidJob, option, word);
    }
    let missing = groups(join("contries", "country", "id")).unwrap_err();
    named(&missing, ErrorCode::InvalidTarget, "joins", "\"countries\"");
    let sampled = groups(json!({"sample": 0.5})).unwrap_err();
    assert_eq!(sampled.code(), ErrorCode::UnsupportedJob);
}
