//! Memory of a runner that is connected and has nothing to do.

use anyhow::Result;

use super::mebibytes;
use crate::figure::Figure;
use crate::world::{Mounted, Runner, SHIPPED, World};

pub(super) async fn measure(world: &World) -> Result<Vec<Figure>> {
    let fresh = Runner::start(world).await?;
    tokio::time::sleep(world.plan.settle).await;
    let idle = mebibytes(fresh.process.resident_bytes()?);
    let own = private(&fresh);
    drop(fresh);
    let mounted = Mounted::shipped()?;
    Runner::compile(world, &mounted).await?;
    let modules = Runner::start_mounted(world, &mounted).await?;
    tokio::time::sleep(world.plan.settle).await;
    let with_modules = mebibytes(modules.process.resident_bytes()?);
    let own_with_modules = private(&modules);
    drop(modules);
    let warm = Runner::start_warm(world).await?;
    tokio::time::sleep(world.plan.settle).await;
    let used = mebibytes(warm.process.resident_bytes()?);
    Ok(vec![
        Figure::new("idle RSS, connected, no module", idle, "MiB")
            .at_most(12.0)
            .note(of_its_own(own))
            .hint("trust roots that are parsed and kept, buffers made in advance, pages of the program touched at start"),
        Figure::new(format!("idle RSS with {} cached modules", SHIPPED.len()), with_modules, "MiB")
            .at_most(30.0)
            .note(of_its_own(own_with_modules))
            .hint("machine code that is copied instead of mapped, tables that the engine makes in advance"),
        Figure::new("RSS after small jobs, twenty sessions open", used, "MiB"),
    ])
}

fn of_its_own(own: Option<f64>) -> String {
    own.map_or_else(String::new, |own| format!("{own:.1} MiB of it are its own, the rest are files"))
}

/// Memory that no file backs (proc(5), `RssAnon`), in MiB.
fn private(runner: &Runner) -> Option<f64> {
    let status = std::fs::read_to_string(format!("/proc/{}/status", runner.process.id())).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    let kibibytes: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kibibytes / 1024.0)
}
