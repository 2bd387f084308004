//! A page's rows, from the server's lines to the runner.

use semilayer_connector::error::internal;
use semilayer_connector::prelude::*;

use crate::lines::{Lines, Next};
use crate::numbers::rewritten;
use crate::plan::Plan;
use crate::position::Position;
use crate::session::ClickHouseSession;

/// What stands for a value that no text stands for.
const NO_TEXT: &str = "?";

/// A page under way; `None` in the place of its lines is a page of no rows that nobody was asked for.
#[derive(Debug)]
pub(crate) struct Page {
    plan: Plan,
    lines: Option<Lines>,
    rows: u64,
    /// What followed the last row, and how many rows in a row it has followed.
    last: Vec<u8>,
    run: u64,
    /// What follows the row beyond the limit.
    beyond: Option<Vec<u8>>,
    /// A row that is written anew.
    scratch: Vec<u8>,
}

impl Page {
    pub(crate) fn new(plan: Plan, lines: Option<Lines>) -> Page {
        Page { plan, lines, rows: 0, last: Vec::new(), run: 0, beyond: None, scratch: Vec::new() }
    }

    /// The end of the page.
    fn end(&self) -> Result<Fill> {
        let Some(beyond) = self.beyond.as_ref().filter(|_| self.rows > 0) else { return Ok(Fill::END) };
        let (cursor, kind) = self.plan.cursor(&self.position(beyond)?);
        Ok(Fill::page(cursor, kind))
    }

    /// Where the next page begins.
    fn position(&self, beyond: &[u8]) -> Result<Position> {
        let start = &self.plan.start;
        let further = || Position { skip: start.skip.saturating_add(self.rows), ..start.clone() };
        if self.plan.mark.is_none() {
            return Ok(further());
        }
        let Some(values) = values(&self.last)? else { return Ok(further()) };
        if *beyond != *self.last {
            return Ok(Position { from: Some(values), behind: true, skip: 0 });
        }
        // The next row is equal to the last in all that is ordered by.
        if self.run < self.rows {
            return Ok(Position { from: Some(values), behind: false, skip: self.run });
        }
        // So is every row of this page; those before it may be too, or are known to be.
        match &start.from {
            Some(from) if !start.behind && *from != values => {
                Ok(Position { from: Some(values), behind: false, skip: self.run })
            }
            Some(_) if start.is_fixed() => Ok(Position { from: Some(values), behind: false, skip: self.run }),
            _ => Ok(further()),
        }
    }
}

/// The values that followed a row; `None` when one of them has no text.
fn values(mark: &[u8]) -> Result<Option<Vec<Option<String>>>> {
    let parts: Vec<Option<String>> = serde_json::from_slice(mark)
        .map_err(|_| internal("the server sent a row without its place in the order"))?;
    if parts.iter().flatten().any(|part| part == NO_TEXT) {
        return Ok(None);
    }
    Ok(Some(
        parts
            .into_iter()
            .map(|part| part.map(|part| part.strip_prefix('=').unwrap_or(&part).to_owned()))
            .collect(),
    ))
}

impl Rows<ClickHouseSession> for Page {
    fn columns(&self) -> Vec<Column> {
        self.plan.columns.clone()
    }

    fn fill(&mut self, _session: &mut ClickHouseSession, out: &mut RowWriter) -> Result<Fill> {
        let Page { plan, lines, rows, last, run, beyond, scratch } = self;
        let Some(lines) = lines else { return Ok(Fill::END) };
        loop {
            let place = match lines.next(out.rows() == 0).map_err(|fault| fault.error)? {
                Next::Row(place) => place,
                Next::Late => return Ok(Fill::Wait),
                Next::End => return self.end(),
            };
            let row = lines.bytes(place);
            let (row, mark) = match &plan.mark {
                Some(lead) => unmarked(row, lead)?,
                None => (&*row, &[][..]),
            };
            if plan.limit.is_some_and(|limit| *rows >= limit) {
                // The one row beyond the limit: there are more. The lines are read to their end, so that the connection
                // serves again.
                *beyond = Some(mark.to_vec());
                continue;
            }
            *run = if *rows > 0 && *mark == **last { *run + 1 } else { 1 };
            if *mark != **last {
                last.clear();
                last.extend_from_slice(mark);
            }
            *rows += 1;
            if plan.has_floats && rewritten(row, scratch) {
                out.object(scratch)?;
            } else {
                out.object(row)?;
            }
            if out.is_full() {
                return Ok(Fill::More);
            }
        }
    }
}

/// The row without what follows it, and that.
fn unmarked<'r>(row: &'r mut [u8], lead: &[u8]) -> Result<(&'r [u8], &'r [u8])> {
    // Inside of texts every quote has a backslash before it: the last such bytes are no text's.
    let at = memchr::memmem::rfind(row, lead)
        .ok_or_else(|| internal("the server sent a row without its place in the order"))?;
    let end = row.len() - 1;
    // The comma becomes the row's last bracket.
    if let Some(comma) = row.get_mut(at) {
        *comma = b'}';
    }
    let row = &*row;
    Ok((row.get(..=at).unwrap_or_default(), row.get(at + lead.len()..end).unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_ends_before_its_mark_whatever_stands_in_it() {
        let mut row = br#"{"a":",\"~\":[1]","b":{"~":[2]},"~":["=x,\"~\":[",null]}"#.to_vec();
        let (row, mark) = unmarked(&mut row, b",\"~\":").unwrap();
        assert_eq!(row, br#"{"a":",\"~\":[1]","b":{"~":[2]}}"#);
        assert_eq!(mark, br#"["=x,\"~\":[",null]"#);
        assert_eq!(values(mark).unwrap(), Some(vec![Some("x,\"~\":[".to_owned()), None]));
        assert_eq!(values(br#"["?","=a"]"#).unwrap(), None);
        assert!(unmarked(&mut br#"{"a":1}"#.to_vec(), b",\"~\":").is_err());
    }
}
