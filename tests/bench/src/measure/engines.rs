//! `R_drv` of the other engines: an unlimited query at the gateway's end of the socket, against each one's raw driver.

use std::path::Path;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;

use crate::figure::Figure;
use crate::gateway::{Query, stream};
use crate::statistics::{grouped, median, rate};
use crate::world::{Others, REFERENCE, Runner, Source, World};

pub(super) async fn measure(world: &World) -> Result<Vec<Figure>> {
    let others = Others::start(world.plan).await?;
    let mut runner = Runner::start_serving(world, &others.sources()).await?;
    let expected = u64::from(world.plan.rows);
    let mut figures = Vec::new();
    for source in [Source::MariaDb, Source::Sqlite] {
        let whole = stream::verified(&mut runner.session, Query::everything(source)).await?;
        ensure!(whole.rows == expected, "{} rows came of {expected}", whole.rows);
        let (mut raw, mut streamed) = (vec![], vec![]);
        for _ in 0..world.plan.rounds {
            let start = Instant::now();
            let rows = match source {
                Source::Sqlite => sqlite(&others.file()).await?,
                _ => mariadb(&mut others.mariadb().await?).await?,
            };
            raw.push(rate(rows, start.elapsed()));
            ensure!(rows == expected, "the floor has {rows} rows of {expected}");
            streamed.push(stream::query(&mut runner.session, Query::everything(source)).await?.rate());
        }
        let ratios: Vec<f64> = streamed.iter().zip(&raw).map(|(above, below)| above / below).collect();
        let what = format!("R_drv of {}: rows/s at the gateway ÷ raw driver drain", source.name());
        figures.push(Figure::new(what, median(&ratios), "").note(format!(
            "{} against {} rows/s; {:.0} bytes a row",
            grouped(median(&streamed)),
            grouped(median(&raw)),
            whole.bytes as f64 / whole.rows as f64,
        )));
    }
    Ok(figures)
}

/// The library's own binary protocol, every row decoded to its values and dropped.
async fn mariadb(connection: &mut mysql_async::Conn) -> Result<u64> {
    let mut rows = 0;
    let mut result = connection.exec_iter(format!("SELECT * FROM {REFERENCE} ORDER BY id"), ()).await?;
    while let Some(row) = result.next().await? {
        drop(row);
        rows += 1;
    }
    Ok(rows)
}

/// The library's own loop on a thread, every column looked at and dropped.
async fn sqlite(file: &Path) -> Result<u64> {
    let file = file.to_owned();
    let drained = tokio::task::spawn_blocking(move || -> Result<u64> {
        let connection = rusqlite::Connection::open(file)?;
        let mut statement = connection.prepare(&format!("SELECT * FROM {REFERENCE} ORDER BY id"))?;
        let columns = statement.column_count();
        let mut result = statement.query([])?;
        let mut rows = 0;
        while let Some(row) = result.next()? {
            for column in 0..columns {
                std::hint::black_box(row.get_ref(column)?);
            }
            rows += 1;
        }
        Ok(rows)
    });
    drained.await.context("the drain's thread")?
}
