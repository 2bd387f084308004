//! SOCKS5: RFC 1928, with the user name and password of RFC 1929.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio_socks::tcp::Socks5Stream;
use tokio_socks::{Error, TargetAddr};

use super::fault::{ProxyFault, SocksReply};
use super::login::Login;
use crate::kind::Kind;

/// Has the proxy open a tunnel to `target`.
pub(super) async fn open<S: AsyncRead + AsyncWrite + Unpin>(
    stream: S,
    target: TargetAddr<'_>,
    login: Option<&Login>,
) -> Result<S, Kind> {
    let opened = match login {
        None => Socks5Stream::connect_with_socket(stream, target).await,
        Some(login) => {
            let (user, password) = (login.user(), login.password());
            Socks5Stream::connect_with_password_and_socket(stream, target, user, password).await
        }
    };
    opened.map(Socks5Stream::into_inner).map_err(|error| kind(&error, login.is_some()))
}

fn kind(error: &Error, has_login: bool) -> Kind {
    let schemes = Vec::new;
    Kind::Proxy(match error {
        Error::Io(error) => match Kind::of_io(error) {
            Kind::Closed => ProxyFault::Closed,
            kind => return kind,
        },
        Error::NoAcceptableAuthMethods | Error::AuthorizationRequired if !has_login => {
            ProxyFault::LoginMissing { schemes: schemes() }
        }
        Error::NoAcceptableAuthMethods | Error::PasswordAuthFailure(_) => {
            ProxyFault::LoginRefused { schemes: schemes() }
        }
        Error::GeneralSocksServerFailure => ProxyFault::Socks(SocksReply::GeneralFailure),
        Error::ConnectionNotAllowedByRuleset => ProxyFault::Socks(SocksReply::NotAllowed),
        Error::NetworkUnreachable => ProxyFault::Socks(SocksReply::NetworkUnreachable),
        Error::HostUnreachable => ProxyFault::Socks(SocksReply::HostUnreachable),
        Error::ConnectionRefused => ProxyFault::Socks(SocksReply::ConnectionRefused),
        Error::TtlExpired => ProxyFault::Socks(SocksReply::TimeToLiveExpired),
        Error::CommandNotSupported => ProxyFault::Socks(SocksReply::CommandNotSupported),
        Error::AddressTypeNotSupported => ProxyFault::Socks(SocksReply::AddressTypeNotSupported),
        // The library's word for a reply of 9 and above, and for a method that nobody offered.
        Error::UnknownAuthMethod => ProxyFault::Socks(SocksReply::Unassigned),
        _ => ProxyFault::NotAProxy,
    })
}
