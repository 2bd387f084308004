//! Requests that have an answer.

use connector_model::request::aggregate::TimeUnit;
use serde_json::{Map, Value as Json, json};

use super::sales::Sales;

/// How long a list of ids has to be able to be.
const LONG_LIST: i64 = 50_000;

/// Every function on every column it suits, alone; and all that the connector `computes` together: with dimensions, over
/// no rows, and with a condition on each.
pub(super) fn measured(sales: &Sales, computes: Vec<Json>) -> Vec<Json> {
    let mut all = vec![json!({}), json!({"measures": {}, "dimensions": []})];
    all.extend(sales.measures.iter().map(|measure| json!({"measures": {"m": measure}})));
    let mut together: Map<String, Json> =
        (0..).zip(computes).map(|(at, measure): (i32, Json)| (format!("m {at}"), measure)).collect();
    let by_country = json!([{"field": "country"}]);
    all.push(json!({"measures": together, "dimensions": by_country}));
    all.push(json!({"measures": together, "candidatesWhere": {"id": -1}}));
    all.push(json!({"measures": together, "candidatesWhere": {"id": -1}, "dimensions": by_country}));
    together.values_mut().filter_map(Json::as_object_mut).for_each(|measure| {
        measure.insert("where".to_owned(), json!({"$or": [{"country": {"$gt": 50}}, {"name": "beta"}]}));
    });
    all.push(json!({ "measures": together }));
    all.push(json!({"measures": together, "dimensions": [{"field": "name"}]}));
    if sales.has_moments {
        for agg in ["first", "last"] {
            let by_change = json!({
                "id": {"agg": agg, "column": "id"},
                "name": {"agg": agg, "column": "name"},
                "early": {"agg": agg, "column": "id", "where": {"id": {"$lt": 7}}},
            });
            all.push(json!({"measures": by_change, "changeTrackingColumn": "at"}));
            all.push(json!({"measures": by_change, "changeTrackingColumn": "at", "dimensions": by_country}));
        }
    }
    all
}

/// Every unit of the calendar, steps and breaks.
pub(super) fn bucketed(sales: &Sales) -> Vec<Json> {
    let by = |field: &str, bucket: Json| {
        let dimensions = json!([{"field": field, "bucket": bucket}]);
        json!({"dimensions": dimensions, "measures": {"n": {"agg": "count"}}, "sort": [{"key": field}]})
    };
    let units: &[TimeUnit] = if sales.has_moments { &TimeUnit::ALL } else { &[] };
    let step = |step: Json| json!({"type": "numeric", "step": step});
    let breaks = |breaks: Json| json!({"type": "numeric", "breaks": breaks});
    units
        .iter()
        .map(|unit| by("at", json!(unit.as_str())))
        .chain([
            by("id", step(json!(5))),
            by("id", step(json!(0.25))),
            by("country", breaks(json!([-10, 49, 56, 1000]))),
            by("price", step(json!(0.5))),
            by("price", step(json!(2))),
            by("price", breaks(json!([-1.5, 0.25, 2.75]))),
            by("price", breaks(json!([-1e9, -0.5]))),
        ])
        .collect()
}

/// Lists as long as any.
pub(super) fn many_ids() -> Vec<Json> {
    let ids: Vec<Json> = (2..LONG_LIST).map(Json::from).chain([json!("1"), json!("x"), json!(1.5)]).collect();
    let others = json!({"n": {"agg": "count", "where": {"id": {"$nin": ids}}}});
    vec![
        json!({"ids": ids, "dimensions": [{"field": "country"}]}),
        json!({"candidatesWhere": {"id": {"$in": ids}}, "measures": others}),
    ]
}

