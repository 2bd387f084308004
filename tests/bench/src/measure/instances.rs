//! What an instance of a module costs: to make, and to keep.

use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result};
use component_tests::Opening;
use connector_api::Source;
use connector_host::ModulePolicy;
use connector_host::load::{Compiler, Entries, LoadSettings, ModuleEntry, load_file};

use super::mebibytes;
use crate::figure::Figure;
use crate::statistics::{median, micros, percentile};
use crate::world::World;

/// Sessions that are open at once while memory is looked at.
const AT_ONCE: usize = 100;
/// Sessions that are opened one after the other.
const OPENED: usize = 1_000;

pub(super) async fn measure(_world: &World) -> Result<Vec<Figure>> {
    let file = tokio::task::spawn_blocking(|| test_servers::guest("plain")).await??;
    let policy = ModulePolicy { max_sessions: AT_ONCE, ..ModulePolicy::default() };
    let settings = LoadSettings {
        folder: None,
        cache: None,
        entries: Entries::from(std::collections::BTreeMap::from([(
            "plain".to_owned(),
            ModuleEntry { file: None, policy },
        )])),
        claims: Vec::new(),
        compiler: Compiler::Here,
    };
    let module = load_file(&settings, &file)
        .await
        .map_err(|refused| anyhow::anyhow!("the guest is refused: {refused}"))?;
    let source: Box<dyn Source> = component_tests::source(&*module.connector, &[])?;
    let context = Opening::default().context()?;

    let mut opened = Vec::with_capacity(OPENED);
    for _ in 0..OPENED {
        let start = Instant::now();
        let session = source.open(&context).await?;
        opened.push(start.elapsed());
        drop(session);
    }
    let opened = micros(&opened);

    let before = resident()?;
    let mut sessions = Vec::with_capacity(AT_ONCE);
    for _ in 0..AT_ONCE {
        sessions.push(source.open(&context).await?);
    }
    let each = mebibytes(resident()?.saturating_sub(before)) / AT_ONCE as f64;
    drop((sessions, Arc::clone(&module)));
    Ok(vec![
        Figure::new("a module's instance with an open session, p50", median(&opened), "µs")
            .at_most(100.0)
            .note(format!(
                "p99 {:.0} µs; a guest that connects to nothing: the instance, its `open` and its `ping`",
                percentile(&opened, 0.99)
            ))
            .hint("what is made anew for each instance: linear memory, tables, the host's own state"),
        Figure::new("memory of a module's open session", each, "MiB")
            .at_most(2.0)
            .note(format!("{AT_ONCE} at once; the guest keeps no data"))
            .hint("pages that the guest touches at its start, and its stack"),
    ])
}

/// This process's resident memory, in bytes (proc(5), `VmRSS`).
fn resident() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("no VmRSS")?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().context("VmRSS is no number")?;
    Ok(kibibytes * 1024)
}
