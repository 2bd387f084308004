//! One file, from its bytes to a connector.

use std::path::Path;
use std::sync::Arc;

use connector_api::Connector;
use connector_model::error::Error;
use tokio::sync::OnceCell;
use wasmtime::Engine;
use wasmtime::component::Component;

use super::cache::Cache;
use super::compile::Compiler;
use super::folder::Candidate;
use super::modules::TARGET;
use super::parking::{Parking, Watched};
use crate::engine::HostEngine;
use crate::module::{Digest, Module, ModulePolicy, Refused};

/// A module that is served, or may be.
pub struct LoadedModule {
    /// What it says of itself, and which file it is.
    pub module: Arc<Module>,
    /// The connector. Another object for every file that was loaded.
    pub connector: Arc<dyn Connector>,
    /// How it does.
    pub parking: Arc<Parking>,
}

impl std::fmt::Debug for LoadedModule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadedModule").field("module", &self.module).finish_non_exhaustive()
    }
}

/// What turns files into connectors.
pub(super) struct Loader {
    compiler: Compiler,
    cache: Option<Cache>,
    /// Made when there is a first module.
    host: OnceCell<HostEngine>,
}

/// A file that was read and found in order.
pub(super) struct Examined {
    pub(super) module: Module,
    bytes: Vec<u8>,
}

impl Loader {
    pub(super) fn new(compiler: Compiler, cache: Option<Cache>) -> Loader {
        Loader { compiler, cache, host: OnceCell::new() }
    }

    /// Whether what is compiled is compiled again at the next start.
    pub(super) fn has_cache(&self) -> bool {
        self.cache.is_some()
    }

    /// Loads a file, unless it is `known` already. `policy` is what the operator says of a bridge name, `owner` who has it.
    pub(super) async fn load(
        &self,
        candidate: &Candidate,
        policy: impl FnOnce(&str) -> ModulePolicy + Send + 'static,
        known: Option<&Arc<LoadedModule>>,
        owner: impl FnOnce(&str) -> Option<String>,
    ) -> Result<Arc<LoadedModule>, Refused> {
        let Examined { module, bytes } = examined(candidate.clone(), policy).await?;
        let is_same = |known: &&Arc<LoadedModule>| {
            known.module.digest == module.digest && known.module.policy == module.policy
        };
        if let Some(known) = known.filter(is_same) {
            return Ok(known.clone());
        }
        let name = module.manifest.manifest.short_name().to_owned();
        if let Some(owner) = owner(&name) {
            return Err(Refused::NameTaken { name, owner });
        }
        let component = self.component(&module, bytes).await?;
        let module = Arc::new(module);
        let connector = self.host().await?.connector(module.clone(), component)?;
        let parking = Parking::new(module.bridge());
        let connector = Arc::new(Watched::new(connector, parking.clone()));
        Ok(Arc::new(LoadedModule { module, connector, parking }))
    }

    /// The module's component: from the cache, else compiled.
    async fn component(&self, module: &Module, bytes: Vec<u8>) -> Result<Component, Refused> {
        let (engine, digest) = (self.host().await?.engine().clone(), module.digest);
        if let Some(cache) = self.cache.clone() {
            let engine = engine.clone();
            let found = blocking(move || Ok(cached(&cache, digest, &engine))).await?;
            if let Some(component) = found {
                return Ok(component);
            }
        }
        let code = self.compiler.compile(bytes).await?;
        let cache = self.cache.clone();
        blocking(move || {
            if let Some(cache) = cache {
                match cache.store(digest, &engine, &code) {
                    Ok(path) => return from_file(&engine, &path),
                    Err(error) => {
                        tracing::warn!(target: TARGET, %error, "the compiled module cannot be kept");
                    }
                }
            }
            from_bytes(&engine, &code)
        })
        .await
    }

    async fn host(&self) -> Result<&HostEngine, Refused> {
        let making = || blocking(|| HostEngine::new().map_err(Refused::from));
        self.host.get_or_try_init(making).await
    }
}

/// Reads a file and looks it over.
pub(super) async fn examined(
    candidate: Candidate,
    policy: impl FnOnce(&str) -> ModulePolicy + Send + 'static,
) -> Result<Examined, Refused> {
    blocking(move || {
        let bytes = candidate.read()?;
        let signature = candidate.signature();
        let module = Module::examine(&bytes, candidate.path, policy, signature.as_deref())?;
        Ok(Examined { module, bytes })
    })
    .await
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Refused> + Send + 'static,
) -> Result<T, Refused> {
    let working = tokio::task::spawn_blocking(work);
    working
        .await
        .unwrap_or_else(|_| Err(Error::internal("loading the module broke off; this is a bug").into()))
}

/// The component from the cache. What cannot be used is removed, and made again.
fn cached(cache: &Cache, digest: Digest, engine: &Engine) -> Option<Component> {
    let path = cache.find(digest, engine)?;
    match from_file(engine, &path) {
        Ok(component) => Some(component),
        Err(refused) => {
            tracing::warn!(target: TARGET, file = %path.display(), "the cached code cannot be used, and is made again: {refused}");
            cache.remove(&path);
            None
        }
    }
}

#[allow(unsafe_code, reason = "loading machine code is what the cache is for")]
fn from_file(engine: &Engine, path: &Path) -> Result<Component, Refused> {
    // SAFETY: what the file holds must have been made by `precompile_component` and must not change while it is mapped.
    // It lies in a folder that only this user can write to and was checked to be this user's alone; it was written by
    // this program, whole before it got this name, and is replaced by renaming and never written to again.
    let component = unsafe { Component::deserialize_file(engine, path) };
    component.map_err(|error| Refused::Compile(format!("{error:#}")))
}

#[allow(unsafe_code, reason = "as above, without the file")]
fn from_bytes(engine: &Engine, code: &[u8]) -> Result<Component, Refused> {
    // SAFETY: the bytes are what `precompile_component` returned: in this process, or in a child that is this program and
    // nobody else could write to its pipe.
    let component = unsafe { Component::deserialize(engine, code) };
    component.map_err(|error| Refused::Compile(format!("{error:#}")))
}
