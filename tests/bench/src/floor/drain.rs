//! A whole result at the speed of the driver, and at the speed of the server.

use std::pin::pin;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use futures_util::TryStreamExt;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Statement};

/// What a drain did.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Drained {
    /// Rows, or bytes of a copy.
    pub(crate) count: u64,
    /// From sending to the first row.
    pub(crate) first: Duration,
    /// From sending to the end.
    pub(crate) elapsed: Duration,
}

impl Drained {
    /// How many a second.
    pub(crate) fn rate(&self) -> f64 {
        crate::statistics::rate(self.count, self.elapsed)
    }
}

/// Runs a prepared statement and drops every row.
///
/// # Errors
/// When it fails.
pub(crate) async fn rows(client: &Client, statement: &Statement) -> Result<Drained> {
    let none: [&(dyn ToSql + Sync); 0] = [];
    let start = Instant::now();
    let mut rows = pin!(client.query_raw(statement, none).await?);
    let mut count = 0;
    let mut first = None;
    while let Some(row) = rows.try_next().await? {
        first.get_or_insert_with(|| start.elapsed());
        drop(row);
        count += 1;
    }
    Ok(Drained { count, first: first.context("no rows")?, elapsed: start.elapsed() })
}

/// Copies a table out and drops its bytes.
///
/// # Errors
/// When it fails.
pub(crate) async fn copy(client: &Client, table: &str) -> Result<Drained> {
    let start = Instant::now();
    let mut bytes = pin!(client.copy_out(&format!("COPY {table} TO STDOUT")).await?);
    let mut count = 0;
    let mut first = None;
    while let Some(part) = bytes.try_next().await? {
        first.get_or_insert_with(|| start.elapsed());
        count += part.len() as u64;
    }
    Ok(Drained { count, first: first.context("no rows")?, elapsed: start.elapsed() })
}
