//! A target of what the pragmas say (sqlite.org/pragma.html).

use connector_model::Result;
use connector_model::target::{TargetColumn, TargetSchema};

use super::declared::logical;
use super::names::{Named, SCHEMA};
use crate::table::{Reading, Table, TableColumn};

/// What the catalogue knows of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The target as statements see it.
    pub table: Table,
    /// `table`, `view` or `virtual`.
    pub kind: String,
    /// Positions of the primary key's columns, in key order.
    pub primary_key: Vec<usize>,
    /// Whether rows have a number of their own, under whatever name.
    pub has_rowid: bool,
}

/// One row of `table_xinfo`, the arguments of virtual tables left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DescribedColumn {
    /// Its name.
    pub name: String,
    /// The declared type, as it was written; empty when there is none.
    pub declared: String,
    /// Whether it was declared `NOT NULL`.
    pub not_null: bool,
    /// The place in the primary key, from 1; 0 is none.
    pub key_place: i64,
}

/// An index that allows each value once, over all rows: a partial one is none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UniqueIndex {
    /// Whether it is the primary key's.
    pub is_primary_key: bool,
    /// What it is over, in order.
    pub parts: Vec<IndexPart>,
}

/// One part of an index.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexPart {
    /// The column; `None` is an expression.
    pub column: Option<String>,
    /// By what the index compares texts.
    pub collation: String,
}

impl Described {
    /// Puts together what the pragmas said. `indexes` are the unique ones, the primary key's first; `collation` is what
    /// a column's texts are compared by.
    ///
    /// # Errors
    /// What `collation` returns.
    pub fn new<E>(
        named: &Named,
        columns: Vec<DescribedColumn>,
        indexes: &[UniqueIndex],
        mut collation: impl FnMut(&str) -> Result<String, E>,
    ) -> Result<Described, E> {
        let mut keyed: Vec<(i64, usize)> = columns
            .iter()
            .enumerate()
            .filter(|(_, column)| column.key_place > 0)
            .map(|(position, column)| (column.key_place, position))
            .collect();
        keyed.sort_unstable();
        let mut primary_key: Vec<usize> = keyed.into_iter().map(|(_, position)| position).collect();
        // Its index knows the order too, and some engines say it only there.
        let ordered = indexes.iter().find(|index| index.is_primary_key).map(|index| {
            let place = |part: &IndexPart| columns.iter().position(|c| Some(&c.name) == part.column.as_ref());
            index.parts.iter().filter_map(place).collect::<Vec<_>>()
        });
        if let Some(ordered) = ordered.filter(|ordered| {
            ordered.len() == primary_key.len() && ordered.iter().all(|at| primary_key.contains(at))
        }) {
            primary_key = ordered;
        }

        // A key of one integer that has no index of its own is the row's number itself, which is never NULL. Every
        // other primary key of an ordinary table may hold NULL unless it says otherwise
        // (sqlite.org/lang_createtable.html, 3.5).
        let is_table = named.kind == "table";
        let is_row_number =
            is_table && primary_key.len() == 1 && !indexes.iter().any(|index| index.is_primary_key);
        let columns: Vec<TableColumn> = columns
            .into_iter()
            .map(|column| TableColumn {
                logical_type: logical(&column.declared),
                nullable: !(column.not_null
                    || (column.key_place > 0 && (named.without_rowid || is_row_number))),
                name: column.name,
                native_type: column.declared,
                reading: Reading::Native,
                qualified: None,
            })
            .collect();
        let mut key = if is_row_number { primary_key.clone() } else { Vec::new() };
        for index in indexes {
            if !key.is_empty() {
                break;
            }
            key = identifying(&columns, index, &mut collation)?.unwrap_or_default();
        }
        let path = vec![SCHEMA.to_owned(), named.name.clone()];
        Ok(Described {
            table: Table { name: named.name.clone(), path, columns, key },
            kind: named.kind.clone(),
            primary_key,
            has_rowid: is_table && !named.without_rowid,
        })
    }

    /// What `introspectTarget` answers.
    ///
    /// # Errors
    /// `INTERNAL` for positions outside the table, which [`Described::new`] does not make.
    pub fn schema(&self, row_count: Option<u64>) -> Result<TargetSchema> {
        let name = |position: &usize| Ok(self.table.column(*position)?.name.clone());
        let columns = self.table.columns.iter().enumerate().map(|(position, column)| TargetColumn {
            name: column.name.clone(),
            native_type: column.native_type.clone(),
            nullable: column.nullable,
            primary_key: self.primary_key.contains(&position),
            logical_type: column.logical_type,
        });
        Ok(TargetSchema {
            columns: columns.collect(),
            name: self.table.name.clone(),
            kind: self.kind.clone(),
            primary_key: self.primary_key.iter().map(name).collect::<Result<_>>()?,
            key: self.table.key.iter().map(name).collect::<Result<_>>()?,
            row_count,
        })
    }
}

