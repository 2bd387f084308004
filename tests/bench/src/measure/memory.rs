//! Memory while results stream, and while nobody takes them.

use anyhow::Result;

use super::mebibytes;
use crate::figure::Figure;
use crate::gateway::{Query, stream};
use crate::world::{Route, Runner, WIDE, World};

/// What a runner may use, in MiB.
const LIMIT: f64 = 64.0;
/// Streams at once.
const STREAMS: usize = 4;
/// Growth that is still flat, in MiB.
const FLAT: f64 = 1.0;

pub(super) async fn measure(world: &World) -> Result<Vec<Figure>> {
    let wide = Query { kind: "query", source: Route::Direct.into(), target: WIDE, options: "{}" };
    let cases = [
        ("peak memory, one stream of the whole table", Query::everything(Route::Direct), 1, true),
        ("peak memory, one stream of rows of 1 MiB", wide, 1, true),
        ("peak memory, four streams of the whole table", Query::everything(Route::Direct), STREAMS, true),
        ("peak memory, four streams of rows of 1 MiB", wide, STREAMS, false),
    ];
    let mut figures = Vec::new();
    for (what, query, at_once, target) in cases {
        // A process of its own for each: what one of them left behind is not the next one's.
        let mut runner = Runner::start(world).await?;
        let results = stream::queries(&mut runner.session, query, at_once).await?;
        let bytes: u64 = results.iter().map(|result| result.bytes).sum();
        let peak = mebibytes(runner.process.peak_resident_bytes()?);
        let figure =
            Figure::new(what, peak, "MiB").note(format!("{:.0} MiB were streamed", mebibytes(bytes)));
        figures.push(if target {
            figure.at_most(LIMIT).hint(
                "rows held between database and socket: the driver's buffer, chunks that wait for the window",
            )
        } else {
            figure
        });
    }
    figures.extend(stopped_reader(world).await?);
    Ok(figures)
}

/// Four streams whose gateway takes nothing: neither credit nor bytes.
async fn stopped_reader(world: &World) -> Result<[Figure; 2]> {
    let mut runner = Runner::start(world).await?;
    for _ in 0..STREAMS {
        runner.session.job(Query::everything(Route::Direct)).await?;
    }
    tokio::time::sleep(world.plan.settle).await;
    let early = runner.process.resident_bytes()?;
    tokio::time::sleep(world.plan.settle).await;
    let late = runner.process.resident_bytes()?;
    let note = format!(
        "{:.1} MiB after {:?}, {:.1} MiB after as long again",
        mebibytes(early),
        world.plan.settle,
        mebibytes(late)
    );
    Ok([
        Figure::new("memory with four streams that nobody reads", mebibytes(late), "MiB")
            .at_most(LIMIT)
            .note(note),
        Figure::new("its growth meanwhile", mebibytes(late) - mebibytes(early), "MiB")
            .at_most(FLAT)
            .hint("something between database and socket takes rows although the window is closed"),
    ])
}
