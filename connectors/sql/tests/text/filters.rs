//! Every operator, and every case of the `where` language.

use connector_model::request::Kind;
use serde_json::{Value, json};

use super::shown::all;
use super::tables::{everything, quoted};

fn conditions(filters: &[Value]) -> String {
    let jobs: Vec<Value> = filters.iter().map(|filter| json!({"where": filter})).collect();
    all(&everything(), Kind::Count, &jobs)
}

#[test]
fn operators() {
    insta::assert_snapshot!(conditions(&[
        json!({"integer": 5}),
        json!({"integer": {"$eq": 5}}),
        json!({"integer": {"$ne": 5}}),
        json!({"integer": {"$gt": 5}}),
        json!({"integer": {"$gte": 5}}),
        json!({"integer": {"$lt": 5}}),
        json!({"integer": {"$lte": 5}}),
        json!({"integer": {"$in": [1, 2]}}),
        json!({"integer": {"$nin": [1, 2]}}),
        json!({"text": {"$like": "A%_\\%*[?"}}),
        json!({"text": {"$ilike": "a%\\"}}),
        json!({"text": {"$contains": "50%_\\x"}}),
        json!({"text": {"$startsWith": "a"}}),
        json!({"text": {"$endsWith": "z"}}),
        json!({"text": {"$exists": true}}),
        json!({"text": {"$exists": false}}),
    ]));
}

#[test]
fn null_lists_and_logic() {
    insta::assert_snapshot!(conditions(&[
        json!({"integer": null}),
        json!({"integer": {"$ne": null}}),
        json!({"integer": {"$in": [1, null]}}),
        json!({"integer": {"$nin": [1, null]}}),
        json!({"integer": {"$in": [null]}}),
        json!({"integer": {"$nin": [null]}}),
        json!({"integer": {"$in": []}}),
        json!({"integer": {"$nin": []}}),
        json!({"integer": {"$in": ["x", 1]}}),
        json!({"integer": {"$in": ["x"]}}),
        json!({"integer": {"$nin": ["x", 1]}}),
        json!({"integer": {"$nin": ["x"]}}),
        json!({"integer": "x"}),
        json!({"integer": {"$ne": "x"}}),
        json!({"integer": {"$gt": "x"}}),
        json!({"integer": {}}),
        json!({}),
        json!({"$and": []}),
        json!({"$or": []}),
        json!({"$not": {}}),
        json!({"$not": {"integer": 1, "text": "a"}}),
        json!({"$not": {"integer": {"$gt": 1, "$lt": 5}}}),
        json!({"$or": [{"integer": 1, "text": "a"}, {"$and": [{"text": "b"}, {"$not": {"text": "c"}}]}]}),
        json!({"text": {"$contains": 5}}),
        json!({"integer": {"$contains": "5"}}),
        json!({"integer": {"$regex": "5"}}),
        json!({"$nor": []}),
    ]));
}

#[test]
fn operands_are_typed_as_their_columns() {
    insta::assert_snapshot!(conditions(&[
        json!({"boolean": true, "$or": [{"boolean": "false"}]}),
        json!({"integer": {"$in": ["7", 9_223_372_036_854_775_808_u64]}}),
        json!({"integer": {"$gt": "-9223372036854775809"}}),
        json!({"integer": {"$lt": 1.5}}),
        json!({"float": {"$in": [0.1, 2, "1e400"]}}),
        json!({"real": 0.1}),
        json!({"decimal": "12345678901234567890.10"}),
        json!({"decimal": {"$in": [1, "2.5"]}}),
        json!({"bytes": {"$in": ["AP8=", ""]}}),
        json!({"bytes": {"$ne": "AP8="}}),
        json!({"date": {"$gte": "2024-02-29"}}),
        json!({"time": "10:00:00.5"}),
        json!({"timestamp": {"$lt": "2024-03-01T10:00:00+02:00"}}),
        json!({"timestamptz": {"$in": ["2024-03-01T10:00:00.000001Z", 0]}}),
        json!({"uuid": {"$in": ["ABABABAB-ABAB-ABAB-ABAB-ABABABABABAB", "no"]}}),
        json!({"json": "{}"}),
        json!({"array": {"$contains": "1"}}),
        json!({"geometry": {"$eq": "POINT(1 2)"}}),
        json!({"unknown": {"$gt": 5}}),
        json!({"text": {"$in": [true, 5, "a\u{0}b"]}}),
    ]));
}

#[test]
fn names_in_quotes() {
    insta::assert_snapshot!(all(
        &quoted(),
        Kind::Query,
        &[
            json!({"where": {"sel\"ect": {"$in": [1]}, "a`b": {"$contains": "'"}}, "orderBy": {"c.d'; --": "desc"}, "limit": 1}),
        ]
    ));
}

#[test]
fn a_column_that_is_not_there_is_named_with_its_option_and_the_nearest() {
    let table = everything();
    for (kind, options) in [
        (Kind::Query, json!({"where": {"$or": [{"intger": 1}]}})),
        (Kind::Query, json!({"select": ["id", "intger"]})),
        (Kind::Query, json!({"orderBy": {"intger": "asc"}})),
        (Kind::Read, json!({"fields": ["intger"]})),
        (Kind::Read, json!({"changedSince": 0, "changeTrackingColumn": "intger"})),
        (Kind::Count, json!({"where": {"intger": 1}})),
    ] {
        for (_, dialect, _) in super::shown::dialects() {
            let error = super::shown::statements(dialect, &table, kind, &options).unwrap_err();
            assert_eq!(error.code(), connector_model::ErrorCode::InvalidJob);
            assert_eq!(error.detail()["column"], "intger");
            let option = error.detail()["option"].as_str().unwrap();
            assert!(options.get(option).is_some(), "{option} is not among {options}");
            assert!(error.message().contains("did you mean \"integer\""), "{error}");
        }
    }
}

#[test]
fn ten_thousand_conditions_nest_no_deeper_than_an_engine_reads() {
    let any: Vec<Value> = (0..9_000).map(|id| json!({"id": id})).collect();
    let options = json!({"where": {"$or": any}});
    for (_, dialect, _) in super::shown::dialects() {
        let statements = super::shown::statements(dialect, &everything(), Kind::Count, &options).unwrap();
        let (_, statement) = &statements[0];
        assert_eq!(statement.params.len(), 9_000);
        let deepest = statement.text.bytes().fold((0_i32, 0), |(depth, deepest), byte| {
            let depth = depth + i32::from(byte == b'(') - i32::from(byte == b')');
            (depth, deepest.max(depth))
        });
        assert_eq!(deepest.0, 0);
        assert!(deepest.1 < 20, "{deepest:?}");
    }
}
