//! The whole way from a request to its groups.

use std::cmp::Ordering;

use connector_model::error::{Error, ErrorCode, Result};
use connector_model::filter::{Filter, Test};
use connector_model::json;
use connector_model::request::Aggregate;
use connector_model::request::aggregate::{COUNT, SortKey};
use connector_model::target::LogicalType;

use super::joined::wide;
use super::label::Key;
use super::measure::{Measured, Measuring};
use super::types;
use crate::database::Database;
use crate::evaluate::{Truth, check, truth};
use crate::profile::Profile;
use crate::table::{ColumnDef, Table};
use crate::value::Value;

/// A group with what was measured of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// Its dimensions, in the request's order.
    pub keys: Vec<Key>,
    /// Its measures, in the request's order.
    pub measures: Vec<Measured>,
    /// How many rows are in it.
    pub count: u64,
}

impl Group {
    /// The group as it stands in an answer: `{dims, measures, count}`.
    pub fn write(&self, out: &mut Vec<u8>, request: &Aggregate) {
        let object = |out: &mut Vec<u8>, entries: Vec<(&str, &str)>| {
            out.push(b'{');
            for (at, (name, json)) in entries.into_iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                json::text(out, name);
                out.push(b':');
                out.extend_from_slice(json.as_bytes());
            }
            out.push(b'}');
        };
        let names = request.dimensions.iter().map(|dimension| dimension.name.as_str());
        out.extend_from_slice(b"{\"dims\":");
        object(out, names.zip(self.keys.iter().map(|key| key.json.as_str())).collect());
        let names = request.measures.iter().map(|measure| measure.name.as_str());
        out.extend_from_slice(b",\"measures\":");
        object(out, names.zip(self.measures.iter().map(|measured| measured.json.as_str())).collect());
        out.extend_from_slice(format!(",\"count\":{}}}", self.count).as_bytes());
    }
}

/// The groups of an aggregate, `having` applied, sorted, not yet cut.
///
/// # Errors
/// `INVALID_TARGET`; `INVALID_JOB` naming the option; `UNSUPPORTED_JOB` for a sample: which rows are in one is the
/// engine's own business, so there is no right answer to hold another against.
pub fn groups(database: &Database, request: &Aggregate) -> Result<Vec<Group>> {
    if request.sample.is_some() {
        let message = format!("no sample of target \"{}\" can be taken here", request.target);
        return Err(Error::new(ErrorCode::UnsupportedJob, message).with("option", "sample"));
    }
    let table = wide(database, request)?;
    let profile = database.profile();
    let dimensions = request
        .dimensions
        .iter()
        .map(|dimension| types::dimension(&table, profile, dimension))
        .collect::<Result<Vec<_>>>()?;
    let measured =
        request.measures.iter().map(|measure| types::measure(&table, measure)).collect::<Result<Vec<_>>>()?;
    let change = types::change_column(&table, request.change_column.as_deref())?;
    for measure in &request.measures {
        check(&measure.filter, &table, "measures")?;
    }
    check(&request.filter, &table, "candidatesWhere")?;
    let ids = ids(&table, request)?;
    let outputs = outputs(request, measured.iter().map(|(_, column)| column.clone()));
    check(&request.having, &outputs, "having")?;
    ordered(&table, request)?;

    let passes = |filter: &Filter, row: &[Value]| truth(filter, &table, profile, row) == Truth::True;
    let mut gathered: Vec<(Vec<Key>, Vec<&Vec<Value>>)> = Vec::new();
    if dimensions.is_empty() {
        gathered.push((Vec::new(), Vec::new()));
    }
    for row in &table.rows {
        let Some(keys) = keys(&table, profile, request, &dimensions, row)? else { continue };
        if !passes(&request.filter, row) || !passes(&ids, row) {
            continue;
        }
        let same =
            |(known, _): &&mut (Vec<Key>, _)| known.iter().zip(&keys).all(|(known, key)| known.same(key));
        match gathered.iter_mut().find(same) {
            Some((_, rows)) => rows.push(row),
            None => gathered.push((keys, vec![row])),
        }
    }

    let mut groups = Vec::new();
    for (keys, rows) in gathered {
        let mut measures = Vec::new();
        for (measure, (at, _)) in request.measures.iter().zip(&measured) {
            let of: Vec<&Vec<Value>> =
                rows.iter().copied().filter(|row| passes(&measure.filter, row)).collect();
            let measuring =
                Measuring { table: &table, profile, function: &measure.function, at: *at, change };
            measures.push(measuring.of(&of)?);
        }
        let group = Group { keys, measures, count: rows.len() as u64 };
        if truth(&request.having, &outputs, profile, &group.row()) == Truth::True {
            groups.push(group);
        }
    }
    groups.sort_by(|left, right| compare(profile, request, left, right));
    Ok(groups)
}

