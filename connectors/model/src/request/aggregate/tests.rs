//! Wrong options are named, right ones are read.

use super::*;
use crate::error::{ErrorCode, Result};
use crate::request::{Kind, Request, parse};
use serde_json::{Value, json};

fn job(options: Value) -> Result<Aggregate> {
    match parse(Kind::Aggregate, Some("t"), Some(&options.to_string()), "@semilayer/bridge-x")? {
        Request::Aggregate(aggregate) => Ok(aggregate),
        other => panic!("{other:?}"),
    }
}

fn measure(json: Value) -> Value {
    json!({"measures": {"m": json}})
}

fn dimension(json: Value) -> Value {
    json!({"dimensions": [json]})
}

#[test]
fn every_wrong_part_is_named() {
    let joined = |json: Value| json!({"joins": [json]});
    let on = json!({"local": "a", "foreign": "b"});
    for (options, option) in [
        (measure(json!({"agg": "percentile", "column": "x", "p": 2})), "measures.m.p"),
        (measure(json!({"agg": "percentile", "column": "x", "p": "0.5"})), "measures.m.p"),
        (measure(json!({"agg": "percentile", "column": "x"})), "measures.m.p"),
        (measure(json!({"agg": "percentile", "p": 0.5})), "measures.m.column"),
        (measure(json!({"agg": "sum", "column": "x", "p": 0.5})), "measures.m.p"),
        (measure(json!({"agg": "top_k", "column": "x", "k": 0})), "measures.m.k"),
        (measure(json!({"agg": "top_k", "column": "x", "k": 1.5})), "measures.m.k"),
        (measure(json!({"agg": "top_k", "column": "x", "k": 1_000_000})), "measures.m.k"),
        (measure(json!({"agg": "median", "column": "x"})), "measures.m.agg"),
        (measure(json!({"agg": "sum", "column": 7})), "measures.m.column"),
        (measure(json!({"agg": "sum"})), "measures.m.column"),
        (measure(json!({"agg": "sum", "column": "x", "accuracy": "rough"})), "measures.m.accuracy"),
        (measure(json!({"agg": "sum", "column": "x", "wher": {}})), "measures.m"),
        (measure(json!({"agg": "sum", "column": "x", "where": {"a": {"$gt": null}}})), "measures.m.where"),
        (measure(json!("sum")), "measures.m"),
        (json!({"measures": []}), "measures"),
        (json!({"dimensions": {}}), "dimensions"),
        (dimension(json!({})), "dimensions[0].field"),
        (dimension(json!("a")), "dimensions[0]"),
        (dimension(json!({"field": "a", "bucket": "decade"})), "dimensions[0].bucket"),
        (dimension(json!({"field": "a", "bucket": {"type": "numeric"}})), "dimensions[0].bucket"),
        (
            dimension(json!({"field": "a", "bucket": {"type": "numeric", "step": "1) * (select 1"}})),
            "dimensions[0].bucket.step",
        ),
        (
            dimension(json!({"field": "a", "bucket": {"type": "numeric", "step": 0}})),
            "dimensions[0].bucket.step",
        ),
        (
            dimension(json!({"field": "a", "bucket": {"type": "numeric", "step": 1, "breaks": [0, 1]}})),
            "dimensions[0].bucket",
        ),
        (
            dimension(json!({"field": "a", "bucket": {"type": "numeric", "breaks": [1, 0]}})),
            "dimensions[0].bucket.breaks",
        ),
        (dimension(json!({"field": "a", "from": "b"})), "dimensions[0].from"),
        (json!({"dimensions": [{"field": "a"}, {"field": "b", "as": "a"}]}), "dimensions[1]"),
        (joined(json!({"target": "u", "alias": "t; drop", "on": on})), "joins[0].alias"),
        (joined(json!({"target": "u", "alias": "1u", "on": on})), "joins[0].alias"),
        (joined(json!({"target": "u", "alias": "u", "kind": "inner", "on": on})), "joins[0].kind"),
        (joined(json!({"target": "u", "alias": "u"})), "joins[0].on"),
        (joined(json!({"target": "u", "alias": "u", "on": {"local": "a"}})), "joins[0].on.foreign"),
        (joined(json!({"alias": "u", "on": on})), "joins[0].target"),
        (
            json!({"joins": [{"target": "u", "alias": "u", "on": on}, {"target": "v", "alias": "u", "on": on}]}),
            "joins[1].alias",
        ),
        (json!({"having": {"nothing": 1}}), "having"),
        (json!({"measures": {"m": {"agg": "top_k", "column": "x", "k": 2}}, "having": {"m": 1}}), "having"),
        (json!({"sort": [{"key": "nothing"}]}), "sort[0].key"),
        (json!({"sort": [{"key": "count", "dir": "up"}]}), "sort[0].dir"),
        (json!({"sort": {"count": "asc"}}), "sort"),
        (json!({"limit": -1}), "limit"),
        (json!({"limit": "10"}), "limit"),
        (json!({"sample": 0}), "sample"),
        (json!({"sample": 1.5}), "sample"),
        (json!({"sample": "0.5"}), "sample"),
        (json!({"ids": "a"}), "ids"),
        (json!({"ids": [null]}), "ids"),
        (json!({"candidatesWhere": {"a": {"$in": 1}}}), "candidatesWhere"),
        (json!({"changeTrackingColumn": 7}), "changeTrackingColumn"),
    ] {
        let error = job(options.clone()).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidJob, "{options}: {error}");
        assert_eq!(error.detail().get("option"), Some(&json!(option)), "{options}: {error}");
        assert!(error.message().contains(&format!("`{option}`")), "{options}: {error}");
    }
}

#[test]
fn buckets_that_come_later_are_unsupported() {
    for kind in ["geohash", "h3", "semantic"] {
        let error = job(dimension(json!({"field": "a", "bucket": {"type": kind}}))).unwrap_err();
        assert_eq!(error.code(), ErrorCode::UnsupportedJob, "{kind}");
    }
}

#[test]
fn a_whole_request_is_read() {
    let aggregate = job(json!({
        "joins": [{"target": "u", "alias": "u", "kind": "left", "on": {"local": "a", "foreign": "b"}}],
        "dimensions": [{"field": "c", "from": "u", "as": "what"}, {"field": "d", "bucket": "week"}],
        "measures": {
            "rate": {"agg": "rate", "column": "x"},
            "top": {"agg": "top_k", "column": "y", "k": 3, "accuracy": "fast"},
        },
        "candidatesWhere": {"u.c": {"$ne": null}},
        "ids": ["a", 7],
        "sample": 1,
        "having": {"rate": {"$gt": 1}, "count": {"$lt": 9}},
        "sort": [{"key": "count", "dir": "desc"}, {"key": "rate"}, {"key": "what"}],
        "limit": 5,
    }))
    .unwrap();
    assert_eq!(aggregate.dimensions[0].column, "u.c");
    assert_eq!(aggregate.measures[0].function, Function::Sum("x".into()));
    assert_eq!(aggregate.measures[1].function, Function::TopK("y".into(), 3, Accuracy::Fast));
    assert_eq!(aggregate.sample, None, "all of them is no sample");
    let keys = [SortKey::Count, SortKey::Measure(0), SortKey::Dimension(0)];
    assert_eq!(aggregate.sort.iter().map(|sort| sort.key).collect::<Vec<_>>(), keys);
}
