//! Aggregates over a table, alone or with others joined to it.
//!
//! - [`reach`]: the columns that a request reaches, and what their values allow
//! - [`dimension`], [`measure`]: what can be grouped by, and what can be measured

mod dimension;
mod measure;
mod reach;

use std::sync::Arc;

use connector_memory::{Profile, Table};
use connector_model::Capabilities;
use connector_model::capability::AggregateCapabilities;
use connector_model::request::Kind;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Map, Value as Json, json};

use super::filter::filter;
use super::name::names;
use super::one_of;
use super::operand::Operands;
use super::table::REFERENCE;
use crate::job::Job;
use dimension::Grouping;
use measure::Measuring;
use reach::{Joined, Reach};

/// Most dimensions, measures and joins of a generated request.
const DIMENSIONS: usize = 2;
const MEASURES: usize = 4;
const JOINS: usize = 2;

/// What aliases are drawn from; no generated column's name begins with one and a dot.
const ALIASES: [&str; JOINS] = ["j1", "Other_one"];

/// What aggregates are generated from.
#[derive(Debug, Clone)]
pub struct AggregateJobs {
    tables: Arc<Vec<Table>>,
    profile: Profile,
    capabilities: Capabilities,
    aggregates: AggregateCapabilities,
}

/// Options that are set together, or none.
type Setting = BoxedStrategy<Vec<(&'static str, Json)>>;

impl AggregateJobs {
    /// Aggregates over tables for a connector that filters and computes this much.
    pub fn new(
        tables: Arc<Vec<Table>>,
        profile: Profile,
        capabilities: Capabilities,
        aggregates: AggregateCapabilities,
    ) -> Self {
        AggregateJobs { tables, profile, capabilities, aggregates }
    }

    /// Any aggregate over the table at `at`.
    pub fn over(&self, at: usize) -> BoxedStrategy<Job> {
        let Some(own) = self.tables.get(at).cloned() else { return Just(none()).boxed() };
        let alone = Reach::new(&own, Vec::new());
        let changes: Vec<String> = alone
            .columns()
            .iter()
            .filter(|column| column.def.logical_type.orderable() && !own.key().is_empty())
            .map(|column| column.name.clone())
            .collect();
        let change = match changes.is_empty() {
            true => Just(None).boxed(),
            false => proptest::option::of(one_of(changes)).boxed(),
        };
        let this = self.clone();
        (self.joins(&own), change)
            .prop_flat_map(move |(joins, change)| this.request(&Reach::new(&own, joins), change))
            .boxed()
    }

    fn request(&self, reach: &Reach, change: Option<String>) -> BoxedStrategy<Job> {
        let wide = Arc::new(reach.wide());
        let dimensions = dimension::dimensions(reach, &self.profile, &self.aggregates, DIMENSIONS);
        let measures = measure::measures(reach, &self.profile, &self.aggregates, change.is_some(), MEASURES);
        let filters = || filter(&wide, &self.profile, &self.capabilities);
        let sometimes = |weight: u32, json: BoxedStrategy<Json>| match self.capabilities.where_pushdown {
            true => proptest::option::weighted(f64::from(weight) / 10.0, json).boxed(),
            false => Just(None).boxed(),
        };
        let wheres = proptest::collection::vec(sometimes(3, filters()), MEASURES);
        let options = (
            sometimes(2, filters()),
            self.ids(reach),
            self.limit(),
            // Most conditions leave nothing: more of them would test nothing else.
            proptest::option::weighted(0.25, proptest::collection::vec(any::<[Index; 3]>(), 1..3)),
            any::<bool>(),
            proptest::collection::vec((any::<Index>(), any::<Option<bool>>()), 0..4),
        );
        let target = reach.target().to_owned();
        let joins = reach.joins();
        let able = self.aggregates;
        let negates = self.capabilities.where_logical_ops.contains(&"$not");
        (dimensions, measures, names(MEASURES), wheres, options)
            .prop_map(move |(dimensions, measures, names, wheres, chosen)| {
                let (candidates, ids, limit, having, negated, sort) = chosen;
                let measures: Vec<(String, Measuring)> = names.into_iter().zip(measures).collect();
                let mut options: Map<String, Json> = Map::new();
                let mut set = |name: &str, json: Json| options.insert(name.to_owned(), json);
                if !joins.is_empty() {
                    set("joins", json!(joins));
                }
                set("dimensions", dimensions.iter().map(|dimension| dimension.json.clone()).collect());
                set("measures", described(&measures, &wheres));
                if let Some(candidates) = candidates {
                    set("candidatesWhere", candidates);
                }
                if let Some(change) = &change {
                    set("changeTrackingColumn", json!(change));
                }
                if let Some(having) = having.filter(|_| able.having_on_aggregates) {
                    let having = condition(&measures, &having);
                    set("having", if negated && negates { json!({ "$not": having }) } else { having });
                }
                if able.pushdown_order_limit && !sort.is_empty() {
                    set("sort", order(&dimensions, &measures, &sort));
                }
                for (name, json) in ids.into_iter().chain(limit) {
                    set(name, json);
                }
                Job { kind: Kind::Aggregate, target: target.clone(), options: Json::Object(options) }
            })
            .boxed()
    }

    /// Joins over columns of one type: mostly those made for it.
    fn joins(&self, own: &Table) -> BoxedStrategy<Vec<Joined>> {
        let pairs: Vec<Joined> = self
            .tables
            .iter()
            .flat_map(|other| own.columns.iter().flat_map(move |local| Joined::over(local, other)))
            .collect();
        if !self.aggregates.joins || pairs.is_empty() {
            return Just(Vec::new()).boxed();
        }
        let made = |joined: &&Joined| joined.local == REFERENCE || joined.foreign == REFERENCE;
        let fitting: Vec<Joined> = pairs.iter().filter(made).cloned().collect();
        let fitting = if fitting.is_empty() { pairs.clone() } else { fitting };
        let named = |joins: Vec<Joined>| {
            joins.into_iter().zip(ALIASES).map(|(joined, alias)| joined.called(alias)).collect::<Vec<_>>()
        };
        prop_oneof![
            2 => Just(Vec::new()),
            2 => proptest::collection::vec(one_of(fitting), 1).prop_map(named),
            1 => proptest::collection::vec(one_of(pairs), 1..=JOINS).prop_map(named),
        ]
        .boxed()
    }

    /// Some keys of the table, and what can be none.
    fn ids(&self, reach: &Reach) -> Setting {
        let own = reach.own();
        let key = match own.primary_key.as_slice() {
            [key] => Operands::of(own, &self.profile, *key),
            _ => None,
        };
        let Some(key) = key else { return Just(Vec::new()).boxed() };
        let fit: Vec<Json> =
            key.any.into_iter().filter(|json| json.is_string() || json.is_number()).collect();
        let list = proptest::collection::vec(one_of(fit), 0..12);
        prop_oneof![4 => Just(Vec::new()), 1 => list.prop_map(|ids| vec![("ids", json!(ids))])].boxed()
    }

    fn limit(&self) -> Setting {
        if !self.aggregates.pushdown_order_limit {
            return Just(Vec::new()).boxed();
        }
        let limit = (0_u32..6).prop_map(|limit| vec![("limit", json!(limit))]);
        prop_oneof![2 => Just(Vec::new()), 1 => limit].boxed()
    }
}

fn none() -> Job {
    Job::new(Kind::Aggregate, "", json!({}))
}

/// The measures as the request has them, each with its own condition or none.
fn described(measures: &[(String, Measuring)], wheres: &[Option<Json>]) -> Json {
    let measures = measures.iter().zip(wheres).map(|((name, measure), filter)| {
        let mut json = measure.json.clone();
        if let (Some(filter), Some(parts)) = (filter, json.as_object_mut()) {
            parts.insert("where".to_owned(), filter.clone());
        }
        (name.clone(), json)
    });
    Json::Object(measures.collect())
}

/// Conditions on measures and on `count`; of two on the same one the later stays.
fn condition(measures: &[(String, Measuring)], chosen: &[[Index; 3]]) -> Json {
    let mut known: Vec<(&str, &[&str], &[Json])> = measures
        .iter()
        .filter(|(_, measure)| !measure.is_list)
        .map(|(name, measure)| (name.as_str(), measure.operators(), measure.operands.as_slice()))
        .collect();
    let counts = [json!(0), json!(1), json!(2), json!("3"), json!(1.5)];
    if measures.iter().all(|(name, _)| name != "count") {
        known.push(("count", measure::COMPARISONS, &counts));
    }
    let conditions = chosen.iter().filter_map(|[which, operator, operand]| {
        let (name, operators, operands) = known.get(which.index(known.len().max(1)))?;
        let operator = operators.get(operator.index(operators.len()))?;
        let operand = match *operator {
            "$exists" => json!(operand.index(2) == 0),
            _ => operands.get(operand.index(operands.len().max(1)))?.clone(),
        };
        let operand = if *operator == "$in" { json!([operand, null]) } else { operand };
        Some(((*name).to_owned(), json!({ *operator: operand })))
    });
    Json::Object(conditions.collect())
}

/// An order by dimensions, measures and `count`.
fn order(
    dimensions: &[Grouping],
    measures: &[(String, Measuring)],
    chosen: &[(Index, Option<bool>)],
) -> Json {
    let measured = measures.iter().filter(|(_, measure)| !measure.is_list).map(|(name, _)| name.as_str());
    let listed = |name: &str| measures.iter().any(|(known, measure)| known == name && measure.is_list);
    let known: Vec<&str> = measured
        .chain(dimensions.iter().map(|dimension| dimension.name.as_str()))
        .chain(["count"])
        .filter(|name| !listed(name))
        .collect();
    let keys = chosen.iter().filter_map(|(which, descending)| {
        let key = known.get(which.index(known.len().max(1)))?;
        Some(match descending {
            None => json!({ "key": key }),
            Some(false) => json!({ "key": key, "dir": "asc" }),
            Some(true) => json!({ "key": key, "dir": "desc" }),
        })
    });
    keys.collect()
}
