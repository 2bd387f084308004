//! Drivers and modules together.

use std::sync::{Arc, Mutex, PoisonError};

use connector_api::Connector;
use connector_host::load::{Claim, LoadedModule, Modules};
use connector_model::manifest::short_name;
use runner_engine::{Bridges, NameTaken, Served};

use crate::drivers;
use crate::settings::ModuleSettings;

/// Everything that this runner can serve. A clone is the same.
#[derive(Clone)]
pub struct Loaded {
    drivers: Vec<Served>,
    /// None where there is no folder for them and no entry that names one.
    modules: Option<Modules>,
    /// Held while somebody is told what is served, so that nobody is told of an older set last.
    telling: Arc<Mutex<()>>,
}

impl Loaded {
    /// The drivers, and the modules that can be loaded: those that have to be compiled are waited for. Needs a tokio runtime.
    pub async fn load(settings: &ModuleSettings) -> Loaded {
        let drivers = drivers::served();
        let modules = match settings.are_any() {
            true => Some(Modules::load(settings.load(claims(&drivers))).await),
            false => None,
        };
        Loaded { drivers, modules, telling: Arc::default() }
    }

    /// The drivers, and the modules that were compiled before; others are served once they are compiled.
    pub async fn open(settings: &ModuleSettings) -> Loaded {
        let drivers = drivers::served();
        let modules = match settings.are_any() {
            true => Some(Modules::open(settings.load(claims(&drivers))).await),
            false => None,
        };
        Loaded { drivers, modules, telling: Arc::default() }
    }

    /// The modules, if there may be any.
    pub fn modules(&self) -> Option<&Modules> {
        self.modules.as_ref()
    }

    /// The modules that are served.
    pub fn served_modules(&self) -> Vec<Arc<LoadedModule>> {
        self.modules.as_ref().map(Modules::loaded).unwrap_or_default()
    }

    /// What the engine serves: the drivers, which go first where a URL's scheme fits several, then the modules.
    pub fn served(&self) -> Vec<Served> {
        let modules = self.served_modules().into_iter().map(|module| Served::from(module.connector.clone()));
        self.drivers.iter().cloned().chain(modules).collect()
    }

    /// Hands over what is served now, one after the other.
    pub fn tell<T>(&self, take: impl FnOnce(Vec<Served>) -> T) -> T {
        let _one = self.telling.lock().unwrap_or_else(PoisonError::into_inner);
        take(self.served())
    }

    /// The same by name.
    ///
    /// # Errors
    /// [`NameTaken`] when two drivers of this program claim one name; modules are held against the drivers before.
    pub fn bridges(&self) -> Result<Bridges, NameTaken> {
        Bridges::new(self.served())
    }

    /// The module behind a connector.
    pub fn module_of(&self, connector: &Arc<dyn Connector>) -> Option<Arc<LoadedModule>> {
        self.served_modules().into_iter().find(|module| Arc::ptr_eq(&module.connector, connector))
    }
}

/// The names that the drivers have.
fn claims(drivers: &[Served]) -> Vec<Claim> {
    let of = |served: &Served| {
        let package = served.connector.manifest().package_name.clone();
        let owner = format!("the built-in driver {package}");
        let names: Vec<String> = std::iter::once(package.as_ref())
            .chain(served.aliases.iter().map(String::as_str))
            .map(|name| short_name(name).to_owned())
            .collect();
        names.into_iter().map(move |name| Claim { name, owner: owner.clone() })
    };
    drivers.iter().flat_map(of).collect()
}

/// The claims of this program's drivers.
pub fn driver_claims() -> Vec<Claim> {
    claims(&drivers::served())
}
