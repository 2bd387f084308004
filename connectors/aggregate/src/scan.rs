//! The one query whose rows an aggregate is computed of.

use connector_evaluate::condition::Condition;
use connector_evaluate::field::{Field, unknown_column};
use connector_model::Conventions;
use connector_model::error::{Error, Result};
use connector_model::filter::{Filter, Test};
use connector_model::request::aggregate::Function;
use connector_model::request::{Aggregate, Query};
use connector_model::target::{TargetColumn, TargetSchema};

/// A query and what its rows look like.
#[derive(Debug, Clone, PartialEq)]
pub struct Scan {
    /// The columns that the aggregate looks at, of the rows that pass its filter and its ids and have a value in every
    /// dimension. In no order and without a limit.
    pub query: Query,
    /// The columns of its rows.
    pub columns: Vec<Field>,
    /// Those that tell its rows apart; empty where the target has no key or nobody asks for it.
    pub key: Vec<String>,
}

impl Scan {
    /// The query for `request` over the target `own`, with the joined targets in the order of the request's joins.
    ///
    /// # Errors
    /// `INVALID_JOB` naming the option: a column that is not there, ids of a target whose primary key is not one
    /// column.
    pub fn new(
        request: &Aggregate,
        own: &TargetSchema,
        joined: &[TargetSchema],
        conventions: Conventions,
    ) -> Result<Scan> {
        let all = columns(request, own, joined, conventions);
        check_columns(request, own, joined, &all)?;
        let needs_key = request.sample.is_some()
            || request
                .measures
                .iter()
                .any(|measure| matches!(measure.function, Function::First(_) | Function::Last(_)));
        let key = if needs_key { own.key.clone() } else { Vec::new() };
        let mut names: Vec<String> = Vec::new();
        let mut need = |name: &str| {
            if !names.iter().any(|known| known == name) {
                names.push(name.to_owned());
            }
        };
        key.iter().for_each(|name| need(name));
        request.dimensions.iter().for_each(|dimension| need(&dimension.column));
        for measure in &request.measures {
            measure.function.column().into_iter().for_each(&mut need);
            visit(&measure.filter, &mut need);
        }
        request.change_column.iter().for_each(|name| need(name));
        if request.sample.is_some() && key.is_empty() {
            // A sample then goes by the whole row.
            own.columns.iter().for_each(|column| need(&column.name));
        }
        if names.is_empty() {
            // Rows are counted: any column will do.
            let any = own.key.first().or(own.columns.first().map(|column| &column.name));
            names.extend(any.cloned());
        }
        let columns = names.iter().filter_map(|name| all.iter().find(|column| column.name == *name).cloned());
        let columns: Vec<Field> = columns.collect();
        let query = Query {
            target: request.target.clone(),
            select: Some(names),
            filter: filter(request, own)?,
            joins: request.joins.clone(),
            order_by: Vec::new(),
            limit: None,
            offset: 0,
            cursor: None,
            include_total: false,
        };
        Ok(Scan { query, columns, key })
    }
}

/// The columns of the target by their names, and those of its joins as `alias.column`.
fn columns(
    request: &Aggregate,
    own: &TargetSchema,
    joined: &[TargetSchema],
    conventions: Conventions,
) -> Vec<Field> {
    let field = |name: String, known: &TargetColumn| Field::new(name, known, &conventions);
    let foreign = request.joins.iter().zip(joined).flat_map(|(join, target)| {
        target.columns.iter().map(|known| field(format!("{}.{}", join.alias, known.name), known))
    });
    own.columns.iter().map(|known| field(known.name.clone(), known)).chain(foreign).collect()
}

/// The query would refuse an unknown column too, but not by the name of the option that has it.
fn check_columns(
    request: &Aggregate,
    own: &TargetSchema,
    joined: &[TargetSchema],
    all: &[Field],
) -> Result<()> {
    for (at, (join, target)) in request.joins.iter().zip(joined).enumerate() {
        for (side, schema, name) in [("local", own, &join.local), ("foreign", target, &join.foreign)] {
            if schema.columns.iter().all(|known| known.name != *name) {
                let known = schema.columns.iter().map(|known| known.name.as_str());
                return Err(unknown_column(&format!("joins[{at}].on.{side}"), &schema.name, name, known));
            }
        }
    }
    let known = |option: &str, name: &str| {
        if all.iter().any(|known| known.name == name) {
            return Ok(());
        }
        Err(unknown_column(option, &own.name, name, all.iter().map(|known| known.name.as_str())))
    };
    for (at, dimension) in request.dimensions.iter().enumerate() {
        known(&format!("dimensions[{at}].field"), &dimension.column)?;
    }
    for measure in &request.measures {
        let part = |part: &str| format!("measures.{}.{part}", measure.name);
        measure.function.column().map_or(Ok(()), |name| known(&part("column"), name))?;
        measure.filter.visit_columns(&mut |name| known(&part("where"), name))?;
    }
    request.change_column.iter().try_for_each(|name| known("changeTrackingColumn", name))?;
    // Operands too: the query knows them as those of a `where`.
    let place = |name: &str| {
        known("candidatesWhere", name)?;
        let found = all.iter().position(|known| known.name == name).unwrap_or(0);
        let field = all.get(found).ok_or_else(|| Error::internal("a column that is known is not there"))?;
        Ok(field.at(found))
    };
    Condition::new(&request.filter, "candidatesWhere", &place).map(|_| ())
}

fn filter(request: &Aggregate, own: &TargetSchema) -> Result<Filter> {
    let mut parts = Vec::new();
    if !request.filter.is_true() {
        parts.push(request.filter.clone());
    }
    if let Some(ids) = &request.ids {
        let [key] = own.key.as_slice() else {
            let problem = match own.key.len() {
                0 => format!("target \"{}\" has no key", own.name),
                columns => {
                    format!("target \"{}\" has a key of {columns} columns, an id is one value", own.name)
                }
            };
            return Err(Error::option("ids", format!("{problem}; use `candidatesWhere`")));
        };
        parts.push(Filter::Column(key.clone(), Test::In(ids.clone())));
    }
    let present = |name: &String| Filter::Column(name.clone(), Test::Exists(true));
    parts.extend(request.dimensions.iter().map(|dimension| present(&dimension.column)));
    Ok(Filter::And(parts))
}

fn visit(filter: &Filter, need: &mut impl FnMut(&str)) {
    let visited: Result<(), std::convert::Infallible> = filter.visit_columns(&mut |name| {
        need(name);
        Ok(())
    });
    match visited {
        Ok(()) => {}
        Err(never) => match never {},
    }
}
