//! Jobs over a table.

use std::sync::Arc;

use connector_memory::{ColumnDef, Profile, Table, Value};
use connector_model::Capabilities;
use connector_model::request::Kind;
use connector_model::time::parse_moment;
use proptest::prelude::*;
use serde_json::{Map, Value as Json, json};

use super::filter::filter;
use super::one_of;
use crate::job::Job;

/// What jobs are generated from.
#[derive(Debug, Clone)]
pub struct Jobs {
    table: Arc<Table>,
    profile: Profile,
    capabilities: Capabilities,
}

/// Options that are set together, or none.
type Setting = BoxedStrategy<Vec<(&'static str, Json)>>;

impl Jobs {
    /// Jobs over a table for a connector that can do this much.
    pub fn new(table: Arc<Table>, profile: Profile, capabilities: Capabilities) -> Self {
        Jobs { table, profile, capabilities }
    }

    /// Any job.
    pub fn any(&self) -> BoxedStrategy<Job> {
        let mut choices = vec![(8, self.query()), (2, self.read()), (2, self.count())];
        if self.capabilities.batch_read {
            choices.push((2, self.batch_read()));
        }
        proptest::strategy::Union::new_weighted(choices).boxed()
    }

    /// A job to be read page by page: a limit of a few rows, and no offset.
    pub fn paged(&self) -> BoxedStrategy<Job> {
        let limit = || (1_u32..6).prop_map(|limit| vec![("limit", json!(limit))]).boxed();
        let query = self.job(
            Kind::Query,
            vec![limit(), self.wheres(2), self.order(4), self.columns("select"), self.totals()],
        );
        let read = self.job(Kind::Read, vec![limit(), self.columns("fields")]);
        prop_oneof![2 => query, 1 => read].boxed()
    }

    fn query(&self) -> BoxedStrategy<Job> {
        let settings = vec![
            self.wheres(6),
            self.order(3),
            self.count_of("limit"),
            self.count_of("offset"),
            self.columns("select"),
            self.totals(),
        ];
        self.job(Kind::Query, settings)
    }

    fn read(&self) -> BoxedStrategy<Job> {
        let mut settings = vec![self.count_of("limit"), self.columns("fields")];
        if self.capabilities.changed_since {
            settings.push(self.changed_since());
        }
        self.job(Kind::Read, settings)
    }

    fn batch_read(&self) -> BoxedStrategy<Job> {
        let star = prop_oneof![Just(vec![("select", json!("*"))]), self.columns("select")].boxed();
        self.job(Kind::BatchRead, vec![self.wheres(8), self.order(1), self.count_of("limit"), star])
    }

    fn count(&self) -> BoxedStrategy<Job> {
        self.job(Kind::Count, vec![self.wheres(8)])
    }

    fn job(&self, kind: Kind, settings: Vec<Setting>) -> BoxedStrategy<Job> {
        let target = self.table.name.clone();
        settings
            .prop_map(move |settings| {
                let options: Map<String, Json> =
                    settings.into_iter().flatten().map(|(name, value)| (name.to_owned(), value)).collect();
                Job { kind, target: target.clone(), options: Json::Object(options) }
            })
            .boxed()
    }

    fn wheres(&self, weight: u32) -> Setting {
        if !self.capabilities.where_pushdown || self.table.columns.is_empty() {
            return Just(Vec::new()).boxed();
        }
        let filter = filter(&self.table, &self.profile, &self.capabilities);
        sometimes(weight, filter.prop_map(|filter| ("where", filter)).boxed())
    }

    fn order(&self, weight: u32) -> Setting {
        let names: Vec<String> = self
            .table
            .columns
            .iter()
            .filter(|column| column.logical_type.orderable())
            .map(|column| column.name.clone())
            .collect();
        if names.is_empty() || !self.capabilities.order_by_pushdown {
            return Just(Vec::new()).boxed();
        }
        let count = names.len();
        let columns = proptest::sample::subsequence(names, 1..=count).prop_shuffle();
        let order = (columns, proptest::collection::vec(any::<bool>(), count), 0..3_u32)
            .prop_map(|(columns, descending, form)| ("orderBy", order_json(&columns, &descending, form)));
        sometimes(weight, order.boxed())
    }

    fn columns(&self, option: &'static str) -> Setting {
        let names: Vec<String> = self.table.columns.iter().map(|column| column.name.clone()).collect();
        if names.is_empty() || !self.capabilities.select_projection {
            return Just(Vec::new()).boxed();
        }
        let count = names.len();
        let columns = proptest::sample::subsequence(names, 1..=count).prop_shuffle();
        sometimes(1, columns.prop_map(move |columns| (option, json!(columns))).boxed())
    }

    fn totals(&self) -> Setting {
        sometimes(1, Just(("includeTotal", json!(false))).boxed())
    }

    fn count_of(&self, option: &'static str) -> Setting {
        let rows = self.table.rows.len() as u64;
        let count = prop_oneof![3 => 0..=rows + 2, 1 => Just(i64::MAX as u64)];
        sometimes(1, count.prop_map(move |count| (option, json!(count))).boxed())
    }

    fn changed_since(&self) -> Setting {
        let moments = moments(&self.table, &self.profile);
        let Some((column, micros)) = moments.first() else { return Just(Vec::new()).boxed() };
        let mut choices = vec![json!(0), json!("2024-03-01T01:00:00+01:00")];
        for micros in micros {
            let mut text = Vec::new();
            connector_model::json::timestamp(&mut text, *micros);
            if let Ok(text) = serde_json::from_slice::<Json>(&text)
                && text.as_str().is_some_and(|text| parse_moment(text).is_some())
            {
                choices.push(text);
            }
        }
        let column = json!(column);
        let settings = one_of(choices)
            .prop_map(move |m| vec![("changedSince", m), ("changeTrackingColumn", column.clone())]);
        prop_oneof![1 => Just(Vec::new()), 1 => settings].boxed()
    }
}

/// The columns that can say when a row changed, with the moments in them.
fn moments(table: &Table, profile: &Profile) -> Vec<(String, Vec<i64>)> {
    let of_column = |at: usize, column: &ColumnDef| {
        let values = table
            .rows
            .iter()
            .filter_map(|row| row.get(at))
            .filter(|value| **value != Value::Null && !value.is_beyond());
        let micros: Option<Vec<i64>> = values
            .map(|value| match value {
                Value::Timestamp(micros) | Value::TimestampTz(micros) => Some(*micros),
                Value::Text(text) if profile.moments_in_text => parse_moment(text),
                _ => None,
            })
            .collect();
        let micros = micros.filter(|micros| !micros.is_empty())?;
        Some((column.name.clone(), micros))
    };
    table.columns.iter().enumerate().filter_map(|(at, column)| of_column(at, column)).collect()
}

fn sometimes(weight: u32, setting: BoxedStrategy<(&'static str, Json)>) -> Setting {
    prop_oneof![1 => Just(Vec::new()), weight => setting.prop_map(|setting| vec![setting])].boxed()
}

/// The forms that `orderBy` takes.
fn order_json(columns: &[String], descending: &[bool], form: u32) -> Json {
    let direction = |descending: &bool| if *descending { "desc" } else { "asc" };
    let pairs = columns.iter().zip(descending);
    match form {
        0 => pairs
            .map(|(column, descending)| match descending {
                true => json!({"field": column, "dir": "desc"}),
                false => json!({"field": column, "dir": null}),
            })
            .collect(),
        1 => {
            let object: Map<String, Json> =
                pairs.map(|(column, descending)| (column.clone(), json!(direction(descending)))).collect();
            Json::Object(object)
        }
        _ => {
            pairs.map(|(column, descending)| json!({"field": column, "dir": direction(descending)})).collect()
        }
    }
}
