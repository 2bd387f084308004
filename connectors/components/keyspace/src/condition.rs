//! Which rows pass.

use std::cell::RefCell;

use connector_evaluate::condition as evaluate;
use semilayer_connector::error;
use semilayer_connector::filter::Filter;
use semilayer_connector::model::json;
use semilayer_connector::model::time::parse_moment;
use semilayer_connector::prelude::{ChangedSince, LogicalType, Result};

use crate::cell::{Cell, Kind, Rank};
use crate::document::KEY;
use crate::row::Row;
use crate::shape::Shape;

/// What a row is tested for.
#[derive(Debug, Default)]
pub struct Condition {
    filter: Option<Tested>,
    since: Option<(String, i64)>,
}

/// A filter with the columns that it looks at.
#[derive(Debug)]
struct Tested {
    condition: evaluate::Condition,
    /// Their names, and whether their values are of many kinds: then they are held against operands as texts.
    columns: Vec<(String, bool)>,
    /// The JSON of those columns, one behind the other: kept from row to row.
    cells: RefCell<Vec<u8>>,
}

impl Condition {
    /// A `where`.
    ///
    /// # Errors
    /// `INVALID_JOB` naming a column that the target does not have, or an operand that is none for it.
    pub fn new(filter: &Filter, shape: &Shape) -> Result<Condition> {
        if filter.is_true() {
            return Ok(Condition::default());
        }
        let columns: RefCell<Vec<(String, bool)>> = RefCell::default();
        let place = |name: &str| {
            let kind = shape.column("where", name)?.logical_type;
            let mut columns = columns.borrow_mut();
            let known = columns.iter().position(|(column, _)| column == name);
            let at = known.unwrap_or_else(|| {
                columns.push((name.to_owned(), kind == LogicalType::Unknown));
                columns.len() - 1
            });
            Ok(evaluate::Place::new(at, kind))
        };
        let condition = evaluate::Condition::new(filter, "where", &place)?;
        let filter = Tested { condition, columns: columns.into_inner(), cells: RefCell::default() };
        Ok(Condition { filter: Some(filter), since: None })
    }

    /// What is counted: what `query` would find, or, for the total of a `read`, what changed
    /// ([`ChangedSince::meant_by`]).
    ///
    /// # Errors
    /// As [`Condition::new`] and [`Condition::changed`].
    pub fn counted(filter: &Filter, shape: &Shape) -> Result<Condition> {
        match ChangedSince::meant_by(filter) {
            Some(since) => Condition::changed(&since, shape),
            None => Condition::new(filter, shape),
        }
    }

    /// Rows changed after a moment.
    ///
    /// # Errors
    /// `INVALID_JOB` naming a column that the target does not have, or that holds no moments.
    pub fn changed(since: &ChangedSince, shape: &Shape) -> Result<Condition> {
        const OPTION: &str = "changeTrackingColumn";
        let column = shape.column(OPTION, &since.column)?;
        match column.logical_type {
            LogicalType::Text | LogicalType::Integer | LogicalType::Unknown if column.name != KEY => {
                Ok(Condition { filter: None, since: Some((since.column.clone(), since.micros)) })
            }
            _ => {
                let problem = format_args!("column \"{}\" holds no moments", since.column);
                Err(error::invalid_request(OPTION, problem).with("column", since.column.as_str()))
            }
        }
    }

    /// Whether every row passes.
    pub fn is_open(&self) -> bool {
        self.filter.is_none() && self.since.is_none()
    }

    /// Whether a row passes.
    pub fn passes(&self, row: &Row<'_>) -> bool {
        let changed = self
            .since
            .as_ref()
            .is_none_or(|(column, micros)| row.cell(column).is_some_and(|cell| is_later(cell, *micros)));
        changed && self.filter.as_ref().is_none_or(|filter| filter.passes(row))
    }
}

impl Tested {
    fn passes(&self, row: &Row<'_>) -> bool {
        let mut cells = self.cells.borrow_mut();
        cells.clear();
        let mut ends = Vec::with_capacity(self.columns.len());
        for (column, as_text) in &self.columns {
            match row.cell(column) {
                _ if column == KEY => json::text(&mut cells, row.key),
                Some(cell) if *as_text => text_of(cell, &mut cells),
                Some(cell) => cell.write(&mut cells),
                None => json::null(&mut cells),
            }
            ends.push(cells.len());
        }
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let slices: Vec<&[u8]> =
            starts.zip(&ends).map(|(start, end)| cells.get(start..*end).unwrap_or_default()).collect();
        self.condition.passes(&slices)
    }
}

/// Appends a value as a text, NULL aside.
fn text_of(cell: &Cell<'_>, out: &mut Vec<u8>) {
    match (cell.kind(), cell) {
        (Kind::Null | Kind::Text, _) | (_, Cell::Text(_) | Cell::Bytes(_)) => cell.write(out),
        (_, Cell::Json(token)) => json::text(out, token),
    }
}

