//! Result rows to JSON objects.

use connector_model::error::{Error, ErrorCode, Result};
use connector_model::filter::Typed;
use connector_model::json;
use connector_model::request::aggregate::{Step, TimeUnit};
use connector_model::time::DAY_US;

use super::AggregateSelect;
use crate::table::TableColumn;

/// One row of a result, as a driver has it.
pub trait ResultRow {
    /// Appends the JSON of the value at `position`, as the driver writes values of `column`.
    ///
    /// # Errors
    /// What the driver says of a value it cannot read.
    fn json(&self, position: usize, column: &TableColumn, out: &mut Vec<u8>) -> Result<()>;

    /// The value at `position` as a number or a moment; `None` is NULL.
    ///
    /// # Errors
    /// As [`ResultRow::json`].
    fn typed(&self, position: usize) -> Result<Option<Typed>>;
}

/// What stands where in the result: dimensions, the count, measures, then a rank with the entries that the lists of
/// most frequent values have there.
#[derive(Debug, Clone, Default)]
pub(super) struct Layout {
    dimensions: Vec<Cell>,
    count: usize,
    measures: Vec<Cell>,
    rank: Option<usize>,
    width: usize,
}

#[derive(Debug, Clone)]
struct Cell {
    /// `"name":`
    key: Vec<u8>,
    /// Where the value is; of a list, how many lists come before it.
    position: usize,
    shape: Shape,
}

/// What a value becomes.
#[derive(Debug, Clone)]
pub(super) enum Shape {
    /// What it is in rows of this column.
    Column(Box<TableColumn>),
    /// The name of the unit that begins there.
    Moment(TimeUnit),
    /// The name of the range of that number.
    Range(Step),
    /// The name at that number.
    Between(Vec<String>),
    /// A number of rows.
    Count,
    /// A number, as text where a double would not hold all digits.
    Exact,
    /// A double.
    Double,
    /// An array of `{key, count}`.
    List(Box<TableColumn>),
}

impl Layout {
    fn cell(&mut self, name: &str, shape: Shape) -> Cell {
        let mut key = Vec::new();
        json::text(&mut key, name);
        key.push(b':');
        self.width += 1;
        Cell { key, position: self.width - 1, shape }
    }

    pub(super) fn dimension(&mut self, name: &str, shape: Shape) {
        let cell = self.cell(name, shape);
        self.dimensions.push(cell);
    }

    pub(super) fn count(&mut self) {
        self.count = self.width;
        self.width += 1;
    }

    pub(super) fn measure(&mut self, name: &str, shape: Shape) {
        let cell = self.cell(name, shape);
        self.measures.push(cell);
    }

    /// A list, whose values stand behind the rank.
    pub(super) fn top(&mut self, name: &str, column: &TableColumn) {
        let lists = self.measures.iter().filter(|cell| matches!(cell.shape, Shape::List(_))).count();
        let mut cell = self.cell(name, Shape::List(Box::new(column.clone())));
        self.width -= 1;
        cell.position = lists;
        self.measures.push(cell);
    }

    /// The column whose values stand at a position.
    pub(super) fn column(&self, position: usize) -> Option<&TableColumn> {
        self.dimensions.iter().chain(&self.measures).find_map(|cell| match &cell.shape {
            Shape::Column(column) if cell.position == position => Some(&**column),
            Shape::List(column) if self.rank.is_some_and(|rank| entry(rank, cell) == position) => {
                Some(&**column)
            }
            _ => None,
        })
    }

    pub(super) fn rank(&mut self) {
        self.rank = Some(self.width);
    }
}

/// Makes groups of result rows. Each is one object `{"dims":{…},"measures":{…},"count":n}`.
#[derive(Debug)]
pub struct Groups<'s> {
    layout: &'s Layout,
    max_bytes: usize,
    /// The measures' values of the group under way.
    values: Vec<Vec<u8>>,
    dimensions: Vec<u8>,
    count: Vec<u8>,
    open: bool,
    done: Vec<u8>,
}

