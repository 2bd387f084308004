//! What columns a target's rows have, as far as a sample of them shows.

use std::collections::HashMap;

use semilayer_connector::error;
use semilayer_connector::model::nearest::suggestion;
use semilayer_connector::prelude::{Column, LogicalType, Result, TargetColumn, TargetSchema};

use crate::cell::Kind;
use crate::document::{Fetched, KEY, Stored};

/// What `listTargets` and `introspectTarget` call a set of keys with one prefix.
pub const TARGET_KIND: &str = "prefix";

/// How many columns are told apart. A hash that is used as a map has as many fields as it has entries; rows show those
/// beyond too, no `where` can name them.
const MAX_COLUMNS: usize = 1_000;

/// A target's columns.
#[derive(Debug, Clone, PartialEq)]
pub struct Shape {
    /// The target's name.
    pub name: String,
    /// The columns; the first is the key.
    pub columns: Vec<TargetColumn>,
    /// How many rows the sample had.
    pub sampled: u64,
    /// Whether the sample was every row there is.
    pub complete: bool,
    /// Whether most of them are hashes.
    pub hashes: bool,
}

impl Shape {
    /// As `introspectTarget` shows it.
    pub fn schema(&self) -> TargetSchema {
        TargetSchema {
            name: self.name.clone(),
            kind: TARGET_KIND.to_owned(),
            columns: self.columns.clone(),
            primary_key: vec![KEY.to_owned()],
            key: vec![KEY.to_owned()],
            row_count: self.complete.then_some(self.sampled),
        }
    }

    /// Whether there is a column of that name.
    pub fn has(&self, name: &str) -> bool {
        self.columns.iter().any(|column| column.name == name)
    }

    /// The column of that name.
    ///
    /// # Errors
    /// `INVALID_JOB` naming the option, the column and the nearest names.
    pub fn column(&self, option: &str, name: &str) -> Result<&TargetColumn> {
        self.columns.iter().find(|column| column.name == name).ok_or_else(|| {
            let hint = suggestion(name, self.columns.iter().map(|column| column.name.as_str()));
            let Shape { name: target, sampled, complete, .. } = self;
            let scope = match complete {
                true => String::new(),
                false => format!(" in {sampled} of its rows (`sampleRows` sets how many are looked at)"),
            };
            error::invalid_request(
                option,
                format_args!("target \"{target}\" has no column \"{name}\"{scope}{hint}"),
            )
            .with("column", name)
        })
    }

    /// The columns of a result: those that `option` names, or all.
    ///
    /// # Errors
    /// As [`Shape::column`].
    pub fn selected(&self, option: &str, names: Option<&[String]>) -> Result<Vec<Column>> {
        let column =
            |column: &TargetColumn| Column { name: column.name.clone(), logical_type: column.logical_type };
        match names {
            None => Ok(self.columns.iter().map(column).collect()),
            Some(names) => names.iter().map(|name| self.column(option, name).map(column)).collect(),
        }
    }
}

/// Learns a shape from rows.
#[derive(Debug, Default)]
pub struct Sample {
    columns: HashMap<String, Trait>,
    rows: u64,
    hashes: u64,
}

/// What is known of a column.
#[derive(Debug)]
struct Trait {
    /// The kinds of its values, a bit each.
    kinds: u16,
    /// The first key, of all that were seen, whose row has it, and its place there: columns are shown in that order, so
    /// that it does not depend on the order in which rows come.
    first: (Box<str>, usize),
}

impl Sample {
    /// Looks at a row.
    pub fn add(&mut self, row: &Fetched) {
        self.rows += 1;
        self.hashes += u64::from(matches!(row.stored, Stored::Fields(_)));
        for (at, (name, cell)) in row.stored.members().iter().enumerate() {
            let bit = 1 << cell.kind() as u16;
            let is_full = self.columns.len() >= MAX_COLUMNS;
            match self.columns.get_mut(name.as_ref()) {
                Some(known) => {
                    known.kinds |= bit;
                    if *row.key < *known.first.0 {
                        known.first = (row.key.clone(), at);
                    }
                }
                None if !is_full => {
                    let first = (row.key.clone(), at);
                    self.columns.insert(name.to_string(), Trait { kinds: bit, first });
                }
                None => {}
            }
        }
    }

