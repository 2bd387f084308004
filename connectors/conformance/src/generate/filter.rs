//! `where` trees over every operator that the connector declares.

use std::sync::Arc;

use connector_memory::{Profile, Table};
use connector_model::Capabilities;
use connector_model::target::LogicalType;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::one_of;
use super::operand::Operands;

/// How deep generated trees nest; the limits themselves have cases of their own.
const DEPTH: u32 = 3;

/// A `where` for the table.
pub(super) fn filter(
    table: &Arc<Table>,
    profile: &Profile,
    capabilities: &Capabilities,
) -> BoxedStrategy<Json> {
    let leaves: Vec<BoxedStrategy<Json>> = table
        .columns
        .iter()
        .enumerate()
        .filter_map(|(at, column)| {
            let operands = Operands::of(table, profile, at)?;
            let name = column.name.clone();
            // An array's text is each engine's own.
            let leaf = match column.logical_type {
                LogicalType::Array => {
                    one_of(vec![Json::Null, json!({"$exists": true}), json!({"$ne": null})])
                }
                _ => condition(operands, capabilities),
            };
            Some(leaf.prop_map(move |condition| object([(name.clone(), condition)])).boxed())
        })
        .collect();
    let leaf = proptest::strategy::Union::new(leaves).boxed();
    let logical = capabilities.where_logical_ops.clone();
    // A single condition decides more answers than many together, which mostly leave nothing.
    let tree = leaf.clone().prop_recursive(DEPTH, 12, 3, move |inner| {
        let list = proptest::collection::vec(inner.clone(), 0..4);
        // Several columns in one object; of two conditions on the same column the later one stays.
        let mut choices = vec![
            proptest::collection::vec(inner.clone(), 0..3)
                .prop_map(|parts| object(parts.into_iter().flat_map(entries)))
                .boxed(),
        ];
        for operator in logical.iter().copied() {
            choices.push(match operator {
                "$not" => inner.clone().prop_map(|part| json!({ "$not": part })).boxed(),
                _ => {
                    list.clone().prop_map(move |parts| object([(operator.to_owned(), json!(parts))])).boxed()
                }
            });
        }
        proptest::strategy::Union::new(choices).boxed()
    });
    prop_oneof![2 => leaf, 3 => tree].boxed()
}

fn object(entries: impl IntoIterator<Item = (String, Json)>) -> Json {
    Json::Object(entries.into_iter().collect())
}

fn entries(json: Json) -> Map<String, Json> {
    match json {
        Json::Object(entries) => entries,
        _ => Map::new(),
    }
}

/// What a column is held against: a scalar, null, a list, or operators.
fn condition(operands: Operands, capabilities: &Capabilities) -> BoxedStrategy<Json> {
    let any = one_of(operands.any.clone());
    let with_null = prop_oneof![8 => any.clone(), 1 => Just(Json::Null)];
    let list = proptest::collection::vec(with_null, 0..5).prop_map(Json::from);
    let operators = proptest::collection::vec(operator(&operands, capabilities), 0..3).prop_map(object);
    let single = operator(&operands, capabilities).prop_map(|operator| object([operator]));
    prop_oneof![
        2 => any,
        1 => Just(Json::Null),
        1 => list,
        6 => single,
        2 => operators,
    ]
    .boxed()
}

/// One operator with its operand.
fn operator(operands: &Operands, capabilities: &Capabilities) -> BoxedStrategy<(String, Json)> {
    let operand = one_of(operands.any.clone());
    let with_null = prop_oneof![6 => operand, 1 => Just(Json::Null)].boxed();
    let list = proptest::collection::vec(with_null.clone(), 0..5).prop_map(Json::from).boxed();
    let mut choices = vec![
        (2, named(&["$eq"], with_null.clone())),
        (3, named(&["$ne"], with_null)),
        (3, named(&["$in", "$nin"], list)),
        (1, named(&["$exists"], any::<bool>().prop_map(Json::from).boxed())),
    ];
    if !operands.castable.is_empty() {
        choices.push((3, named(&["$gt", "$gte", "$lt", "$lte"], one_of(operands.castable.clone()))));
    }
    if !capabilities.where_string_ops.is_empty() {
        let names = capabilities.where_string_ops.clone();
        if !operands.texts.is_empty() {
            choices.push((8, named(&names, one_of(operands.texts.clone()).prop_map(Json::from).boxed())));
        }
        choices.push((1, named(&names, one_of(vec![json!(1), json!(true), Json::Null]))));
    }
    proptest::strategy::Union::new_weighted(choices).boxed()
}

fn named(names: &[&'static str], operand: BoxedStrategy<Json>) -> BoxedStrategy<(String, Json)> {
    (one_of(names.to_vec()).prop_map(str::to_owned), operand).boxed()
}