impl<'s> Groups<'s> {
    /// For the result of `select`, whose groups may have `max_bytes` bytes of JSON each.
    pub fn new(select: &'s AggregateSelect, max_bytes: usize) -> Self {
        let layout = &select.layout;
        Groups {
            values: vec![Vec::new(); layout.measures.len()],
            dimensions: Vec::new(),
            count: Vec::new(),
            open: false,
            done: Vec::new(),
            max_bytes,
            layout,
        }
    }

    /// Takes the next row; returns a group when one is complete.
    ///
    /// # Errors
    /// What the driver says of a value; `RESULT_TOO_LARGE` for a group beyond the limit; `INTERNAL` for a value that
    /// the statement does not return.
    pub fn row(&mut self, row: &impl ResultRow) -> Result<Option<&[u8]>> {
        let Some(position) = self.layout.rank else {
            self.begin(row)?;
            return self.end();
        };
        let rank = row.typed(position)?;
        match rank {
            Some(Typed::Integer(2..)) => {
                self.entries(row, position)?;
                Ok(None)
            }
            // A group begins with its first entry, or has none.
            first => {
                let complete = self.open;
                if complete {
                    self.close()?;
                }
                self.begin(row)?;
                if first.is_some() {
                    self.entries(row, position)?;
                }
                Ok(complete.then_some(self.done.as_slice()))
            }
        }
    }

    /// The last group, behind the last row.
    ///
    /// # Errors
    /// `RESULT_TOO_LARGE`.
    pub fn end(&mut self) -> Result<Option<&[u8]>> {
        if !self.open {
            return Ok(None);
        }
        self.close()?;
        Ok(Some(self.done.as_slice()))
    }

    fn begin(&mut self, row: &impl ResultRow) -> Result<()> {
        self.open = true;
        self.dimensions.clear();
        for (at, cell) in self.layout.dimensions.iter().enumerate() {
            if at > 0 {
                self.dimensions.push(b',');
            }
            self.dimensions.extend_from_slice(&cell.key);
            value(&mut self.dimensions, row, cell)?;
        }
        self.count.clear();
        count(&mut self.count, row.typed(self.layout.count)?)?;
        for (cell, out) in self.layout.measures.iter().zip(&mut self.values) {
            out.clear();
            match cell.shape {
                Shape::List(_) => out.push(b'['),
                _ => value(out, row, cell)?,
            }
        }
        self.check_size()
    }

    /// Adds what the lists have at this row's rank.
    fn entries(&mut self, row: &impl ResultRow, rank: usize) -> Result<()> {
        for (cell, out) in self.layout.measures.iter().zip(&mut self.values) {
            let Shape::List(column) = &cell.shape else { continue };
            let key = entry(rank, cell);
            // A list that is shorter than another has nothing there.
            let Some(many) = row.typed(key + 1)? else { continue };
            out.extend_from_slice(if out.len() > 1 { b",{\"key\":" } else { b"{\"key\":" });
            row.json(key, column, out)?;
            out.extend_from_slice(b",\"count\":");
            count(out, Some(many))?;
            out.push(b'}');
        }
        self.check_size()
    }

    fn close(&mut self) -> Result<()> {
        self.open = false;
        let out = &mut self.done;
        out.clear();
        out.extend_from_slice(b"{\"dims\":{");
        out.extend_from_slice(&self.dimensions);
        out.extend_from_slice(b"},\"measures\":{");
        for (at, (cell, value)) in self.layout.measures.iter().zip(&self.values).enumerate() {
            if at > 0 {
                out.push(b',');
            }
            out.extend_from_slice(&cell.key);
            out.extend_from_slice(value);
            if matches!(cell.shape, Shape::List(_)) {
                out.push(b']');
            }
        }
        out.extend_from_slice(b"},\"count\":");
        out.extend_from_slice(&self.count);
        out.push(b'}');
        Ok(())
    }

