//! An aggregate as the options that it was parsed of.

use connector_model::request::Aggregate;
use connector_model::request::aggregate::{
    Accuracy, Bucket, COUNT, Dimension, Function, Join, Measure, Sort, SortKey,
};
use serde_json::{Map, Number, Value, json};

use super::filter::{clause, value};

/// The options of an `aggregate` job.
pub(super) fn options(request: &Aggregate) -> Value {
    // Every field is named, so that a new one cannot be forgotten here.
    let Aggregate {
        target: _,
        joins,
        dimensions,
        measures,
        filter,
        ids,
        sample,
        having,
        sort,
        limit,
        change_column,
    } = request;
    let mut options = Map::new();
    let mut put = |name: &str, value: Value| drop(options.insert(name.to_owned(), value));
    if !joins.is_empty() {
        put("joins", joins.iter().map(join).collect());
    }
    put("dimensions", dimensions.iter().map(dimension).collect());
    put("measures", measures.iter().map(|measure| (measure.name.clone(), function(measure))).collect());
    if !filter.is_true() {
        put("candidatesWhere", Value::Object(clause(filter)));
    }
    if let Some(ids) = ids {
        put("ids", ids.iter().map(value).collect());
    }
    if let Some(sample) = sample {
        put("sample", json!(sample));
    }
    if !having.is_true() {
        put("having", Value::Object(clause(having)));
    }
    if !sort.is_empty() {
        put("sort", sort.iter().map(|sort| key(sort, request)).collect());
    }
    if let Some(limit) = limit {
        put("limit", json!(limit));
    }
    if let Some(column) = change_column {
        put("changeTrackingColumn", json!(column));
    }
    Value::Object(options)
}

fn join(join: &Join) -> Value {
    let Join { target, alias, local, foreign } = join;
    json!({"target": target, "alias": alias, "kind": "left", "on": {"local": local, "foreign": foreign}})
}

fn dimension(dimension: &Dimension) -> Value {
    let Dimension { name, column, from, bucket } = dimension;
    let field = from.as_ref().and_then(|from| column.strip_prefix(from)?.strip_prefix('.'));
    let mut parts = Map::new();
    let mut put = |name: &str, value: Value| drop(parts.insert(name.to_owned(), value));
    put("field", json!(field.unwrap_or(column)));
    put("as", json!(name));
    if field.is_some() {
        put("from", json!(from));
    }
    match bucket {
        None => {}
        Some(Bucket::Time(unit)) => put("bucket", json!(unit.as_str())),
        Some(Bucket::Step(step)) => put("bucket", json!({"type": "numeric", "step": number(&step.digits())})),
        Some(Bucket::Breaks(breaks)) => put("bucket", json!({"type": "numeric", "breaks": breaks})),
    }
    Value::Object(parts)
}

/// The number of these decimal digits.
fn number(digits: &str) -> Value {
    digits.parse::<Number>().map_or(Value::Null, Value::Number)
}

fn function(measure: &Measure) -> Value {
    let Measure { name: _, function, filter } = measure;
    let mut parts = Map::new();
    let mut put = |name: &str, value: Value| drop(parts.insert(name.to_owned(), value));
    put("agg", json!(function.name()));
    if let Some(column) = function.column() {
        put("column", json!(column));
    }
    let accuracy = match function {
        Function::CountDistinct(_, accuracy) => Some(accuracy),
        Function::Percentile(_, share, accuracy) => {
            put("p", json!(share));
            Some(accuracy)
        }
        Function::TopK(_, most, accuracy) => {
            put("k", json!(most));
            Some(accuracy)
        }
        Function::Count(_)
        | Function::Sum(_)
        | Function::Avg(_)
        | Function::Min(_)
        | Function::Max(_)
        | Function::First(_)
        | Function::Last(_) => None,
    };
    if accuracy == Some(&Accuracy::Fast) {
        put("accuracy", json!("fast"));
    }
    if !filter.is_true() {
        put("where", Value::Object(clause(filter)));
    }
    Value::Object(parts)
}

fn key(sort: &Sort, request: &Aggregate) -> Value {
    let name = match sort.key {
        SortKey::Count => Some(COUNT),
        SortKey::Measure(at) => request.measures.get(at).map(|measure| measure.name.as_str()),
        SortKey::Dimension(at) => request.dimensions.get(at).map(|dimension| dimension.name.as_str()),
    };
    json!({"key": name, "dir": if sort.descending { "desc" } else { "asc" }})
}
