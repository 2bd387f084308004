//! The way to the gateway: directly, or through a proxy, and who says so.

use dial::{Destination, NoProxy, Proxy};
use runner_link::GatewayUrl;
use secrecy::ExposeSecret;

use super::error::ConfigError;
use super::layers::{Layers, Names};
use super::origin::{Origin, Setting};

/// What is meant for this program alone.
const OWN: Names = Names { flag: "--proxy", variable: "SEMILAYER_PROXY", key: "proxy" };
/// The value of those that says: no proxy, whatever the variables of all programs say.
const NONE: &str = "none";

/// Variables of all programs, in both spellings; the first that is set counts. Lower case comes first, as in curl, wget,
/// Python and Node.
const FOR_TLS: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];
const FOR_PLAIN: [&str; 4] = ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"];
const EXCEPT: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The way to the gateway. Databases are never reached through a proxy.
#[derive(Debug, Clone, Default)]
pub struct Route {
    /// The proxy, when there is one.
    pub proxy: Option<Setting<Proxy>>,
    /// Why there is none, where a variable names one.
    pub direct_because: Option<String>,
    /// What of `NO_PROXY` cannot be understood.
    pub oddity: Option<String>,
}

impl Route {
    /// Takes it from the layers: `--proxy`, `SEMILAYER_PROXY`, the variables of all programs, `[runner] proxy`.
    ///
    /// # Errors
    /// A proxy's URL that cannot be used, named by where it is from.
    pub fn read(layers: &Layers, gateway: &GatewayUrl) -> Result<Self, ConfigError> {
        let flag = layers.flags.proxy.as_ref().map(|proxy| proxy.0.expose_secret());
        let own = layers.find(flag, OWN)?;
        let is_from_file = |setting: &Setting<_>| matches!(setting.origin, Origin::File { .. });
        if let Some(own) = own.as_ref().filter(|own| !is_from_file(own)) {
            return Self::own(own.value.expose_secret(), &own.origin);
        }
        if let Some(borrowed) = Self::borrowed(layers, gateway)? {
            return Ok(borrowed);
        }
        match own {
            Some(own) => Self::own(own.value.expose_secret(), &own.origin),
            None => Ok(Self::default()),
        }
    }

    /// What is set for this program is meant, whatever the gateway's host.
    fn own(text: &str, origin: &Origin) -> Result<Self, ConfigError> {
        if text.trim().eq_ignore_ascii_case(NONE) {
            let direct_because = Some(format!("{origin} is {NONE}"));
            return Ok(Self { direct_because, ..Self::default() });
        }
        let proxy = parse(text, origin)?;
        Ok(Self { proxy: Some(Setting { value: proxy, origin: origin.clone() }), ..Self::default() })
    }

