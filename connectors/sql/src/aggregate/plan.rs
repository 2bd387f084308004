//! An aggregate held against the catalogue: every name found, every function fit for its column.

use std::collections::BTreeSet;

use connector_model::error::{Error, ErrorCode, Result};
use connector_model::filter::{Filter, Operand};
use connector_model::request::aggregate::{Aggregate, Bucket, Dimension, Function, Measure, SortKey};
use connector_model::target::LogicalType;

use super::dialect::{AggregateDialect, Percentiles};
use crate::joined::Source;
use crate::table::{Table, TableColumn};

/// What the statement computes. Columns are positions in the source's table.
pub(super) struct Plan<'r> {
    pub(super) dimensions: Vec<Grouping<'r>>,
    pub(super) measures: Vec<Measuring<'r>>,
    /// The column that `ids` are keys in.
    pub(super) ids: Option<(usize, &'r [Operand])>,
    /// The target's own key.
    pub(super) key: Vec<usize>,
    /// The columns that the innermost query hands out as they are shown.
    pub(super) exposed: BTreeSet<usize>,
    /// Those of the key that it hands out as they are kept: rows that changed together are in its order, and two keys
    /// that are shown as `null` are still two.
    pub(super) kept: BTreeSet<usize>,
}

pub(super) struct Grouping<'r> {
    pub(super) name: &'r str,
    pub(super) column: usize,
    pub(super) bucket: Option<&'r Bucket>,
}

pub(super) struct Measuring<'r> {
    pub(super) name: &'r str,
    pub(super) kind: Kind,
    /// Which rows it looks at; `None` is all of them.
    pub(super) filter: Option<&'r Filter>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Rows,
    Count(usize),
    Distinct(usize),
    Sum(usize),
    Avg(usize),
    Extreme { column: usize, greatest: bool },
    Percentile { column: usize, share: f64 },
    Top { column: usize, most: u32 },
    Edge { column: usize, by: usize, last: bool },
}

impl Kind {
    /// The column whose values are measured.
    pub(super) fn column(self) -> Option<usize> {
        match self {
            Kind::Rows => None,
            Kind::Count(column)
            | Kind::Distinct(column)
            | Kind::Sum(column)
            | Kind::Avg(column)
            | Kind::Extreme { column, .. }
            | Kind::Percentile { column, .. }
            | Kind::Top { column, .. }
            | Kind::Edge { column, .. } => Some(column),
        }
    }
}

impl<'r> Plan<'r> {
    /// # Errors
    /// `INVALID_JOB` naming the option; `UNSUPPORTED_JOB` for what the engine does not compute.
    pub(super) fn new(
        dialect: &dyn AggregateDialect,
        source: &Source<'_>,
        request: &'r Aggregate,
    ) -> Result<Self> {
        if request.sample.is_some() {
            return Err(unsupported("sample", "this engine takes no samples"));
        }
        let table = source.table();
        let check = Check { dialect, table, own: source.base().columns.len() };
        let dimensions = request.dimensions.iter().enumerate().map(|(at, it)| check.dimension(at, it));
        let dimensions = dimensions.collect::<Result<Vec<_>>>()?;
        let change = match &request.change_column {
            None => None,
            Some(name) => Some(check.change_column(name)?),
        };
        let measures = request.measures.iter().map(|measure| check.measure(measure, change));
        let measures = measures.collect::<Result<Vec<_>>>()?;
        check.outputs(request, &measures)?;
        let key = source.base().key.clone();
        let ids = match &request.ids {
            None => None,
            Some(ids) => Some((key_column(source.base())?, ids.as_slice())),
        };
        let (mut exposed, mut kept) = (BTreeSet::new(), BTreeSet::new());
        for measure in &measures {
            if let Kind::Edge { column, by, .. } = measure.kind {
                exposed.extend([column, by]);
                for position in &key {
                    let hides = dialect.hides(table.column(*position)?);
                    if hides { &mut kept } else { &mut exposed }.insert(*position);
                }
            } else if let (Some(column), None) = (measure.kind.column(), measure.filter) {
                exposed.insert(column);
            }
        }
        Ok(Plan { dimensions, measures, ids, key, exposed, kept })
    }
}

/// Holds names and types against one table.
struct Check<'c> {
    dialect: &'c dyn AggregateDialect,
    table: &'c Table,
    /// How many columns are the target's own; those of joined targets follow.
    own: usize,
}

