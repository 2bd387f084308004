//! One source, resolved: which connector, which configuration, which addresses.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use connector_api::{Connector, PathRules, Source};
use connector_model::config::{Config, Origin};
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::manifest::{Manifest, Text, short_name};
use connector_model::nearest::suggestion;
use dial::AddressFilter;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::environment::{Environment, Variable, read_secret, without_file_suffix};
use super::file::FileSources;
use super::given::{Given, SettingOrigin};
use super::managed;
use super::missing::{placed, unknown_key};
use super::naming::{DRIVER, field_spelled, variable_name};
use super::warning::SourceWarning;
use crate::assignment::{Assignment, Credentials};
use crate::bridges::Bridges;
use crate::pool::PoolSettings;
use crate::settings::ManagedRules;

/// Turns names into connectors and configurations. Reads secret files, does no other I/O.
#[derive(Clone, Debug)]
pub struct Resolver {
    /// The connectors that are loaded.
    pub bridges: Bridges,
    /// The variables that configure sources.
    pub environment: Arc<Environment>,
    /// What configurations from the gateway may do.
    pub managed: ManagedRules,
}

/// A source with everything needed to open it.
#[derive(Clone)]
pub struct ResolvedSource {
    /// Its name.
    pub name: String,
    /// What speaks to it.
    pub connector: Arc<dyn Connector>,
    /// Its configuration, without what sizes the pool.
    pub config: Config,
    /// The same with it: what somebody set.
    pub given: Config,
    /// Where each of those settings is from, by key.
    pub origins: BTreeMap<Text, SettingOrigin>,
    /// What sizes the pool.
    pub pool: PoolSettings,
    /// Which addresses it may reach.
    pub filter: AddressFilter,
    /// Which files and unix sockets it may open.
    pub paths: PathRules,
    /// The variables that were read, by name.
    pub variables: Vec<String>,
    /// What is odd about it.
    pub warnings: Vec<SourceWarning>,
}

impl ResolvedSource {
    /// The source itself; validates the configuration, opens nothing.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` naming the setting that is wrong.
    pub fn source(&self) -> Result<Box<dyn Source>> {
        self.connector.source(self.config.clone())
    }

    /// The full bridge name of its connector.
    pub fn driver(&self) -> &str {
        &self.connector.manifest().package_name
    }
}

impl fmt::Debug for ResolvedSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolvedSource")
            .field("name", &self.name)
            .field("driver", &self.driver())
            .field("config", &self.config)
            .field("variables", &self.variables)
            .finish_non_exhaustive()
    }
}

impl Resolver {
    /// Resolves an assigned source. `known` are the spellings of all known sources' names, for telling apart
    /// `PRIMARY` and `PRIMARY_DB`.
    ///
    /// # Errors
    /// `UNKNOWN_BRIDGE`; `SOURCE_NOT_CONFIGURED` naming the variable or setting; `POLICY_DENIED` naming the rule.
    pub fn resolve(
        &self,
        assignment: &Assignment,
        file: &FileSources,
        known: &[String],
    ) -> Result<ResolvedSource> {
        let connector = self.bridges.find(&assignment.bridge)?;
        self.same_driver(assignment, connector, file, known)?;
        match &assignment.credentials {
            Credentials::RunnerLocal => self.local(&assignment.name, connector, file, known),
            Credentials::Managed { config } => self.managed(&assignment.name, connector, config),
        }
    }

    /// The driver that this machine's operator names for a source, and where.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` when the file that `_DRIVER_FILE` names cannot be read.
    pub(super) fn named_driver(
        &self,
        source: &str,
        file: &FileSources,
        known: &[String],
    ) -> Result<Option<(String, String)>> {
        for Variable { name, key } in self.environment.of_source(&variable_name(source), known) {
            let value = self.environment.value(name).unwrap_or_default();
            if key == DRIVER {
                return Ok(Some((value.to_owned(), name.to_owned())));
            }
            if without_file_suffix(key) == Some(DRIVER) {
                return Ok(Some((read_secret(name, value)?.trim().to_owned(), name.to_owned())));
            }
        }
        let from_file = file.get(source).and_then(|entry| entry.driver.clone());
        Ok(from_file.map(|driver| (driver, format!("[sources.{source}] driver"))))
    }

    /// The gateway may not choose another driver for a source than the operator named.
    fn same_driver(
        &self,
        assignment: &Assignment,
        connector: &Arc<dyn Connector>,
        file: &FileSources,
        known: &[String],
    ) -> Result<()> {
        let Some((driver, place)) = self.named_driver(&assignment.name, file, known)? else { return Ok(()) };
        let named = self.bridges.find(&driver).map_err(|error| {
            Error::new(error.code(), format!("{place}: {}", error.message())).with("setting", place.clone())
        })?;
        if Arc::ptr_eq(named, connector) {
            return Ok(());
        }
        let message = format!(
            "the source \"{}\" is assigned with the bridge {}, and {place} on this runner says {}",
            assignment.name,
            assignment.bridge,
            short_name(&driver),
        );
        Err(Error::new(ErrorCode::PolicyDenied, message)
            .with("rule", "sources.driver")
            .with("setting", place))
    }