/// The index's columns, if no two rows are equal in them: none may be NULL (NULLs differ from each other), none an
/// expression, and what the index holds apart, the column's own collation must hold apart too: rows are ordered by it.
fn identifying<E>(
    columns: &[TableColumn],
    index: &UniqueIndex,
    collation: &mut impl FnMut(&str) -> Result<String, E>,
) -> Result<Option<Vec<usize>>, E> {
    let mut key = Vec::with_capacity(index.parts.len());
    for part in &index.parts {
        let position = columns.iter().position(|column| Some(&column.name) == part.column.as_ref());
        let Some((position, column)) = position.and_then(|at| columns.get(at).map(|column| (at, column)))
        else {
            return Ok(None);
        };
        if column.nullable {
            return Ok(None);
        }
        let own = collation(&column.name)?;
        if !own.eq_ignore_ascii_case("BINARY") && !own.eq_ignore_ascii_case(&part.collation) {
            return Ok(None);
        }
        key.push(position);
    }
    Ok((!key.is_empty()).then_some(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::convert::Infallible;

    fn column(name: &str, declared: &str, not_null: bool, key_place: i64) -> DescribedColumn {
        DescribedColumn { name: name.into(), declared: declared.into(), not_null, key_place }
    }

    fn index(is_primary_key: bool, parts: &[(&str, &str)]) -> UniqueIndex {
        let part = |(name, collation): &(&str, &str)| IndexPart {
            column: (!name.is_empty()).then(|| (*name).to_owned()),
            collation: (*collation).to_owned(),
        };
        UniqueIndex { is_primary_key, parts: parts.iter().map(part).collect() }
    }

    fn described(columns: Vec<DescribedColumn>, indexes: &[UniqueIndex], own: &str) -> Described {
        let named = Named { name: "t".into(), kind: "table".into(), without_rowid: false };
        Described::new(&named, columns, indexes, |_| Ok::<_, Infallible>(own.to_owned())).unwrap()
    }

    #[test]
    fn the_row_s_number_is_a_key_that_is_never_null() {
        let table = described(vec![column("id", "INTEGER", false, 1)], &[], "BINARY");
        assert_eq!((table.table.key, table.primary_key), (vec![0], vec![0]));
        assert!(!table.table.columns[0].nullable);
    }

    #[test]
    fn a_primary_key_that_may_hold_null_does_not_identify_and_a_unique_index_does() {
        let columns =
            || vec![column("a", "TEXT", false, 2), column("b", "TEXT", false, 1), column("c", "", true, 0)];
        let primary = index(true, &[("b", "BINARY"), ("a", "BINARY")]);
        let table = described(columns(), &[primary.clone(), index(false, &[("c", "BINARY")])], "BINARY");
        assert_eq!((table.primary_key, table.table.key), (vec![1, 0], vec![2]));
        let table =
            described(columns(), &[primary, index(false, &[("c", "BINARY"), ("", "BINARY")])], "BINARY");
        assert_eq!(table.table.key, Vec::<usize>::new());
    }

    #[test]
    fn an_index_that_tells_more_apart_than_its_column_does_not_identify() {
        let columns = || vec![column("a", "TEXT", true, 0)];
        for (own, collation, expected) in
            [("NOCASE", "BINARY", vec![]), ("NOCASE", "nocase", vec![0]), ("BINARY", "NOCASE", vec![0])]
        {
            assert_eq!(described(columns(), &[index(false, &[("a", collation)])], own).table.key, expected);
        }
    }

    #[test]
    fn the_order_of_a_primary_key_is_that_of_its_index() {
        let columns = vec![column("a", "TEXT", true, 1), column("b", "TEXT", true, 1)];
        let table = described(columns, &[index(true, &[("b", "BINARY"), ("a", "BINARY")])], "BINARY");
        assert_eq!((table.primary_key, table.table.key), (vec![1, 0], vec![1, 0]));
    }

    #[test]
    fn a_schema_names_what_the_positions_mean() {
        let table =
            described(vec![column("x", "REAL", false, 0), column("id", "INTEGER", false, 1)], &[], "");
        let schema = table.schema(Some(7)).unwrap();
        assert_eq!(
            (schema.primary_key, schema.key, schema.row_count),
            (vec!["id".into()], vec!["id".into()], Some(7))
        );
        assert!(schema.columns[1].primary_key && !schema.columns[0].primary_key);
    }
}
