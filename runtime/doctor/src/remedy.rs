//! What to do about a failure: by stage, portable kind and native code, never by the text.

use connector_model::error::{Error, ErrorCode};
use dial::{DialError, Kind, Stage};

use crate::gateway::Gateway;
use crate::proxy_remedy;

/// What to do when the gateway wants to see a certificate.
pub const CLIENT_CERTIFICATE: &str =
    "the gateway asks for a client certificate: set --client-cert and --client-key to one that it knows";

/// What to do when the gateway cannot be reached.
pub fn of_gateway_dial(error: &DialError, gateway: &Gateway) -> Option<String> {
    if error.stage() == Stage::Proxy {
        return proxy_remedy::of_proxy(error, gateway.proxy_from.as_deref().unwrap_or("--proxy"));
    }
    let fixed = match error.kind() {
        Kind::TimedOut if error.stage() != Stage::Dns => return Some(no_answer(gateway)),
        Kind::TimedOut | Kind::ResolverFailed => {
            "no name server answers: check this machine's (or container's) DNS, and that it may be asked over port 53"
        }
        Kind::InvalidHost | Kind::NameNotFound | Kind::NoAddress if error.proxy().is_some() => {
            "a socks5:// proxy is given the gateway's address, which this machine's DNS does not know: write socks5h://, and the proxy looks the name up"
        }
        Kind::InvalidHost | Kind::NameNotFound | Kind::NoAddress => {
            "check the host in SEMILAYER_GATEWAY_URL; if it is right, this machine's DNS does not know it"
        }
        Kind::Refused => {
            "nothing accepts connections there: check host and port of SEMILAYER_GATEWAY_URL, and that the gateway is running"
        }
        Kind::Unreachable => {
            "there is no route to the address: check this machine's network, or its subnet's way out"
        }
        Kind::Forbidden => {
            "a rule on this machine forbids the connection: check its firewall or the container's network policy"
        }
        Kind::LocalLimit => {
            "this machine is short of file descriptors, ports or memory: raise the limit or end what holds them"
        }
        Kind::CertificateUnknownIssuer => {
            "if the issuer shown is your company's proxy or own authority, set NODE_EXTRA_CA_CERTS (or --ca-file) to a PEM file with its certificate"
        }
        Kind::CertificateExpired => {
            "the gateway's certificate has to be renewed; compare this machine's clock as well"
        }
        Kind::CertificateNotYetValid => "this machine's clock is probably behind: set it (NTP)",
        Kind::CertificateNameMismatch { .. } => {
            "the host in SEMILAYER_GATEWAY_URL must be one of the names in the certificate; if those are another site's, something in between answers in its place"
        }
        Kind::ClientCertificate { .. } => CLIENT_CERTIFICATE,
        Kind::NotTls => {
            "what answers does not speak TLS: wss:// needs the gateway's TLS port, ws:// its plain one"
        }
        Kind::Closed | Kind::HandshakeFailed { .. } => {
            "a firewall or proxy between here and the gateway may end TLS connections that it cannot read; ask for an exception for this host"
        }
        Kind::CertificateOther { .. }
        | Kind::NotAllowed(_)
        | Kind::SocketMissing
        | Kind::Proxy(_)
        | Kind::Other { .. } => return None,
    };
    Some(fixed.to_owned())
}

/// What to do when nothing comes back.
pub fn no_answer(gateway: &Gateway) -> String {
    let url = gateway.settings.gateway();
    let (host, port) = (url.host(), url.port());
    match gateway.connect.proxy() {
        None => format!(
            "packets are dropped on the way: the outbound firewall (or security group) must allow TCP {port} to {host}; where only a proxy leads out, set HTTPS_PROXY"
        ),
        Some(_) => format!(
            "the proxy opened a tunnel and nothing comes back through it: whoever runs it has to see whether it reaches {host} on TCP {port}"
        ),
    }
}

/// What to do when there is a connection and no answer.
pub fn silent(gateway: &Gateway) -> String {
    format!(
        "something accepts the connection and does not answer: check that the gateway is well, and host and port of {}",
        gateway.settings.gateway()
    )
}

/// What to do about a source that does not open.
pub fn of_source(error: &Error) -> Option<&'static str> {
    let text = |key: &str| error.detail().get(key).and_then(|value| value.as_str());
    let by_native = text("nativeCode").and_then(of_sqlstate);
    by_native
        .or_else(|| text("kind").and_then(|kind| of_kind(kind, text("stage"))))
        .or_else(|| of_code(error.code()))
}

