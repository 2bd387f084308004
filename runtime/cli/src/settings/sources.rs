//! What sources are configured with, and what configurations from the gateway may do.

use std::path::PathBuf;
use std::sync::Arc;

use connector_api::PathRules;
use dial::AllowRule;
use runner_engine::{Bridges, Environment, FileSources, ManagedRules, Policies, PolicySettings, Resolver};
use secrecy::ExposeSecret;

use super::error::ConfigError;
use super::layers::{Layers, Names};
use super::origin::{Origin, Setting};
use super::policy;
use crate::variables::Variables;

const ALLOW_HOSTS: Names = Names { flag: "", variable: "SEMILAYER_MANAGED_ALLOW_HOSTS", key: "" };
const ALLOW_FILES: Names = Names { flag: "", variable: "SEMILAYER_MANAGED_ALLOW_FILES", key: "" };

/// What sources are configured with.
#[derive(Debug, Clone)]
pub struct SourceSettings {
    /// The variables.
    pub environment: Arc<Environment>,
    /// `[sources.NAME]` of the file.
    pub file: FileSources,
    /// The file, for reading it again.
    pub path: Option<PathBuf>,
    /// What configurations from the gateway may do.
    pub managed: ManagedRules,
    /// What the operator allows.
    pub policy: PolicySettings,
    /// The environment: what it says of the policy is read again with the file.
    pub variables: Variables,
}

impl SourceSettings {
    /// Takes them from the layers.
    ///
    /// # Errors
    /// A rule that cannot be understood.
    pub fn read(layers: &Layers) -> Result<Self, ConfigError> {
        let section = &layers.file.managed;
        let hosts = listed(layers, ALLOW_HOSTS, section.allow_hosts.as_deref(), "allow_hosts")?;
        let files = listed(layers, ALLOW_FILES, section.allow_files.as_deref(), "allow_files")?;
        let allow_hosts = hosts.value.iter().map(|rule| rule.parse::<AllowRule>()).collect::<Result<_, _>>();
        let allow_files = PathRules::only(files.value.iter().map(String::as_str));
        let policy = policy::read(&layers.file, &layers.variables)?;
        // What `start` would refuse, every command does.
        Policies::unrecorded(&policy)?;
        let invalid = |origin: &Origin, problem| ConfigError::Invalid { origin: origin.clone(), problem };
        Ok(SourceSettings {
            environment: Arc::new(layers.variables.of_sources()),
            file: layers.file.sources.clone(),
            path: layers.file.path.clone(),
            policy,
            variables: layers.variables.clone(),
            managed: ManagedRules {
                enabled: section.enabled.unwrap_or(true),
                allow_hosts: allow_hosts.map_err(|error| invalid(&hosts.origin, error.to_string()))?,
                allow_files: allow_files
                    .map_err(|error| invalid(&files.origin, error.message().to_owned()))?,
            },
        })
    }

    /// What turns names into connectors and configurations.
    pub fn resolver(&self, bridges: Bridges) -> Resolver {
        Resolver { bridges, environment: self.environment.clone(), managed: self.managed.clone() }
    }
}

/// A list from the variable, where commas separate, or from the file.
fn listed(
    layers: &Layers,
    names: Names,
    section: Option<&[String]>,
    key: &str,
) -> Result<Setting<Vec<String>>, ConfigError> {
    if let Some(Setting { value, origin }) = layers.find(None, names)? {
        let items = value.expose_secret().split(',').map(str::trim).filter(|item| !item.is_empty());
        return Ok(Setting { value: items.map(str::to_owned).collect(), origin });
    }
    Ok(match section {
        Some(items) => Setting { value: items.to_vec(), origin: layers.file.origin("managed", key) },
        None => Setting::default(Vec::new()),
    })
}
