//! Filters, orders and pages for a source that can do none of that itself.
//!
//! A source that only hands out its rows, all of them, in any order, is written as one [`Rows`]: the scan. A [`Table`]
//! makes the answers of it: it filters, sorts, pages and selects as a database would, with cursors that lose and repeat
//! nothing. What has no order and no limit streams through; anything else is gathered in memory, of a page never more
//! than a page, and `RESULT_TOO_LARGE` when that is too much.
//!
//! A source that does some of it itself takes the pieces: [`Evaluator`] for filters, [`RowOrder`] for orders and their
//! cursors.

use connector_model::Conventions;
use connector_model::request::{ChangedSince, Count, Query, Read};
use connector_model::target::{Column, LogicalType, TargetSchema};

pub use connector_evaluate::answer::HELD_BYTES;
pub use connector_evaluate::order::Start;
pub use connector_evaluate::{Evaluator, RowOrder};
pub use connector_model::conventions;

use crate::connector::{BoxedRows, Counted};
use crate::error::Result;
use crate::row_writer::RowWriter;
use crate::rows::{End, Fill, Rows};

/// How much of a scan is looked at in one go.
const SCAN_BYTES: usize = 64 * 1024;

/// A target of which there is a scan: a result with all its rows and all its columns.
#[derive(Debug, Clone)]
pub struct Table {
    schema: TargetSchema,
    conventions: Conventions,
    held_bytes: usize,
}

impl Table {
    /// The target as it introspects. Its key has to tell rows apart: pages resume by it.
    pub fn new(schema: &TargetSchema) -> Table {
        Table { schema: schema.clone(), conventions: Conventions::default(), held_bytes: HELD_BYTES }
    }

    /// The source's conventions, if they are not the usual ones; the same as in the attribute.
    #[must_use]
    pub fn conventions(self, conventions: Conventions) -> Table {
        Table { conventions, ..self }
    }

    /// The memory that gathered rows may take, in bytes, instead of [`HELD_BYTES`].
    #[must_use]
    pub fn held_bytes(self, held_bytes: usize) -> Table {
        Table { held_bytes, ..self }
    }

    /// What a `query` asks for, of the rows of `scan`.
    ///
    /// # Errors
    /// `INVALID_JOB` naming the option: an unknown column with the nearest names, an operand that is no value of its
    /// column's type, a cursor of something else. The result's own: `RESULT_TOO_LARGE` when sorting takes more memory
    /// than there is.
    pub fn query<S: 'static>(&self, request: &Query, scan: BoxedRows<S>) -> Result<BoxedRows<S>> {
        let answer = connector_evaluate::Answer::query(&self.plain(), request)?;
        Ok(Evaluated::boxed(answer.held_bytes(self.held_bytes), scan))
    }

    /// What a `read` asks for, of the rows of `scan`.
    ///
    /// # Errors
    /// As [`Table::query`].
    pub fn read<S: 'static>(&self, request: &Read, scan: BoxedRows<S>) -> Result<BoxedRows<S>> {
        let answer = connector_evaluate::Answer::read(&self.plain(), request)?;
        Ok(Evaluated::boxed(answer.held_bytes(self.held_bytes), scan))
    }

    /// How many rows of `scan` a `count` asks for. Where the runner asks for the total of a `read` of what changed
    /// ([`ChangedSince::meant_by`]), a moment on a column of whole numbers is milliseconds; on a column of texts that may hold
    /// moments the rows are counted by their texts, and the number is said to be approximate.
    ///
    /// # Errors
    /// As [`Table::query`], and what broke the scan off.
    pub fn count<S>(&self, session: &mut S, request: &Count, mut scan: BoxedRows<S>) -> Result<Counted> {
        let kind_of = |name: &str| {
            self.schema.columns.iter().find(|column| column.name == name).map(|column| column.logical_type)
        };
        let in_text = ChangedSince::meant_by(&request.filter)
            .is_some_and(|since| kind_of(&since.column) == Some(LogicalType::Text));
        let filter = ChangedSince::counted(&request.filter, kind_of);
        let evaluator = Evaluator::new(&filter, &self.schema, &self.conventions)?;
        let mut writer = RowWriter::new(&scan.columns(), SCAN_BYTES);
        let mut total = 0;
        loop {
            let fill = scan.fill(session, &mut writer)?;
            total += evaluator.count(&writer.take(SCAN_BYTES).1)?;
            if let Fill::End(_) = fill {
                let approximate = in_text && self.conventions.moments_in_text;
                return Ok(Counted { total, approximate });
            }
        }
    }

    fn plain(&self) -> connector_evaluate::Table {
        connector_evaluate::Table::new(&self.schema, &self.conventions)
    }
}