    fn check_size(&self) -> Result<()> {
        let size = self.dimensions.len() + self.values.iter().map(Vec::len).sum::<usize>();
        if size <= self.max_bytes {
            return Ok(());
        }
        let limit = self.max_bytes;
        let problem = format!("a group is more than {limit} bytes as JSON; measure less of it");
        Err(Error::new(ErrorCode::ResultTooLarge, problem).with("limitBytes", limit as u64))
    }
}

/// Where a list's value at a rank is; its count is behind it.
fn entry(rank: usize, cell: &Cell) -> usize {
    rank + 1 + 2 * cell.position
}

fn value(out: &mut Vec<u8>, row: &impl ResultRow, cell: &Cell) -> Result<()> {
    let position = cell.position;
    match &cell.shape {
        Shape::Column(column) => return row.json(position, column, out),
        Shape::Moment(unit) => json::text(out, &unit.label(moment(row.typed(position)?)?)),
        Shape::Range(step) => json::text(out, &step.label(index(row.typed(position)?)?)),
        Shape::Between(labels) => {
            let at = usize::try_from(index(row.typed(position)?)?).ok();
            let label = at.and_then(|at| labels.get(at)).ok_or_else(unexpected)?;
            json::text(out, label);
        }
        Shape::Count => return count(out, row.typed(position)?),
        Shape::Exact => match row.typed(position)? {
            None => json::null(out),
            Some(Typed::Integer(whole)) => json::number_or_text(out, &whole.to_string()),
            Some(Typed::Decimal(digits) | Typed::Text(digits)) => json::number_or_text(out, &digits),
            Some(Typed::Float(number)) => json::float64(out, number),
            Some(_) => return Err(unexpected()),
        },
        Shape::Double => match row.typed(position)? {
            None => json::null(out),
            Some(value) => json::float64(out, double(value)?),
        },
        Shape::List(_) => {}
    }
    Ok(())
}

/// A number of rows; none is none.
fn count(out: &mut Vec<u8>, value: Option<Typed>) -> Result<()> {
    let Some(Typed::Integer(count)) = value else { return Err(unexpected()) };
    json::unsigned_if_exact(out, u64::try_from(count).map_err(|_| unexpected())?);
    Ok(())
}

/// Microseconds since 1970-01-01 UTC.
fn moment(value: Option<Typed>) -> Result<i64> {
    match value {
        Some(Typed::Timestamp(micros) | Typed::TimestampTz(micros)) => Ok(micros),
        Some(Typed::Date(days)) => days.checked_mul(DAY_US).ok_or_else(unexpected),
        Some(Typed::Integer(seconds)) => {
            let micros = seconds.checked_mul(1_000_000).and_then(|micros| i64::try_from(micros).ok());
            micros.ok_or_else(unexpected)
        }
        _ => Err(unexpected()),
    }
}

/// The number of a range.
fn index(value: Option<Typed>) -> Result<i64> {
    let found = match value {
        Some(Typed::Integer(whole)) => i64::try_from(whole).ok(),
        Some(Typed::Decimal(digits)) => digits.parse().ok(),
        #[allow(clippy::cast_possible_truncation, reason = "checked to be a whole number in range")]
        Some(Typed::Float(number)) if number.trunc() == number && number.abs() < 9.2e18 => {
            Some(number as i64)
        }
        Some(Typed::Float(_)) => None,
        _ => return Err(unexpected()),
    };
    found.ok_or_else(|| {
        let problem = "a value is more than 2^63 steps away from 0; take a larger `step`";
        Error::option("dimensions", problem)
    })
}

fn double(value: Typed) -> Result<f64> {
    match value {
        Typed::Float(number) => Ok(number),
        #[allow(clippy::cast_precision_loss, reason = "the nearest double is what is asked for")]
        Typed::Integer(whole) => Ok(whole as f64),
        Typed::Decimal(digits) | Typed::Text(digits) => digits.parse().map_err(|_| unexpected()),
        _ => Err(unexpected()),
    }
}

#[cold]
fn unexpected() -> Error {
    Error::internal("the database answered an aggregate with another type of value than was asked for")
}
