//! A result, batch by batch: what both a component's exports and a test do with it.

use crate::connector::BoxedRows;
use crate::error::Result;
use crate::row_writer::{Pieces, RowWriter};
use crate::rows::{End, Fill};

/// A result of which batches are pulled.
pub(crate) struct Pull<S> {
    rows: BoxedRows<S>,
    /// Made at the first step.
    writer: Option<RowWriter>,
    /// What is left of rows that came in one go and are more than a batch.
    left: Option<Pieces>,
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
        Pull { rows, writer: None, left: None, end: None }
    }

    /// The result.
    pub(crate) fn rows(&self) -> &BoxedRows<S> {
        &self.rows
    }

    /// The next rows: about `batch_bytes` of them, or those that are at hand when more have to be waited for. However many
    /// one `fill` wrote, a batch ends at the first row behind that size.
    pub(crate) fn next(&mut self, session: &mut S, batch_bytes: usize) -> Result<Step> {
        if let Some((rows, payload)) = self.left.as_mut().and_then(Iterator::next) {
            return Ok(Step::Batch(rows, payload));
        }
        self.left = None;
        if let Some(end) = self.end.clone() {
            return Ok(Step::End(end));
        }
        let Pull { rows, writer, left, end } = self;
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
        if out.is_oversize() {
            let mut pieces = out.take_pieces(batch_bytes);
            if let Some((rows, payload)) = pieces.next() {
                *left = Some(pieces);
                return Ok(Step::Batch(rows, payload));
            }
        }
        let (rows, payload) = out.take(batch_bytes);
        Ok(Step::Batch(rows, payload))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use connector_model::target::{Column, LogicalType};

    /// A result of one fill: rows one by one, then as one text, then the end.
    struct AtOnce {
        rows: u32,
        spliced: bool,
        done: bool,
    }

    impl crate::rows::Rows<()> for AtOnce {
        fn columns(&self) -> Vec<Column> {
            vec![Column { name: "n".to_owned(), logical_type: LogicalType::Integer }]
        }

        fn fill(&mut self, _session: &mut (), out: &mut RowWriter) -> Result<Fill> {
            if std::mem::replace(&mut self.done, true) {
                return Ok(Fill::END);
            }
            if self.spliced {
                let rows: Vec<String> = (0..self.rows).map(|n| format!("{{\"n\":{n}}}")).collect();
                out.splice(self.rows, rows.join(" ,\n").as_bytes())?;
            } else {
                (0..self.rows).try_for_each(|n| out.row(|row| row.unsigned("n", n.into())))?;
            }
            Ok(Fill::More)
        }
    }

    /// The batches of a result, each read as JSON.
    fn batches(rows: AtOnce, batch_bytes: usize) -> Vec<Vec<u64>> {
        let (mut pull, mut batches) = (Pull::new(Box::new(rows)), Vec::new());
        while let Step::Batch(rows, payload) = pull.next(&mut (), batch_bytes).unwrap() {
            assert!(payload.len() < 2 * batch_bytes + 16, "{} bytes", payload.len());
            let text = format!("[{}]", String::from_utf8(payload).unwrap());
            let objects: Vec<serde_json::Value> = serde_json::from_str(&text).unwrap();
            assert_eq!(objects.len(), rows as usize);
            batches.push(objects.iter().map(|row| row["n"].as_u64().unwrap()).collect());
        }
        batches
    }

    #[test]
    fn one_fill_of_many_rows_is_handed_out_batch_by_batch() {
        for spliced in [false, true] {
            let rows = AtOnce { rows: 10_000, spliced, done: false };
            let batches = batches(rows, 1_000);
            assert!(batches.len() > 90, "{} batches", batches.len());
            assert!(batches.concat().into_iter().eq(0..10_000), "spliced: {spliced}");
        }
    }

    #[test]
    fn a_fill_of_about_a_batch_is_handed_out_as_it_is() {
        let rows = AtOnce { rows: 150, spliced: false, done: false };
        assert_eq!(batches(rows, 1_000).len(), 1);
    }
}
