//! A result's rows, page by page.

use std::collections::VecDeque;

use connector_sql::sqlite::{Described, key_value};
use connector_sql::{LibSql, Reading, Select, Table, TableColumn};
use semilayer_connector::error::{internal, query_failed};
use semilayer_connector::model::filter::Typed;
use semilayer_connector::model::json::{Envelope, MAX_ROW_BYTES, RowBuffer};
use semilayer_connector::prelude::*;

use crate::answer::{Cell, Cells, results};
use crate::error::{Fault, Hint};
use crate::session::TursoSession;

/// How many rows the first page has at most: what a `read` takes when nobody says how many.
const FIRST_ROWS: u64 = 1_000;

/// The most rows of a page.
const MOST_ROWS: u64 = 50_000;

/// About how large an answer should be, in bytes: large enough that the way there and back does not count, small enough
/// that its rows are soon sent on.
const PAGE_BYTES: u64 = 1024 * 1024;

/// A page that was too large is asked for again with this share of its rows.
const SMALLER: u64 = 8;

/// How many bytes of rows are handed on at once.
const BLOCK_BYTES: usize = 64 * 1024;

/// Names under which SQLite shows a row's number (sqlite.org/rowidtable.html), where no column has taken them.
const ROW_NUMBERS: [&str; 3] = ["rowid", "_rowid_", "oid"];

/// What a result answers.
#[derive(Debug, Clone)]
pub(crate) enum Job {
    Read(Read),
    Query(Query),
}

impl Job {
    /// The statement of one page.
    fn page(&self, table: &Table, rows: u64, cursor: Option<String>) -> Result<Select> {
        match self {
            Job::Read(read) => Select::read(&LibSql, table, &Read { limit: rows, cursor, ..read.clone() }),
            Job::Query(query) => {
                Select::query(&LibSql, table, &Query { limit: Some(rows), cursor, ..query.clone() })
            }
        }
    }

    fn limit(&self) -> Option<u64> {
        match self {
            Job::Read(read) => Some(read.limit),
            Job::Query(query) => query.limit,
        }
    }

    fn cursor(&self) -> Option<String> {
        match self {
            Job::Read(read) => read.cursor.clone(),
            Job::Query(query) => query.cursor.clone(),
        }
    }
}

/// A result, of which one page is in memory.
#[derive(Debug)]
pub(crate) struct Pages {
    job: Job,
    table: Table,
    columns: Vec<Column>,
    /// How many rows are still wanted.
    remaining: Option<u64>,
    /// How many the next page may have.
    rows: u64,
    cursor: Option<String>,
    /// Rows as JSON objects that nobody has taken yet.
    blocks: VecDeque<(u32, Vec<u8>)>,
    end: Option<End>,
}

impl Pages {
    /// The result of a job, its first page read.
    ///
    /// # Errors
    /// `INVALID_JOB` naming the option; what the server refuses.
    pub(crate) fn open(
        session: &mut TursoSession,
        described: &Described,
        mut job: Job,
    ) -> Result<Pages, Fault> {
        let (remaining, cursor) = (job.limit(), job.cursor());
        let whole = job.page(&described.table, remaining.unwrap_or(FIRST_ROWS), cursor.clone())?;
        let column = |position: &usize| {
            let column = described.table.column(*position)?;
            Ok(Column { name: column.name.clone(), logical_type: column.logical_type })
        };
        let visible = whole.fetched.get(..whole.visible).unwrap_or_default();
        let columns = visible.iter().map(column).collect::<Result<Vec<Column>>>()?;
        let table = match &mut job {
            Job::Query(query) => numbered(described, query).unwrap_or_else(|| described.table.clone()),
            Job::Read(_) => described.table.clone(),
        };
        let mut pages = Pages {
            job,
            table,
            columns,
            remaining,
            rows: FIRST_ROWS,
            cursor,
            blocks: VecDeque::new(),
            end: (remaining == Some(0)).then(End::default),
        };
        if pages.end.is_none() {
            pages.fetch(session)?;
        }
        Ok(pages)
    }

    /// Reads the next page; a smaller one where it is too large.
    fn fetch(&mut self, session: &mut TursoSession) -> Result<(), Fault> {
        loop {
            let size = self.remaining.map_or(self.rows, |remaining| remaining.min(self.rows));
            match self.page(session, size) {
                // A row that is too large by itself is found when it comes alone.
                Err(fault) if fault.hint == Hint::FewerRows && size > 1 => {
                    self.rows = (size / SMALLER).max(1);
                    self.blocks.clear();
                }
                done => return done,
            }
        }
    }

    fn page(&mut self, session: &mut TursoSession, size: u64) -> Result<(), Fault> {
        let select = self.job.page(&self.table, size, self.cursor.clone())?;
        let body = session.pipeline.run(std::slice::from_ref(&select.statement))?;
        let answered = results(&body, 1)?;
        let rows = answered.first().map(Vec::as_slice).unwrap_or_default();
        let cut = rows.len() as u64 > size;
        let taken = rows.get(..usize::try_from(size).unwrap_or(usize::MAX)).unwrap_or(rows);
        self.write(session, &select, taken)?;
        let count = taken.len() as u64;
        self.remaining = self.remaining.map(|remaining| remaining.saturating_sub(count));
        self.rows = next_rows(size, count, body.len() as u64);
        let Some(last) = taken.last().filter(|_| cut) else {
            self.end = Some(End::default());
            return Ok(());
        };
        let key =
            select.key.iter().map(|at| self.key_part(&select, *at, last)).collect::<Result<Vec<_>>>()?;
        let (cursor, kind) = select.next_cursor(key, count)?;
        match self.remaining {
            Some(0) => self.end = Some(End { next_cursor: Some((cursor, kind)) }),
            _ => self.cursor = Some(cursor),
        }
        Ok(())
    }