impl Check<'_> {
    fn dimension<'r>(&self, at: usize, dimension: &'r Dimension) -> Result<Grouping<'r>> {
        let option = format!("dimensions[{at}].field");
        let column = self.table.position(&option, &dimension.column)?;
        if let (Some(from), true) = (&dimension.from, column < self.own) {
            let problem = format!("\"{}\" is no column of the join \"{from}\"", dimension.column);
            return Err(Error::option(&option, problem).with("column", dimension.column.clone()));
        }
        let known = self.table.column(column)?;
        let option = format!("dimensions[{at}].bucket");
        match &dimension.bucket {
            Some(Bucket::Time(unit)) if !self.dialect.temporal(known) => {
                let needed = format!("a date or a timestamp; there are no {}s in it", unit.as_str());
                Err(unfit(&option, known, &needed))
            }
            Some(Bucket::Step(_) | Bucket::Breaks(_)) if !self.dialect.numeric(known) => {
                Err(unfit(&option, known, "a number"))
            }
            None if !self.dialect.has_order(known) => Err(unfit(
                &format!("dimensions[{at}].field"),
                known,
                "a type whose values can equal each other",
            )),
            bucket => Ok(Grouping { name: &dimension.name, column, bucket: bucket.as_ref() }),
        }
    }

    /// Groups are neither filtered nor sorted by what has no order.
    fn outputs(&self, request: &Aggregate, measures: &[Measuring<'_>]) -> Result<()> {
        let shape = |measure: &Measuring<'_>| {
            let column = measure.kind.column().and_then(|column| self.table.columns.get(column));
            matches!(measure.kind, Kind::Edge { .. })
                && column.is_some_and(|column| column.logical_type == LogicalType::Geometry)
        };
        let refused = |option: &str, name: &str| {
            Error::option(option, format!("\"{name}\" is a geometry: it has no order"))
        };
        request.having.visit_columns(&mut |name| match measures
            .iter()
            .any(|measure| measure.name == name && shape(measure))
        {
            true => Err(refused("having", name)),
            false => Ok(()),
        })?;
        for (at, sort) in request.sort.iter().enumerate() {
            if let SortKey::Measure(measure) = sort.key
                && let Some(measure) = measures.get(measure).filter(|measure| shape(measure))
            {
                return Err(refused(&format!("sort[{at}].key"), measure.name));
            }
        }
        Ok(())
    }

    fn change_column(&self, name: &str) -> Result<usize> {
        const OPTION: &str = "changeTrackingColumn";
        let column = self.table.position(OPTION, name)?;
        self.with_order(OPTION, column)?;
        Ok(column)
    }

    fn measure<'r>(&self, measure: &'r Measure, change: Option<usize>) -> Result<Measuring<'r>> {
        let option = format!("measures.{}.column", measure.name);
        let column = |name: &str| self.table.position(&option, name);
        let number = |name: &str| {
            let column = column(name)?;
            self.number(&option, column)?;
            Ok::<_, Error>(column)
        };
        let ordered = |name: &str| {
            let column = column(name)?;
            self.with_order(&option, column)?;
            Ok::<_, Error>(column)
        };
        let edge = |name: &str, last| {
            // Without a column to order by, the measured one orders itself.
            let column = if change.is_some() { column(name)? } else { ordered(name)? };
            Ok::<_, Error>(Kind::Edge { column, by: change.unwrap_or(column), last })
        };
        let kind = match &measure.function {
            Function::Count(None) => Kind::Rows,
            Function::Count(Some(name)) => Kind::Count(column(name)?),
            Function::CountDistinct(name, _) => Kind::Distinct(ordered(name)?),
            Function::Sum(name) => Kind::Sum(number(name)?),
            Function::Avg(name) => Kind::Avg(number(name)?),
            Function::Min(name) => Kind::Extreme { column: ordered(name)?, greatest: false },
            Function::Max(name) => Kind::Extreme { column: ordered(name)?, greatest: true },
            Function::Percentile(name, share, _) => {
                if self.dialect.percentiles() == Percentiles::None {
                    return Err(unsupported(&option, "this engine computes no percentiles"));
                }
                Kind::Percentile { column: number(name)?, share: *share }
            }
            Function::TopK(name, most, _) => Kind::Top { column: ordered(name)?, most: *most },
            Function::First(name) => edge(name, false)?,
            Function::Last(name) => edge(name, true)?,
        };
        let filter = (!measure.filter.is_true()).then_some(&measure.filter);
        Ok(Measuring { name: &measure.name, kind, filter })
    }

    fn number(&self, option: &str, column: usize) -> Result<()> {
        let known = self.table.column(column)?;
        if self.dialect.numeric(known) { Ok(()) } else { Err(unfit(option, known, "a number")) }
    }

    fn with_order(&self, option: &str, column: usize) -> Result<()> {
        let known = self.table.column(column)?;
        let needed = "a type whose values are less or greater than each other";
        if self.dialect.has_order(known) { Ok(()) } else { Err(unfit(option, known, needed)) }
    }
}

fn unfit(option: &str, column: &TableColumn, needed: &str) -> Error {
    let problem =
        format!("column \"{}\" is {}, and this takes {needed}", column.name, said(&column.native_type));
    Error::option(option, problem).with("column", column.name.clone())
}

/// A type in a sentence; SQLite's columns may have none.
fn said(native_type: &str) -> &str {
    if native_type.is_empty() { "of no declared type" } else { native_type }
}

fn unsupported(option: &str, problem: &str) -> Error {
    Error::new(ErrorCode::UnsupportedJob, format!("option `{option}`: {problem}")).with("option", option)
}

/// The column that `ids` are keys in.
fn key_column(base: &Table) -> Result<usize> {
    match base.key.as_slice() {
        [only] => Ok(*only),
        [] => {
            let problem = format!("target \"{}\" has no key; use `candidatesWhere`", base.name);
            Err(Error::option("ids", problem))
        }
        several => {
            let problem = format!(
                "target \"{}\" has a key of {} columns, an id is one value; use `candidatesWhere`",
                base.name,
                several.len()
            );
            Err(Error::option("ids", problem))
        }
    }
}
