//! One look at the files: what is new is read, what is gone is forgotten. Nothing is compiled.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::files::File;
use super::folder::{Candidate, Fingerprint, candidates};
use super::loader::examined;
use super::modules::{Modules, State, TARGET, lock};
use super::settings::LoadSettings;
use crate::module::Refused;

impl Modules {
    /// Looks at the files, and begins to make connectors of what is new.
    pub(super) async fn look(&self) {
        let _one = self.0.looking.lock().await;
        let (settings, generation) = self.settings();
        let served: BTreeSet<PathBuf> = {
            let state = lock(&self.0.state);
            let served = state.files.0.iter().filter(|(_, file)| file.loaded.is_some());
            served.map(|(path, _)| path.clone()).collect()
        };
        let wanted = settings.clone();
        let listing = tokio::task::spawn_blocking(move || {
            candidates(&wanted, &served).map(|found| {
                found.into_iter().map(|candidate| (candidate.fingerprint(), candidate)).collect::<Vec<_>>()
            })
        });
        let found = match listing.await {
            Ok(Ok(found)) => found,
            Ok(Err(error)) => {
                let folder = settings.folder.unwrap_or_default();
                self.note(vec![format!("the folder {} cannot be read: {error}", folder.display())]);
                return;
            }
            Err(_) => return,
        };
        self.forget(&found);
        for (fingerprint, candidate) in found {
            let is_known = lock(&self.0.state)
                .files
                .0
                .get(&candidate.path)
                .is_some_and(|file| file.seen.as_ref() == Some(&fingerprint));
            if !is_known {
                self.examine(&settings, generation, fingerprint, candidate).await;
            }
        }
        let mut state = lock(&self.0.state);
        self.make(&mut state);
        let bridges = state.files.bridges();
        drop(state);
        let unused =
            |name: &str| format!("[connectors.{name}]: no module is loaded that has this bridge name");
        self.note(settings.entries.unused(&bridges).map(unused).collect());
    }

    /// Forgets the files that are gone.
    fn forget(&self, found: &[(Fingerprint, Candidate)]) {
        let mut state = lock(&self.0.state);
        let before = std::mem::take(&mut state.files.0);
        let (kept, gone): (BTreeMap<_, _>, BTreeMap<_, _>) = before
            .into_iter()
            .partition(|(path, _)| found.iter().any(|(_, candidate)| candidate.path == *path));
        state.files.0 = kept;
        for file in gone.values() {
            if let Some(loaded) = &file.loaded {
                tracing::info!(target: TARGET, module = file.candidate.name, "{} is served no longer: its file is gone", loaded.module.bridge());
                self.0.serves_others();
            }
        }
    }

    /// Reads a file that is new or another, unless the operator says something else by now.
    async fn examine(
        &self,
        settings: &LoadSettings,
        generation: u64,
        seen: Fingerprint,
        candidate: Candidate,
    ) {
        let policy = settings.entries.of(settings.folder.as_deref(), &candidate.path);
        let examined = examined(candidate.clone(), policy.clone()).await;
        let mut state = lock(&self.0.state);
        if self.settings().1 != generation {
            return;
        }
        let State { files, .. } = &mut *state;
        let file = files.0.entry(candidate.path.clone()).or_insert_with(|| File::new(candidate.clone()));
        file.candidate = candidate;
        file.seen = Some(seen);
        match examined {
            Ok(module) => file.find(module),
            Err(refused) => {
                file.found = None;
                file.making = None;
                let stays = file.loaded.as_ref().is_none_or(|loaded| {
                    policy.for_bridge(loaded.module.bridge()).still_admits(&loaded.module)
                });
                self.refuse(file, refused, stays);
            }
        }
    }

    fn refuse(&self, file: &mut File, refused: Refused, stays: bool) {
        if stays {
            file.refuse(refused);
        } else {
            file.withdraw(refused);
            self.0.serves_others();
        }
    }
}
