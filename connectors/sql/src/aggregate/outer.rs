//! The outermost query: what it shows of the groups, which of them, and in what order.

use connector_model::error::{Error, Result};
use connector_model::request::aggregate::{self, Bucket, SortKey};
use connector_model::target::LogicalType;

use super::fold::{Layout, Shape};
use super::plan::{Kind, Measuring};
use super::{Writer, names};
use crate::filter::condition;
use crate::statement::Statement;
use crate::table::{Reading, Table, TableColumn};

impl Writer<'_> {
    /// `SELECT` what the result shows, in the layout's order.
    pub(super) fn selected(&mut self, tops: &[(usize, u32)]) -> Result<Layout> {
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
    pub(super) fn chosen(&mut self) -> Result<()> {
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
    pub(super) fn cut(&self) -> bool {
        !self.plan.dimensions.is_empty() && self.request.limit.is_some_and(|limit| limit > 0)
    }

    pub(super) fn limit(&mut self) {
        self.dialect.window(&mut self.sql, self.request.limit, 0);
    }

    pub(super) fn having(&mut self) -> Result<()> {
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
    pub(super) fn order_by(&mut self) -> Result<()> {
        let mut word = " ORDER BY ";
        let mut sorted = vec![false; self.plan.dimensions.len()];
        for (place, sort) in self.request.sort.iter().enumerate() {
            // A key that stands twice says nothing, and some engines refuse it.
            if self.request.sort.iter().take(place).any(|before| before.key == sort.key) {
                continue;
            }
            self.sql.push(std::mem::replace(&mut word, ", "));
            let mut descending = " DESC";
            match sort.key {
                SortKey::Count => {
                    names::push(&mut self.sql, self.dialect, Some(names::GROUPS), names::COUNT);
                }
                SortKey::Measure(at) => {
                    let measure = self.plan.measures.get(at);
                    let measure = measure.ok_or_else(|| Error::internal("a sort by no measure"))?;
                    let column = self.compared(at, measure)?;
                    self.in_order(&column);
                    descending = self.dialect.descending(&column);
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
            self.sql.push(if sort.descending { descending } else { "" });
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
