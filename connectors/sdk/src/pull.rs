//! A result, batch by batch: what both a component's exports and a test do with it.

use crate::connector::BoxedRows;
use crate::error::Result;
use crate::row_writer::RowWriter;
use crate::rows::{End, Fill};

/// A result of which batches are pulled.
pub(crate) struct Pull<S> {
    rows: BoxedRows<S>,
    /// Made at the first step.
    writer: Option<RowWriter>,
    /// Set with the last rows; the step after them says it.
    end: Option<End>,
}

/// What a step brings.
#[derive(Debug)]
pub(crate) enum Step {
    /// So many rows.
    Batch(u32, Vec<u8>),
    /// There are no more.
    End(End),
}

impl<S> Pull<S> {
    pub(crate) fn new(rows: BoxedRows<S>) -> Pull<S> {
        Pull { rows, writer: None, end: None }
    }

    /// The result.
    pub(crate) fn rows(&self) -> &BoxedRows<S> {
        &self.rows
    }

    /// The next rows: about `batch_bytes` of them, or those that are at hand when more have to be waited for.
    pub(crate) fn next(&mut self, session: &mut S, batch_bytes: usize) -> Result<Step> {
        if let Some(end) = self.end.clone() {
            return Ok(Step::End(end));
        }
        let Pull { rows, writer, end } = self;
        let out = writer.get_or_insert_with(|| RowWriter::new(&rows.columns(), batch_bytes));
        loop {
            match rows.fill(session, out)? {
                Fill::More if out.is_full() => break,
                Fill::Wait if out.rows() > 0 => break,
                Fill::More | Fill::Wait => {}
                Fill::End(last) => {
                    *end = Some(last.clone());
                    if out.rows() == 0 {
                        return Ok(Step::End(last));
                    }
                    break;
                }
            }
        }
        let (rows, payload) = out.take(batch_bytes);
        Ok(Step::Batch(rows, payload))
    }
}
