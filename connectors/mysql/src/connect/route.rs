//! The way to the server: a socket, the server's greeting, TLS where it should be.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use connector_api::unreachable::unreachable;
use connector_api::{ConnectDeadline, OpenContext, PathRules, Stage, StageReport, read_pem};
use connector_model::error::{Error, ErrorCode, Result};
use dial::{
    BoxedStream, CaCertificates, CheckedAddress, ClientIdentity, Destination, Dialer, TlsOptions, Verify,
};
use secrecy::ExposeSecret;

use crate::config::{Endpoint, Settings, SslMode};
use crate::error::failed;
use crate::wire::{Failure, Greeting, Packets, Secrecy, request_tls};

/// A connection that a login can begin on.
pub(super) struct Greeted {
    pub(super) packets: Packets,
    pub(super) greeting: Greeting,
    pub(super) secrecy: Secrecy,
    pub(super) encrypted: bool,
}

/// The very place a connection leads to, and how it is protected: whoever stops its statements must go the same way.
#[derive(Clone)]
pub(super) struct Route {
    place: Place,
    tls: Option<TlsOptions>,
    /// Whether logins name a database.
    database: bool,
}

#[derive(Clone)]
enum Place {
    Address(Destination, CheckedAddress),
    Socket(PathBuf),
}

/// Connects, waits for the greeting, and encrypts.
pub(super) async fn connect(
    cx: &OpenContext,
    settings: &Settings,
    by: ConnectDeadline,
) -> Result<(Greeted, Route)> {
    match &settings.endpoint {
        Endpoint::Tcp { host, port } => tcp(cx, settings, Destination::new(host.clone(), *port), by).await,
        Endpoint::Unix(path) => unix(cx, settings, path, by).await,
    }
}

async fn unix(
    cx: &OpenContext,
    settings: &Settings,
    path: &str,
    by: ConnectDeadline,
) -> Result<(Greeted, Route)> {
    let path = cx.paths.check(Path::new(path))?;
    let database = settings.database.is_some();
    let started = Instant::now();
    let stream = by.run(&cx.call, Stage::Tcp, cx.dialer.connect_unix(&path, by.remaining())).await?;
    let stream = Box::new(stream.map_err(|error| unreachable(&error))?);
    cx.passed(StageReport::new(Stage::Tcp, started.elapsed(), path.display().to_string()));
    let greeted = by.run(&cx.call, Stage::Auth, greet_in_clear(stream, Secrecy::Trusted)).await??;
    Ok((greeted, Route { place: Place::Socket(path), tls: None, database }))
}

async fn tcp(
    cx: &OpenContext,
    settings: &Settings,
    to: Destination,
    by: ConnectDeadline,
) -> Result<(Greeted, Route)> {
    let mut tls = tls_options(settings, &cx.paths).await?;
    let connected = cx.connect(&to, settings.family, by.remaining()).await?;
    let place = Place::Address(to.clone(), connected.address);
    let database = settings.database.is_some();
    let started = Instant::now();
    let stream: BoxedStream = Box::new(connected.stream);
    let mut greeted = by.run(&cx.call, Stage::Auth, greet_in_clear(stream, Secrecy::Open)).await??;
    if let Some(options) = &tls
        && greeted.greeting.offers_tls()
    {
        let encrypting = encrypt(&cx.dialer, greeted, &to, options, database, by.remaining());
        let (encrypted, version) = by.run(&cx.call, Stage::Tls, encrypting).await??;
        greeted = encrypted;
        cx.passed(report(started.elapsed(), &version, greeted.secrecy, options.verify));
        return Ok((greeted, Route { place, tls, database }));
    }
    match settings.ssl {
        SslMode::Disable => {}
        SslMode::Prefer => {
            let warning =
                "the server offers no TLS: everything, the password's proof included, travels in clear";
            cx.passed(StageReport::new(Stage::Tls, started.elapsed(), "off").with_warning(warning));
        }
        SslMode::Require | SslMode::VerifyCa | SslMode::VerifyFull => return Err(not_offered(&to)),
    }
    tls = None;
    Ok((greeted, Route { place, tls, database }))
}

fn report(elapsed: Duration, version: &str, secrecy: Secrecy, verify: Verify) -> StageReport {
    let verified = match (secrecy, verify) {
        (Secrecy::Trusted, Verify::Full) => "verified",
        (Secrecy::Trusted, _) => "chain verified, name not checked",
        _ => "encrypted, not verified",
    };
    let report = StageReport::new(Stage::Tls, elapsed, format!("{version}, {verified}"));
    match secrecy {
        Secrecy::Trusted => report,
        _ => report.with_warning("the server's certificate is not checked; sslmode=verify-full checks it"),
    }
}

fn not_offered(to: &Destination) -> Error {
    let message = format!(
        "{to}: the server offers no TLS, and `sslmode` asks for it; switch it on in the server, or set sslmode=disable if the network itself is trusted"
    );
    Error::new(ErrorCode::SourceUnreachable, message).with("stage", "tls").with("kind", "tls_not_offered")
}

