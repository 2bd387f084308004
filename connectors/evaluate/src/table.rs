//! A target as its rows are looked at: columns, key, and the database's conventions.

use connector_model::Conventions;
use connector_model::error::Result;
use connector_model::filter::Filter;
use connector_model::target::{Column, TargetColumn, TargetSchema};

use crate::condition::{Condition, Place};
use crate::cut::Cutter;
use crate::field::{Field, unknown_column};

/// A target whose rows are objects with one key per column.
#[derive(Debug, Clone)]
pub struct Table {
    name: String,
    fields: Vec<Field>,
    /// The positions of the columns that tell rows apart.
    key: Vec<usize>,
    conventions: Conventions,
}

impl Table {
    /// The target as it introspects, in a database of these conventions.
    pub fn new(schema: &TargetSchema, conventions: &Conventions) -> Table {
        let field = |column: &TargetColumn| Field::new(column.name.clone(), column, conventions);
        let key = if schema.key.is_empty() { &schema.primary_key } else { &schema.key };
        let position = |name: &String| schema.columns.iter().position(|column| column.name == *name);
        Table {
            name: schema.name.clone(),
            fields: schema.columns.iter().map(field).collect(),
            // A key of which a column is not shown tells no rows apart.
            key: key.iter().map(position).collect::<Option<_>>().unwrap_or_default(),
            conventions: conventions.clone(),
        }
    }

    /// What jobs call it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its columns, in their order.
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The positions of the columns that tell rows apart; empty when there are none.
    pub fn key(&self) -> &[usize] {
        &self.key
    }

    /// How its database's rows differ in meaning.
    pub fn conventions(&self) -> &Conventions {
        &self.conventions
    }

    /// What cuts its rows into cells, one for each column.
    pub fn cutter(&self) -> Cutter {
        Cutter::new(self.fields.iter().map(|field| field.name.as_str()))
    }

    /// The position of a column that `option` names.
    ///
    /// # Errors
    /// `INVALID_JOB` naming the option, the column and the nearest names.
    pub fn position(&self, option: &str, name: &str) -> Result<usize> {
        self.place(option, name).map(|place| place.at)
    }

    /// The place of a column that `option` names.
    ///
    /// # Errors
    /// As [`Table::position`].
    pub fn place(&self, option: &str, name: &str) -> Result<Place> {
        let found = self.fields.iter().enumerate().find(|(_, field)| field.name == name);
        found.map(|(at, field)| field.at(at)).ok_or_else(|| {
            unknown_column(option, &self.name, name, self.fields.iter().map(|field| field.name.as_str()))
        })
    }

    /// The positions of the columns that `option` names, or of all.
    ///
    /// # Errors
    /// As [`Table::position`].
    pub fn selection(&self, option: &str, names: Option<&[String]>) -> Result<Vec<usize>> {
        match names {
            None => Ok((0..self.fields.len()).collect()),
            Some(names) => names.iter().map(|name| self.position(option, name)).collect(),
        }
    }

    /// Columns as results describe them.
    pub fn columns(&self, selection: &[usize]) -> Vec<Column> {
        let fields = selection.iter().filter_map(|at| self.fields.get(*at));
        fields.map(|field| Column { name: field.name.clone(), logical_type: field.logical_type }).collect()
    }

    /// A filter over its rows, that `option` holds.
    ///
    /// # Errors
    /// `INVALID_JOB` naming the option: an unknown column, an ordering comparison with what is no value of the column's
    /// type.
    pub fn condition(&self, option: &str, filter: &Filter) -> Result<Condition> {
        Condition::new(filter, option, &|name| self.place(option, name))
    }
}
