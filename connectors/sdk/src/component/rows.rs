//! A result of which the runner pulls batches.

use std::cell::RefCell;
use std::rc::Rc;

use super::bindings::exports::semilayer::connector::source as wit;
use super::bindings::semilayer::connector::types::RowBatch;
use super::convert;
use crate::connector::BoxedRows;
use crate::error::Result;
use crate::pull::{Pull, Step};

/// A result and the session that answers it.
pub struct Pulled<S> {
    session: Rc<RefCell<S>>,
    pull: RefCell<Pull<S>>,
}

impl<S> Pulled<S> {
    pub(super) fn new(session: Rc<RefCell<S>>, rows: BoxedRows<S>) -> Pulled<S> {
        Pulled { session, pull: RefCell::new(Pull::new(rows)) }
    }
}

impl<S: 'static> wit::GuestRows for Pulled<S> {
    fn columns(&self) -> Vec<wit::Column> {
        self.pull.borrow().rows().columns().into_iter().map(convert::column).collect()
    }

    fn next(&self, max_bytes: u32) -> Result<wit::Step, wit::Error> {
        let step = self.pull.borrow_mut().next(&mut self.session.borrow_mut(), max_bytes as usize);
        match step.map_err(convert::error)? {
            Step::Batch(rows, payload) => Ok(wit::Step::Batch(RowBatch { rows, payload })),
            Step::End(end) => Ok(wit::Step::End(convert::page(end))),
        }
    }
}
