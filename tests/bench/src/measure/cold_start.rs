//! From starting the program to its `hello` on the wire.

use std::time::{Duration, Instant};

use anyhow::Result;
use test_servers::{Launch, Process};

use crate::figure::Figure;
use crate::statistics::{median, millis, percentile};
use crate::world::{Mounted, Runner, SHIPPED, World};

/// Longest wait for a program that does nothing.
const LIMIT: Duration = Duration::from_secs(5);

pub(super) async fn measure(world: &World) -> Result<Vec<Figure>> {
    let (mut hellos, mut nothings) = (vec![], vec![]);
    Runner::start(world).await?;
    for _ in 0..world.plan.starts {
        hellos.push(Runner::start(world).await?.hello_after);
        let start = Instant::now();
        Process::start(&Launch::new("/bin/true"))?.wait(LIMIT).await?;
        nothings.push(start.elapsed());
    }
    let mounted = Mounted::shipped()?;
    let compiling = Runner::compile(world, &mounted).await?;
    let mut cached = vec![];
    for _ in 0..world.plan.starts {
        cached.push(Runner::start_mounted(world, &mounted).await?.hello_after);
    }
    let (hellos, nothings, cached) = (millis(&hellos), millis(&nothings), millis(&cached));
    Ok(vec![
        Figure::new("cold start, exec → hello, without modules, p50", median(&hellos), "ms")
            .at_most(25.0)
            .note(format!(
                "slowest {:.1} ms; a program that does nothing starts and ends in {:.1} ms",
                percentile(&hellos, 1.0),
                median(&nothings)
            ))
            .hint("what happens before the first packet: trust roots, configuration, the runtime's threads"),
        Figure::new(format!("cold start with {} cached modules, p50", SHIPPED.len()), median(&cached), "ms")
            .at_most(60.0)
            .note(format!(
                "slowest {:.1} ms; compiling them before, {:.1} s",
                percentile(&cached, 1.0),
                compiling.as_secs_f64()
            ))
            .hint("the engine's own start, digests of the files, machine code that is read in"),
    ])
}
