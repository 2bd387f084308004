//! What is known of the files, and which of them serves a bridge name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use connector_model::manifest::short_name;
use tokio::task::AbortHandle;

use super::folder::{Candidate, Fingerprint};
use super::loader::LoadedModule;
use super::modules::TARGET;
use super::report::{ModuleReport, Standing};
use super::settings::Claim;
use crate::module::{Module, Refused};

/// All files, by path.
#[derive(Default)]
pub(super) struct Files(pub(super) BTreeMap<PathBuf, File>);

/// One file and what became of it.
pub(super) struct File {
    pub(super) candidate: Candidate,
    /// None when it is to be looked at again whatever it is.
    pub(super) seen: Option<Fingerprint>,
    /// What lies there now, if it is in order.
    pub(super) found: Option<Arc<Module>>,
    /// Why what lies there now is not served.
    pub(super) refused: Option<Refused>,
    /// What is served of it.
    pub(super) loaded: Option<Arc<LoadedModule>>,
    /// What is being made of it.
    pub(super) making: Option<Making>,
    /// The refusal that the log has told of.
    said: Option<String>,
}

/// A connector that is being made.
pub(super) struct Making {
    pub(super) module: Arc<Module>,
    /// Whether it has to be compiled.
    pub(super) is_slow: bool,
    /// Ends it.
    pub(super) task: Option<AbortHandle>,
}

impl Drop for Making {
    fn drop(&mut self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// A connector that is to be made.
pub(super) struct Start {
    pub(super) candidate: Candidate,
    pub(super) module: Arc<Module>,
    /// What is served of the same file.
    pub(super) known: Option<Arc<LoadedModule>>,
}

/// Who is served before whom where several want one name: what the operator pinned, what is served already, and then the
/// first by its own name.
type Rank<'f> = (bool, bool, std::cmp::Reverse<&'f str>);

impl Files {
    /// Gives every bridge name to one file, and says which connectors are to be made for that.
    pub(super) fn plan(&mut self, claims: &[Claim]) -> Vec<Start> {
        let mut decided: Vec<(PathBuf, Option<Refused>)> = Vec::new();
        for (path, file) in &self.0 {
            let Some(module) = file.found.as_deref() else { continue };
            let name = short_name(module.bridge());
            let owner = match claims.iter().find(|claim| claim.name == name) {
                Some(claim) => Some(claim.owner.clone()),
                None => self
                    .holder(name)
                    .filter(|holder| holder != path)
                    .map(|holder| format!("the module {}", holder.display())),
            };
            let refused = owner.map(|owner| Refused::NameTaken { name: name.to_owned(), owner });
            decided.push((path.clone(), refused));
        }
        let mut starts = Vec::new();
        for (path, refused) in decided {
            let Some(file) = self.0.get_mut(&path) else { continue };
            match refused {
                Some(refused) => {
                    file.making = None;
                    file.refuse(refused);
                }
                None => {
                    file.refused = None;
                    starts.extend(file.start());
                }
            }
        }
        starts
    }

    /// The file that has a bridge name, or is to have it.
    pub(super) fn holder(&self, name: &str) -> Option<&Path> {
        let ranked = self.0.iter().filter_map(|(path, file)| Some((file.rank(name)?, path.as_path())));
        ranked.max_by(|(one, _), (other, _)| one.cmp(other)).map(|(_, path)| path)
    }

    /// Another file serves a name from now on.
    pub(super) fn displace(&mut self, name: &str, by: &Path) {
        for (_, file) in self.0.iter_mut().filter(|(path, _)| *path != by) {
            if file.serves(name) {
                file.loaded = None;
                tracing::info!(
                    target: TARGET,
                    module = file.candidate.name,
                    "{} is served no longer: {} serves its name", file.candidate.path.display(), by.display()
                );
            }
        }
    }

