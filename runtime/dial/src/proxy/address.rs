//! A proxy's URL.

use std::fmt;
use std::sync::Arc;

use super::login::Login;
use crate::destination::Destination;

/// How a proxy is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ProxyScheme {
    /// `http://`: CONNECT (RFC 9110 section 9.3.6), in clear up to the tunnel.
    Http,
    /// `https://`: CONNECT, inside TLS to the proxy.
    Https,
    /// `socks5://` (RFC 1928): this machine looks names up.
    Socks5,
    /// `socks5h://`: the proxy looks names up.
    Socks5h,
}

impl ProxyScheme {
    const ALL: [Self; 4] = [Self::Http, Self::Https, Self::Socks5, Self::Socks5h];

    /// The scheme as it stands in a URL.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
            Self::Socks5 => "socks5",
            Self::Socks5h => "socks5h",
        }
    }

    /// Whether it is SOCKS5, of either kind.
    #[must_use]
    pub const fn is_socks(self) -> bool {
        matches!(self, Self::Socks5 | Self::Socks5h)
    }

    /// The port where the URL names none.
    const fn port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
            Self::Socks5 | Self::Socks5h => 1080,
        }
    }
}

/// A proxy. Displayed with its user's name and without its password; cheap to clone.
#[derive(Debug, Clone)]
pub struct Proxy {
    scheme: ProxyScheme,
    destination: Destination,
    login: Option<Arc<Login>>,
}

/// A proxy's URL that cannot be used. The text itself is in none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProxyUrlError {
    /// Another scheme.
    #[error("a proxy's URL begins with http://, https://, socks5:// or socks5h:// (SOCKS4 is not spoken)")]
    Scheme,
    /// No host, or one that can be none.
    #[error("the proxy's URL has no usable host; write it like http://proxy.corp.example:3128")]
    Host,
    /// A port that is none.
    #[error("the proxy's URL has a port that is not a number from 1 to 65535")]
    Port,
    /// Something behind the port, such as the path of a PAC file.
    #[error("a proxy's URL ends behind its port (a PAC file is not read: name the proxy that it leads to)")]
    Path,
    /// A user name or password that is not UTF-8.
    #[error("the user name or password in the proxy's URL is not UTF-8 once it is percent-decoded")]
    LoginNotText,
    /// A colon in the user's name.
    #[error("the user name in the proxy's URL contains a colon, which no proxy can be told")]
    ColonInUser,
    /// A login that SOCKS5 cannot carry.
    #[error("a SOCKS5 proxy's user name and password are 1 to 255 bytes each; leave both out, or give both")]
    SocksLogin,
}

impl Proxy {
    /// Reads `[scheme://][user[:password]@]host[:port]`. Without a scheme it is `http`; without a port 80 for `http`, 443
    /// for `https` and 1080 for SOCKS5. User and password are percent-decoded.
    ///
    /// # Errors
    /// See [`ProxyUrlError`].
    pub fn parse(text: &str) -> Result<Self, ProxyUrlError> {
        let text = text.trim();
        let (scheme, rest) = match text.split_once("://") {
            None => (ProxyScheme::Http, text),
            Some((name, rest)) => {
                let known =
                    ProxyScheme::ALL.into_iter().find(|known| known.name().eq_ignore_ascii_case(name));
                (known.ok_or(ProxyUrlError::Scheme)?, rest)
            }
        };
        // At the last one: people write passwords with an @ as they are.
        let (login, place) = rest.rsplit_once('@').unwrap_or(("", rest));
        let place = place.strip_suffix('/').unwrap_or(place);
        if place.contains(['/', '?', '#']) {
            return Err(ProxyUrlError::Path);
        }
        let (host, port) = split_port(place);
        let port = match port {
            None => scheme.port(),
            Some(port) => port.parse().ok().filter(|port| *port != 0).ok_or(ProxyUrlError::Port)?,
        };
        let destination = Destination::new(host, port);
        if !destination.is_plausible() {
            return Err(ProxyUrlError::Host);
        }
        let login = Login::parse(login)?;
        if scheme.is_socks() && login.as_ref().is_some_and(|login| !login.fits_socks()) {
            return Err(ProxyUrlError::SocksLogin);
        }
        Ok(Self { scheme, destination, login: login.map(Arc::new) })
    }