    fn borrowed(layers: &Layers, gateway: &GatewayUrl) -> Result<Option<Self>, ConfigError> {
        let first =
            |names: &[&'static str]| names.iter().find_map(|name| Some((*name, layers.variables.get(name)?)));
        let names = if gateway.is_tls() { &FOR_TLS } else { &FOR_PLAIN };
        let Some((name, text)) = first(names) else { return Ok(None) };
        let direct = |because: String| {
            let direct_because = Some(format!("{name} is set, but {because}"));
            Ok(Some(Self { direct_because, ..Self::default() }))
        };
        if gateway.is_loopback() {
            return direct("the gateway is on this machine".to_owned());
        }
        let (except, list) = first(&EXCEPT).unwrap_or(("NO_PROXY", ""));
        let list = NoProxy::parse(list);
        if let Some(entry) = list.names(&Destination::new(gateway.host(), gateway.port())) {
            return direct(format!("{except} has \"{entry}\", which names the gateway"));
        }
        let oddity = (!list.not_understood().is_empty()).then(|| {
            let entries: Vec<String> =
                list.not_understood().iter().map(|entry| format!("\"{entry}\"")).collect();
            format!(
                "{except}: {} names no host: an entry is a host, .domain, *.domain, address, network (10.0.0.0/8) or *, with or without :port",
                entries.join(", ")
            )
        });
        let origin = Origin::Variable(name.to_owned());
        let proxy = Setting { value: parse(text, &origin)?, origin };
        Ok(Some(Self { proxy: Some(proxy), direct_because: None, oddity }))
    }
}

fn parse(text: &str, origin: &Origin) -> Result<Proxy, ConfigError> {
    Proxy::parse(text)
        .map_err(|problem| ConfigError::Invalid { origin: origin.clone(), problem: problem.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arguments::{Flags, Secret};
    use crate::settings::file::ConfigFile;
    use crate::variables::Variables;

    const GATEWAY: &str = "wss://gateway.corp.example/connect";

    fn read(gateway: &str, flag: &str, variables: &[(&str, &str)], file: &str) -> Result<Route, ConfigError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runner.toml");
        std::fs::write(&path, format!("[runner]\nproxy = \"{file}\"\n")).unwrap();
        let variables = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let flags = Flags { proxy: Some(Secret(flag.into())), ..Flags::default() };
        let layers =
            Layers { flags, variables: Variables::new(variables), file: ConfigFile::read(&path).unwrap() };
        Route::read(&layers, &GatewayUrl::parse(gateway).unwrap())
    }

    /// The proxy with who named it, or why there is none.
    fn way(gateway: &str, flag: &str, variables: &[(&str, &str)], file: &str) -> String {
        let route = read(gateway, flag, variables, file).unwrap();
        match (route.proxy, route.direct_because) {
            (Some(proxy), None) => {
                let origin = proxy.origin.to_string();
                format!("{} {}", proxy.value, origin.split(" in ").next().unwrap())
            }
            (None, Some(because)) => format!("none: {because}"),
            (None, None) => "none".to_owned(),
            (Some(_), Some(_)) => panic!("a proxy, and a reason for none"),
        }
    }

    #[test]
    fn flag_then_own_variable_then_the_ones_of_all_programs_then_file() {
        let all = [
            ("SEMILAYER_PROXY", "own"),
            ("https_proxy", "lower"),
            ("HTTPS_PROXY", "upper"),
            ("all_proxy", "all"),
            ("ALL_PROXY", "ALL"),
        ];
        assert_eq!(way(GATEWAY, "flag", &all, "file"), "http://flag:80 --proxy");
        assert_eq!(way(GATEWAY, "", &all, "file"), "http://own:80 SEMILAYER_PROXY");
        assert_eq!(way(GATEWAY, "", &all[1..], "file"), "http://lower:80 https_proxy");
        assert_eq!(way(GATEWAY, "", &all[2..], "file"), "http://upper:80 HTTPS_PROXY");
        assert_eq!(way(GATEWAY, "", &all[3..], "file"), "http://all:80 all_proxy");
        assert_eq!(way(GATEWAY, "", &all[4..], "file"), "http://ALL:80 ALL_PROXY");
        assert_eq!(way(GATEWAY, "", &[("HTTPS_PROXY", "")], "file"), "http://file:80 [runner] proxy");
        assert_eq!(way(GATEWAY, "", &[("HTTP_PROXY", "plain")], ""), "none");
    }

    #[test]
    fn a_plain_gateway_has_the_variables_of_plain_http() {
        let all =
            [("HTTPS_PROXY", "tls"), ("http_proxy", "lower"), ("HTTP_PROXY", "upper"), ("ALL_PROXY", "all")];
        let gateway = "ws://gateway.corp.example/connect";
        assert_eq!(way(gateway, "", &all, ""), "http://lower:80 http_proxy");
        assert_eq!(way(gateway, "", &all[2..], ""), "http://upper:80 HTTP_PROXY");
        assert_eq!(way(gateway, "", &all[3..], ""), "http://all:80 ALL_PROXY");
        assert_eq!(way(gateway, "", &all[..1], ""), "none");
    }

    #[test]
    fn no_proxy_and_this_machine_are_exceptions_to_the_variables_of_all_programs_only() {
        let set = [("HTTPS_PROXY", "proxy"), ("no_proxy", "localhost, .corp.example"), ("NO_PROXY", "*")];
        let spared = "none: HTTPS_PROXY is set, but no_proxy has \".corp.example\", which names the gateway";
        assert_eq!(way(GATEWAY, "", &set, ""), spared);
        assert_eq!(way(GATEWAY, "", &set, "file"), spared);
        assert_eq!(way(GATEWAY, "own", &set, ""), "http://own:80 --proxy");
        assert_eq!(way("wss://other.example", "", &set[..2], ""), "http://proxy:80 HTTPS_PROXY");
        for here in ["wss://localhost:3001", "wss://127.0.0.1", "wss://[::1]:3001"] {
            let found = way(here, "", &set[..1], "");
            assert_eq!(found, "none: HTTPS_PROXY is set, but the gateway is on this machine");
            assert_eq!(way(here, "own", &set[..1], ""), "http://own:80 --proxy");
        }
    }

    #[test]
    fn none_is_said_for_this_program_alone() {
        let set = [("SEMILAYER_PROXY", "none"), ("HTTPS_PROXY", "proxy")];
        assert_eq!(way(GATEWAY, "", &set, "file"), "none: SEMILAYER_PROXY is none");
        assert_eq!(way(GATEWAY, "None", &set[1..], ""), "none: --proxy is none");
    }

    #[test]
    fn what_cannot_be_used_is_named_by_its_origin_and_not_shown() {
        for (flag, variables, start) in [
            ("socks4://u:hunter2@p", &[][..], "--proxy: a proxy's URL begins with http://"),
            ("", &[("HTTPS_PROXY", "http://u:hunter2@p:x")][..], "HTTPS_PROXY: the proxy's URL has a port"),
            (
                "",
                &[("SEMILAYER_PROXY", "http://u:hunter2@")][..],
                "SEMILAYER_PROXY: the proxy's URL has no usable",
            ),
        ] {
            let error = read(GATEWAY, flag, variables, "").unwrap_err().to_string();
            assert!(error.starts_with(start) && !error.contains("hunter2"), "{error}");
        }
        let set = [("HTTPS_PROXY", "proxy"), ("NO_PROXY", "10.0.0.0/99,a b*c")];
        let route = read(GATEWAY, "", &set, "").unwrap();
        let oddity = route.oddity.unwrap();
        assert!(oddity.starts_with("NO_PROXY: \"10.0.0.0/99\", \"b*c\" names no host"), "{oddity}");
    }
}