    /// A source whose configuration is on this machine.
    pub(super) fn local(
        &self,
        name: &str,
        connector: &Arc<dyn Connector>,
        file: &FileSources,
        known: &[String],
    ) -> Result<ResolvedSource> {
        let manifest = connector.manifest();
        let mut given: BTreeMap<Text, Given> = BTreeMap::new();
        if let Some(entry) = file.get(name) {
            file_entries(name, manifest, &entry.entries, &mut given)?;
        }
        let mut warnings = Vec::new();
        for variable in self.environment.of_source(&variable_name(name), known) {
            self.variable(name, manifest, variable, &mut given, &mut warnings)?;
        }
        if given.is_empty() {
            return Err(self.not_configured(name, manifest, known));
        }
        let texts = given.iter().map(|(key, given)| (key.as_ref(), given.text.as_str()));
        let place = |error: Error| placed(error, name, &given);
        let mut config = Config::from_texts(manifest, Origin::Local, texts).map_err(place)?;
        let given_config = config.clone();
        let pool = PoolSettings::take(&mut config).map_err(place)?;
        let variables =
            given.values().filter(|given| given.is_variable()).map(|given| given.from.clone()).collect();
        let origins = given.into_iter().map(|(key, given)| (key, given.origin())).collect();
        Ok(ResolvedSource {
            name: name.to_owned(),
            connector: connector.clone(),
            config,
            given: given_config,
            origins,
            pool,
            filter: AddressFilter::unrestricted(),
            paths: PathRules::Unrestricted,
            variables,
            warnings,
        })
    }

    fn variable(
        &self,
        source: &str,
        manifest: &Manifest,
        variable: Variable<'_>,
        given: &mut BTreeMap<Text, Given>,
        warnings: &mut Vec<SourceWarning>,
    ) -> Result<()> {
        let Variable { name, key } = variable;
        if key == DRIVER || without_file_suffix(key) == Some(DRIVER) {
            return Ok(());
        }
        let value = self.environment.value(name).unwrap_or_default();
        let direct = field_spelled(manifest, key).map(|field| (field, false));
        let pointed = || {
            let field = field_spelled(manifest, without_file_suffix(key)?)?;
            Some((field, true))
        };
        let Some((field, is_pointed)) = direct.or_else(pointed) else {
            warnings.push(unknown_key(source, manifest, name, key));
            return Ok(());
        };
        let text = if is_pointed { read_secret(name, value)? } else { Zeroizing::new(value.to_owned()) };
        if text.is_empty() {
            return Ok(());
        }
        let path = is_pointed.then(|| value.to_owned());
        match given.insert(field.key.clone(), Given::of_variable(text, name, path)) {
            Some(before) if before.is_variable() => {
                let from = before.from;
                let message = format!("{from} and {name} are both set and mean the same; remove one of them");
                Err(Error::new(ErrorCode::SourceNotConfigured, message).with("variable", name))
            }
            _ => Ok(()),
        }
    }

    fn managed(
        &self,
        name: &str,
        connector: &Arc<dyn Connector>,
        config: &SecretString,
    ) -> Result<ResolvedSource> {
        let manifest = connector.manifest();
        let mut json = managed::admit(name, config, &self.managed)?;
        let config = Config::from_json(manifest, Origin::Managed, &json);
        managed::wipe(&mut json);
        let place = |error: Error| error.with("source", name);
        let mut config = config.map_err(place)?;
        let given = config.clone();
        let pool = PoolSettings::take(&mut config).map_err(place)?;
        Ok(ResolvedSource {
            name: name.to_owned(),
            connector: connector.clone(),
            config,
            given,
            origins: BTreeMap::new(),
            pool,
            filter: AddressFilter::guarded(self.managed.allow_hosts.iter().cloned()),
            paths: self.managed.allow_files.clone(),
            variables: Vec::new(),
            warnings: Vec::new(),
        })
    }
}

fn file_entries(
    source: &str,
    manifest: &Manifest,
    entries: &BTreeMap<String, SecretString>,
    given: &mut BTreeMap<Text, Given>,
) -> Result<()> {
    for (key, text) in entries {
        let from = format!("[sources.{source}] {key}");
        let Some(field) = manifest.field(key) else {
            let hint = suggestion(key, manifest.fields.iter().map(|field| field.key.as_ref()));
            let message = format!("{from}: {} has no such setting{hint}", manifest.package_name);
            return Err(Error::new(ErrorCode::SourceNotConfigured, message).with("setting", from));
        };
        let text = Zeroizing::new(text.expose_secret().to_owned());
        if text.is_empty() {
            continue;
        }
        if let Some(other) = given.insert(field.key.clone(), Given::of_file(text, &from)) {
            let message = format!("{} and {from} mean the same; remove one of them", other.from);
            return Err(Error::new(ErrorCode::SourceNotConfigured, message).with("setting", from));
        }
    }
    Ok(())
}
