//! Every column that a request looks at, wherever it names one: what a policy holds against its rules.
//!
//! Every struct is taken apart field by field and every enum variant by variant, without `..` and without `_ =>`: a new
//! field does not compile until somebody has said here whether it reaches a column.

use super::aggregate::{Aggregate, Dimension, Function, Join, Measure, Sort};
use super::{ChangedSince, Count, Order, Query, Read, Request};
use crate::filter::Filter;

/// One place in a request that reaches columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mention<'r> {
    /// The option of the job.
    pub option: &'static str,
    /// Which columns.
    pub which: Which<'r>,
}

/// The columns that a place reaches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Which<'r> {
    /// The values of one column are returned in rows, where a rule can still act on them.
    Shown(&'r str),
    /// The values of all columns are returned in rows.
    AllShown,
    /// The answer depends on a column: compared, ordered by, grouped by or measured. Behind an alias of `joins`
    /// (`alias.column`) it is the joined target's.
    Examined(&'r str),
    /// The answer depends on a column of the target that is joined under this alias.
    Joined {
        /// The alias.
        alias: &'r str,
        /// The column of the joined target.
        column: &'r str,
    },
    /// The answer depends on the columns that tell rows apart.
    Key,
    /// The answer depends on the columns that tell rows apart, or on all of them where none do.
    Identity,
}

impl Request {
    /// Calls `visit` with every column that the request looks at.
    ///
    /// # Errors
    /// The first error that `visit` returns.
    pub fn visit_columns<E>(&self, visit: &mut impl FnMut(Mention<'_>) -> Result<(), E>) -> Result<(), E> {
        match self {
            Request::Read(read) => read.visit_columns(visit),
            Request::Query(query) => query.visit_columns(visit),
            Request::Count(Count { target: _, filter }) => filtered("where", filter, visit),
            Request::Aggregate(aggregate) => aggregate.visit_columns(visit),
            // Whoever shows a catalogue leaves out what nobody may see.
            Request::ListTargets | Request::Introspect(_) | Request::Test => Ok(()),
        }
    }

    /// The targets that are joined to the request's own, with their aliases.
    pub fn joins(&self) -> &[Join] {
        match self {
            Request::Query(query) => &query.joins,
            Request::Aggregate(aggregate) => &aggregate.joins,
            Request::Read(_)
            | Request::Count(_)
            | Request::ListTargets
            | Request::Introspect(_)
            | Request::Test => &[],
        }
    }
}

impl Read {
    fn visit_columns<E>(&self, visit: &mut impl FnMut(Mention<'_>) -> Result<(), E>) -> Result<(), E> {
        let Read { target: _, fields, limit: _, cursor: _, changed_since } = self;
        shown("fields", fields.as_deref(), visit)?;
        if let Some(ChangedSince { column, micros: _ }) = changed_since {
            examined("changeTrackingColumn", column, visit)?;
        }
        // Its pages end at a key, and the next one begins behind it.
        visit(Mention { option: "cursor", which: Which::Key })
    }
}

impl Query {
    fn visit_columns<E>(&self, visit: &mut impl FnMut(Mention<'_>) -> Result<(), E>) -> Result<(), E> {
        let Query {
            target: _,
            select,
            filter,
            joins,
            order_by,
            limit: _,
            offset: _,
            cursor,
            include_total: _,
        } = self;
        shown("select", select.as_deref(), visit)?;
        filtered("where", filter, visit)?;
        joined(joins, visit)?;
        for Order { column, descending: _ } in order_by {
            examined("orderBy", column, visit)?;
        }
        match cursor {
            Some(_) => visit(Mention { option: "cursor", which: Which::Key }),
            None => Ok(()),
        }
    }
}

impl Aggregate {
    fn visit_columns<E>(&self, visit: &mut impl FnMut(Mention<'_>) -> Result<(), E>) -> Result<(), E> {
        let Aggregate {
            target: _,
            joins,
            dimensions,
            measures,
            filter,
            ids,
            sample,
            // Its columns are names of measures.
            having: _,
            sort,
            limit: _,
            change_column,
        } = self;
        joined(joins, visit)?;
        for Dimension { name: _, column, from: _, bucket: _ } in dimensions {
            examined("dimensions", column, visit)?;
        }
        for Measure { name: _, function, filter } in measures {
            function.visit_columns(visit)?;
            filtered("measures", filter, visit)?;
        }
        filtered("candidatesWhere", filter, visit)?;
        if ids.is_some() {
            visit(Mention { option: "ids", which: Which::Key })?;
        }
        if sample.is_some() {
            // A row is taken or left by a hash of these, and whoever varies the share learns the hash.
            visit(Mention { option: "sample", which: Which::Identity })?;
        }
        for Sort { key: _, descending: _ } in sort {
            // Measures and dimensions by their places: they were visited.
        }
        match change_column {
            Some(column) => examined("changeTrackingColumn", column, visit),
            None => Ok(()),
        }
    }
}

impl Function {
    fn visit_columns<E>(&self, visit: &mut impl FnMut(Mention<'_>) -> Result<(), E>) -> Result<(), E> {
        match self {
            Function::Count(None) => Ok(()),
            Function::Count(Some(column))
            | Function::CountDistinct(column, _)
            | Function::Sum(column)
            | Function::Avg(column)
            | Function::Min(column)
            | Function::Max(column)
            | Function::Percentile(column, _, _)
            | Function::TopK(column, _, _) => examined("measures", column, visit),
            Function::First(column) | Function::Last(column) => {
                examined("measures", column, visit)?;
                // Among rows of one moment the key decides.
                visit(Mention { option: "measures", which: Which::Key })
            }
        }
    }
}

fn examined<E>(
    option: &'static str,
    column: &str,
    visit: &mut impl FnMut(Mention<'_>) -> Result<(), E>,
) -> Result<(), E> {
    visit(Mention { option, which: Which::Examined(column) })
}

fn shown<E>(
    option: &'static str,
    columns: Option<&[String]>,
    visit: &mut impl FnMut(Mention<'_>) -> Result<(), E>,
) -> Result<(), E> {
    match columns {
        None => visit(Mention { option, which: Which::AllShown }),
        Some(columns) => {
            columns.iter().try_for_each(|column| visit(Mention { option, which: Which::Shown(column) }))
        }
    }
}

fn filtered<E>(
    option: &'static str,
    filter: &Filter,
    visit: &mut impl FnMut(Mention<'_>) -> Result<(), E>,
) -> Result<(), E> {
    filter.visit_columns(&mut |column| examined(option, column, visit))
}

fn joined<E>(joins: &[Join], visit: &mut impl FnMut(Mention<'_>) -> Result<(), E>) -> Result<(), E> {
    for Join { target: _, alias, local, foreign } in joins {
        examined("joins", local, visit)?;
        visit(Mention { option: "joins", which: Which::Joined { alias, column: foreign } })?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {

    use crate::request::{Kind, parse};

    fn mentions(kind: Kind, options: &str) -> Vec<String> {
        let request = parse(kind, Some("t"), Some(options), "@semilayer/bridge-x").unwrap();
        let mut found = Vec::new();
        let seen: Result<(), ()> = request.visit_columns(&mut |mention| {
            found.push(format!("{} {:?}", mention.option, mention.which));
            Ok(())
        });
        seen.unwrap();
        found
    }

    #[test]
    fn every_place_that_can_name_a_column_is_visited() {
        let aggregate = r#"{
            "joins": [{"target": "u", "alias": "u", "on": {"local": "a", "foreign": "b"}}],
            "dimensions": [{"field": "c"}, {"field": "d", "from": "u"}],
            "measures": {
                "x": {"agg": "min", "column": "e", "where": {"$not": {"$or": [{"f": 1}, {"g": {"$exists": true}}]}}},
                "y": {"agg": "first", "column": "h"}, "n": {"agg": "count"}
            },
            "candidatesWhere": {"$and": [{"i": {"$in": [1]}}]}, "ids": [1], "sample": 0.5,
            "having": {"n": 2}, "sort": [{"key": "x"}], "changeTrackingColumn": "j"
        }"#;
        assert_eq!(
            mentions(Kind::Aggregate, aggregate),
            [
                "joins Examined(\"a\")",
                "joins Joined { alias: \"u\", column: \"b\" }",
                "dimensions Examined(\"c\")",
                "dimensions Examined(\"u.d\")",
                "measures Examined(\"e\")",
                "measures Examined(\"f\")",
                "measures Examined(\"g\")",
                "measures Examined(\"h\")",
                "measures Key",
                "candidatesWhere Examined(\"i\")",
                "ids Key",
                "sample Identity",
                "changeTrackingColumn Examined(\"j\")",
            ]
        );
        let query = r#"{"select": ["a"], "where": {"b": 1}, "orderBy": {"c": "desc"}, "cursor": "x"}"#;
        assert_eq!(
            mentions(Kind::Query, query),
            ["select Shown(\"a\")", "where Examined(\"b\")", "orderBy Examined(\"c\")", "cursor Key"]
        );
        assert_eq!(
            mentions(Kind::BatchRead, r#"{"where": {"b": [1]}}"#),
            ["select AllShown", "where Examined(\"b\")"]
        );
        assert_eq!(
            mentions(Kind::Read, r#"{"changedSince": 1, "changeTrackingColumn": "m"}"#),
            ["fields AllShown", "changeTrackingColumn Examined(\"m\")", "cursor Key"]
        );
        assert_eq!(mentions(Kind::Count, r#"{"where": {"b": null}}"#), ["where Examined(\"b\")"]);
    }
}