/// The rows of a scan that a request asks for.
struct Evaluated<S> {
    columns: Vec<Column>,
    state: State<S>,
}

enum State<S> {
    /// The scan goes on.
    Scanning { scan: BoxedRows<S>, writer: RowWriter, answer: Box<connector_evaluate::Answer> },
    /// The rows that were gathered go out.
    Giving(connector_evaluate::Page),
    /// Nothing is left, or the scan broke off.
    Done,
}

impl<S: 'static> Evaluated<S> {
    fn boxed(answer: connector_evaluate::Answer, scan: BoxedRows<S>) -> BoxedRows<S> {
        let columns = answer.columns().to_vec();
        let state = if answer.is_nothing() {
            State::Done
        } else {
            let writer = RowWriter::new(&scan.columns(), SCAN_BYTES);
            State::Scanning { scan, writer, answer: Box::new(answer) }
        };
        Box::new(Evaluated { columns, state })
    }
}

impl<S> Rows<S> for Evaluated<S> {
    fn columns(&self) -> Vec<Column> {
        self.columns.clone()
    }

    fn fill(&mut self, session: &mut S, out: &mut RowWriter) -> Result<Fill> {
        loop {
            self.state = match std::mem::replace(&mut self.state, State::Done) {
                State::Done => return Ok(Fill::END),
                State::Scanning { mut scan, mut writer, mut answer } => {
                    let fill = scan.fill(session, &mut writer)?;
                    let (_, objects) = writer.take(SCAN_BYTES);
                    answer.add(&objects, |cells| out.cells(cells))?;
                    if let Fill::End(_) = fill {
                        State::Giving(answer.finish())
                    } else {
                        self.state = State::Scanning { scan, writer, answer };
                        if fill == Fill::Wait || out.is_full() {
                            return Ok(fill);
                        }
                        continue;
                    }
                }
                State::Giving(mut page) => {
                    if !page.next(|cells| out.cells(cells))? {
                        return Ok(Fill::End(End { next_cursor: page.next_cursor().cloned() }));
                    }
                    if out.is_full() {
                        self.state = State::Giving(page);
                        return Ok(Fill::More);
                    }
                    State::Giving(page)
                }
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pull::{Pull, Step};
    use connector_model::filter::{Filter, Operand, Test};
    use connector_model::request::Order;
    use connector_model::target::{LogicalType, TargetColumn};

    const ROWS: i64 = 1_000;

    fn schema() -> TargetSchema {
        let column = |name: &str, logical_type| TargetColumn {
            name: name.to_owned(),
            native_type: "any".to_owned(),
            nullable: false,
            primary_key: name == "id",
            logical_type,
        };
        TargetSchema {
            name: "numbers".to_owned(),
            kind: "table".to_owned(),
            columns: vec![column("id", LogicalType::Integer), column("rest", LogicalType::Integer)],
            primary_key: vec!["id".to_owned()],
            key: vec!["id".to_owned()],
            row_count: None,
        }
    }

    /// Numbers downwards, a few at a time; the session counts how many were asked for.
    struct Numbers(i64);

    impl Rows<i64> for Numbers {
        fn columns(&self) -> Vec<Column> {
            ["id", "rest"]
                .map(|name| Column { name: name.to_owned(), logical_type: LogicalType::Integer })
                .to_vec()
        }

        fn fill(&mut self, asked: &mut i64, out: &mut RowWriter) -> Result<Fill> {
            for _ in 0..7 {
                if self.0 == 0 {
                    return Ok(Fill::END);
                }
                let number = self.0;
                out.row(|row| row.integer("rest", number % 10).and_then(|()| row.integer("id", number)))?;
                self.0 -= 1;
                *asked += 1;
            }
            Ok(Fill::Wait)
        }
    }

    fn query() -> Query {
        Query {
            target: "numbers".to_owned(),
            select: Some(vec!["id".to_owned()]),
            filter: Filter::Column("rest".to_owned(), Test::Equal(Operand::Integer(3))),
            joins: Vec::new(),
            order_by: Vec::new(),
            limit: None,
            offset: 0,
            cursor: None,
            include_total: false,
        }
    }

    fn pulled(rows: BoxedRows<i64>) -> (String, End) {
        let (mut pull, mut asked, mut text) = (Pull::new(rows), 0, String::new());
        loop {
            match pull.next(&mut asked, 100).unwrap() {
                Step::Batch(_, bytes) => text.push_str(&(String::from_utf8(bytes).unwrap() + ";")),
                Step::End(end) => return (text, end),
            }
        }
    }

    #[test]
    fn what_has_no_order_streams_through() {
        let rows = Table::new(&schema()).held_bytes(0).query(&query(), Box::new(Numbers(30))).unwrap();
        let (text, end) = pulled(rows);
        assert_eq!(text, "{\"id\":23};{\"id\":13};{\"id\":3};");
        assert_eq!(end.next_cursor, None);
    }

    #[test]
    fn pages_are_sorted_and_say_where_the_next_begins() {
        let table = Table::new(&schema());
        let request = Query { limit: Some(2), ..query() };
        let (text, end) = pulled(table.query(&request, Box::new(Numbers(ROWS))).unwrap());
        assert_eq!(text, "{\"id\":3},{\"id\":13};");
        let cursor = end.next_cursor.map(|(text, _)| text);
        assert_eq!(cursor.as_deref(), Some("13"));
        let request = Query { cursor, ..request };
        let (text, _) = pulled(table.query(&request, Box::new(Numbers(ROWS))).unwrap());
        assert_eq!(text, "{\"id\":23},{\"id\":33};");
        let by = vec![Order { column: "id".to_owned(), descending: true }];
        let request = Query { order_by: by, offset: 1, limit: Some(1), ..query() };
        let (text, _) = pulled(table.query(&request, Box::new(Numbers(ROWS))).unwrap());
        assert_eq!(text, "{\"id\":983};");
    }

    #[test]
    fn nothing_is_asked_of_the_source_for_nothing() {
        let request = Query { limit: Some(0), ..query() };
        let mut pull = Pull::new(Table::new(&schema()).query(&request, Box::new(Numbers(ROWS))).unwrap());
        let mut asked = 0;
        assert!(matches!(pull.next(&mut asked, 100).unwrap(), Step::End(_)));
        assert_eq!(asked, 0);
    }

    #[test]
    fn rows_are_counted_without_being_kept() {
        let request = Count { target: "numbers".to_owned(), filter: query().filter };
        let mut asked = 0;
        let table = Table::new(&schema()).held_bytes(0);
        assert_eq!(table.count(&mut asked, &request, Box::new(Numbers(ROWS))).unwrap().total, 100);
        assert_eq!(asked, ROWS);
    }

    #[test]
    fn the_total_of_what_changed_is_counted_in_milliseconds_where_a_column_keeps_them() {
        use connector_model::filter::Comparison;

        let count = |column: &str, table: &Table| {
            let moment = Operand::Text("1970-01-01T00:00:00.900000Z".to_owned());
            let once = Filter::Column(column.to_owned(), Test::Compare(Comparison::Greater, moment));
            // As the runner says it: twice.
            let filter = Filter::And(vec![once.clone(), once]);
            let request = Count { target: "numbers".to_owned(), filter };
            table.count(&mut 0, &request, Box::new(Numbers(ROWS)))
        };
        let table = Table::new(&schema());
        assert_eq!(count("id", &table).unwrap(), Counted { total: 100, approximate: false });
        let mut texts = schema();
        texts.columns[1].logical_type = LogicalType::Text;
        let conventions = Conventions { moments_in_text: true, ..Conventions::default() };
        let table = Table::new(&texts).conventions(conventions);
        assert!(count("rest", &table).unwrap().approximate, "by the text, and not by the moment");
        assert!(!count("rest", &Table::new(&texts)).unwrap().approximate);
    }

    #[test]
    fn a_column_that_is_not_there_is_named_before_anything_is_read() {
        let request = Query { select: Some(vec!["idd".to_owned()]), ..query() };
        let error = Table::new(&schema()).query(&request, Box::new(Numbers(ROWS))).err().unwrap();
        assert!(
            error.message().contains("`select`") && error.message().contains("did you mean \"id\""),
            "{error}"
        );
    }
}