    /// The bridges that are served, and those that are to be.
    pub(super) fn bridges(&self) -> Vec<String> {
        let of = |file: &File| {
            let loaded = file.loaded.as_ref().map(|loaded| loaded.module.bridge().to_owned());
            let found = file.found.as_ref().map(|module| module.bridge().to_owned());
            loaded.into_iter().chain(found)
        };
        self.0.values().flat_map(of).collect()
    }
}

impl File {
    pub(super) fn new(candidate: Candidate) -> File {
        File { candidate, seen: None, found: None, refused: None, loaded: None, making: None, said: None }
    }

    /// Takes what lies there now. The same as before goes on as it was.
    pub(super) fn find(&mut self, module: Module) {
        let is_same = |known: &Arc<Module>| known.digest == module.digest && known.policy == module.policy;
        if !self.found.as_ref().is_some_and(is_same) {
            self.found = Some(Arc::new(module));
            self.refused = None;
        }
    }

    /// What is served is loaded no longer.
    pub(super) fn withdraw(&mut self, why: Refused) {
        self.loaded = None;
        self.tell(&why, "; nor may what was loaded before be served any longer");
        self.refused = Some(why);
    }

    /// What lies there now is not served; what was loaded before stays.
    pub(super) fn refuse(&mut self, why: Refused) {
        let then = if self.loaded.is_some() { "; what was loaded before stays" } else { "" };
        self.tell(&why, then);
        self.refused = Some(why);
    }

    fn tell(&mut self, why: &Refused, then: &str) {
        let text = why.to_string();
        if self.said.as_ref() == Some(&text) {
            return;
        }
        let (name, path) = (&self.candidate.name, self.candidate.path.display());
        tracing::warn!(
            target: TARGET,
            module = name,
            code = why.code(),
            "{path} is not loaded: {text}{then}; {}", why.remedy()
        );
        self.said = Some(text);
    }

    /// It is served from now on.
    pub(super) fn load(&mut self, loaded: Arc<LoadedModule>) {
        self.loaded = Some(loaded);
        self.refused = None;
        self.said = None;
    }

    /// What is to be made of what lies there now, unless that is done or under way.
    fn start(&mut self) -> Option<Start> {
        let module = self.found.clone()?;
        let is_same = |known: &Module| known.digest == module.digest && known.policy == module.policy;
        if self.loaded.as_ref().is_some_and(|loaded| is_same(&loaded.module)) {
            self.making = None;
            return None;
        }
        if self.making.as_ref().is_some_and(|making| Arc::ptr_eq(&making.module, &module)) {
            return None;
        }
        self.making = Some(Making { module: module.clone(), is_slow: false, task: None });
        Some(Start { candidate: self.candidate.clone(), module, known: self.loaded.clone() })
    }

    fn serves(&self, name: &str) -> bool {
        self.loaded.as_ref().is_some_and(|loaded| short_name(loaded.module.bridge()) == name)
    }

    /// How it stands among those that want a name, if it does.
    fn rank(&self, name: &str) -> Option<Rank<'_>> {
        let wants = self.found.as_deref().filter(|module| short_name(module.bridge()) == name);
        let serves = self.loaded.as_ref().filter(|_| self.serves(name)).map(|loaded| &*loaded.module);
        let module = wants.or(serves)?;
        Some((module.policy.is_pinned(), serves.is_some(), std::cmp::Reverse(self.candidate.name.as_str())))
    }

    pub(super) fn report(&self) -> Option<ModuleReport> {
        let standing = match (&self.loaded, &self.refused) {
            (Some(loaded), None) => Standing::Loaded(loaded.clone()),
            (None, Some(refused)) => Standing::Refused(refused.clone()),
            (Some(loaded), Some(refused)) => {
                Standing::Outdated { loaded: loaded.clone(), refused: refused.clone() }
            }
            (None, None) => return None,
        };
        Some(ModuleReport { name: self.candidate.name.clone(), path: self.candidate.path.clone(), standing })
    }
}
