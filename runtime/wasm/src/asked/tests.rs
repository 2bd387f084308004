use super::*;
use connector_model::filter::{Filter, Names, parse};
use connector_model::request::{self, Kind, Request};
use proptest::prelude::*;

fn filter_of(json: &Value) -> Filter {
    parse(json, Names { bridge: "x", target: "t", option: "where" }).unwrap()
}

fn again(filter: &Filter) -> Filter {
    let json = condition(filter).map_or(json!({}), |text| serde_json::from_str(&text).unwrap());
    filter_of(&json)
}

/// A filter without the differences that mean nothing: an AND of one, or within another.
fn plain(filter: Filter) -> Filter {
    match filter {
        Filter::And(parts) => {
            let mut flat = Vec::new();
            for part in parts.into_iter().map(plain) {
                match part {
                    Filter::And(inner) => flat.extend(inner),
                    part => flat.push(part),
                }
            }
            // Columns of one name stand together in an object, and the order of an AND means nothing.
            flat.sort_by_key(|part| format!("{part:?}"));
            match flat.len() {
                1 => flat.remove(0),
                _ => Filter::And(flat),
            }
        }
        Filter::Or(parts) => Filter::Or(parts.into_iter().map(plain).collect()),
        Filter::Not(part) => Filter::Not(Box::new(plain(*part))),
        column => column,
    }
}

#[test]
fn every_operator_comes_back() {
    let json = json!({
        "a": 1, "b": {"$ne": null}, "c": {"$gt": 1.0, "$lte": "x"}, "d": ["x", null, 2.5],
        "e": {"$nin": [true]}, "f": {"$like": "a%"}, "g": {"$ilike": "_"}, "h": {"$contains": "\"\\"},
        "i": {"$startsWith": ""}, "j": {"$endsWith": "é"}, "k": {"$exists": false}, "l": {"$contains": 5},
        "m": {"$eq": 1, "$lt": 3}, "n": {"$gte": 9007199254740993_i64}, "o": 18446744073709551615_u64, "p": null,
        "$or": [{"a": 1}, {"$and": [{"a": {"$gt": 1}}, {"a": {"$gt": 2}}]}], "$not": {"$or": []},
    });
    let filter = filter_of(&json);
    assert_eq!(plain(again(&filter)), plain(filter));
}

#[test]
fn what_fits_into_the_bounds_still_fits() {
    let nested =
        (0..connector_model::filter::MAX_DEPTH).fold(json!({"a": 1, "b": {"$gt": 2}}), |inner, level| {
            if level % 2 == 0 { json!({ "$not": inner }) } else { json!({ "$and": [inner] }) }
        });
    again(&filter_of(&nested));
    let wide: Vec<Value> = (0..connector_model::filter::MAX_NODES - 2).map(|n| json!({ "a": [n] })).collect();
    again(&filter_of(&json!({ "$or": wide, "b": 1 })));
}

