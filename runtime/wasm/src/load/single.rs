//! One file, for commands that are about it alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::cache::Cache;
use super::folder::Candidate;
use super::loader::{LoadedModule, Loader, examined};
use super::settings::{FilePolicy, LoadSettings};
use crate::module::{Module, Refused};

/// Looks a file over as loading does, and compiles and runs nothing.
///
/// # Errors
/// The first thing that speaks against it.
pub async fn examine_file(settings: &LoadSettings, file: &Path) -> Result<Module, Refused> {
    let candidate = candidate(file);
    let policy = policy(settings, &candidate);
    examined(candidate, policy).await
}

/// Loads a file as it would be loaded from the folder, whoever else has its bridge name. Keeps its machine code where there
/// is a cache. Must be called within a tokio runtime.
///
/// # Errors
/// The first thing that speaks against it.
pub async fn load_file(settings: &LoadSettings, file: &Path) -> Result<Arc<LoadedModule>, Refused> {
    let cache = settings.cache.as_deref().map(Cache::open).transpose();
    let cache = cache.map_err(|problem| {
        Refused::Compile(format!("the folder for compiled modules cannot be used: {problem}"))
    })?;
    let loader = Loader::new(settings.compiler.clone(), cache.map(Arc::new));
    let candidate = candidate(file);
    let policy = policy(settings, &candidate);
    let module = Arc::new(examined(candidate.clone(), policy).await?);
    match loader.cached(&module, None).await? {
        Some(loaded) => Ok(loaded),
        None => loader.compiled(&candidate, &module).await,
    }
}

fn candidate(file: &Path) -> Candidate {
    let name = file.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
    Candidate { name, path: file.to_owned() }
}

fn policy(settings: &LoadSettings, candidate: &Candidate) -> FilePolicy {
    // The operator writes a path as it is seen from the folder; whoever types one here writes it as it is seen from theirs.
    let path: PathBuf = std::fs::canonicalize(&candidate.path).unwrap_or_else(|_| candidate.path.clone());
    let folder =
        settings.folder.as_ref().map(|folder| std::fs::canonicalize(folder).unwrap_or(folder.clone()));
    settings.entries.of(folder.as_deref(), &path)
}
