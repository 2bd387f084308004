//! What to do about a proxy that opens no tunnel.

use dial::{DialError, Kind, ProxyFault, SocksReply};

/// What to do about a failure of the stage `proxy`. `from` is the flag, variable or entry that names the proxy.
pub(crate) fn of_proxy(error: &DialError, from: &str) -> Option<String> {
    let target = error.destination().map(ToString::to_string).unwrap_or_default();
    Some(match error.kind() {
        Kind::Proxy(fault) => of_fault(fault, from, &target),
        Kind::InvalidHost | Kind::NameNotFound | Kind::NoAddress => {
            format!("check the proxy's host in {from}; if it is right, this machine's DNS does not know it")
        }
        Kind::ResolverFailed => {
            "no name server answers: check this machine's (or container's) DNS, and that it may be asked over port 53"
                .to_owned()
        }
        Kind::Refused => {
            format!("nothing accepts connections there: check the proxy's host and port in {from}, and that the proxy is running")
        }
        Kind::TimedOut => {
            format!("packets to the proxy are dropped: this machine's firewall (or security group) must allow it to reach the proxy that {from} names")
        }
        Kind::Unreachable => {
            format!("there is no route to the proxy: check this machine's network, and the proxy's host in {from}")
        }
        Kind::Closed | Kind::NotTls => {
            format!("the proxy does not speak TLS itself: write http:// in {from}")
        }
        Kind::CertificateUnknownIssuer => {
            "give the authority that signed the proxy's own certificate (its issuer is in the message) as --ca-file or NODE_EXTRA_CA_CERTS"
                .to_owned()
        }
        Kind::CertificateNameMismatch { .. } => {
            format!("name the proxy in {from} by a name that is in its certificate")
        }
        Kind::CertificateExpired | Kind::CertificateNotYetValid => {
            "the proxy's own certificate has to be renewed; compare this machine's clock as well".to_owned()
        }
        _ => return None,
    })
}

fn of_fault(fault: &ProxyFault, from: &str, target: &str) -> String {
    match fault {
        ProxyFault::LoginMissing { schemes } | ProxyFault::LoginRefused { schemes }
            if !takes_basic(schemes) =>
        {
            format!(
                "the proxy takes {} only, and Basic is what is spoken here: have it let this machine through to {target} without a login, or name in {from} a proxy of this machine that speaks it",
                schemes.join(", ")
            )
        }
        ProxyFault::LoginMissing { .. } => format!(
            "set user name and password in {from}, like http://user:password@host:port; characters such as @ : / in them are percent-encoded"
        ),
        ProxyFault::LoginRefused { .. } => format!(
            "compare user name and password in {from} with those of the proxy; characters such as @ : / in them are percent-encoded"
        ),
        ProxyFault::Status(403) | ProxyFault::Socks(SocksReply::NotAllowed) => {
            format!(
                "the proxy's rules forbid it: whoever runs the proxy must allow tunnels (CONNECT) to {target}"
            )
        }
        ProxyFault::Status(502..=504)
        | ProxyFault::Socks(
            SocksReply::NetworkUnreachable
            | SocksReply::HostUnreachable
            | SocksReply::ConnectionRefused
            | SocksReply::TimeToLiveExpired,
        ) => format!(
            "the proxy works and does not reach {target}: check host and port of SEMILAYER_GATEWAY_URL; if they are right, whoever runs the proxy has to see why"
        ),
        ProxyFault::Socks(SocksReply::AddressTypeNotSupported) => format!(
            "write socks5h:// in {from} for a proxy that takes names, socks5:// for one that takes addresses only"
        ),
        ProxyFault::Status(_) | ProxyFault::Socks(_) => format!(
            "whoever runs the proxy has to see why it opens no tunnel (CONNECT) to {target}; its log says more"
        ),
        ProxyFault::NotAProxy => format!(
            "check host, port and scheme in {from}: http:// for an HTTP proxy, https:// for one that is itself reached over TLS, socks5:// or socks5h:// for SOCKS"
        ),
        ProxyFault::Silent => format!(
            "the proxy is there and probably cannot reach {target}: whoever runs it must allow the connection; check the scheme in {from} as well"
        ),
        ProxyFault::Closed => format!(
            "the proxy hangs up on this machine: its rules may not know it, or {from} has another kind of proxy's scheme"
        ),
    }
}

/// SOCKS5 names no schemes: it asks for what is spoken here, or for nothing that is.
fn takes_basic(schemes: &[String]) -> bool {
    schemes.is_empty() || schemes.iter().any(|scheme| scheme.eq_ignore_ascii_case("basic"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_login_names_where_to_set_it_unless_it_could_not_be_used() {
        let missing = |schemes: &[&str]| {
            let schemes = schemes.iter().map(ToString::to_string).collect();
            of_fault(&ProxyFault::LoginMissing { schemes }, "HTTPS_PROXY", "g:443")
        };
        for schemes in [&[][..], &["Basic"], &["Negotiate", "basic"]] {
            assert!(missing(schemes).starts_with("set user name and password in HTTPS_PROXY"), "{schemes:?}");
        }
        assert!(missing(&["Negotiate", "NTLM"]).starts_with("the proxy takes Negotiate, NTLM only"));
    }
}
