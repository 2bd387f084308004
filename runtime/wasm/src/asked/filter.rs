//! A filter tree as the `where` object that it was parsed of, or one that means the same.
//!
//! Whoever parses it again holds it to the same bounds, so it is never deeper, nor has more conditions, than what the
//! caller wrote.

use connector_model::filter::{Filter, Operand, Test, TextTest};
use serde_json::{Map, Number, Value, json};

/// One clause.
pub(super) fn clause(filter: &Filter) -> Map<String, Value> {
    let parts = match filter {
        Filter::And(parts) => parts.as_slice(),
        part => std::slice::from_ref(part),
    };
    // The parts of one object are joined by AND already.
    together(parts).unwrap_or_else(|| object("$and", clauses(parts)))
}

fn clauses(parts: &[Filter]) -> Value {
    parts.iter().map(|part| Value::Object(clause(part))).collect()
}

fn object(key: &str, value: Value) -> Map<String, Value> {
    Map::from_iter([(key.to_owned(), value)])
}

/// Parts as the entries of one object; `None` when two of them would need the same place.
fn together(parts: &[Filter]) -> Option<Map<String, Value>> {
    let mut entries = Map::new();
    for part in parts {
        match part {
            Filter::And(inner) => put(&mut entries, "$and", clauses(inner))?,
            Filter::Or(inner) => put(&mut entries, "$or", clauses(inner))?,
            Filter::Not(inner) => put(&mut entries, "$not", Value::Object(clause(inner)))?,
            Filter::Column(name, test) => {
                let operators = entries.entry(name.as_str()).or_insert_with(|| Value::Object(Map::new()));
                let (operator, operand) = operator(test);
                put(operators.as_object_mut()?, operator, operand)?;
            }
        }
    }
    for (key, value) in &mut entries {
        if !key.starts_with('$') {
            shorten(value);
        }
    }
    Some(entries)
}

fn put(entries: &mut Map<String, Value>, key: &str, value: Value) -> Option<()> {
    match entries.insert(key.to_owned(), value) {
        None => Some(()),
        Some(_) => None,
    }
}

/// `{"$eq": x}` and `{"$in": […]}` in their short forms, which count as one condition less.
fn shorten(operators: &mut Value) {
    let short = match operators.as_object_mut() {
        Some(map) if map.len() == 1 => map.remove("$eq").or_else(|| map.remove("$in")),
        _ => None,
    };
    if let Some(short) = short {
        *operators = short;
    }
}

fn operator(test: &Test) -> (&'static str, Value) {
    match test {
        Test::Equal(operand) => ("$eq", value(operand)),
        Test::NotEqual(operand) => ("$ne", value(operand)),
        Test::Compare(comparison, operand) => (comparison.operator(), value(operand)),
        Test::In(operands) => ("$in", operands.iter().map(value).collect()),
        Test::NotIn(operands) => ("$nin", operands.iter().map(value).collect()),
        Test::Text(test, text) => (text_operator(*test), json!(text)),
        // A text operator whose operand is no text.
        Test::Never => ("$contains", Value::Null),
        Test::Exists(exists) => ("$exists", json!(exists)),
    }
}

fn text_operator(test: TextTest) -> &'static str {
    match test {
        TextTest::Like => "$like",
        TextTest::ILike => "$ilike",
        TextTest::Contains => "$contains",
        TextTest::StartsWith => "$startsWith",
        TextTest::EndsWith => "$endsWith",
    }
}

pub(super) fn value(operand: &Operand) -> Value {
    match operand {
        Operand::Null => Value::Null,
        Operand::Boolean(flag) => json!(flag),
        // Jobs have no whole numbers beyond 64 bits: JSON reads those as floats.
        Operand::Integer(number) => Number::from_i128(*number).map_or(Value::Null, Value::Number),
        Operand::Float(number) => json!(number),
        Operand::Text(text) => json!(text),
    }
}
