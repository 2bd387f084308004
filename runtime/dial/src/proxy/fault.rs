//! What a proxy said, or did not say, instead of opening a tunnel.

use std::fmt;

/// Why a proxy that was reached opened no tunnel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProxyFault {
    /// It wants a user name and password, and was told none.
    LoginMissing {
        /// The schemes that it takes, in its own words; empty for SOCKS5.
        schemes: Vec<String>,
    },
    /// It does not take the user name and password that it was told.
    LoginRefused {
        /// The schemes that it takes, in its own words; empty for SOCKS5.
        schemes: Vec<String>,
    },
    /// It answered CONNECT with another status than a success.
    Status(u16),
    /// It answered the SOCKS5 request with a failure.
    Socks(SocksReply),
    /// What it answered is not of the protocol that it was spoken to in.
    NotAProxy,
    /// It accepted the connection and did not answer in time.
    Silent,
    /// It accepted the connection and ended it without an answer.
    Closed,
}

/// A failure in a SOCKS5 reply: RFC 1928 section 6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SocksReply {
    /// 1.
    GeneralFailure,
    /// 2.
    NotAllowed,
    /// 3.
    NetworkUnreachable,
    /// 4.
    HostUnreachable,
    /// 5.
    ConnectionRefused,
    /// 6.
    TimeToLiveExpired,
    /// 7.
    CommandNotSupported,
    /// 8.
    AddressTypeNotSupported,
    /// Any other number.
    Unassigned,
}

impl SocksReply {
    /// The number of the reply; 0 for one that the RFC does not assign.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Unassigned => 0,
            Self::GeneralFailure => 1,
            Self::NotAllowed => 2,
            Self::NetworkUnreachable => 3,
            Self::HostUnreachable => 4,
            Self::ConnectionRefused => 5,
            Self::TimeToLiveExpired => 6,
            Self::CommandNotSupported => 7,
            Self::AddressTypeNotSupported => 8,
        }
    }

    /// Whether another address of the same name may fare better.
    pub(super) const fn is_about_the_address(self) -> bool {
        matches!(
            self,
            Self::NetworkUnreachable
                | Self::HostUnreachable
                | Self::ConnectionRefused
                | Self::TimeToLiveExpired
                | Self::AddressTypeNotSupported
        )
    }
}

impl ProxyFault {
    /// A stable name, as [`crate::Kind::code`].
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::LoginMissing { .. } => "proxy_login_missing",
            Self::LoginRefused { .. } => "proxy_login_refused",
            Self::Status(_) => "proxy_status",
            Self::Socks(_) => "proxy_socks_reply",
            Self::NotAProxy => "proxy_not_a_proxy",
            Self::Silent => "proxy_silent",
            Self::Closed => "proxy_closed",
        }
    }
}

impl fmt::Display for ProxyFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let by = |f: &mut fmt::Formatter<'_>, schemes: &[String]| match schemes {
            [] => Ok(()),
            schemes => write!(f, " (407, by {})", schemes.join(", ")),
        };
        match self {
            Self::LoginMissing { schemes } => {
                f.write_str("the proxy wants a user name and password")?;
                by(f, schemes)
            }
            Self::LoginRefused { schemes } => {
                f.write_str("the proxy does not accept the user name and password")?;
                by(f, schemes)
            }
            Self::Status(status) => write!(f, "the proxy answers {status} to CONNECT"),
            Self::Socks(SocksReply::Unassigned) => {
                f.write_str("the proxy refuses with a reply that SOCKS5 does not know")
            }
            Self::Socks(reply) => {
                let meaning = match reply {
                    SocksReply::GeneralFailure | SocksReply::Unassigned => "general failure",
                    SocksReply::NotAllowed => "its rules do not allow the connection",
                    SocksReply::NetworkUnreachable => "it has no route to the network",
                    SocksReply::HostUnreachable => "it cannot reach the host",
                    SocksReply::ConnectionRefused => "the host refused its connection",
                    SocksReply::TimeToLiveExpired => "its connection timed out",
                    SocksReply::CommandNotSupported => "it does not support CONNECT",
                    SocksReply::AddressTypeNotSupported => "it does not support this type of address",
                };
                write!(f, "the proxy answers SOCKS reply {}: {meaning}", reply.number())
            }
            Self::NotAProxy => f.write_str("what answers there is not a proxy of this kind"),
            Self::Silent => f.write_str("the proxy accepted the connection and opened no tunnel in time"),
            Self::Closed => f.write_str("the proxy closed the connection without an answer"),
        }
    }
}
