//! One file, from its bytes to a connector.

use std::fs::File;
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;

use connector_api::Connector;
use connector_model::error::Error;
use rustix::fs::{MemfdFlags, memfd_create};
use tokio::sync::{OnceCell, Semaphore};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::cache::{Cache, Unfinished};
use super::compile::Compiler;
use super::folder::Candidate;
use super::modules::TARGET;
use super::parking::{Parking, Watched};
use crate::engine::HostEngine;
use crate::module::{Digest, Module, PolicyOf, Refused};

/// Modules that are compiled at once: each takes a processor and some hundred megabytes, and jobs go on beside it.
const COMPILERS: usize = 2;

/// A module that is served, or may be.
pub struct LoadedModule {
    /// What it says of itself, and which file it is.
    pub module: Arc<Module>,
    /// The connector. Another object for every file that was loaded.
    pub connector: Arc<dyn Connector>,
    /// How it does.
    pub parking: Arc<Parking>,
    /// Its machine code, for the same file under another policy.
    component: Component,
}

impl std::fmt::Debug for LoadedModule {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LoadedModule").field("module", &self.module).finish_non_exhaustive()
    }
}

/// What turns files into connectors.
pub(super) struct Loader {
    compiler: Compiler,
    cache: Option<Arc<Cache>>,
    /// Made when there is a first module.
    host: OnceCell<HostEngine>,
    compiling: Semaphore,
}

/// Where machine code is written to.
enum Code {
    /// Into the cache, if the module can be used.
    Cached(Unfinished),
    /// Into memory alone.
    Kept(File),
}

impl Code {
    fn file(&self) -> &File {
        match self {
            Code::Cached(unfinished) => &unfinished.file,
            Code::Kept(file) => file,
        }
    }
}

impl Loader {
    pub(super) fn new(compiler: Compiler, cache: Option<Arc<Cache>>) -> Loader {
        Loader { compiler, cache, host: OnceCell::new(), compiling: Semaphore::new(COMPILERS) }
    }

    /// Whether what is compiled is compiled again at the next start.
    pub(super) fn has_cache(&self) -> bool {
        self.cache.is_some()
    }

    /// The connector of a module whose machine code there is already: `known` is of the same file, or it is in the cache.
    pub(super) async fn cached(
        &self,
        module: &Arc<Module>,
        known: Option<&LoadedModule>,
    ) -> Result<Option<Arc<LoadedModule>>, Refused> {
        if let Some(known) = known.filter(|known| known.module.digest == module.digest) {
            return self.warmed(module, known.component.clone()).await.map(Some);
        }
        let Some(cache) = self.cache.clone() else { return Ok(None) };
        let (engine, digest) = (self.host().await?.engine().clone(), module.digest);
        match blocking(move || Ok(cached(&cache, digest, &engine))).await? {
            Some(component) => self.warmed(module, component).await.map(Some),
            None => Ok(None),
        }
    }

    /// The connector of a module that has to be compiled. Waits while others are.
    pub(super) async fn compiled(
        &self,
        candidate: &Candidate,
        module: &Arc<Module>,
    ) -> Result<Arc<LoadedModule>, Refused> {
        let engine = self.host().await?.engine().clone();
        let one = self.compiling.acquire().await;
        let one = one.map_err(|_| Error::internal("nothing is compiled any more; this is a bug"))?;
        // Read again, so that those that wait take no memory.
        let (candidate, digest) = (candidate.clone(), module.digest);
        let bytes = blocking(move || {
            let bytes = candidate.read()?;
            match Digest::of(&bytes) == digest {
                true => Ok(bytes),
                false => Err(Refused::Unreadable("it was changed while it was being loaded".to_owned())),
            }
        })
        .await?;
        let code = self.code(digest, &engine)?;
        let into = code.file().try_clone().map_err(|error| Refused::Compile(error.to_string()))?;
        self.compiler.compile(bytes, into).await?;
        drop(one);
        let (code, component) = blocking(move || {
            let component = from_file(&engine, code.file())?;
            Ok((code, component))
        })
        .await?;
        let loaded = self.warmed(module, component).await?;
        if let (Code::Cached(unfinished), Some(cache)) = (code, self.cache.clone()) {
            let keeping = tokio::task::spawn_blocking(move || cache.keep(&unfinished));
            if let Ok(Err(error)) = keeping.await {
                tracing::warn!(target: TARGET, %error, "the compiled module cannot be kept");
            }
        }
        Ok(loaded)
    }

    /// A file for machine code.
    fn code(&self, digest: Digest, engine: &Engine) -> Result<Code, Refused> {
        if let Some(cache) = &self.cache {
            match cache.begin(digest, engine) {
                Ok(unfinished) => return Ok(Code::Cached(unfinished)),
                Err(error) => {
                    tracing::warn!(target: TARGET, %error, "the compiled module cannot be kept");
                }
            }
        }
        let made = memfd_create("semilayer-module", MemfdFlags::CLOEXEC);
        let made = made.map_err(|error| Refused::Compile(format!("there is no place for its code: {error}")));
        made.map(|file| Code::Kept(File::from(file)))
    }

    /// Links a component, and makes a first instance: a module that cannot is refused before a job meets it.
    async fn warmed(&self, module: &Arc<Module>, component: Component) -> Result<Arc<LoadedModule>, Refused> {
        let connector = self.host().await?.connector(module.clone(), component.clone())?;
        connector.warm().await?;
        let parking = Parking::new(module.bridge());
        let connector = Arc::new(Watched::new(connector, parking.clone()));
        Ok(Arc::new(LoadedModule { module: module.clone(), connector, parking, component }))
    }

    async fn host(&self) -> Result<&HostEngine, Refused> {
        let making = || blocking(|| HostEngine::new().map_err(Refused::from));
        self.host.get_or_try_init(making).await
    }
}

/// Reads a file and looks it over.
pub(super) async fn examined(
    candidate: Candidate,
    policy: impl PolicyOf + Send + 'static,
) -> Result<Module, Refused> {
    blocking(move || {
        let bytes = candidate.read()?;
        let signature = candidate.signature();
        Module::examine(&bytes, candidate.path, policy, signature.as_deref())
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
    let file = cache.find(digest, engine)?;
    match from_file(engine, &file) {
        Ok(component) => Some(component),
        Err(refused) => {
            tracing::warn!(target: TARGET, sha256 = %digest, "the cached code cannot be used, and is made again: {refused}");
            cache.remove(digest, engine);
            None
        }
    }
}

/// The component of this very file, wherever its name may lead by now (proc(5)).
#[allow(unsafe_code, reason = "loading machine code is what the cache is for")]
fn from_file(engine: &Engine, file: &File) -> Result<Component, Refused> {
    let path = format!("/proc/self/fd/{}", file.as_fd().as_raw_fd());
    // SAFETY: what the file holds must have been made by `precompile_component` and must not change while it is mapped.
    // It was written by this program, or by a child that is this program and into whose pipe nobody else could write: just
    // now, or before that into a folder that was checked to be this user's alone when it was opened, as was the file. It is
    // whole before it has a name that is looked for, is replaced by renaming, and is never written to again.
    let component = unsafe { Component::deserialize_file(engine, path) };
    component.map_err(|error| Refused::Compile(format!("{error:#}")))
}
