//! Lists of most frequent values: counted beside the groups, one row a rank behind its group.

use connector_model::error::Result;

use super::fold::Layout;
use super::plan::Kind;
use super::{Writer, names};

impl Writer<'_> {
    /// The measures that are such lists: their positions, and how long they may be.
    pub(super) fn tops(&self) -> Vec<(usize, u32)> {
        let measures = self.plan.measures.iter().enumerate();
        let top = |(at, measure): (usize, &super::plan::Measuring<'_>)| match measure.kind {
            Kind::Top { most, .. } => Some((at, most)),
            _ => None,
        };
        measures.filter_map(top).collect()
    }

    /// Begins a query that others refer to.
    pub(super) fn common(&mut self, name: &str) {
        self.dialect.quote(&mut self.sql, name);
        self.sql.push(" AS (");
    }

    /// One query a list, cut at its length; with several, one more for all ranks that any of them has.
    pub(super) fn lists(&mut self, tops: &[(usize, u32)]) -> Result<()> {
        for (at, most) in tops {
            self.sql.push(", ");
            self.common(&names::top(*at));
            self.list(*at)?;
            self.sql.push(" WHERE ");
            names::push(&mut self.sql, self.dialect, None, names::RANK);
            self.sql.push(&format!(" <= {most})"));
        }
        if tops.len() > 1 {
            self.sql.push(", ");
            self.common(names::RANKS);
            for (place, (at, _)) in tops.iter().enumerate() {
                self.sql.push(if place > 0 { " UNION SELECT " } else { "SELECT " });
                self.dimensions();
                names::push(&mut self.sql, self.dialect, None, names::RANK);
                self.sql.push(" FROM ");
                self.dialect.quote(&mut self.sql, &names::top(*at));
            }
            self.sql.push(")");
        }
        Ok(())
    }

    fn list(&mut self, at: usize) -> Result<()> {
        let dialect = self.dialect;
        let Some(measure) = self.plan.measures.get(at) else { return Ok(()) };
        let Some(column) = measure.kind.column() else { return Ok(()) };
        self.sql.push("SELECT ");
        self.dimensions();
        for name in [names::KEY, names::COUNT] {
            names::push(&mut self.sql, dialect, None, name);
            self.sql.push(", ");
        }
        names::push(&mut self.sql, dialect, None, names::RANK);
        self.sql.push(" FROM (SELECT ");
        self.dimensions();
        names::push(&mut self.sql, dialect, None, names::KEY);
        self.sql.push(", ");
        dialect.count(&mut self.sql, None);
        names::push_as(&mut self.sql, dialect, names::COUNT);
        self.sql.push(", row_number() OVER (");
        self.partition();
        self.sql.push(if self.plan.dimensions.is_empty() { "ORDER BY " } else { " ORDER BY " });
        dialect.count(&mut self.sql, None);
        self.sql.push(" DESC, ");
        names::push(&mut self.sql, dialect, None, names::KEY);
        self.sql.push(")");
        names::push_as(&mut self.sql, dialect, names::RANK);
        self.sql.push(" FROM (SELECT ");
        self.dimensions();
        let input = self.input(at, measure.filter.is_some(), column)?;
        dialect.grouped(&mut self.sql, &input);
        names::push_as(&mut self.sql, dialect, names::KEY);
        self.sql.push(" FROM ");
        dialect.quote(&mut self.sql, names::ROWS);
        self.sql.push(")");
        names::push_as(&mut self.sql, dialect, names::ROWS);
        self.with_dimensions();
        self.sql.push(if self.plan.dimensions.is_empty() { " WHERE " } else { " AND " });
        names::push(&mut self.sql, dialect, None, names::KEY);
        self.sql.push(" IS NOT NULL GROUP BY ");
        self.dimensions();
        names::push(&mut self.sql, dialect, None, names::KEY);
        self.sql.push(")");
        names::push_as(&mut self.sql, dialect, names::PLACED);
        Ok(())
    }

    /// The dimensions, each with a comma behind it.
    fn dimensions(&mut self) {
        for at in 0..self.plan.dimensions.len() {
            names::push(&mut self.sql, self.dialect, None, &names::dimension(at));
            self.sql.push(", ");
        }
    }

    /// The query whose rows are the ranks.
    fn ranks(tops: &[(usize, u32)]) -> String {
        match tops {
            [(only, _)] => names::top(*only),
            _ => names::RANKS.to_owned(),
        }
    }

    /// `SELECT`s the rank, and of each list the value and the count at that rank.
    pub(super) fn selected_lists(&mut self, tops: &[(usize, u32)], layout: &mut Layout) -> Result<()> {
        if tops.is_empty() {
            return Ok(());
        }
        let ranks = Self::ranks(tops);
        self.sql.push(", ");
        names::push(&mut self.sql, self.dialect, Some(&ranks), names::RANK);
        layout.rank();
        for (at, _) in tops {
            let Some(Kind::Top { column, .. }) = self.plan.measures.get(*at).map(|measure| measure.kind)
            else {
                continue;
            };
            let list = names::top(*at);
            let key = self.regrouped(self.source.table().column(column)?, names::KEY, &list);
            self.sql.push(", ");
            self.dialect.fetched(&mut self.sql, &key);
            self.sql.push(", ");
            names::push(&mut self.sql, self.dialect, Some(&list), names::COUNT);
        }
        Ok(())
    }

    /// `LEFT JOIN`s the lists to the groups. With several, each rank is one row that has the entries of all.
    pub(super) fn attached(&mut self, tops: &[(usize, u32)]) {
        if tops.len() > 1 {
            self.attach(names::RANKS, names::GROUPS, false);
        }
        for (at, _) in tops {
            let several = tops.len() > 1;
            self.attach(&names::top(*at), if several { names::RANKS } else { names::GROUPS }, several);
        }
    }

    fn attach(&mut self, query: &str, to: &str, by_rank: bool) {
        let dialect = self.dialect;
        self.sql.push(" LEFT JOIN ");
        dialect.quote(&mut self.sql, query);
        self.sql.push(" ON ");
        let dimensions = (0..self.plan.dimensions.len()).map(names::dimension);
        let shared: Vec<String> = dimensions.chain(by_rank.then(|| names::RANK.to_owned())).collect();
        for (place, name) in shared.iter().enumerate() {
            self.sql.push(if place > 0 { " AND " } else { "" });
            names::push(&mut self.sql, dialect, Some(query), name);
            self.sql.push(" = ");
            names::push(&mut self.sql, dialect, Some(to), name);
        }
        self.sql.push(if shared.is_empty() { "1 = 1" } else { "" });
    }

    /// Goes on with `ORDER BY` the rank: a group's rows follow each other, its first entry first.
    pub(super) fn in_rank_order(&mut self, tops: &[(usize, u32)]) {
        let begun = !self.plan.dimensions.is_empty() || !self.request.sort.is_empty();
        self.sql.push(if begun { ", " } else { " ORDER BY " });
        names::push(&mut self.sql, self.dialect, Some(&Self::ranks(tops)), names::RANK);
    }
}
