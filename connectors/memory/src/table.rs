//! Tables as plain lists, and names that are looked up in them.

use std::cmp::Ordering;

use connector_model::error::{Error, Result};
use connector_model::nearest::suggestion;
use connector_model::target::{Column, LogicalType, TargetColumn, TargetSchema};

use crate::value::Value;

/// One column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ColumnDef {
    /// Its name.
    pub name: String,
    /// What kind of value it holds.
    pub logical_type: LogicalType,
    /// Its type in the engine's own words.
    pub native_type: String,
    /// Whether it can hold NULL.
    pub nullable: bool,
}

/// A table with its rows.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// What jobs call it.
    pub name: String,
    /// `table`, `view`, or the engine's own word.
    pub kind: String,
    /// Its columns in order.
    pub columns: Vec<ColumnDef>,
    /// The positions of the primary key's columns, in key order; empty when there is none.
    pub primary_key: Vec<usize>,
    /// The positions of a unique index's columns; empty when there is none. It identifies rows where no primary key
    /// does.
    pub unique_index: Vec<usize>,
    /// Its rows, each as long as `columns`.
    pub rows: Vec<Vec<Value>>,
}

impl Table {
    /// The positions of the columns that identify a row: the primary key's, else the unique index's; empty when there
    /// is neither.
    pub fn key(&self) -> &[usize] {
        if self.primary_key.is_empty() { &self.unique_index } else { &self.primary_key }
    }

    /// Checks that the table is one: rows as wide as the columns, values of their columns' types, NULL only where it
    /// may be, a key of existing columns that no two rows share.
    ///
    /// # Errors
    /// `INTERNAL` saying what is wrong.
    pub fn check(&self) -> Result<()> {
        let fault = |what: String| Err(Error::internal(format!("table \"{}\": {what}", self.name)));
        for (at, row) in self.rows.iter().enumerate() {
            if row.len() != self.columns.len() {
                return fault(format!("row {at} has {} values, not {}", row.len(), self.columns.len()));
            }
            for (column, value) in self.columns.iter().zip(row) {
                if !value.fits(column.logical_type) || (*value == Value::Null && !column.nullable) {
                    return fault(format!("row {at} has no value of column \"{}\"", column.name));
                }
            }
        }
        let mut key = self.primary_key.iter().chain(&self.unique_index);
        if key.any(|at| self.columns.get(*at).is_none_or(|column| column.nullable)) {
            return fault("a key column is missing or nullable".to_owned());
        }
        let mut rows: Vec<&Vec<Value>> = self.rows.iter().collect();
        rows.sort_by(|left, right| self.compare_keys(left, right));
        let distinct = rows.is_sorted_by(|left, right| self.compare_keys(left, right).is_lt());
        if distinct || self.key().is_empty() {
            Ok(())
        } else {
            fault("two rows have the same key".to_owned())
        }
    }

    /// Two rows by their keys.
    pub(crate) fn compare_keys(&self, left: &[Value], right: &[Value]) -> Ordering {
        let one = |at: &usize| Some(left.get(*at)?.compare_same(right.get(*at)?));
        self.key().iter().filter_map(one).find(|order| order.is_ne()).unwrap_or(Ordering::Equal)
    }

    /// Whether two rows have the same key.
    pub fn same_key(&self, left: &[Value], right: &[Value]) -> bool {
        self.compare_keys(left, right).is_eq()
    }

    /// The position of a column that `option` names.
    ///
    /// # Errors
    /// `INVALID_JOB` naming the option, the column and the nearest names.
    pub fn position(&self, option: &str, name: &str) -> Result<usize> {
        self.columns.iter().position(|column| column.name == name).ok_or_else(|| {
            let hint = suggestion(name, self.columns.iter().map(|column| column.name.as_str()));
            Error::option(option, format_args!("target \"{}\" has no column \"{name}\"{hint}", self.name))
                .with("column", name)
        })
    }

    /// The positions of the columns to return: those that `option` names, or all.
    ///
    /// # Errors
    /// As [`Table::position`].
    pub fn selection(&self, option: &str, names: Option<&[String]>) -> Result<Vec<usize>> {
        match names {
            None => Ok((0..self.columns.len()).collect()),
            Some(names) => names.iter().map(|name| self.position(option, name)).collect(),
        }
    }

    /// A column as results describe it.
    pub fn result_columns(&self, selection: &[usize]) -> Vec<Column> {
        selection
            .iter()
            .filter_map(|at| self.columns.get(*at))
            .map(|column| Column { name: column.name.clone(), logical_type: column.logical_type })
            .collect()
    }

    /// The table as `introspectTarget` shows it.
    pub fn schema(&self) -> TargetSchema {
        let in_key = |at: &usize| self.primary_key.contains(at);
        TargetSchema {
            name: self.name.clone(),
            kind: self.kind.clone(),
            columns: (0..)
                .zip(&self.columns)
                .map(|(at, column)| TargetColumn {
                    name: column.name.clone(),
                    native_type: column.native_type.clone(),
                    nullable: column.nullable,
                    primary_key: in_key(&at),
                    logical_type: column.logical_type,
                })
                .collect(),
            primary_key: self
                .primary_key
                .iter()
                .filter_map(|at| self.columns.get(*at))
                .map(|column| column.name.clone())
                .collect(),
            key: self
                .key()
                .iter()
                .filter_map(|at| self.columns.get(*at))
                .map(|column| column.name.clone())
                .collect(),
            row_count: u64::try_from(self.rows.len()).ok(),
        }
    }
}
