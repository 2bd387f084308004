//! A request over rows of JSON to the rows that it asks for.
//!
//! What has no order and no end goes through as it comes. Anything else is gathered: of a page, as many rows as it may
//! hold and no more of them, however many there are; without a limit, all that pass. Both within a bound on memory.

use connector_model::error::Result;
use connector_model::filter::Filter;
use connector_model::request::{Query, Read};
use connector_model::target::Column;

use crate::condition::Condition;
use crate::cut::{Cutter, cell};
use crate::gather::Gather;
use crate::order::{RowOrder, Start};
use crate::since::Since;
use crate::table::Table;

pub use crate::gather::{HELD_BYTES, Page};

/// One request's way over the rows of its target: all of them, once, in any order.
#[derive(Debug)]
pub struct Answer {
    cutter: Cutter,
    condition: Condition,
    since: Option<Since>,
    columns: Vec<Column>,
    /// The positions of the columns that are returned.
    selection: Vec<usize>,
    gather: Option<Gather>,
    /// No row is asked for.
    nothing: bool,
}

impl Answer {
    /// A `query`.
    ///
    /// # Errors
    /// `INVALID_JOB` naming the option: an unknown column with the nearest names, an operand that is no value of its
    /// column's type, a cursor of another target or order.
    pub fn query(table: &Table, request: &Query) -> Result<Answer> {
        let order = RowOrder::new(table, &request.order_by)?;
        let start = match &request.cursor {
            Some(cursor) => order.start(cursor)?,
            None => Start::Offset(request.offset),
        };
        let condition = table.condition("where", &request.filter)?;
        let selection = table.selection("select", request.select.as_deref())?;
        let passes_through =
            request.order_by.is_empty() && request.limit.is_none() && start == Start::Offset(0);
        let mut answer = Answer::new(table, condition, selection, request.limit);
        if !passes_through {
            answer.gather = Some(Gather::new(order, start, request.limit, &answer.selection));
        }
        Ok(answer)
    }

    /// A `read`.
    ///
    /// # Errors
    /// As [`Answer::query`]; `changeTrackingColumn` names a column that holds no moments.
    pub fn read(table: &Table, request: &Read) -> Result<Answer> {
        let order = RowOrder::new(table, &[])?;
        let start = request.cursor.as_deref().map_or(Ok(Start::Offset(0)), |cursor| order.start(cursor))?;
        let condition = table.condition("where", &Filter::TRUE)?;
        let selection = table.selection("fields", request.fields.as_deref())?;
        let mut answer = Answer::new(table, condition, selection, Some(request.limit));
        answer.since = request.changed_since.as_ref().map(|since| Since::new(table, since)).transpose()?;
        answer.gather = Some(Gather::new(order, start, Some(request.limit), &answer.selection));
        Ok(answer)
    }

    fn new(table: &Table, condition: Condition, selection: Vec<usize>, limit: Option<u64>) -> Answer {
        Answer {
            cutter: table.cutter(),
            condition,
            since: None,
            columns: table.columns(&selection),
            selection,
            gather: None,
            nothing: limit == Some(0),
        }
    }

    /// Bounds the memory that gathered rows may take, in bytes.
    #[must_use]
    pub fn held_bytes(mut self, bound: usize) -> Answer {
        if let Some(gather) = &mut self.gather {
            gather.bound = bound;
        }
        self
    }

    /// The columns of the rows that come out.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Whether no row can come out: the target's need not be read at all.
    pub fn is_nothing(&self) -> bool {
        self.nothing
    }

    /// Adds rows of the target: JSON objects, separated by commas. Those that need no order come out at once: `out` gets
    /// their cells, one for each of [`Answer::columns`].
    ///
    /// # Errors
    /// `RESULT_TOO_LARGE` when more would have to be gathered than memory allows; `INTERNAL` for what are no JSON
    /// objects; the first error that `out` returns.
    pub fn add(&mut self, objects: &[u8], mut out: impl FnMut(&[&[u8]]) -> Result<()>) -> Result<()> {
        let Answer { cutter, condition, since, selection, gather, nothing, .. } = self;
        if *nothing {
            return Ok(());
        }
        let mut chosen: Vec<&[u8]> = Vec::with_capacity(selection.len());
        cutter.each(objects, |cells| {
            if !condition.passes(cells) || since.as_ref().is_some_and(|since| !since.passes(cells)) {
                return Ok(());
            }
            if let Some(gather) = gather {
                return gather.add(cells);
            }
            chosen.clear();
            chosen.extend(selection.iter().map(|at| cell(cells, *at)));
            out(&chosen)
        })
    }