#[test]
fn no_condition_is_none() {
    assert_eq!(condition(&Filter::TRUE), None);
    assert_eq!(condition(&Filter::FALSE).as_deref(), Some(r#"{"$or":[]}"#));
}

#[test]
fn moments_have_microseconds_and_four_digits_of_year() {
    assert_eq!(moment(0).unwrap(), "1970-01-01T00:00:00.000000Z");
    assert_eq!(moment(1_709_299_987_654_321).unwrap(), "2024-03-01T13:33:07.654321Z");
    assert_eq!(moment(-1).unwrap(), "1969-12-31T23:59:59.999999Z");
    assert!(moment(i64::MAX).is_err() && moment(i64::MIN).is_err());
    let since = ChangedSince { column: "at".into(), micros: 1 };
    assert_eq!(
        changed(Some(&since)).unwrap().as_deref(),
        Some(
            r#"{"$and":[{"at":{"$gt":"1970-01-01T00:00:00.000001Z"}},{"at":{"$gt":"1970-01-01T00:00:00.000001Z"}}]}"#
        )
    );
}

#[test]
fn joins_are_not_a_guests_business() {
    let json = r#"{"where": {"a": 1}}"#;
    let Request::Query(mut asked) = request::parse(Kind::Query, Some("t"), Some(json), "x").unwrap() else {
        panic!("no query")
    };
    assert!(query(&asked).is_ok());
    asked.joins = vec![request::aggregate::Join {
        target: "u".into(),
        alias: "u".into(),
        local: "a".into(),
        foreign: "b".into(),
    }];
    assert_eq!(query(&asked).unwrap_err().code(), connector_model::ErrorCode::UnsupportedJob);
}

#[test]
fn an_aggregate_comes_back_whole() {
    let json = json!({
        "joins": [{"target": "users", "alias": "u", "kind": "left", "on": {"local": "user_id", "foreign": "id"}}],
        "dimensions": [
            {"field": "day", "bucket": "week", "as": "w"}, {"field": "plan", "from": "u"}, {"field": "u.x.y"},
            {"field": "n", "bucket": {"type": "numeric", "step": 0.25}, "as": "s"},
            {"field": "n", "bucket": {"type": "numeric", "breaks": [-1.5, 0, 30]}, "as": "b"},
        ],
        "measures": {
            "count": {"agg": "count"}, "c": {"agg": "count", "column": "x", "where": {"x": {"$gt": 1}}},
            "d": {"agg": "count_distinct", "column": "x", "accuracy": "fast"}, "s": {"agg": "rate", "column": "x"},
            "v": {"agg": "avg", "column": "x"}, "l": {"agg": "min", "column": "x"}, "g": {"agg": "max", "column": "x"},
            "p": {"agg": "percentile", "column": "x", "p": 0.95}, "t": {"agg": "top_k", "column": "x", "k": 3},
            "f": {"agg": "first", "column": "x"}, "z": {"agg": "last", "column": "x"},
        },
        "candidatesWhere": {"x": {"$exists": true}}, "ids": [1, "a", 2.5], "sample": 0.5,
        "having": {"count": {"$gt": 2}}, "sort": [{"key": "count", "dir": "desc"}, {"key": "w"}, {"key": "s"}],
        "limit": 7, "changeTrackingColumn": "at",
    });
    let parsed = |json: &str| match request::parse(Kind::Aggregate, Some("t"), Some(json), "x").unwrap() {
        Request::Aggregate(aggregate) => aggregate,
        other => panic!("{other:?}"),
    };
    let first = parsed(&json.to_string());
    assert_eq!(parsed(&aggregate(&first)), first);
    let least = parsed(r#"{"measures": {"n": {"agg": "count"}}}"#);
    assert_eq!(parsed(&aggregate(&least)), least);
}

fn clause() -> impl Strategy<Value = Value> {
    let operand = prop_oneof![
        any::<i64>().prop_map(Value::from),
        // Halves: serde_json reads some longer fractions as a neighbour of the double that it wrote.
        any::<i32>().prop_map(|whole| json!(f64::from(whole) + 0.5)),
        ".{0,6}".prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
    ];
    let test = (prop::sample::select(vec!["$eq", "$ne", "$gt", "$lt", "$contains", "$like"]), operand)
        .prop_map(|(operator, operand)| json!({ operator: operand }));
    let leaf = (prop::sample::select(vec!["a", "b", "c d", ""]), test)
        .prop_map(|(column, test)| json!({ column: test }));
    leaf.prop_recursive(5, 40, 4, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|parts| json!({ "$and": parts })),
            proptest::collection::vec(inner.clone(), 0..4).prop_map(|parts| json!({ "$or": parts })),
            inner.clone().prop_map(|part| json!({ "$not": part })),
            (inner.clone(), inner).prop_map(|(one, other)| {
                let mut both = one.as_object().cloned().unwrap_or_default();
                both.extend(other.as_object().cloned().unwrap_or_default());
                Value::Object(both)
            }),
        ]
    })
}

proptest! {
    #[test]
    fn any_filter_means_the_same_again(json in clause()) {
        let filter = filter_of(&json);
        prop_assert_eq!(plain(again(&filter)), plain(filter));
    }
}
