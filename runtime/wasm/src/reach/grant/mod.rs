//! Where one source's instances of a module may connect to: what the manifest asks for and the operator allows.
//!
//! The operator allows what the source's own configuration names, host and port, and what `allow_hosts` of the
//! connector lists. Whatever is granted by name is held against every address that the name resolves to.

mod asked;
mod denied;
mod endpoint;
mod host;
mod pattern;
#[cfg(test)]
mod tests;

use std::fmt::Display;
use std::sync::Arc;

use connector_model::config::{Config, Origin};
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::manifest::{Manifest, Text};
use connector_model::module::ModuleManifest;
use dial::{AddressFilter, AllowRule, Destination, DialError};

use crate::log::Secrets;
use asked::{Asked, NamedBy};
use host::Host;
use pattern::Pattern;
pub(crate) use pattern::{EgressError, EgressFault};

/// The most patterns of one manifest; a database has a host, and perhaps one that it redirects to.
const MAX_EGRESS: usize = 32;

/// What one source's instances of a module may reach.
#[derive(Debug, Clone)]
pub(crate) struct Grant {
    connector: Arc<str>,
    patterns: Vec<Pattern>,
    asked: Vec<Asked>,
    allow_hosts: Arc<[AllowRule]>,
    origin: Origin,
    secrets: Secrets,
}

/// One connection that is granted, if its address is.
#[derive(Debug)]
pub(crate) struct Permit {
    /// The host as it was checked: exactly this is dialled.
    pub(crate) destination: Destination,
    /// Which of its addresses may be used.
    pub(crate) filter: AddressFilter,
}

impl Grant {
    /// What `manifest` asks for with this configuration. `connector` is the name of its section in the operator's file,
    /// `allow_hosts` what stands there.
    ///
    /// # Errors
    /// `SOURCE_NOT_CONFIGURED` for a value that is no host, URL or port; `CONNECTOR_FAILED` for a pattern that cannot be
    /// understood, which [`check_egress`] tells earlier.
    pub(crate) fn new(
        connector: impl Into<Arc<str>>,
        manifest: &ModuleManifest,
        config: &Config,
        allow_hosts: &[AllowRule],
    ) -> Result<Grant> {
        let patterns = parse(&manifest.egress, &manifest.manifest)
            .map_err(|error| Error::new(ErrorCode::ConnectorFailed, format!("the manifest's {error}")))?;
        Ok(Grant {
            connector: connector.into(),
            asked: asked::asked(&patterns, &manifest.manifest, config)?,
            patterns,
            allow_hosts: allow_hosts.into(),
            origin: config.origin(),
            secrets: Secrets::of(&manifest.manifest, config),
        })
    }

    /// The connector's section in the operator's file.
    pub(crate) fn connector(&self) -> Arc<str> {
        self.connector.clone()
    }

    /// What the source's configuration keeps secret.
    pub(crate) fn secrets(&self) -> Secrets {
        self.secrets.clone()
    }

    /// Judges one host and port, as a guest wrote them, before anything is looked up. `source` is the source's own
    /// filter, which has to allow it too.
    ///
    /// # Errors
    /// `POLICY_DENIED`, naming the setting that would allow it.
    pub(crate) fn permit(&self, host: &str, port: u16, source: &AddressFilter) -> Result<Permit> {
        let connector = &*self.connector;
        let parsed = Host::parse(host).map_err(|fault| denied::no_host(connector, host, fault))?;
        if port == 0 {
            return Err(denied::no_host(connector, host, "there is no port 0"));
        }
        let destination = parsed.destination(port);
        let named_by =
            self.asked.iter().filter(|asked| asked.covers(&parsed, port)).map(|asked| asked.named_by).max();
        let allowed = match named_by {
            None => {
                let patterns: Vec<&dyn Display> = self.patterns.iter().map(|pattern| pattern as _).collect();
                return Err(denied::not_asked(connector, &destination, patterns.into_iter()));
            }
            Some(NamedBy::Source | NamedBy::Usual | NamedBy::Default | NamedBy::Literal) => {
                AddressFilter::public(self.exceptions(&destination, source)?)
            }
            Some(NamedBy::Module) => {
                let listed = self.listed(&destination);
                listed.ok_or_else(|| denied::not_allowed(connector, &destination))?
            }
        };
        Ok(Permit { filter: source.clone().and(allowed), destination })
    }

    /// The private and reserved addresses that somebody on this machine named for a host of the source: the operator's
    /// rules, and the very host where the operator wrote the configuration.
    fn exceptions(&self, destination: &Destination, source: &AddressFilter) -> Result<Vec<AllowRule>> {
        let mut rules = self.allow_hosts.to_vec();
        match self.origin {
            Origin::Local => rules
                .push(AllowRule::exactly(destination).map_err(|error| Error::internal(error.to_string()))?),
            Origin::Managed => rules.extend(source.rules()),
        }
        Ok(rules)
    }

    /// The filter of the operator's rules, if any of them may mean this host.
    fn listed(&self, destination: &Destination) -> Option<AddressFilter> {
        // Without rules, a guarded filter allows every public address.
        if self.allow_hosts.is_empty() {
            return None;
        }
        let rules = AddressFilter::guarded(self.allow_hosts.iter().cloned());
        let listed = match destination.literal() {
            Some(address) => rules.check_address(destination, address),
            None => rules.check_name(destination),
        };
        listed.ok()?;
        Some(AddressFilter::public(self.allow_hosts.iter().cloned()).and(rules))
    }

    /// The error of a dial that a filter ended.
    pub(crate) fn refused(&self, error: &DialError) -> Error {
        denied::by_address(&self.connector, error)
    }
}

/// Whether a manifest's `egress` can be understood: every pattern is one, and its fields exist.
///
/// # Errors
/// [`EgressError`], naming the pattern.
pub(crate) fn check_egress(manifest: &ModuleManifest) -> Result<(), EgressError> {
    parse(&manifest.egress, &manifest.manifest).map(|_| ())
}

fn parse(egress: &[Text], manifest: &Manifest) -> Result<Vec<Pattern>, EgressError> {
    if let Some(surplus) = egress.get(MAX_EGRESS) {
        return Err(EgressError {
            pattern: crate::log::shown(surplus, MAX_EGRESS),
            fault: EgressFault::TooMany(MAX_EGRESS),
        });
    }
    let parse = |text: &Text| {
        let pattern = Pattern::parse(text)?;
        let unknown = pattern.fields().find(|name| manifest.field(name).is_none()).map(str::to_owned);
        match unknown.map(EgressFault::UnknownField) {
            Some(fault) => Err(EgressError { pattern: pattern.to_string(), fault }),
            None => Ok(pattern),
        }
    };
    egress.iter().map(parse).collect()
}
