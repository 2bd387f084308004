//! One row by its key on a held connection.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use tokio_postgres::types::Type;

use crate::keys::Keys;
use crate::world::{Route, World};

/// Times of `count` lookups, one after the other.
///
/// # Errors
/// When one fails or finds no row.
pub(crate) async fn lookups(world: &World, sql: &str, count: u64) -> Result<Vec<Duration>> {
    let client = world.client(Route::Direct).await?;
    let statement = client.prepare_typed(sql, &[Type::INT4]).await?;
    let mut keys = Keys::new(world.plan.rows);
    let mut times = Vec::new();
    for _ in 0..count {
        let start = Instant::now();
        let rows = client.query(&statement, &[&keys.next()]).await?;
        times.push(start.elapsed());
        ensure!(rows.len() == 1, "a key has {} rows", rows.len());
    }
    Ok(times)
}
