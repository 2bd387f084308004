//! How a module's file stands.

use std::path::PathBuf;
use std::sync::Arc;

use super::loader::LoadedModule;
use crate::module::Refused;

/// How a file stands.
#[derive(Debug, Clone)]
pub enum Standing {
    /// It is served.
    Loaded(Arc<LoadedModule>),
    /// It is not served.
    Refused(Refused),
    /// It is not served, and what lay there before still is.
    Outdated {
        /// What is served.
        loaded: Arc<LoadedModule>,
        /// Why not the file that lies there now.
        refused: Refused,
    },
}

/// A file and how it stands.
#[derive(Debug, Clone)]
pub struct ModuleReport {
    /// What the operator calls it: the entry's name, or the file's without its ending.
    pub name: String,
    /// The file.
    pub path: PathBuf,
    /// How it stands.
    pub standing: Standing,
}

impl ModuleReport {
    /// The module that is served.
    pub fn loaded(&self) -> Option<&Arc<LoadedModule>> {
        match &self.standing {
            Standing::Loaded(loaded) | Standing::Outdated { loaded, .. } => Some(loaded),
            Standing::Refused(_) => None,
        }
    }

    /// Why the file that lies there now is not.
    pub fn refused(&self) -> Option<&Refused> {
        match &self.standing {
            Standing::Refused(refused) | Standing::Outdated { refused, .. } => Some(refused),
            Standing::Loaded(_) => None,
        }
    }
}
