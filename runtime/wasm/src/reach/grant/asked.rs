//! What a manifest asks for, with the values of one source's configuration in it.

use connector_model::config::Config;
use connector_model::error::{Error, Result};
use connector_model::manifest::{FieldKind, Manifest};

use super::endpoint::{Endpoint, port_number};
use super::host::Host;
use super::pattern::{HostPattern, Part, Pattern, PortPattern};

/// Fields that ask for TLS by being true.
const FLAGS: [&str; 2] = ["tls", "ssl"];
/// The field that asks for it by its value.
const PROTOCOL: &str = "protocol";

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
    /// The host is the source's own, the port a number that stands in a pattern.
    Literal,
    /// The host is the source's own, the port what its field says of itself.
    Default,
    /// The host is the source's own, the port what the URL's scheme stands for.
    Usual,
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
/// Of a host that the configuration names:
/// - with every port that the configuration names, wherever it does: a URL and fields may be mixed, and which of them wins
///   is the module's to say;
/// - where none of them is the host's own, with the port that the URL's scheme stands for, and one that the module chose: the
///   first field's default, else the first number. More would be ports of the module's choice at a host of the operator's.
///
/// # Errors
/// `SOURCE_NOT_CONFIGURED` naming a field whose value is no host, URL or port.
pub(super) fn asked(patterns: &[Pattern], manifest: &Manifest, config: &Config) -> Result<Vec<Asked>> {
    let mut values = Values { manifest, config, tls: false };
    values.tls = values.asks_for_tls(patterns)?;
    let (mut all, mut named) = (Vec::new(), Named::default());
    for pattern in patterns {
        values.resolve(pattern, &mut all, &mut named)?;
    }
    let explicit: Vec<Place> = all
        .iter()
        .filter(|asked| asked.named_by == NamedBy::Source)
        .map(|asked| asked.place.clone())
        .collect();
    for asked in all.iter_mut().filter(|asked| asked.named_by < NamedBy::Source) {
        if explicit.contains(&asked.place) {
            asked.named_by = NamedBy::Module;
        }
    }
    one_choice(&mut all);
    all.extend(named.product());
    Ok(all)
}

/// Leaves each host one port of the module's choice.
fn one_choice(all: &mut [Asked]) {
    use NamedBy::{Default, Literal, Module};
    let mut chosen: Vec<(Place, u16)> = Vec::new();
    for wanted in [Default, Literal] {
        for asked in all.iter().filter(|asked| asked.named_by == wanted) {
            if !chosen.iter().any(|(place, _)| *place == asked.place) {
                chosen.push((asked.place.clone(), asked.port));
            }
        }
    }
    for asked in all.iter_mut().filter(|asked| matches!(asked.named_by, Default | Literal)) {
        if !chosen.iter().any(|(place, port)| *place == asked.place && *port == asked.port) {
            asked.named_by = Module;
        }
    }
}

/// What the configuration itself names in the fields of patterns.
#[derive(Default)]
struct Named {
    hosts: Vec<Host>,
    ports: Vec<u16>,
}

impl Named {
    /// Every host with every port.
    fn product(&self) -> impl Iterator<Item = Asked> + '_ {
        self.hosts.iter().flat_map(|host| {
            self.ports.iter().map(|port| Asked {
                place: Place::Host(host.clone()),
                port: *port,
                named_by: NamedBy::Source,
            })
        })
    }
}

struct Values<'a> {
    manifest: &'a Manifest,
    config: &'a Config,
    /// Whether it asks for TLS.
    tls: bool,
}

/// The port of a pattern.
#[derive(Clone, Copy)]
struct Port {
    number: u16,
    /// Whether the configuration says it.
    is_set: bool,
    /// Whether a field says it, if only by its default.
    is_field: bool,
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

    fn resolve(&self, pattern: &Pattern, all: &mut Vec<Asked>, named: &mut Named) -> Result<()> {
        let mut ask = |place, port, named_by| all.push(Asked { place, port, named_by });
        let HostPattern::Field(name) = &pattern.host else {
            let Some(Port { number, .. }) = self.port(&pattern.port)? else { return Ok(()) };
            let place = match &pattern.host {
                HostPattern::Exact(host) => Some(Place::Host(host.clone())),
                HostPattern::Suffix(suffix) => Some(Place::Suffix(suffix.clone())),
                HostPattern::Template(parts) => self.filled(parts)?.map(Place::Host),
                HostPattern::Field(_) => None,
            };
            if let Some(place) = place {
                ask(place, number, NamedBy::Module);
            }
            return Ok(());
        };
        let port = self.port(&pattern.port)?;
        // A port that is set counts for the other hosts too.
        let set = port.filter(|port| port.is_set);
        named.ports.extend(set.map(|port| port.number));
        let (value, own) = match self.get(name)? {
            Some(Value::Set(value)) => (value, true),
            Some(Value::Default(value)) => (value, false),
            None => return Ok(()),
        };
        let endpoint = Endpoint::parse(name, &value)?;
        let usual = endpoint.usual_port();
        let place = Place::Host(endpoint.host.clone());
        if !own {
            let numbers = endpoint.port.into_iter().chain(usual).chain(port.map(|port| port.number));
            numbers.for_each(|number| ask(place.clone(), number, NamedBy::Module));
            return Ok(());
        }
        named.hosts.push(endpoint.host);
        named.ports.extend(endpoint.port);
        if let Some(explicit) = endpoint.port.or(set.map(|port| port.number)) {
            ask(place, explicit, NamedBy::Source);
            return Ok(());
        }
        if let Some(usual) = usual {
            ask(place.clone(), usual, NamedBy::Usual);
        }
        if let Some(Port { number, is_field, .. }) = port {
            ask(place, number, if is_field { NamedBy::Default } else { NamedBy::Literal });
        }
        Ok(())
    }

    /// Whether the configuration asks for TLS: by the fields that are called so, else by a URL's scheme. A module that decides
    /// otherwise dials a port that is not granted, and is refused.
    fn asks_for_tls(&self, patterns: &[Pattern]) -> Result<bool> {
        let key = |name: &str| self.manifest.field(name).map(|field| &*field.key);
        let flag = FLAGS.iter().find_map(|name| self.config.flag(key(name)?));
        let protocol = || Some(self.config.text(key(PROTOCOL)?)?.trim() == "https");
        if let Some(said) = flag.or_else(protocol) {
            return Ok(said);
        }
        for pattern in patterns {
            if let HostPattern::Field(name) = &pattern.host
                && let Some(Value::Set(value)) = self.get(name)?
                && Endpoint::parse(name, &value)?.is_secure()
            {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The port that a pattern comes to.
    fn port(&self, pattern: &PortPattern) -> Result<Option<Port>> {
        let literal = |number| Ok(Some(Port { number, is_set: false, is_field: false }));
        match pattern {
            PortPattern::Absent => Ok(None),
            PortPattern::Number(number) => literal(*number),
            PortPattern::Tls { plain, tls } => literal(if self.tls { *tls } else { *plain }),
            PortPattern::Field(name) => {
                let (value, is_set) = match self.get(name)? {
                    Some(Value::Set(value)) => (value, true),
                    Some(Value::Default(value)) => (value, false),
                    None => return Ok(None),
                };
                match port_number(value.trim()) {
                    Some(number) => Ok(Some(Port { number, is_set, is_field: true })),
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
