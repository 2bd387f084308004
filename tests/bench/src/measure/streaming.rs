//! `R_drv`: an unlimited query at the gateway's end of the socket, against the raw driver.

use anyhow::{Result, ensure};

use crate::figure::Figure;
use crate::floor::{Statements, drain};
use crate::gateway::{Query, stream};
use crate::statistics::{grouped, median};
use crate::world::{REFERENCE, Route, Runner, World};

pub(super) async fn measure(world: &World, statements: &Statements) -> Result<Vec<Figure>> {
    let expected = u64::from(world.plan.rows);
    let client = world.client(Route::Direct).await?;
    let statement = client.prepare(&statements.everything).await?;
    let mut runner = Runner::start_warm(world).await?;

    let whole = stream::verified(&mut runner.session, Query::everything(Route::Direct)).await?;
    ensure!(whole.rows == expected, "{} rows came of {expected}", whole.rows);
    drain::rows(&client, &statement).await?;

    let (mut raw, mut copied, mut streamed, mut pooled) = (vec![], vec![], vec![], vec![]);
    for _ in 0..world.plan.rounds {
        let floor = drain::rows(&client, &statement).await?;
        ensure!(floor.count == expected, "the floor has {} rows of {expected}", floor.count);
        raw.push(floor.rate());
        for (route, rates) in [(Route::Direct, &mut streamed), (Route::Pooled, &mut pooled)] {
            let result = stream::query(&mut runner.session, Query::everything(route)).await?;
            ensure!(result.rows == expected, "{} rows came of {expected}", result.rows);
            rates.push(result.rate());
        }
        let copy = drain::copy(&client, REFERENCE).await?;
        copied.push(expected as f64 / copy.elapsed.as_secs_f64());
    }
    let ratio = |above: &[f64], below: &[f64]| {
        median(&above.iter().zip(below).map(|(above, below)| above / below).collect::<Vec<_>>())
    };
    let rows_a_second = |rates: &[f64]| format!("{} rows/s", grouped(median(rates)));
    Ok(vec![
        Figure::new("R_drv: rows/s at the gateway ÷ raw driver drain", ratio(&streamed, &raw), "")
            .at_least(0.70)
            .gating()
            .note(format!(
                "{} against {}; {:.0} bytes a row, {:.1} KiB a chunk",
                rows_a_second(&streamed),
                rows_a_second(&raw),
                whole.bytes as f64 / whole.rows as f64,
                whole.bytes as f64 / whole.chunks as f64 / 1024.0,
            ))
            .hint("runner, client and server share the cores; `--only driver` tells the driver's part from the socket's"),
        Figure::new("the same through a transaction pooler", ratio(&pooled, &raw), "")
            .note(format!("{}; the pooler copies every byte once more", rows_a_second(&pooled))),
        Figure::new("the same against `COPY … TO STDOUT`", ratio(&streamed, &copied), "")
            .note(format!("COPY: {}", rows_a_second(&copied))),
    ])
}
