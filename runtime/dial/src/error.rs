//! The one error of this crate: which stage failed, why, where, and after how long.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::destination::Destination;
use crate::kind::Kind;
use crate::tls::PresentedCertificate;

/// The part of making a connection in which something failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Stage {
    /// Turning the name into addresses.
    Dns,
    /// Deciding whether the name and its addresses may be used.
    Policy,
    /// Reaching the peer (TCP, or a Unix socket).
    Tcp,
    /// Encrypting, and checking the certificate.
    Tls,
}

impl Stage {
    /// The stage's stable name: `dns`, `policy`, `tcp` or `tls`.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Dns => "dns",
            Self::Policy => "policy",
            Self::Tcp => "tcp",
            Self::Tls => "tls",
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One address that was tried and failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The address.
    pub address: SocketAddr,
    /// Why it failed.
    pub kind: Kind,
    /// How long the attempt took.
    pub elapsed: Duration,
}

/// A connection that could not be made.
///
/// `Display` is one line for a person; it names the stage's finding, the host, and the address where there
/// is one. It never contains a secret, since this crate is given none but private keys, which it never shows.
#[derive(Debug, Clone)]
pub struct DialError(Box<Failure>);

#[derive(Debug, Clone)]
struct Failure {
    stage: Stage,
    kind: Kind,
    target: Target,
    address: Option<SocketAddr>,
    elapsed: Duration,
    attempts: Vec<Attempt>,
    dns: Option<Duration>,
    certificate: Option<PresentedCertificate>,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

#[derive(Debug, Clone)]
enum Target {
    Network(Destination),
    Unix(String),
}

impl DialError {
    pub(crate) fn new(stage: Stage, kind: Kind, destination: &Destination, elapsed: Duration) -> Self {
        Self::at(stage, kind, Target::Network(destination.clone()), elapsed)
    }

    pub(crate) fn unix(kind: Kind, path: &std::path::Path, elapsed: Duration) -> Self {
        Self::at(Stage::Tcp, kind, Target::Unix(crate::tls::printable(&path.to_string_lossy())), elapsed)
    }

    fn at(stage: Stage, kind: Kind, target: Target, elapsed: Duration) -> Self {
        Self(Box::new(Failure {
            stage,
            kind,
            target,
            address: None,
            elapsed,
            attempts: Vec::new(),
            dns: None,
            certificate: None,
            source: None,
        }))
    }

    pub(crate) fn with_address(mut self, address: Option<SocketAddr>) -> Self {
        self.0.address = address;
        self
    }

    pub(crate) fn with_attempts(mut self, attempts: Vec<Attempt>) -> Self {
        self.0.attempts = attempts;
        self
    }

    pub(crate) fn with_dns(mut self, elapsed: Duration) -> Self {
        self.0.dns = Some(elapsed);
        self
    }

    pub(crate) fn with_certificate(mut self, certificate: Option<PresentedCertificate>) -> Self {
        self.0.certificate = certificate;
        self
    }

    pub(crate) fn with_source(mut self, source: impl Error + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self
    }

    /// The stage that failed.
    #[must_use]
    pub fn stage(&self) -> Stage {
        self.0.stage
    }

    /// Why it failed.
    #[must_use]
    pub fn kind(&self) -> &Kind {
        &self.0.kind
    }

    /// Where the connection was to go; none for a Unix socket.
    #[must_use]
    pub fn destination(&self) -> Option<&Destination> {
        match &self.0.target {
            Target::Network(destination) => Some(destination),
            Target::Unix(_) => None,
        }
    }

    /// The address in question, once there is one.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        self.0.address
    }

    /// How long it took until the failure, counted from the start of the call that failed.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed
    }

    /// How long the name took, where it had addresses and what failed came after.
    #[must_use]
    pub fn dns(&self) -> Option<Duration> {
        self.0.dns
    }

    /// Every address that was tried and failed, in the order of their failures.
    #[must_use]
    pub fn attempts(&self) -> &[Attempt] {
        &self.0.attempts
    }

    /// The certificate that the peer presented, when the TLS stage got as far as seeing it.
    #[must_use]
    pub fn certificate(&self) -> Option<&PresentedCertificate> {
        self.0.certificate.as_ref()
    }
}

impl Error for DialError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source.as_ref().map(|source| source.as_ref() as &(dyn Error + 'static))
    }
}

impl fmt::Display for DialError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failure = &*self.0;
        self.write_place(f)?;
        f.write_str(": ")?;
        self.write_finding(f)?;
        if failure.attempts.len() > 1 {
            write!(f, " ({} addresses tried)", failure.attempts.len())?;
        }
        match &failure.certificate {
            Some(certificate) => write!(f, "; certificate presented: {certificate}"),
            None => Ok(()),
        }
    }
}

impl DialError {
    fn write_place(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0.target {
            Target::Unix(path) => f.write_str(path),
            Target::Network(destination) => {
                write!(f, "{destination}")?;
                match self.0.address {
                    Some(address) if destination.literal() != Some(address.ip()) => write!(f, " ({address})"),
                    _ => Ok(()),
                }
            }
        }
    }

    fn write_finding(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = self.0.stage;
        match &self.0.kind {
            Kind::InvalidHost => f.write_str("not a valid host name or address"),
            Kind::NameNotFound => f.write_str("the name does not exist"),
            Kind::NoAddress => f.write_str("the name has no address of the family asked for"),
            Kind::ResolverFailed => f.write_str("the name could not be looked up, the resolver failed"),
            Kind::NotAllowed(refusal) => write!(f, "not allowed, {refusal}"),
            Kind::Refused => f.write_str("connection refused"),
            Kind::TimedOut => write!(f, "no answer within {} ms ({stage})", self.0.elapsed.as_millis()),
            Kind::Unreachable => f.write_str("no route to the address"),
            Kind::Closed if stage == Stage::Tls => {
                f.write_str("the peer closed the connection during the TLS handshake")
            }
            Kind::Closed => f.write_str("the peer closed the connection"),
            Kind::SocketMissing => f.write_str("the socket does not exist"),
            Kind::Forbidden => f.write_str("this machine does not permit the connection"),
            Kind::LocalLimit => f.write_str("this machine is out of file descriptors, ports or memory"),
            Kind::CertificateUnknownIssuer => {
                f.write_str("the certificate is signed by no trusted authority")
            }
            Kind::CertificateExpired => f.write_str("the certificate has expired"),
            Kind::CertificateNotYetValid => f.write_str("the certificate is not valid yet"),
            Kind::CertificateNameMismatch { expected, presented } if presented.is_empty() => {
                write!(f, "the certificate is not for {expected}: it has no subjectAltName")
            }
            Kind::CertificateNameMismatch { expected, .. } => {
                write!(f, "the certificate is not for {expected}")
            }
            Kind::CertificateOther { detail } => write!(f, "the certificate is not usable: {detail}"),
            Kind::ClientCertificate { alert } => {
                write!(f, "the peer wants a client certificate that it accepts (alert {alert})")
            }
            Kind::NotTls => f.write_str("the peer does not speak TLS"),
            Kind::HandshakeFailed { detail } => write!(f, "TLS handshake failed: {detail}"),
            Kind::Other { kind, os_error: Some(number) } => write!(f, "{kind} (os error {number})"),
            Kind::Other { kind, os_error: None } => write!(f, "{kind}"),
        }
    }
}
