//! `connectors compile`: a file's machine code, made and kept.

use std::io::{self, Write};
use std::path::Path;
use std::time::Instant;

use connector_host::load::{compile_for_parent, load_file};

use super::inspect::refuse;
use crate::exit::Exit;
use crate::settings::ModuleSettings;

/// Compiles a file into the cache.
pub(super) async fn run(
    settings: &ModuleSettings,
    file: &Path,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    if settings.cache.is_none() {
        writeln!(
            err,
            "error: there is no place to keep it: set SEMILAYER_CACHE_DIR to a folder of this user's own"
        )?;
        return Ok(Exit::Config);
    }
    let began = Instant::now();
    match load_file(&settings.load(Vec::new()), file).await {
        Ok(loaded) => {
            let millis = began.elapsed().as_millis();
            let bridge = loaded.module.bridge();
            writeln!(out, "{bridge} from {} is compiled and can be loaded ({millis} ms)", file.display())?;
            Ok(Exit::Ok)
        }
        Err(refused) => refuse(file, &refused, false, out, err),
    }
}

/// What the runner's own process for compiling does: component in, machine code out.
pub(super) fn for_parent(err: &mut dyn Write) -> io::Result<Exit> {
    match compile_for_parent(io::stdin().lock(), io::stdout().lock()) {
        Ok(()) => Ok(Exit::Ok),
        Err(problem) => {
            writeln!(err, "{problem}")?;
            Ok(Exit::Failed)
        }
    }
}
