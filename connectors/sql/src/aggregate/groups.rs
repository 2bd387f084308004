//! The outer queries: rows grouped and measured, groups filtered, sorted and cut.

use connector_model::error::{Error, Result};
use connector_model::request::aggregate::{self, Bucket, SortKey};
use connector_model::target::LogicalType;

use super::dialect::Percentiles;
use super::fold::{Layout, Shape};
use super::plan::{Kind, Measuring};
use super::{Writer, names};
use crate::filter::condition;
use crate::statement::Statement;
use crate::table::{Reading, Table, TableColumn};

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

    /// `SELECT` what the result shows, in the layout's order.
    fn selected(&mut self, tops: &[(usize, u32)]) -> Result<Layout> {
        let (dialect, table) = (self.dialect, self.source.table());
        let mut layout = Layout::default();
        let mut first = true;
        self.sql.push("SELECT ");
        for (at, dimension) in self.plan.dimensions.iter().enumerate() {
            self.comma(&mut first);
            let column = table.column(dimension.column)?;
            let shown = self.regrouped(column, &names::dimension(at), names::GROUPS);
            let shape = match dimension.bucket {
                None => {
                    dialect.fetched(&mut self.sql, &shown);
                    Shape::Column(Box::new(column.clone()))
                }
                Some(bucket) => {
                    dialect.reference(&mut self.sql, &shown);
                    match bucket {
                        Bucket::Time(unit) => Shape::Moment(*unit),
                        Bucket::Step(step) => Shape::Range(*step),
                        Bucket::Breaks(breaks) => Shape::Between(aggregate::break_labels(breaks)),
                    }
                }
            };
            layout.dimension(dimension.name, shape);
        }
        self.comma(&mut first);
        names::push(&mut self.sql, dialect, Some(names::GROUPS), names::COUNT);
        layout.count();
        for (at, measure) in self.plan.measures.iter().enumerate() {
            let shape = match measure.kind {
                Kind::Top { column, .. } => {
                    layout.top(measure.name, table.column(column)?);
                    continue;
                }
                Kind::Rows | Kind::Count(_) | Kind::Distinct(_) => Shape::Count,
                Kind::Sum(_) => Shape::Exact,
                Kind::Avg(_) | Kind::Percentile { .. } => Shape::Double,
                Kind::Extreme { column, .. } | Kind::Edge { column, .. } => {
                    Shape::Column(Box::new(table.column(column)?.clone()))
                }
            };
            self.sql.push(", ");
            match measure.kind {
                Kind::Edge { column, .. } if dialect.fetched_within(table.column(column)?) => {
                    names::push(&mut self.sql, dialect, Some(names::GROUPS), &names::measure(at));
                }
                Kind::Extreme { .. } | Kind::Edge { .. } => {
                    let shown = self.compared(at, measure)?;
                    dialect.fetched(&mut self.sql, &shown);
                }
                Kind::Sum(column) if dialect.sum_parts(table.column(column)?).is_some() => {
                    let sum = self.of_group(&names::measure(at));
                    let [high, low] = names::parts(at).map(|part| self.of_group(&part));
                    self.sql.push(&dialect.exact_sum(&sum, [&high, &low]));
                }
                _ => names::push(&mut self.sql, dialect, Some(names::GROUPS), &names::measure(at)),
            }
            layout.measure(measure.name, shape);
        }
        self.selected_lists(tops, &mut layout)?;
        Ok(layout)
    }

    /// `WHERE … ORDER BY … LIMIT …` over the groups.
    fn chosen(&mut self) -> Result<()> {
        self.having()?;
        if self.cut() || !self.request.sort.is_empty() {
            self.order_by()?;
        }
        if self.cut() {
            self.limit();
        }
        Ok(())
    }

    /// Whether the limit can leave groups out. Without dimensions there is one group, and no engine sorts it.
    fn cut(&self) -> bool {
        !self.plan.dimensions.is_empty() && self.request.limit.is_some_and(|limit| limit > 0)
    }

    fn limit(&mut self) {
        self.dialect.window(&mut self.sql, self.request.limit, 0);
    }

    fn having(&mut self) -> Result<()> {
        if self.request.limit == Some(0) {
            // Not every engine takes a limit of nothing.
            self.sql.push(" WHERE 1 = 0");
        } else if !self.request.having.is_true() {
            let measured = self.measured()?;
            self.sql.push(" WHERE ");
            condition(&mut self.sql, self.dialect, &measured, &self.request.having, "having")?;
        }
        Ok(())
    }

    /// The groups as a table, whose columns `having` knows by the names of measures.
    fn measured(&self) -> Result<Table> {
        let measures = self.plan.measures.iter().enumerate();
        let measures = measures.filter(|(_, measure)| !matches!(measure.kind, Kind::Top { .. }));
        let mut columns =
            measures.map(|(at, measure)| self.compared(at, measure)).collect::<Result<Vec<_>>>()?;
        if columns.iter().all(|column| column.name != aggregate::COUNT) {
            columns.push(names::computed(LogicalType::Integer, aggregate::COUNT, names::COUNT));
        }
        let base = self.source.base();
        Ok(Table { name: base.name.clone(), path: base.path.clone(), columns, key: Vec::new() })
    }

    /// A measure as a column of the groups.
    fn compared(&self, at: usize, measure: &Measuring<'_>) -> Result<TableColumn> {
        let name = names::measure(at);
        let table = self.source.table();
        Ok(match measure.kind {
            Kind::Extreme { column, .. } | Kind::Edge { column, .. } | Kind::Top { column, .. } => {
                TableColumn {
                    name: measure.name.to_owned(),
                    ..names::handed_out(table.column(column)?, &name, Some(names::GROUPS))
                }
            }
            Kind::Sum(column) => {
                let logical_type = match table.column(column)?.logical_type {
                    LogicalType::Float => LogicalType::Float,
                    _ => LogicalType::Decimal,
                };
                names::computed(logical_type, measure.name, &name)
            }
            Kind::Avg(_) | Kind::Percentile { .. } => {
                names::computed(LogicalType::Float, measure.name, &name)
            }
            Kind::Rows | Kind::Count(_) | Kind::Distinct(_) => {
                names::computed(LogicalType::Integer, measure.name, &name)
            }
        })
    }

    /// What was grouped or compared, handed out by a query: text, where it was so as text.
    pub(super) fn regrouped(&self, column: &TableColumn, name: &str, query: &str) -> TableColumn {
        let column = names::handed_out(column, name, Some(query));
        if !self.dialect.compares_as_text(&column) {
            return column;
        }
        TableColumn {
            logical_type: LogicalType::Text,
            native_type: self.dialect.text_type().to_owned(),
            reading: Reading::Native,
            ..column
        }
    }

    /// `ORDER BY` the job's keys and then the dimensions, so that equal groups have an order too.
    fn order_by(&mut self) -> Result<()> {
        let mut word = " ORDER BY ";
        let mut sorted = vec![false; self.plan.dimensions.len()];
        for (place, sort) in self.request.sort.iter().enumerate() {
            // A key that stands twice says nothing, and some engines refuse it.
            if self.request.sort.iter().take(place).any(|before| before.key == sort.key) {
                continue;
            }
            self.sql.push(std::mem::replace(&mut word, ", "));
            match sort.key {
                SortKey::Count => {
                    names::push(&mut self.sql, self.dialect, Some(names::GROUPS), names::COUNT);
                }
                SortKey::Measure(at) => {
                    let measure = self.plan.measures.get(at);
                    let measure = measure.ok_or_else(|| Error::internal("a sort by no measure"))?;
                    let column = self.compared(at, measure)?;
                    self.dialect.ordered(&mut self.sql, &column);
                    if let Kind::Sum(column) = measure.kind
                        && self.dialect.sum_parts(self.source.table().column(column)?).is_some()
                    {
                        for part in names::parts(at) {
                            self.sql.push(if sort.descending { " DESC, " } else { ", " });
                            names::push(&mut self.sql, self.dialect, Some(names::GROUPS), &part);
                        }
                    }
                }
                SortKey::Dimension(at) => {
                    sorted.iter_mut().skip(at).take(1).for_each(|done| *done = true);
                    self.dimension_of_group(at);
                }
            }
            self.sql.push(if sort.descending { " DESC" } else { "" });
        }
        for at in (0..sorted.len()).filter(|at| sorted.get(*at) == Some(&false)) {
            self.sql.push(std::mem::replace(&mut word, ", "));
            self.dimension_of_group(at);
        }
        Ok(())
    }

    /// The name of a column of the groups, in SQL.
    fn of_group(&self, name: &str) -> String {
        let mut sql = Statement::default();
        names::push(&mut sql, self.dialect, Some(names::GROUPS), name);
        sql.text
    }

    fn dimension_of_group(&mut self, at: usize) {
        names::push(&mut self.sql, self.dialect, Some(names::GROUPS), &names::dimension(at));
    }
}