impl Group {
    /// The group as a row of the table that `having` looks at.
    fn row(&self) -> Vec<Value> {
        let measures = self.measures.iter().map(|measured| measured.value.clone());
        measures.chain([Value::Integer(i64::try_from(self.count).unwrap_or(i64::MAX))]).collect()
    }
}

/// Two groups in the request's order; ties go by the dimensions, ascending.
pub fn compare(profile: &Profile, request: &Aggregate, left: &Group, right: &Group) -> Ordering {
    let dimension = |at: usize| match (left.keys.get(at), right.keys.get(at)) {
        (Some(left), Some(right)) => left.compare(profile, right),
        _ => Ordering::Equal,
    };
    let by = |key: SortKey| match key {
        SortKey::Count => left.count.cmp(&right.count),
        SortKey::Dimension(at) => dimension(at),
        SortKey::Measure(at) => match (left.measures.get(at), right.measures.get(at)) {
            (Some(left), Some(right)) => profile.compare(&left.value, &right.value),
            _ => Ordering::Equal,
        },
    };
    let asked = request.sort.iter().map(|sort| {
        let order = by(sort.key);
        if sort.descending { order.reverse() } else { order }
    });
    asked
        .chain((0..request.dimensions.len()).map(dimension))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

/// A row's keys; `None` when one of them drops it.
fn keys(
    table: &Table,
    profile: &Profile,
    request: &Aggregate,
    dimensions: &[usize],
    row: &[Value],
) -> Result<Option<Vec<Key>>> {
    let mut keys = Vec::new();
    for (dimension, at) in request.dimensions.iter().zip(dimensions) {
        let (Some(column), Some(value)) = (table.columns.get(*at), row.get(*at)) else { return Ok(None) };
        match Key::of(value, column, dimension.bucket.as_ref(), profile)? {
            Some(key) => keys.push(key),
            None => return Ok(None),
        }
    }
    Ok(Some(keys))
}

/// What `ids` say, as a filter on the key.
fn ids(table: &Table, request: &Aggregate) -> Result<Filter> {
    let Some(ids) = &request.ids else { return Ok(Filter::TRUE) };
    match table.primary_key.as_slice() {
        [key] => match table.columns.get(*key) {
            Some(column) => Ok(Filter::Column(column.name.clone(), Test::In(ids.clone()))),
            None => Err(Error::internal("the key is no column")),
        },
        _ => {
            let problem = format_args!("target \"{}\" has no key of one column", table.name);
            Err(Error::option("ids", problem))
        }
    }
}

/// `first` and `last` need an order among the rows.
fn ordered(table: &Table, request: &Aggregate) -> Result<()> {
    use connector_model::request::aggregate::Function::{First, Last};
    for measure in &request.measures {
        let (First(name) | Last(name)) = &measure.function else { continue };
        let column = table.columns.get(table.position("measures", name)?);
        if let (None, Some(column)) = (&request.change_column, column)
            && !types::has_order(column.logical_type)
        {
            return Err(types::mistyped("measures", column, "values that have an order"));
        }
    }
    Ok(())
}

/// The measures as columns of a table, and `count` unless one of them is called so.
fn outputs(request: &Aggregate, columns: impl Iterator<Item = ColumnDef>) -> Table {
    let count = ColumnDef {
        name: COUNT.to_owned(),
        logical_type: LogicalType::Integer,
        native_type: "number".to_owned(),
        nullable: false,
    };
    Table {
        name: request.target.clone(),
        kind: "groups".to_owned(),
        columns: columns.chain([count]).collect(),
        primary_key: Vec::new(),
        unique_index: Vec::new(),
        rows: Vec::new(),
    }
}
