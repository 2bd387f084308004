//! The columns that a request reaches, and what their values allow.

use connector_memory::{ColumnDef, Table, Value};
use serde_json::{Value as Json, json};

/// A join that can be asked for.
#[derive(Debug, Clone)]
pub(super) struct Joined {
    pub(super) alias: String,
    pub(super) local: String,
    pub(super) foreign: String,
    table: Table,
}

impl Joined {
    /// The joins of a column with those of another table that have its type.
    pub(super) fn over(local: &ColumnDef, other: &Table) -> Vec<Joined> {
        let fits = |foreign: &&ColumnDef| {
            foreign.logical_type.orderable()
                && foreign.logical_type == local.logical_type
                && foreign.native_type == local.native_type
        };
        let joined = |foreign: &ColumnDef| Joined {
            alias: String::new(),
            local: local.name.clone(),
            foreign: foreign.name.clone(),
            table: other.clone(),
        };
        other.columns.iter().filter(fits).map(joined).collect()
    }

    /// The same under this alias.
    pub(super) fn called(self, alias: &str) -> Joined {
        Joined { alias: alias.to_owned(), ..self }
    }

    fn json(&self) -> Json {
        json!({
            "target": self.table.name,
            "alias": self.alias,
            "kind": "left",
            "on": {"local": self.local, "foreign": self.foreign},
        })
    }
}

/// A table with those joined to it.
#[derive(Debug, Clone)]
pub(super) struct Reach {
    own: Table,
    joins: Vec<Joined>,
}

/// A column within reach.
#[derive(Debug, Clone)]
pub(super) struct Column {
    /// What a request calls it.
    pub(super) name: String,
    /// The alias of the join it belongs to, and its name there.
    pub(super) from: Option<(String, String)>,
    pub(super) def: ColumnDef,
    /// Its values, NULL left out.
    pub(super) values: Vec<Value>,
}

impl Reach {
    pub(super) fn new(own: &Table, joins: Vec<Joined>) -> Reach {
        Reach { own: own.clone(), joins }
    }

    pub(super) fn own(&self) -> &Table {
        &self.own
    }

    pub(super) fn target(&self) -> &str {
        &self.own.name
    }

    pub(super) fn joins(&self) -> Vec<Json> {
        self.joins.iter().map(Joined::json).collect()
    }

    /// Every column.
    pub(super) fn columns(&self) -> Vec<Column> {
        let of = |table: &Table, alias: Option<&str>| -> Vec<Column> {
            let column = |(at, def): (usize, &ColumnDef)| Column {
                name: alias.map_or_else(|| def.name.clone(), |alias| format!("{alias}.{}", def.name)),
                from: alias.map(|alias| (alias.to_owned(), def.name.clone())),
                def: def.clone(),
                values: table
                    .rows
                    .iter()
                    .filter_map(|row| row.get(at))
                    .filter(|value| **value != Value::Null)
                    .cloned()
                    .collect(),
            };
            table.columns.iter().enumerate().map(column).collect()
        };
        let joined = self.joins.iter().flat_map(|join| of(&join.table, Some(&join.alias)));
        of(&self.own, None).into_iter().chain(joined).collect()
    }

    /// A table of all columns, for whoever wants to draw operands from their values. Its rows are none that a join
    /// gives.
    pub(super) fn wide(&self) -> Table {
        let columns = self.columns();
        let height = columns.iter().map(|column| column.values.len()).max().unwrap_or(0);
        let rows = (0..height).map(|at| {
            columns.iter().map(|column| column.values.get(at).cloned().unwrap_or(Value::Null)).collect()
        });
        Table {
            name: self.own.name.clone(),
            kind: self.own.kind.clone(),
            rows: rows.collect(),
            columns: columns
                .into_iter()
                .map(|column| ColumnDef { name: column.name, nullable: true, ..column.def })
                .collect(),
            primary_key: Vec::new(),
            unique_index: Vec::new(),
        }
    }
}

impl Column {
    /// The largest magnitude of its numbers; `None` when one of them is not finite.
    pub(super) fn magnitude(&self) -> Option<f64> {
        let numbers = self.values.iter().filter_map(Value::as_double);
        numbers
            .map(|number| number.is_finite().then_some(number.abs()))
            .try_fold(0.0, |most, one| one.map(|one| f64::max(most, one)))
    }
}