/// Whether a value is a moment later than that many microseconds since 1970: an ISO 8601 text, or milliseconds. What is
/// no moment is no later one.
fn is_later(cell: &Cell<'_>, micros: i64) -> bool {
    match (cell.kind(), cell.rank()) {
        (Kind::Text, Rank::Text(text)) => parse_moment(&text).is_some_and(|changed| changed > micros),
        (Kind::Integer, Rank::Whole(millis)) => {
            millis.checked_mul(1_000).is_some_and(|changed| changed > i128::from(micros))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Fetched, Stored};
    use crate::shape::Sample;
    use semilayer_connector::filter::{Comparison, Operand, Test};
    use semilayer_connector::prelude::ErrorCode;

    fn row(text: &str) -> Fetched {
        Fetched { key: "t:1".into(), stored: Stored::Text(text.as_bytes().to_vec()) }
    }

    fn shape(text: &str) -> Shape {
        let mut sample = Sample::default();
        sample.add(&row(text));
        sample.shape("t", true)
    }

    #[test]
    fn a_row_is_tested_by_its_values() {
        let fetched = row(r#"{"n": 9007199254740993, "name": "Ada", "f": 1.50}"#);
        let shape = shape(r#"{"n": 1, "name": "", "f": 1.5}"#);
        let test = |column: &str, test| Filter::Column(column.to_owned(), test);
        let passes = |filter: &Filter| Condition::new(filter, &shape).unwrap().passes(&Row::of(&fetched));
        let whole = Operand::Integer(9_007_199_254_740_993);
        let text = |text: &str| Operand::Text(text.to_owned());
        assert!(passes(&test("n", Test::Equal(whole.clone()))));
        assert!(!passes(&test("n", Test::Equal(Operand::Integer(9_007_199_254_740_992)))));
        assert!(passes(&test("f", Test::Compare(Comparison::LessOrEqual, Operand::Float(1.5)))));
        assert!(passes(&test(KEY, Test::In(vec![text("x"), text("t:1")]))));
        let both =
            Filter::And(vec![test("name", Test::Equal(text("Ada"))), test("n", Test::NotEqual(whole))]);
        assert!(!passes(&both) && passes(&Filter::Not(Box::new(both))));
        let unknown = Condition::new(&test("nmae", Test::Exists(true)), &shape).unwrap_err();
        assert!(unknown.message().contains("\"name\""), "{unknown}");
        assert!(Condition::new(&Filter::TRUE, &shape).unwrap().is_open());
    }

    #[test]
    fn moments_are_texts_and_milliseconds() {
        let at = |text: &str, micros| {
            let since = ChangedSince { column: "at".into(), micros };
            Condition::changed(&since, &shape(text)).unwrap().passes(&Row::of(&row(text)))
        };
        let text = r#"{"at": "2024-03-01T00:00:00.000001Z"}"#;
        assert!(at(text, 1_709_251_200_000_000) && !at(text, 1_709_251_200_000_001));
        assert!(at(r#"{"at": 5}"#, 4_999) && !at(r#"{"at": 5}"#, 5_000));
        assert!(!at(r#"{"at": "soon"}"#, i64::MIN) && !at(r#"{"at": null}"#, i64::MIN));
        for (column, text) in [("at", r#"{"at": true}"#), ("none", "{}"), (KEY, "{}")] {
            let since = ChangedSince { column: column.into(), micros: 0 };
            let error = Condition::changed(&since, &shape(text)).unwrap_err();
            assert_eq!(error.code(), ErrorCode::InvalidJob, "{column}");
        }
    }

    #[test]
    fn a_moment_that_is_said_twice_is_a_moment_and_once_a_text() {
        let counted = |text: &str, moment: &str, times: usize| {
            let operand = Operand::Text(moment.to_owned());
            let later = Filter::Column("at".into(), Test::Compare(Comparison::Greater, operand));
            let filter = if times == 2 { Filter::And(vec![later.clone(), later]) } else { later };
            Condition::counted(&filter, &shape(text)).map(|found| found.passes(&Row::of(&row(text))))
        };
        let text = r#"{"at": "2024-03-01T00:00:00Z"}"#;
        // As a text it is behind the other, as a moment it is the same.
        assert!(counted(text, "2024-03-01T00:00:00.000000Z", 1).unwrap());
        assert!(!counted(text, "2024-03-01T00:00:00.000000Z", 2).unwrap());
        assert!(counted(text, "2024-02-29T00:00:00.000000Z", 2).unwrap());
        assert!(counted(r#"{"at": 5}"#, "1970-01-01T00:00:00.004000Z", 2).unwrap());
        assert!(counted(r#"{"at": 5}"#, "soon", 1).is_err());
    }
}