/// `having`, `sort`, `limit` and `ids`.
pub(super) fn chosen() -> Vec<Json> {
    let by_name = |extra: Json| {
        let mut options = json!({
            "dimensions": [{"field": "name", "as": "who"}, {"field": "country"}],
            "measures": {"total": {"agg": "sum", "column": "id"}, "high": {"agg": "max", "column": "price"}},
        });
        if let (Some(options), Json::Object(extra)) = (options.as_object_mut(), extra) {
            options.extend(extra);
        }
        options
    };
    [
        json!({"having": {"total": {"$gt": 3}}}),
        json!({"having": {"total": {"$gte": 3, "$lt": 12}}}),
        json!({"having": {"total": 3}}),
        json!({"having": {"count": {"$in": [2, "3"]}}}),
        json!({"having": {"$not": {"count": 1}}}),
        json!({"having": {"high": null}}),
        json!({"having": {"high": {"$exists": true}}}),
        json!({"having": {"$or": [{"high": {"$lt": 0.5}}, {"total": {"$gt": 9}}]}}),
        json!({"having": {"$not": {"high": {"$gt": 0}}}}),
        json!({"sort": [{"key": "total", "dir": "desc"}]}),
        json!({"sort": [{"key": "total", "dir": "desc"}], "limit": 2}),
        json!({"sort": [{"key": "high"}]}),
        json!({"sort": [{"key": "high", "dir": "desc"}], "limit": 3}),
        json!({"sort": [{"key": "count"}, {"key": "who", "dir": "desc"}]}),
        json!({"sort": [{"key": "country", "dir": "desc"}, {"key": "total"}]}),
        json!({"limit": 1}),
        json!({"limit": 0}),
        json!({"ids": [1, "2", 3, "no id", 4.5]}),
        json!({"ids": []}),
        json!({"ids": [5], "candidatesWhere": {"id": {"$gt": 5}}}),
        json!({"having": {"total": {"$lt": 5}}, "sort": [{"key": "who"}], "limit": 1, "candidatesWhere": {"price": {"$ne": null}}}),
    ]
    .map(by_name)
    .into_iter()
    .chain([
        json!({"having": {"count": 0}, "candidatesWhere": {"id": -1}}),
        json!({"having": {"count": {"$gt": 0}}, "candidatesWhere": {"id": -1}}),
        json!({"limit": 0}),
        // A measure that is called like the number of rows stands for it.
        json!({
            "dimensions": [{"field": "country"}],
            "measures": {"count": {"agg": "max", "column": "id"}},
            "having": {"count": {"$gt": 4}},
            "sort": [{"key": "count", "dir": "desc"}],
        }),
        json!({"dimensions": [{"field": "country"}, {"field": "country", "as": "again"}], "sort": [{"key": "again"}]}),
    ])
    .collect()
}

/// Joins that match once, twice and never.
pub(super) fn joined(countries: &str) -> Vec<Json> {
    let join = |alias: &str| json!({"target": countries, "alias": alias, "kind": "left", "on": {"local": "country", "foreign": "id"}});
    let count = json!({"n": {"agg": "count"}, "ids": {"agg": "sum", "column": "id"}, "names": {"agg": "count_distinct", "column": "c.name"}});
    vec![
        json!({"joins": [join("c")], "dimensions": [{"field": "name", "from": "c"}], "measures": count}),
        json!({"joins": [join("c")], "dimensions": [{"field": "c.name"}, {"field": "name"}], "measures": count, "sort": [{"key": "c.name"}]}),
        json!({"joins": [join("c")], "measures": count}),
        json!({"joins": [join("c")], "measures": count, "candidatesWhere": {"c.name": null}}),
        json!({"joins": [join("c")], "measures": count, "candidatesWhere": {"$not": {"c.name": {"$contains": "i"}}}}),
        json!({"joins": [join("c")], "measures": count, "ids": [1, 2, 3]}),
        json!({"joins": [join("c"), join("d")], "measures": {"n": {"agg": "count", "where": {"d.name": "Chile"}}, "top": {"agg": "top_k", "column": "d.name", "k": 2}},
               "dimensions": [{"field": "name", "from": "c", "as": "d.name"}]}),
    ]
}

/// More groups than any buffer holds, and few over many rows.
pub(super) fn over_many() -> Vec<Json> {
    let thousands = json!([{"field": "id", "bucket": {"type": "numeric", "step": 1000}}]);
    let of_thousands = |measure: Json| json!({"dimensions": thousands, "measures": {"m": measure}});
    vec![
        json!({"dimensions": [{"field": "id"}], "sort": [{"key": "id"}]}),
        of_thousands(json!({"agg": "sum", "column": "id"})),
        of_thousands(json!({"agg": "percentile", "column": "id", "p": 0.5})),
        of_thousands(json!({"agg": "count_distinct", "column": "text"})),
        of_thousands(json!({"agg": "top_k", "column": "id", "k": 3})),
        json!({"dimensions": [{"field": "id"}], "measures": {"texts": {"agg": "top_k", "column": "text", "k": 1}}}),
    ]
}
