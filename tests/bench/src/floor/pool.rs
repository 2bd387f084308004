//! A pool of raw connections under the same load.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Config, Statement};

use crate::keys::Keys;
use crate::world::{POOL, Route, connect};

/// What stands around a statement behind a pooler.
const BEGIN: &str = "BEGIN READ ONLY; SET LOCAL statement_timeout = 30000";

/// The load on a pool.
#[derive(Debug, Clone)]
pub(crate) struct Load {
    /// Where the connections go.
    pub(crate) server: Config,
    /// Whether there is a pooler on the way: then nothing is prepared, and each lookup is a transaction.
    pub(crate) route: Route,
    /// The lookup.
    pub(crate) sql: String,
    /// Rows of the table.
    pub(crate) rows: u32,
    /// Callers.
    pub(crate) at_once: usize,
    /// For how long.
    pub(crate) time: Duration,
}

/// How the callers share threads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Callers {
    /// One task: no lookup is handed from thread to thread, which is the least that it can cost.
    OneTask,
    /// A task each, on whatever threads the runtime has.
    Tasks,
}

/// A connection with its prepared statement, which a pooled one must not have.
struct Held {
    client: Client,
    statement: Option<Statement>,
}

struct Pool {
    load: Load,
    free: Semaphore,
    held: Mutex<Vec<Held>>,
    keys: Mutex<Keys>,
    done: AtomicU64,
}

/// Lookups a second of callers before a pool of [`POOL`] connections.
///
/// # Errors
/// When one fails.
pub(crate) async fn rate(load: Load, callers: Callers) -> Result<f64> {
    let mut held = Vec::with_capacity(POOL);
    for _ in 0..POOL {
        let client = connect(&load.server).await?;
        let statement = match load.route {
            Route::Direct => Some(client.prepare_typed(&load.sql, &[Type::INT4]).await?),
            Route::Pooled => None,
        };
        held.push(Held { client, statement });
    }
    let at_once = load.at_once;
    let pool = Arc::new(Pool {
        free: Semaphore::new(POOL),
        held: Mutex::new(held),
        keys: Mutex::new(Keys::new(load.rows)),
        done: AtomicU64::new(0),
        load,
    });
    let start = Instant::now();
    match callers {
        Callers::OneTask => {
            try_join_all((0..at_once).map(|_| call(pool.clone(), start))).await?;
        }
        Callers::Tasks => {
            let mut tasks = JoinSet::new();
            (0..at_once).for_each(|_| drop(tasks.spawn(call(pool.clone(), start))));
            while let Some(ended) = tasks.join_next().await {
                ended??;
            }
        }
    }
    Ok(crate::statistics::rate(pool.done.load(Ordering::Relaxed), start.elapsed()))
}

async fn call(pool: Arc<Pool>, start: Instant) -> Result<()> {
    while start.elapsed() < pool.load.time {
        let _permit = pool.free.acquire().await?;
        let taken = pool.held.lock().unwrap_or_else(PoisonError::into_inner).pop();
        let taken = taken.context("more permits than connections")?;
        let key = pool.keys.lock().unwrap_or_else(PoisonError::into_inner).next();
        lookup(&taken, &pool.load.sql, key).await?;
        pool.held.lock().unwrap_or_else(PoisonError::into_inner).push(taken);
        pool.done.fetch_add(1, Ordering::Relaxed);
    }
    Ok(())
}

async fn lookup(held: &Held, sql: &str, key: i32) -> Result<()> {
    let client = &held.client;
    let rows = match &held.statement {
        Some(statement) => client.query(statement, &[&key]).await?,
        None => {
            // Polled in this order, so written in this order and in one flush.
            let key: [(&(dyn ToSql + Sync), Type); 1] = [(&key, Type::INT4)];
            let (_, rows, _) = tokio::try_join!(
                biased;
                client.batch_execute(BEGIN),
                client.query_typed(sql, &key),
                client.batch_execute("COMMIT"),
            )?;
            rows
        }
    };
    ensure!(rows.len() == 1, "a key has {} rows", rows.len());
    Ok(())
}
