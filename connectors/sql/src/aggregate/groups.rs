//! The whole statement, and the query that groups rows and measures them.

use connector_model::error::Result;
use connector_model::target::LogicalType;

use super::dialect::Percentiles;
use super::fold::Layout;
use super::plan::{Kind, Measuring};
use super::{Writer, names};

impl Writer<'_> {
    /// The whole statement.
    pub(super) fn whole(&mut self) -> Result<Layout> {
        let tops = self.tops();
        if tops.is_empty() {
            let layout = self.selected(&tops)?;
            self.sql.push(" FROM (");
            self.groups(&|writer| writer.nested_rows())?;
            self.sql.push(")");
            names::push_as(&mut self.sql, self.dialect, names::GROUPS);
            self.chosen()?;
            return Ok(layout);
        }
        self.sql.push("WITH ");
        self.common(names::ROWS);
        self.rows()?;
        self.sql.push(")");
        self.lists(&tops)?;
        self.sql.push(" ");
        let layout = self.selected(&tops)?;
        // The groups are cut before their lists are attached: a limit counts groups.
        self.sql.push(" FROM (SELECT * FROM (");
        self.groups(&|writer| {
            writer.dialect.quote(&mut writer.sql, names::ROWS);
            Ok(())
        })?;
        self.sql.push(")");
        names::push_as(&mut self.sql, self.dialect, names::GROUPS);
        self.having()?;
        if self.cut() {
            self.order_by()?;
            self.limit();
        }
        self.sql.push(")");
        names::push_as(&mut self.sql, self.dialect, names::GROUPS);
        self.attached(&tops);
        self.order_by()?;
        self.in_rank_order(&tops);
        Ok(layout)
    }

    fn nested_rows(&mut self) -> Result<()> {
        self.sql.push("(");
        self.rows()?;
        self.sql.push(")");
        names::push_as(&mut self.sql, self.dialect, names::ROWS);
        Ok(())
    }

    /// `SELECT` dimensions, the count, measures `FROM` the rows `GROUP BY` dimensions.
    fn groups(&mut self, rows: &dyn Fn(&mut Self) -> Result<()>) -> Result<()> {
        let dialect = self.dialect;
        self.sql.push("SELECT ");
        for at in 0..self.plan.dimensions.len() {
            names::push(&mut self.sql, dialect, None, &names::dimension(at));
            self.sql.push(", ");
        }
        dialect.count(&mut self.sql, None);
        names::push_as(&mut self.sql, dialect, names::COUNT);
        for (at, measure) in self.plan.measures.iter().enumerate() {
            if !matches!(measure.kind, Kind::Top { .. }) {
                self.measure(at, measure)?;
            }
        }
        self.sql.push(" FROM ");
        if self.needs_places() {
            self.sql.push("(");
            self.places(rows)?;
            self.sql.push(")");
            names::push_as(&mut self.sql, dialect, names::PLACED);
        } else {
            rows(self)?;
            self.with_dimensions();
        }
        for at in 0..self.plan.dimensions.len() {
            self.sql.push(if at == 0 { " GROUP BY " } else { ", " });
            names::push(&mut self.sql, dialect, None, &names::dimension(at));
        }
        Ok(())
    }

    fn measure(&mut self, at: usize, measure: &Measuring<'_>) -> Result<()> {
        let (dialect, filtered) = (self.dialect, measure.filter.is_some());
        let edge = matches!(measure.kind, Kind::Edge { .. });
        let input = match measure.kind.column() {
            Some(column) => self.input(at, filtered && !edge, column)?,
            None => names::number(LogicalType::Integer, &names::passes(at)),
        };
        let sql = &mut self.sql;
        sql.push(", ");
        match measure.kind {
            Kind::Rows => dialect.count(sql, filtered.then_some(&input)),
            Kind::Count(_) => dialect.count(sql, Some(&input)),
            Kind::Distinct(_) => dialect.count_distinct(sql, &input),
            Kind::Sum(_) => {
                for (part, name) in dialect.sum_parts(&input).into_iter().flatten().zip(names::parts(at)) {
                    sql.push(&part);
                    names::push_as(sql, dialect, &name);
                    sql.push(", ");
                }
                dialect.sum(sql, &input);
            }
            Kind::Avg(_) => dialect.avg(sql, &input),
            Kind::Extreme { greatest, .. } => dialect.extreme(sql, &input, greatest),
            // The same in every row of the group.
            Kind::Percentile { .. } if dialect.percentiles() == Percentiles::Windowed => {
                sql.push("max(");
                names::push(sql, dialect, None, &names::window(at));
                sql.push(")");
            }
            Kind::Percentile { share, .. } => dialect.percentile(sql, &input, share),
            Kind::Edge { by, .. } => dialect.only(sql, &input, &|sql| {
                names::push(sql, dialect, None, &names::window(at));
                sql.push(" = 1 AND ");
                if filtered {
                    names::push(sql, dialect, None, &names::passes(at));
                    sql.push(" = 1 AND ");
                }
                // A group may have no row that can win.
                names::push(sql, dialect, None, &names::column(by));
                sql.push(" IS NOT NULL");
            }),
            Kind::Top { .. } => {}
        }
        names::push_as(sql, dialect, &names::measure(at));
        Ok(())
    }
}
