//! Whole requests: columns, limits, offsets, totals.

use connector_model::request::Kind;
use serde_json::json;

use super::shown::all;
use super::tables::{composite, everything, keyless};

#[test]
fn reads() {
    insta::assert_snapshot!(all(
        &composite(),
        Kind::Read,
        &[
            json!({}),
            json!({"limit": 10}),
            json!({"limit": 0}),
            json!({"limit": 10, "fields": ["m"]}),
            json!({"fields": ["a", "b"], "changedSince": "2024-03-01T10:00:00Z", "changeTrackingColumn": "m"}),
            json!({"cursor": "7"}),
        ]
    ));
}

#[test]
fn changed_since_in_every_type() {
    let moments = ["date", "timestamp", "timestamptz", "text", "integer", "decimal", "float"];
    let jobs = moments.map(|column| {
        json!({"fields": ["id"], "changedSince": "2024-03-01T12:00:00.000001+02:00", "changeTrackingColumn": column})
    });
    insta::assert_snapshot!(all(&everything(), Kind::Read, &jobs));
}

#[test]
fn queries() {
    insta::assert_snapshot!(all(
        &composite(),
        Kind::Query,
        &[
            json!({}),
            json!({"limit": 10}),
            json!({"limit": 0}),
            json!({"offset": 5}),
            json!({"limit": 10, "offset": 5}),
            json!({"limit": 9_223_372_036_854_775_807_i64, "offset": 9_223_372_036_854_775_807_i64}),
            json!({"select": ["m"], "orderBy": [{"field": "n", "dir": "desc"}]}),
            json!({"select": ["m"], "orderBy": {"n": "asc"}, "limit": 10}),
            json!({"where": {"n": 1}, "orderBy": [{"field": "a"}, {"field": "a", "dir": "desc"}], "limit": 1}),
        ]
    ));
}

#[test]
fn a_table_without_a_key_is_ordered_by_all_it_can_be() {
    insta::assert_snapshot!(all(
        &keyless(),
        Kind::Query,
        &[json!({"limit": 1}), json!({"limit": 1, "orderBy": {"doc": "asc"}}), json!({})]
    ));
}

#[test]
fn every_type_is_fetched_and_ordered() {
    let types = everything().columns.into_iter().map(|column| column.name).collect::<Vec<_>>();
    let order: Vec<_> = types.iter().map(|name| json!({"field": name})).collect();
    insta::assert_snapshot!(all(&everything(), Kind::BatchRead, &[json!({"orderBy": order})]));
}
