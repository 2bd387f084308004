//! The inner queries: the rows that pass, with their dimensions and what is measured of them.

use connector_model::error::Result;
use connector_model::filter::Test;
use connector_model::request::aggregate::Bucket;

use super::dialect::Percentiles;
use super::plan::Kind;
use super::{Writer, names};
use crate::filter::{column_test, condition};
use crate::table::TableColumn;

impl Writer<'_> {
    /// `SELECT` dimensions, values `FROM` the source `WHERE` the filter and the ids let them pass.
    pub(super) fn rows(&mut self) -> Result<()> {
        let (dialect, table) = (self.dialect, self.source.table());
        self.sql.push("SELECT ");
        let mut first = true;
        for (at, dimension) in self.plan.dimensions.iter().enumerate() {
            self.comma(&mut first);
            self.dimension(table.column(dimension.column)?, dimension.bucket);
            names::push_as(&mut self.sql, dialect, &names::dimension(at));
        }
        for position in &self.plan.exposed {
            self.comma(&mut first);
            dialect.shown(&mut self.sql, table.column(*position)?);
            names::push_as(&mut self.sql, dialect, &names::column(*position));
        }
        for position in &self.plan.kept {
            self.comma(&mut first);
            dialect.reference(&mut self.sql, table.column(*position)?);
            names::push_as(&mut self.sql, dialect, &names::kept(*position));
        }
        for (at, measure) in self.plan.measures.iter().enumerate() {
            let Some(filter) = measure.filter else { continue };
            self.comma(&mut first);
            self.sql.push("CASE WHEN ");
            let option = format!("measures.{}.where", measure.name);
            condition(&mut self.sql, dialect, table, filter, &option)?;
            self.sql.push(" THEN ");
            let name = match measure.kind {
                // The winning row may have NULL: whether a row passes stands beside its value.
                Kind::Rows | Kind::Edge { .. } => {
                    self.sql.push("1");
                    names::passes(at)
                }
                kind => {
                    if let Some(column) = kind.column() {
                        dialect.shown(&mut self.sql, table.column(column)?);
                    }
                    names::value(at)
                }
            };
            self.sql.push(" END");
            names::push_as(&mut self.sql, dialect, &name);
        }
        if first {
            self.sql.push("1");
            names::push_as(&mut self.sql, dialect, names::RANK);
        }
        self.sql.push(" FROM ");
        self.source.from(&mut self.sql, dialect);
        self.conditions()
    }

    fn conditions(&mut self) -> Result<()> {
        let (dialect, table) = (self.dialect, self.source.table());
        let mut word = " WHERE (";
        if !self.request.filter.is_true() {
            self.sql.push(word);
            condition(&mut self.sql, dialect, table, &self.request.filter, "candidatesWhere")?;
            self.sql.push(")");
            word = " AND (";
        }
        if let Some((key, ids)) = self.plan.ids {
            self.sql.push(word);
            column_test(&mut self.sql, dialect, table.column(key)?, &Test::In(ids.to_vec()), "ids")?;
            self.sql.push(")");
        }
        Ok(())
    }

    fn dimension(&mut self, column: &TableColumn, bucket: Option<&Bucket>) {
        match bucket {
            // What has values to hide is compared as it is.
            None if self.dialect.hides(column) => self.dialect.shown(&mut self.sql, column),
            None => self.dialect.grouped(&mut self.sql, column),
            Some(Bucket::Time(unit)) => self.dialect.time_bucket(&mut self.sql, column, *unit),
            Some(Bucket::Step(step)) => self.dialect.step_bucket(&mut self.sql, column, *step),
            Some(Bucket::Breaks(breaks)) => {
                // Below the first break is outside; so is what is below none: above the last, no number, NULL.
                self.sql.push("CASE");
                for (at, number) in breaks.iter().enumerate() {
                    self.sql.push(" WHEN ");
                    self.dialect.below(&mut self.sql, column, number);
                    match at.checked_sub(1) {
                        None => self.sql.push(" THEN NULL"),
                        Some(range) => self.sql.push(&format!(" THEN {range}")),
                    }
                }
                self.sql.push(" END");
            }
        }
    }

    /// Whether some measure needs each row's place in its group.
    pub(super) fn needs_places(&self) -> bool {
        let windowed = self.dialect.percentiles() == Percentiles::Windowed;
        self.plan.measures.iter().any(|measure| match measure.kind {
            Kind::Edge { .. } => true,
            Kind::Percentile { .. } => windowed,
            _ => false,
        })
    }

    /// `SELECT` everything of the rows and what windows over their groups say.
    pub(super) fn places(&mut self, rows: &dyn Fn(&mut Self) -> Result<()>) -> Result<()> {
        let (dialect, table) = (self.dialect, self.source.table());
        self.sql.push("SELECT ");
        dialect.quote(&mut self.sql, names::ROWS);
        self.sql.push(".*");
        for (at, measure) in self.plan.measures.iter().enumerate() {
            match measure.kind {
                Kind::Edge { by: order, last, .. } => {
                    let by = names::handed_out(table.column(order)?, &names::column(order), None);
                    self.sql.push(", row_number() OVER (");
                    self.partition();
                    self.sql.push(if self.plan.dimensions.is_empty() { "" } else { " " });
                    self.sql.push("ORDER BY CASE WHEN ");
                    if measure.filter.is_some() {
                        names::push(&mut self.sql, dialect, None, &names::passes(at));
                        self.sql.push(" = 1 AND ");
                    }
                    dialect.reference(&mut self.sql, &by);
                    self.sql.push(" IS NOT NULL THEN 0 ELSE 1 END, ");
                    self.in_order(&by);
                    self.sql.push(if last { " DESC" } else { "" });
                    // A key that stands twice says nothing, and some engines refuse it.
                    for position in self.plan.key.iter().filter(|position| **position != order) {
                        let name =
                            if self.plan.kept.contains(position) { names::kept } else { names::column };
                        let key = names::handed_out(table.column(*position)?, &name(*position), None);
                        self.sql.push(", ");
                        self.in_order(&key);
                    }
                    self.sql.push(")");
                }
                Kind::Percentile { column, share } if dialect.percentiles() == Percentiles::Windowed => {
                    let column = self.input(at, measure.filter.is_some(), column)?;
                    self.sql.push(", ");
                    dialect.percentile(&mut self.sql, &column, share);
                    self.sql.push(" OVER (");
                    self.partition();
                    self.sql.push(")");
                }
                _ => continue,
            }
            names::push_as(&mut self.sql, dialect, &names::window(at));
        }
        self.sql.push(" FROM ");
        rows(self)?;
        self.with_dimensions();
        Ok(())
    }

    /// The column as `min` and `max` compare it.
    pub(super) fn in_order(&mut self, column: &TableColumn) {
        if self.dialect.compares_as_text(column) {
            self.dialect.as_text(&mut self.sql, column);
        } else {
            self.dialect.ordered(&mut self.sql, column);
        }
    }

    pub(super) fn partition(&mut self) {
        for at in 0..self.plan.dimensions.len() {
            self.sql.push(if at == 0 { "PARTITION BY " } else { ", " });
            names::push(&mut self.sql, self.dialect, None, &names::dimension(at));
        }
    }

    /// `WHERE` no dimension is NULL.
    pub(super) fn with_dimensions(&mut self) {
        for at in 0..self.plan.dimensions.len() {
            self.sql.push(if at == 0 { " WHERE " } else { " AND " });
            names::push(&mut self.sql, self.dialect, None, &names::dimension(at));
            self.sql.push(" IS NOT NULL");
        }
    }

    /// The values that a measure looks at, as the rows hand them out.
    pub(super) fn input(&self, measure: usize, filtered: bool, column: usize) -> Result<TableColumn> {
        let name = if filtered { names::value(measure) } else { names::column(column) };
        Ok(names::handed_out(self.source.table().column(column)?, &name, None))
    }

    pub(super) fn comma(&mut self, first: &mut bool) {
        self.sql.push(if std::mem::take(first) { "" } else { ", " });
    }
}