/// PostgreSQL documentation, appendix A; the PostgreSQL relatives use the same codes.
fn of_sqlstate(code: &str) -> Option<&'static str> {
    Some(match code {
        "28P01" => {
            "the server does not accept this user with this password: compare both, and mind that characters like @ : / ? in a URL's password have to be percent-encoded"
        }
        "28000" => {
            "pg_hba.conf has no entry that lets this user in from this host (both are in the message): add one, or ask for the way of connecting that it does allow (often TLS: sslmode=require)"
        }
        "3D000" => {
            "the database does not exist on that server: check the name at the end of the URL (`database`)"
        }
        "53300" => {
            "the server has no connection left: lower this source's POOL__MAX, raise max_connections, or put a pooler before it"
        }
        "42501" => {
            "the login may connect and not read: grant it CONNECT, USAGE on the schema and SELECT on its tables"
        }
        "57P03" => "the server is starting or shutting down: try again in a moment",
        _ => return None,
    })
}

fn of_kind(kind: &str, stage: Option<&str>) -> Option<&'static str> {
    Some(match kind {
        "name_not_found" | "no_address" | "invalid_host" => {
            "check the host's spelling; inside a container it must be a name that the container's DNS knows (localhost there is the container itself)"
        }
        "resolver_failed" => "no name server answers: check this machine's (or container's) DNS",
        "refused" => {
            "nothing accepts connections there: check the port, that the server runs, and that it listens on this address and not only on its own localhost"
        }
        "timed_out" | "timeout" if stage == Some("dns") => {
            "no name server answers: check this machine's (or container's) DNS"
        }
        "timed_out" | "timeout" if stage == Some("tcp") => {
            "packets are dropped on the way: the server's firewall or security group must allow this machine"
        }
        "timed_out" | "timeout" => {
            "the server accepted the connection and then said nothing: it may be overloaded, or something else may listen there"
        }
        "unreachable" => {
            "there is no route to the address: check that this machine is in the right network (VPC, VPN, peering)"
        }
        "forbidden" => {
            "a rule on this machine forbids it: check its firewall, network policy, or the socket's rights"
        }
        "socket_missing" => "there is no such socket: check the folder and that the server is running",
        "local_limit" => {
            "this machine is short of file descriptors, ports or memory: raise the limit or end what holds them"
        }
        "certificate_unknown_issuer" => {
            "give the authority that signed the certificate (its issuer is in the message) as SSLROOTCERT: PEM text or the path of a PEM file"
        }
        "certificate_name_mismatch" => {
            "connect by a name that is in the certificate, or use sslmode=verify-ca if the name cannot be right"
        }
        "certificate_expired" => {
            "the server's certificate has to be renewed; compare this machine's clock as well"
        }
        "certificate_not_yet_valid" => "this machine's clock is probably behind: set it (NTP)",
        "client_certificate" => {
            "the server asks for a client certificate that it knows: set SSLCERT and SSLKEY"
        }
        "not_tls" | "not_postgres" => "check the port: another kind of server answers there",
        "closed" if stage == Some("tls") => {
            "the server ended the connection when TLS began: check the port and the server's TLS set-up"
        }
        _ => return None,
    })
}

fn of_code(code: ErrorCode) -> Option<&'static str> {
    match code {
        ErrorCode::SourceAuthFailed => Some("check the user, the password and the database's name"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(stage: &str, kind: &str) -> Option<&'static str> {
        of_source(&Error::new(ErrorCode::SourceUnreachable, "x").with("stage", stage).with("kind", kind))
    }

    fn refused(code: ErrorCode, native: &str) -> Option<&'static str> {
        of_source(&Error::native(code, "x", native).with("stage", "auth"))
    }

    #[test]
    fn every_published_cause_has_its_own_remedy() {
        let remedies = [
            source("tcp", "refused"),
            source("tcp", "timed_out"),
            source("dns", "name_not_found"),
            source("tls", "certificate_name_mismatch"),
            source("tls", "certificate_unknown_issuer"),
            refused(ErrorCode::SourceAuthFailed, "28P01"),
            refused(ErrorCode::SourceAuthFailed, "28000"),
            refused(ErrorCode::SourceAuthFailed, "3D000"),
            refused(ErrorCode::SourceUnreachable, "53300"),
        ];
        let mut distinct: Vec<&str> = remedies.iter().map(|remedy| remedy.expect("no remedy")).collect();
        distinct.sort_unstable();
        distinct.dedup();
        assert_eq!(distinct.len(), remedies.len());
    }

    #[test]
    fn the_text_of_an_error_decides_nothing() {
        let misleading = Error::new(ErrorCode::SourceQueryFailed, "connection refused 28P01");
        assert_eq!(of_source(&misleading), None);
        assert!(refused(ErrorCode::SourceAuthFailed, "XX000").unwrap().starts_with("check the user"));
    }
}
