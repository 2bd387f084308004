//! What a manifest asks for, with the values of one source's configuration in it.

use connector_model::config::Config;
use connector_model::error::{Error, Result};
use connector_model::manifest::{FieldKind, Manifest};

use super::endpoint::{Endpoint, port_number};
use super::host::Host;
use super::pattern::{HostPattern, Part, Pattern, PortPattern};

/// One place, or the places under one suffix, that the manifest asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) place: Place,
    pub(super) port: u16,
    pub(super) named_by: NamedBy,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    Host(Host),
    /// Every name that ends so; the dot is included.
    Suffix(String),
}

/// Who chose the place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum NamedBy {
    /// The module's author, at least in part: nothing is reached without the operator.
    Module,
    /// The host is the source's own, the port what is usual there.
    SourceHost,
    /// The source's configuration, host and port.
    Source,
}

impl Asked {
    pub(super) fn covers(&self, host: &Host, port: u16) -> bool {
        self.port == port
            && match (&self.place, host) {
                (Place::Host(own), host) => own == host,
                (Place::Suffix(suffix), Host::Name(name)) => {
                    name.len() > suffix.len() && name.ends_with(suffix.as_str())
                }
                (Place::Suffix(_), Host::Address(_)) => false,
            }
    }
}

/// What the patterns come to. A pattern whose field is not set asks for nothing.
///
/// # Errors
/// `SOURCE_NOT_CONFIGURED` naming a field whose value is no host, URL or port.
pub(super) fn asked(patterns: &[Pattern], manifest: &Manifest, config: &Config) -> Result<Vec<Asked>> {
    let values = Values { manifest, config };
    let mut all = Vec::new();
    for pattern in patterns {
        values.resolve(pattern, &mut all)?;
    }
    // A port that the configuration names is the host's only one, unless the operator allows more.
    let explicit: Vec<Place> = all
        .iter()
        .filter(|asked| asked.named_by == NamedBy::Source)
        .map(|asked| asked.place.clone())
        .collect();
    for asked in all.iter_mut().filter(|asked| asked.named_by == NamedBy::SourceHost) {
        if explicit.contains(&asked.place) {
            asked.named_by = NamedBy::Module;
        }
    }
    Ok(all)
}

struct Values<'a> {
    manifest: &'a Manifest,
    config: &'a Config,
}

/// A field's value, and whether the configuration or only the manifest has it.
enum Value {
    Set(String),
    Default(String),
}

impl Values<'_> {
    fn get(&self, name: &str) -> Result<Option<Value>> {
        let Some(field) = self.manifest.field(name) else { return Ok(None) };
        let set = match field.kind {
            FieldKind::String | FieldKind::Password => self.config.text(&field.key).map(str::to_owned),
            FieldKind::Number => self.config.number(&field.key, i64::MIN..=i64::MAX)?.map(|n| n.to_string()),
            FieldKind::Boolean => None,
        };
        Ok(set
            .map(Value::Set)
            .or_else(|| field.default.as_ref().map(|default| Value::Default(default.to_string()))))
    }

    fn resolve(&self, pattern: &Pattern, all: &mut Vec<Asked>) -> Result<()> {
        let port = self.port(&pattern.port)?;
        let mut ask = |place, port, named_by| all.push(Asked { place, port, named_by });
        match (&pattern.host, port) {
            (HostPattern::Field(name), port) => {
                let (value, own) = match self.get(name)? {
                    Some(Value::Set(value)) => (value, true),
                    Some(Value::Default(value)) => (value, false),
                    None => return Ok(()),
                };
                let endpoint = Endpoint::parse(name, &value)?;
                let named_by = |explicit: bool| match (own, explicit) {
                    (false, _) => NamedBy::Module,
                    (true, false) => NamedBy::SourceHost,
                    (true, true) => NamedBy::Source,
                };
                let usual = endpoint.usual_port();
                let place = Place::Host(endpoint.host);
                match (endpoint.port, port) {
                    (Some(explicit), _) => ask(place, explicit, named_by(true)),
                    (None, Some((port, true))) => ask(place, port, named_by(true)),
                    (None, fallback) => {
                        for port in usual.into_iter().chain(fallback.map(|(port, _)| port)) {
                            ask(place.clone(), port, named_by(false));
                        }
                    }
                }
            }
            (_, None) => {}
            (HostPattern::Exact(host), Some((port, _))) => {
                ask(Place::Host(host.clone()), port, NamedBy::Module);
            }
            (HostPattern::Suffix(suffix), Some((port, _))) => {
                ask(Place::Suffix(suffix.clone()), port, NamedBy::Module);
            }
            (HostPattern::Template(parts), Some((port, _))) => {
                if let Some(host) = self.filled(parts)? {
                    ask(Place::Host(host), port, NamedBy::Module);
                }
            }
        }
        Ok(())
    }

    /// The port, and whether the configuration says it.
    fn port(&self, pattern: &PortPattern) -> Result<Option<(u16, bool)>> {
        match pattern {
            PortPattern::Absent => Ok(None),
            PortPattern::Number(port) => Ok(Some((*port, false))),
            PortPattern::Field(name) => {
                let (value, own) = match self.get(name)? {
                    Some(Value::Set(value)) => (value, true),
                    Some(Value::Default(value)) => (value, false),
                    None => return Ok(None),
                };
                match port_number(value.trim()) {
                    Some(port) => Ok(Some((port, own))),
                    None => Err(Error::config(name, "must be a port from 1 to 65535")),
                }
            }
        }
    }

    fn filled(&self, parts: &[Part]) -> Result<Option<Host>> {
        let mut name = String::new();
        for part in parts {
            match part {
                Part::Literal(literal) => name.push_str(literal),
                Part::Field(field) => match self.get(field)? {
                    Some(Value::Set(value) | Value::Default(value)) => {
                        let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
                        if value.is_empty() || !value.bytes().all(fits) {
                            return Err(Error::config(field, "must be able to be part of a host name"));
                        }
                        name.push_str(&value);
                    }
                    None => return Ok(None),
                },
            }
        }
        match Host::parse(&name) {
            Ok(host) => Ok(Some(host)),
            Err(fault) => {
                let field = parts.iter().find_map(|part| match part {
                    Part::Field(field) => Some(field.as_str()),
                    Part::Literal(_) => None,
                });
                Err(Error::config(
                    field.unwrap_or_default(),
                    format_args!("does not make a host name with what stands around it: {fault}"),
                ))
            }
        }
    }
}