    /// How it is spoken to.
    #[must_use]
    pub const fn scheme(&self) -> ProxyScheme {
        self.scheme
    }

    /// Where it is.
    #[must_use]
    pub const fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Whether it is told a user name and password.
    #[must_use]
    pub const fn has_login(&self) -> bool {
        self.login.is_some()
    }

    pub(super) fn login(&self) -> Option<&Login> {
        self.login.as_deref()
    }
}

/// Divides `host[:port]`; an IPv6 address stands in brackets, or has no port.
fn split_port(place: &str) -> (&str, Option<&str>) {
    match place.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((host, "")) => (host, None),
        Some((host, rest)) => (host, Some(rest.strip_prefix(':').unwrap_or(rest))),
        None if place.matches(':').count() > 1 => (place, None),
        None => place.split_once(':').map_or((place, None), |(host, port)| (host, Some(port))),
    }
}

impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://", self.scheme.name())?;
        // A name alone may be a token; beside a password it is a name.
        match self.login() {
            None => {}
            Some(login) if login.password().is_empty() => f.write_str("…@")?,
            Some(login) => write!(f, "{}:…@", crate::tls::printable(login.user()))?,
        }
        self.destination.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proxy_is_written_in_many_ways() {
        for (text, shown) in [
            ("proxy.corp.example", "http://proxy.corp.example:80"),
            (" proxy:3128 ", "http://proxy:3128"),
            ("HTTP://proxy:3128/", "http://proxy:3128"),
            ("https://proxy", "https://proxy:443"),
            ("socks5://10.0.0.1", "socks5://10.0.0.1:1080"),
            ("socks5h://[fd00::1]:9", "socks5h://[fd00::1]:9"),
            ("http://fd00::1", "http://[fd00::1]:80"),
            ("http://@proxy:1", "http://proxy:1"),
        ] {
            let proxy = Proxy::parse(text).unwrap();
            assert_eq!((proxy.to_string().as_str(), proxy.has_login()), (shown, false), "{text}");
        }
    }

    #[test]
    fn a_password_is_not_shown_and_a_name_only_beside_one() {
        for (text, shown) in [
            ("http://app:hunter2@proxy:1", "http://app:…@proxy:1"),
            ("app:hunter2@proxy:1", "http://app:…@proxy:1"),
            ("http://app:hunter2/@?#hunter2@proxy:1", "http://app:…@proxy:1"),
            ("http://hunter2@proxy:1", "http://…@proxy:1"),
            ("socks5://app:hunter2@proxy", "socks5://app:…@proxy:1080"),
        ] {
            let proxy = Proxy::parse(text).unwrap();
            assert_eq!(proxy.to_string(), shown);
            assert!(proxy.has_login() && !format!("{proxy:?}").contains("hunter2"), "{proxy:?}");
        }
    }

    #[test]
    fn what_is_no_proxy_is_refused_with_the_part_that_is_wrong() {
        use ProxyUrlError::{ColonInUser, Host, Path, Port, Scheme, SocksLogin};
        for (text, problem) in [
            ("socks4://proxy", Scheme),
            ("socks://proxy", Scheme),
            ("://proxy", Scheme),
            ("", Host),
            ("http://", Host),
            ("http://user:hunter2@", Host),
            ("http://two words", Host),
            ("http://proxy\r\nX: y", Port),
            ("http://proxy:0", Port),
            ("http://proxy:", Port),
            ("http://proxy:99999", Port),
            ("http://wpad.corp.example/proxy.pac", Path),
            ("http://a%3Ab:c@proxy", ColonInUser),
            ("socks5://user@proxy", SocksLogin),
        ] {
            assert_eq!(Proxy::parse(text).err(), Some(problem), "{text}");
        }
        let long = format!("socks5://user:{}@proxy", "x".repeat(256));
        assert_eq!(Proxy::parse(&long).err(), Some(SocksLogin));
    }
}