    /// The rows that were gathered, in their order, and where the next page begins.
    pub fn finish(self) -> Page {
        let width = self.selection.len();
        match self.gather {
            Some(gather) if !self.nothing => gather.finish(width),
            _ => Page::empty(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_model::Conventions;
    use connector_model::cursor::CursorKind;
    use connector_model::error::ErrorCode;
    use connector_model::request::Order;
    use connector_model::target::{LogicalType, TargetColumn, TargetSchema};

    fn table() -> Table {
        let column = |name: &str, logical_type, primary_key: bool| TargetColumn {
            name: name.to_owned(),
            native_type: "any".to_owned(),
            nullable: !primary_key,
            primary_key,
            logical_type,
        };
        let schema = TargetSchema {
            name: "items".to_owned(),
            kind: "table".to_owned(),
            columns: vec![column("id", LogicalType::Integer, true), column("name", LogicalType::Text, false)],
            primary_key: vec!["id".to_owned()],
            key: Vec::new(),
            row_count: None,
        };
        Table::new(&schema, &Conventions::default())
    }

    fn query() -> Query {
        Query {
            target: "items".to_owned(),
            select: None,
            filter: Filter::TRUE,
            joins: Vec::new(),
            order_by: Vec::new(),
            limit: None,
            offset: 0,
            cursor: None,
            include_total: false,
        }
    }

    fn row(id: u64) -> Vec<u8> {
        format!("{{\"id\":{id},\"name\":\"{}\"}}", "x".repeat(100)).into_bytes()
    }

    fn ids(page: &mut Page) -> Vec<String> {
        let mut ids = Vec::new();
        while page
            .next(|cells| {
                ids.push(String::from_utf8_lossy(cells[0]).into_owned());
                Ok(())
            })
            .unwrap()
        {}
        ids
    }

    #[test]
    fn a_page_takes_the_memory_of_a_page_however_long_the_table_is() {
        let request = Query { limit: Some(3), ..query() };
        let mut answer = Answer::query(&table(), &request).unwrap().held_bytes(1_000_000);
        for id in (0..50_000).rev() {
            answer.add(&row(id), |_| panic!("what is ordered comes at the end")).unwrap();
        }
        let mut page = answer.finish();
        assert_eq!(ids(&mut page), ["0", "1", "2"]);
        let (cursor, kind) = page.next_cursor().cloned().unwrap();
        assert_eq!((cursor.as_str(), kind), ("2", CursorKind::Keyset));

        let request = Query { cursor: Some(cursor), ..request };
        let mut answer = Answer::query(&table(), &request).unwrap();
        (0..6).for_each(|id| answer.add(&row(id), |_| Ok(())).unwrap());
        let mut page = answer.finish();
        assert_eq!(ids(&mut page), ["3", "4", "5"]);
        assert!(page.next_cursor().is_none());
    }

    #[test]
    fn what_does_not_fit_is_too_large_and_says_what_helps() {
        let request = Query {
            order_by: vec![Order { column: "name".to_owned(), descending: true }],
            select: Some(vec!["name".to_owned()]),
            ..query()
        };
        let mut answer = Answer::query(&table(), &request).unwrap().held_bytes(100_000);
        let error = (0..).find_map(|id| answer.add(&row(id), |_| Ok(())).err()).unwrap();
        assert_eq!(error.code(), ErrorCode::ResultTooLarge);
        assert!(error.message().contains("`limit`"), "{error}");
    }

    #[test]
    fn what_needs_no_order_comes_at_once_and_nothing_is_not_read() {
        let mut answer = Answer::query(&table(), &query()).unwrap().held_bytes(0);
        let mut seen = 0;
        let two = [row(2), row(1)].join(&b',');
        answer
            .add(&two, |cells| {
                seen += cells.len();
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, 4);
        let nothing = Answer::query(&table(), &Query { limit: Some(0), ..query() }).unwrap();
        assert!(nothing.is_nothing() && nothing.finish().next_cursor().is_none());
    }

    #[test]
    fn cursors_of_another_shape_are_refused() {
        for cursor in ["x", "1.5", "v1.e30", ""] {
            let request = Query { limit: Some(1), cursor: Some(cursor.to_owned()), ..query() };
            let error = Answer::query(&table(), &request).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidJob, "{cursor}");
            assert!(error.message().contains("`cursor`"), "{error}");
        }
    }
}
