//! A result of which the runner pulls batches.

use std::cell::RefCell;
use std::rc::Rc;

use super::bindings::exports::semilayer::connector::source as wit;
use super::bindings::semilayer::connector::types::RowBatch;
use super::convert;
use crate::connector::BoxedRows;
use crate::error::Result;
use crate::row_writer::RowWriter;
use crate::rows::{End, Fill};

/// A result and the session that answers it.
pub struct Pulled<S> {
    session: Rc<RefCell<S>>,
    state: RefCell<State<S>>,
}

struct State<S> {
    rows: BoxedRows<S>,
    /// Made at the first step.
    writer: Option<RowWriter>,
    /// Set with the last rows; the step after them says it.
    end: Option<End>,
}

impl<S> Pulled<S> {
    pub(super) fn new(session: Rc<RefCell<S>>, rows: BoxedRows<S>) -> Pulled<S> {
        Pulled { session, state: RefCell::new(State { rows, writer: None, end: None }) }
    }
}

impl<S: 'static> wit::GuestRows for Pulled<S> {
    fn columns(&self) -> Vec<wit::Column> {
        self.state.borrow().rows.columns().into_iter().map(convert::column).collect()
    }

    fn next(&self, max_bytes: u32) -> Result<wit::Step, wit::Error> {
        let mut state = self.state.borrow_mut();
        state.step(&mut self.session.borrow_mut(), max_bytes as usize).map_err(convert::error)
    }
}

impl<S> State<S> {
    fn step(&mut self, session: &mut S, batch_bytes: usize) -> Result<wit::Step> {
        if let Some(end) = self.end.clone() {
            return Ok(wit::Step::End(convert::page(end)));
        }
        let State { rows, writer, end } = self;
        let out = writer.get_or_insert_with(|| RowWriter::new(&rows.columns(), batch_bytes));
        loop {
            match rows.fill(session, out)? {
                Fill::More if out.is_full() => break,
                Fill::Wait if out.rows() > 0 => break,
                Fill::More | Fill::Wait => {}
                Fill::End(last) if out.rows() == 0 => {
                    *end = Some(last.clone());
                    return Ok(wit::Step::End(convert::page(last)));
                }
                Fill::End(last) => {
                    *end = Some(last);
                    break;
                }
            }
        }
        let (rows, payload) = out.take(batch_bytes);
        Ok(wit::Step::Batch(RowBatch { rows, payload }))
    }
}
