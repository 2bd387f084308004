//! Aggregates that cannot be, and SQL in every name.

use serde_json::{Value as Json, json};

use super::sales::Sales;
use crate::ddl::quoted;

/// Requests that have none.
pub(super) fn wrong(sales: &Sales, countries: &str) -> Vec<Json> {
    let on = json!({"local": "country", "foreign": "id"});
    let join = |json: Json| json!({"joins": [json]});
    let measure = |json: Json| json!({"measures": {"m": json}});
    let mut all = vec![
        // Columns that are not there, in each place that names one.
        json!({"dimensions": [{"field": "contry"}]}),
        measure(json!({"agg": "sum", "column": "idd"})),
        measure(json!({"agg": "count", "column": "idd"})),
        measure(json!({"agg": "count", "where": {"idd": 1}})),
        json!({"candidatesWhere": {"$or": [{"id": 1}, {"nmae": 1}]}}),
        json!({"measures": {"m": {"agg": "first", "column": "id"}}, "changeTrackingColumn": "att"}),
        join(json!({"target": countries, "alias": "c", "on": {"local": "contry", "foreign": "id"}})),
        join(json!({"target": countries, "alias": "c", "on": {"local": "country", "foreign": "idd"}})),
        json!({"joins": [{"target": countries, "alias": "c", "on": on}], "dimensions": [{"field": "nmae", "from": "c"}]}),
        json!({"joins": [{"target": countries, "alias": "c", "on": on}], "candidatesWhere": {"c.nmae": 1}}),
        json!({"dimensions": [{"field": "c.name"}]}),
        // Aliases that stand for nothing, or for each other.
        json!({"joins": [{"target": countries, "alias": "c", "on": {"local": "d.id", "foreign": "id"}},
                         {"target": countries, "alias": "d", "on": {"local": "c.id", "foreign": "id"}}]}),
        json!({"dimensions": [{"field": "name", "from": "c"}]}),
        join(json!({"target": "no such target", "alias": "c", "on": on})),
        // Types that cannot be measured or grouped so.
        measure(json!({"agg": "sum", "column": "name"})),
        measure(json!({"agg": "avg", "column": "name"})),
        measure(json!({"agg": "percentile", "column": "name", "p": 0.5})),
        json!({"dimensions": [{"field": "name", "bucket": {"type": "numeric", "step": 1}}]}),
        json!({"dimensions": [{"field": "name", "bucket": {"type": "numeric", "breaks": [0, 1]}}]}),
        json!({"dimensions": [{"field": "id", "bucket": "day"}]}),
        json!({"candidatesWhere": {"id": {"$gt": "x"}}}),
        measure(json!({"agg": "count", "where": {"id": {"$gt": "x"}}})),
        json!({"having": {"count": {"$gt": "x"}}}),
        // Options of the wrong shape.
        measure(json!({"agg": "percentile", "column": "id", "p": 2})),
        measure(json!({"agg": "top_k", "column": "id", "k": 0})),
        measure(json!({"agg": "median", "column": "id"})),
        json!({"dimensions": [{"field": "id", "bucket": {"type": "numeric", "step": "1) * (select 1"}}]}),
        json!({"dimensions": [{"field": "id", "bucket": {"type": "h3", "resolution": 3}}]}),
        json!({"dimensions": [{"field": "id"}, {"field": "name", "as": "id"}]}),
        join(json!({"target": countries, "alias": "t; drop", "on": on})),
        json!({"joins": [{"target": countries, "alias": "c", "on": on}, {"target": countries, "alias": "c", "on": on}]}),
        json!({"having": {"nothing": 1}}),
        json!({"sort": [{"key": "nothing"}]}),
        json!({"sample": 2}),
        json!({"limit": -1}),
    ];
    if !sales.moments_in_text {
        all.push(json!({"dimensions": [{"field": "name", "bucket": "day"}]}));
    }
    if sales.has_json {
        all.push(json!({"dimensions": [{"field": "document"}]}));
        all.push(measure(json!({"agg": "min", "column": "document"})));
        all.push(measure(json!({"agg": "top_k", "column": "document", "k": 1})));
        all.push(join(
            json!({"target": countries, "alias": "c", "on": {"local": "document", "foreign": "id"}}),
        ));
    }
    all
}

/// SQL in every name: some are names of the caller's own and stay text, others name nothing.
pub(super) fn hostile(own: &str) -> Vec<Json> {
    let payloads = [
        format!("'; DROP TABLE {}; --", quoted(own)),
        "\" from x; --".to_owned(),
        "`a`".to_owned(),
        "]; select 1; --".to_owned(),
        "a\\'b".to_owned(),
        "$1".to_owned(),
        "?".to_owned(),
        "{\"dims\":".to_owned(),
        "日本語 🦀\n".to_owned(),
        "x".repeat(200),
    ];
    let of = |payload: String| {
        let ids = json!([payload, 1]);
        [
            json!({
                "dimensions": [{"field": "country", "as": payload}],
                "measures": {payload.as_str(): {"agg": "max", "column": "name"}, "b": {"agg": "count", "where": {"name": payload}}},
                "having": {payload.as_str(): {"$ne": payload}},
                "sort": [{"key": payload, "dir": "desc"}],
                "candidatesWhere": {"name": {"$ne": payload}},
            }),
            json!({ "ids": ids }),
            json!({"dimensions": [{"field": payload}]}),
            json!({"measures": {"m": {"agg": "sum", "column": payload}}}),
            json!({"measures": {"m": {"agg": payload}}}),
            json!({"dimensions": [{"field": "country", "bucket": payload}]}),
            json!({"changeTrackingColumn": payload}),
            json!({"joins": [{"target": payload, "alias": "c", "on": {"local": "country", "foreign": "id"}}]}),
            json!({"joins": [{"target": own, "alias": "c", "on": {"local": payload, "foreign": payload}}]}),
        ]
    };
    payloads.into_iter().flat_map(of).collect()
}
