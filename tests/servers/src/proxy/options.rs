//! What a proxy is to be.

/// What it speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ProxyProtocol {
    /// HTTP CONNECT.
    #[default]
    Connect,
    /// HTTP CONNECT inside of TLS to the proxy.
    ConnectInTls,
    /// SOCKS5.
    Socks5,
}

/// What it does with whoever asks.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ProxyBehaviour {
    /// It opens the tunnel.
    #[default]
    Tunnel,
    /// It opens the tunnel and breaks into the TLS inside of it: it shows a certificate of its own authority for the host
    /// that was asked for, and speaks TLS to that host itself, trusting this authority (PEM).
    Inspect(String),
    /// It answers with this HTTP status, or, where it speaks SOCKS5, with this reply.
    Refuse(u16),
    /// It reads the request and hangs up.
    Close,
    /// It reads the request and says nothing.
    Hang,
    /// It answers the first bytes with these, whatever it speaks.
    Say(&'static [u8]),
}

/// How a proxy is set up.
#[derive(Debug, Clone, Default)]
pub struct ProxyOptions {
    pub(super) protocol: ProxyProtocol,
    pub(super) behaviour: ProxyBehaviour,
    pub(super) login: Option<(String, String)>,
    pub(super) routes: Vec<(String, u16)>,
}

impl ProxyOptions {
    /// An open one that speaks this.
    #[must_use]
    pub fn speaking(protocol: ProxyProtocol) -> Self {
        Self { protocol, ..Self::default() }
    }

    /// It behaves like this.
    #[must_use]
    pub fn behaving(mut self, behaviour: ProxyBehaviour) -> Self {
        self.behaviour = behaviour;
        self
    }

    /// It asks for this user and password.
    #[must_use]
    pub fn login(mut self, user: &str, password: &str) -> Self {
        self.login = Some((user.to_owned(), password.to_owned()));
        self
    }

    /// It reaches this host, whatever port it is asked for, at this port of 127.0.0.1. Addresses of loopback and
    /// `localhost` it reaches without being told.
    #[must_use]
    pub fn route(mut self, host: &str, port: u16) -> Self {
        self.routes.push((host.to_owned(), port));
        self
    }
}