    /// How many rows were looked at.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// What was learned.
    pub fn shape(self, target: &str, complete: bool) -> Shape {
        let mut found: Vec<(String, Trait)> = self.columns.into_iter().collect();
        found.sort_by(|(_, left), (_, right)| left.first.cmp(&right.first));
        let column = |name: String, logical_type, native: &str, is_key: bool| TargetColumn {
            name,
            native_type: native.to_owned(),
            nullable: !is_key,
            primary_key: is_key,
            logical_type,
        };
        let mut columns = vec![column(KEY.to_owned(), LogicalType::Text, "string", true)];
        columns.extend(found.into_iter().map(|(name, known)| {
            let (logical_type, native) = typed(known.kinds);
            column(name, logical_type, native, false)
        }));
        let hashes = self.hashes > self.rows / 2;
        Shape { name: target.to_owned(), columns, sampled: self.rows, complete, hashes }
    }
}

/// The type of a column that has values of these kinds.
fn typed(kinds: u16) -> (LogicalType, &'static str) {
    const fn bit(kind: Kind) -> u16 {
        1 << kind as u16
    }
    const BOOLEAN: u16 = bit(Kind::Boolean);
    const INTEGER: u16 = bit(Kind::Integer);
    const FLOAT: u16 = bit(Kind::Float);
    const NUMBER: u16 = INTEGER | FLOAT;
    const TEXT: u16 = bit(Kind::Text);
    const OBJECT: u16 = bit(Kind::Object);
    const ARRAY: u16 = bit(Kind::Array);
    const DOCUMENT: u16 = OBJECT | ARRAY;
    const BYTES: u16 = bit(Kind::Bytes);
    match kinds & !bit(Kind::Null) {
        0 => (LogicalType::Unknown, "null"),
        BOOLEAN => (LogicalType::Boolean, "boolean"),
        INTEGER => (LogicalType::Integer, "integer"),
        FLOAT | NUMBER => (LogicalType::Float, "number"),
        TEXT => (LogicalType::Text, "string"),
        OBJECT => (LogicalType::Json, "object"),
        ARRAY => (LogicalType::Array, "array"),
        DOCUMENT => (LogicalType::Json, "json"),
        BYTES => (LogicalType::Bytes, "bytes"),
        _ => (LogicalType::Unknown, "mixed"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use semilayer_connector::prelude::ErrorCode;

    fn sampled(rows: &[(&str, &str)]) -> Sample {
        let mut sample = Sample::default();
        for (key, text) in rows {
            sample.add(&Fetched { key: (*key).into(), stored: Stored::Text(text.as_bytes().to_vec()) });
        }
        sample
    }

    #[test]
    fn columns_have_the_kinds_of_their_values_in_the_order_of_the_first_key() {
        let rows = [
            ("t:2", r#"{"z": 1, "late": 1}"#),
            ("t:1", r#"{"b": true, "i": null, "n": 1, "x": 1, "t": "", "o": {}, "a": [], "z": null}"#),
            ("t:3", r#"{"i": 7, "n": 1.5, "x": "1"}"#),
        ];
        let shape = sampled(&rows).shape("t", true);
        let columns: Vec<(&str, &str)> =
            shape.columns.iter().map(|column| (column.name.as_str(), column.native_type.as_str())).collect();
        assert_eq!(
            columns,
            [
                ("_key", "string"),
                ("b", "boolean"),
                ("i", "integer"),
                ("n", "number"),
                ("x", "mixed"),
                ("t", "string"),
                ("o", "object"),
                ("a", "array"),
                ("z", "integer"),
                ("late", "integer"),
            ]
        );
        assert_eq!(shape.schema().row_count, Some(3));
        let mut backwards = rows;
        backwards.reverse();
        assert_eq!(sampled(&backwards).shape("t", true), shape);
    }

    #[test]
    fn an_unknown_column_names_the_nearest_and_the_sample() {
        let shape = sampled(&[("t:1", r#"{"name": 1}"#)]).shape("t", false);
        let error = shape.selected("select", Some(&["nmae".to_owned()])).unwrap_err();
        assert_eq!(error.code(), ErrorCode::InvalidJob);
        assert!(error.message().contains("\"name\"") && error.message().contains("`sampleRows`"), "{error}");
        assert_eq!(shape.schema().row_count, None);
    }

    #[test]
    fn columns_are_bounded() {
        let many: Vec<String> = (0..5_000).map(|n| format!("\"m{n}\":{n}")).collect();
        let text = format!("{{{}}}", many.join(","));
        assert_eq!(sampled(&[("t:1", &text)]).shape("t", true).columns.len(), MAX_COLUMNS + 1);
    }
}