    fn write(&mut self, session: &TursoSession, select: &Select, rows: &[Vec<Cell<'_>>]) -> Result<()> {
        let visible = select.fetched.get(..select.visible).unwrap_or_default();
        let columns =
            visible.iter().map(|at| self.table.column(*at)).collect::<Result<Vec<&TableColumn>>>()?;
        let mut out = RowBuffer::new(Envelope::default(), BLOCK_BYTES, MAX_ROW_BYTES);
        out.columns(columns.iter().map(|column| column.name.as_str()));
        let mut scratch = Vec::new();
        for row in rows {
            if row.len() != select.fetched.len() {
                let problem = "the server answers other columns than it was asked for";
                return Err(internal(problem));
            }
            out.row(|writer| {
                for (cell, column) in row.iter().zip(&columns) {
                    session.cells.write(writer.cell()?, cell.stored(&mut scratch)?, column)?;
                }
                Ok(())
            })?;
            if out.is_full() {
                let (bytes, rows) = out.take();
                self.blocks.push_back((rows, bytes));
            }
        }
        if out.rows() > 0 {
            let (bytes, rows) = out.take();
            self.blocks.push_back((rows, bytes));
        }
        Ok(())
    }

    /// One part of the key of a page's last row.
    fn key_part(&self, select: &Select, at: usize, row: &Cells<'_>) -> Result<Option<Typed>> {
        let outside = || internal("a key outside its row");
        let column = self.table.column(*select.fetched.get(at).ok_or_else(outside)?)?;
        let cell = row.get(at).ok_or_else(outside)?;
        if cell.is_unnamed_infinity() {
            let problem = format!(
                "the page ends at a row whose \"{}\" is infinite, which its type does not say, so no cursor can name it; order by another column or take more rows",
                column.name
            );
            return Err(query_failed("infinite_key", problem).with("column", column.name.as_str()));
        }
        key_value(cell.stored(&mut Vec::new())?, column)
    }
}

/// How many rows the next page may have: as many as make an answer of the size that is wanted, by the rows of this one.
fn next_rows(size: u64, rows: u64, bytes: u64) -> u64 {
    let each = (bytes / rows.max(1)).max(1);
    // Not much more at once: the next rows may be longer than these.
    (PAGE_BYTES / each).clamp(1, MOST_ROWS.min(size.saturating_mul(4)))
}

/// A result that nobody pages through, of a table without a key, is read in the order of its rows' numbers: sorting all
/// rows for every page would be the only other way.
fn numbered(described: &Described, query: &mut Query) -> Option<Table> {
    let table = &described.table;
    let whole = query.limit.is_none() && query.offset == 0 && query.cursor.is_none();
    if !(whole && table.key.is_empty() && described.has_rowid) {
        return None;
    }
    let free = |name: &&str| !table.columns.iter().any(|column| column.name.eq_ignore_ascii_case(name));
    let name = ROW_NUMBERS.into_iter().find(free)?;
    let all = || table.columns.iter().map(|column| column.name.clone()).collect();
    query.select.get_or_insert_with(all);
    let mut table = table.clone();
    table.key = vec![table.columns.len()];
    table.columns.push(TableColumn {
        name: name.to_owned(),
        logical_type: LogicalType::Integer,
        native_type: "INTEGER".to_owned(),
        nullable: false,
        reading: Reading::Native,
        qualified: None,
    });
    Some(table)
}

impl Rows<TursoSession> for Pages {
    fn columns(&self) -> Vec<Column> {
        self.columns.clone()
    }

    fn fill(&mut self, session: &mut TursoSession, out: &mut RowWriter) -> Result<Fill> {
        loop {
            while let Some((rows, objects)) = self.blocks.pop_front() {
                out.splice(rows, &objects)?;
                if out.is_full() {
                    return Ok(Fill::More);
                }
            }
            if let Some(end) = &self.end {
                return Ok(Fill::End(end.clone()));
            }
            if out.rows() > 0 {
                return Ok(Fill::Wait);
            }
            self.fetch(session).map_err(|fault| fault.error)?;
        }
    }
}

/// Groups, all of which are there.
#[derive(Debug)]
pub(crate) struct Objects {
    pub(crate) blocks: VecDeque<(u32, Vec<u8>)>,
}

impl Rows<TursoSession> for Objects {
    fn columns(&self) -> Vec<Column> {
        Vec::new()
    }

    fn fill(&mut self, _session: &mut TursoSession, out: &mut RowWriter) -> Result<Fill> {
        while let Some((rows, objects)) = self.blocks.pop_front() {
            out.splice(rows, &objects)?;
            if out.is_full() {
                return Ok(Fill::More);
            }
        }
        Ok(Fill::END)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_as_many_rows_as_make_its_size() {
        assert_eq!(next_rows(1_000, 1_000, 100 * 1_000), 4_000);
        assert_eq!(next_rows(16_000, 16_000, 1_600_000), 10_485);
        assert_eq!(next_rows(50_000, 50_000, 50_000), MOST_ROWS);
        assert_eq!(next_rows(10, 10, 80 * 1024 * 1024), 1);
        assert_eq!(next_rows(1_000, 0, 100), 4_000);
    }
}