/// Waits for the server's first words.
async fn greet_in_clear(stream: BoxedStream, secrecy: Secrecy) -> Result<Greeted> {
    let mut packets = Packets::new(stream);
    let greeting = Greeting::read(&mut packets).await.map_err(|failure| failed(&failure, Stage::Auth))?;
    Ok(Greeted { packets, greeting, secrecy, encrypted: false })
}

/// Encrypts; also tells the TLS version.
async fn encrypt(
    dialer: &Dialer,
    greeted: Greeted,
    to: &Destination,
    options: &TlsOptions,
    database: bool,
    limit: Duration,
) -> Result<(Greeted, String)> {
    let Greeted { mut packets, greeting, .. } = greeted;
    let broken = |failure: Failure| failed(&failure, Stage::Tls);
    request_tls(&mut packets, &greeting, database).await.map_err(broken)?;
    let (stream, sequence) = packets.part().map_err(broken)?;
    let encrypted =
        dialer.start_tls(stream, to, options, limit).await.map_err(|error| unreachable(&error))?;
    let session = encrypted.session();
    let version = session.version().to_string();
    let secrecy = if knows_the_server(options) { Secrecy::Trusted } else { Secrecy::Encrypted };
    let packets = Packets::resumed(Box::new(encrypted), sequence);
    Ok((Greeted { packets, greeting, secrecy, encrypted: true }, version))
}

/// Whether a handshake with these options tells this server from every other: by its name, or because nobody but its
/// owner's own authority could have vouched for it. A public authority vouches for anybody under some name.
fn knows_the_server(options: &TlsOptions) -> bool {
    match options.verify {
        Verify::Full => true,
        Verify::Chain => options.authorities.is_some(),
        Verify::None => false,
    }
}

/// How TLS is to be spoken; `None` when it is not.
async fn tls_options(settings: &Settings, paths: &PathRules) -> Result<Option<TlsOptions>> {
    let authorities = match &settings.root_certificate {
        Some(root) => {
            let parsed = CaCertificates::from_pem(&read_pem("sslrootcert", root, paths).await?);
            Some(parsed.map_err(|error| Error::config("sslrootcert", error))?)
        }
        None => None,
    };
    let verify = match (settings.ssl, &authorities) {
        (SslMode::Disable, _) => return Ok(None),
        (SslMode::VerifyFull, _) => Verify::Full,
        // With a CA given, `require` checks the chain, as it does for the runner's other sources.
        (SslMode::VerifyCa, _) | (SslMode::Require, Some(_)) => Verify::Chain,
        (SslMode::Require | SslMode::Prefer, _) => Verify::None,
    };
    let identity = match (&settings.client_certificate, &settings.client_key) {
        (Some(certificate), Some(key)) => {
            let chain = read_pem("sslcert", certificate, paths).await?;
            let key = read_pem("sslkey", key.expose_secret(), paths).await?;
            let identity = ClientIdentity::from_pem(&chain, &key);
            Some(identity.map_err(|error| Error::config("sslcert", error))?)
        }
        (None, None) => None,
        (Some(_), None) => return Err(Error::config("sslkey", "is not set, but `sslcert` is")),
        (None, Some(_)) => return Err(Error::config("sslcert", "is not set, but `sslkey` is")),
    };
    Ok(Some(TlsOptions { verify, authorities, identity, ..TlsOptions::default() }))
}

impl Route {
    /// A new connection to the same place, protected the same way. Dialling and the TLS handshake may take `limit` each,
    /// the greeting any time.
    pub(super) async fn again(&self, dialer: &Dialer, limit: Duration) -> Result<Greeted> {
        let (to, address) = match &self.place {
            Place::Socket(path) => {
                let stream = dialer.connect_unix(path, limit).await.map_err(|error| unreachable(&error))?;
                return greet_in_clear(Box::new(stream), Secrecy::Trusted).await;
            }
            Place::Address(to, address) => (to, address),
        };
        let stream = dialer.connect_address(*address, limit).await.map_err(|error| unreachable(&error))?;
        let greeted = greet_in_clear(Box::new(stream), Secrecy::Open).await?;
        match &self.tls {
            None => Ok(greeted),
            Some(_) if !greeted.greeting.offers_tls() => Err(not_offered(to)),
            Some(options) => {
                let encrypting = encrypt(dialer, greeted, to, options, self.database, limit);
                encrypting.await.map(|(encrypted, _)| encrypted)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_named_server_or_one_of_the_owners_authority_is_known() {
        let own = || CaCertificates::from_pem(b"").ok();
        let with = |verify, authorities| TlsOptions { verify, authorities, ..TlsOptions::default() };
        assert!(knows_the_server(&with(Verify::Full, None)));
        assert!(!knows_the_server(&with(Verify::Chain, None)), "a public authority, any name");
        assert!(
            !knows_the_server(&with(Verify::None, None)) && !knows_the_server(&with(Verify::None, own()))
        );
    }
}
