//! Runs what was bound.

mod aggregate;
mod eval;
mod from;
mod like;
mod operate;
mod rows;
mod select;
mod window;

pub(crate) use like::like_position;
pub(crate) use rows::RowStream;

use std::fmt;
use std::sync::Arc;

use super::bind::Context;
use super::error::{Result, SqlError};
use super::plan::Bound;
use super::value::Value;

/// Whether the client has called the statement off.
pub(crate) type Stop = Box<dyn Fn() -> bool + Send + Sync>;

/// One statement's run.
pub(crate) struct Run {
    pub(crate) context: Arc<Context>,
    stop: Stop,
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").finish_non_exhaustive()
    }
}

impl Run {
    pub(crate) fn new(context: Arc<Context>, stop: Stop) -> Self {
        Self { context, stop }
    }

    /// An error once the client has called the statement off: asked at every row.
    pub(super) fn check(&self) -> Result<()> {
        if (self.stop)() { Err(SqlError::cancelled()) } else { Ok(()) }
    }

    /// The value of an expression over one row.
    pub(crate) fn over_row(&self, expr: &Bound, row: &[Value]) -> Result<Value> {
        Cursor { run: self, row, windows: &[], outer: None }.eval(expr)
    }
}

/// A row of a query further out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Frame<'f> {
    row: &'f [Value],
    parent: Option<&'f Frame<'f>>,
}

/// Where an expression is evaluated.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cursor<'f> {
    run: &'f Run,
    row: &'f [Value],
    windows: &'f [Value],
    outer: Option<&'f Frame<'f>>,
}

/// The value of an expression that looks at no row and no session.
pub(crate) fn constant(expr: &Bound) -> Result<Value> {
    Run::new(Arc::new(Context::default()), Box::new(|| false)).over_row(expr, &[])
}
