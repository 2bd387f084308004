//! The stream to the server: a socket, encrypted where it should be.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use connector_api::{ConnectDeadline, OpenContext, PathRules, Stage, StageReport, read_pem};
use connector_model::error::{Error, ErrorCode, Result};
use dial::{BoxedStream, CaCertificates, CheckedAddress, ClientIdentity, Destination, TlsOptions, Verify};
use secrecy::ExposeSecret;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::config::{Endpoint, Settings, SslMode};

/// `SSLRequest` (PostgreSQL documentation, section 55.7): length 8, code 80877103.
const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f];

/// A stream that startup can begin on.
pub(super) struct Wire {
    pub(super) stream: BoxedStream,
    /// The server's certificate, when the stream is encrypted.
    pub(super) certificate: Option<Vec<u8>>,
    pub(super) route: Route,
}

/// The very place a stream leads to, and how it is protected: a cancel request must go the same way.
#[derive(Clone)]
pub(crate) struct Route {
    place: Place,
    tls: Option<TlsOptions>,
}

#[derive(Clone)]
enum Place {
    Address(Destination, CheckedAddress),
    Socket(PathBuf),
}

/// Connects to one endpoint.
pub(super) async fn connect(
    cx: &OpenContext,
    settings: &Settings,
    endpoint: &Endpoint,
    by: ConnectDeadline,
) -> Result<Wire> {
    match endpoint {
        Endpoint::Tcp { host, port } => tcp(cx, settings, Destination::new(host.clone(), *port), by).await,
        Endpoint::Unix { folder, port } => unix(cx, folder, *port, by).await,
    }
}

async fn unix(cx: &OpenContext, folder: &str, port: u16, by: ConnectDeadline) -> Result<Wire> {
    let path = cx.paths.check(&Path::new(folder).join(format!(".s.PGSQL.{port}")))?;
    let started = Instant::now();
    let stream = by.run(&cx.call, Stage::Tcp, cx.dialer.connect_unix(&path, by.remaining())).await?;
    let stream = stream.map_err(|error| connector_api::unreachable::unreachable(&error))?;
    cx.passed(StageReport::new(Stage::Tcp, started.elapsed(), path.display().to_string()));
    Ok(Wire {
        stream: Box::new(stream),
        certificate: None,
        route: Route { place: Place::Socket(path), tls: None },
    })
}

async fn tcp(cx: &OpenContext, settings: &Settings, to: Destination, by: ConnectDeadline) -> Result<Wire> {
    let tls = tls_options(settings, &cx.paths).await?;
    let connected = cx.connect(&to, settings.ip_family, by.remaining()).await?;
    let place = Place::Address(to.clone(), connected.address);
    let Some(tls) = tls else {
        let stream = Box::new(connected.stream);
        return Ok(Wire { stream, certificate: None, route: Route { place, tls: None } });
    };
    let started = Instant::now();
    let mut stream = connected.stream;
    let answer = by.run(&cx.call, Stage::Tls, ask_for_tls(&mut stream)).await?;
    match answer.map_err(|error| broken(&to, &error))? {
        b'S' => {}
        b'N' if settings.ssl == SslMode::Prefer => {
            let warning =
                "the server offers no TLS: everything, the password's proof included, travels in clear";
            cx.passed(StageReport::new(Stage::Tls, started.elapsed(), "off").with_warning(warning));
            return Ok(Wire {
                stream: Box::new(stream),
                certificate: None,
                route: Route { place, tls: None },
            });
        }
        b'N' => {
            let message = format!(
                "{to}: the server offers no TLS, and `sslmode` asks for it; switch it on in the server, or set sslmode=disable if the network itself is trusted"
            );
            return Err(tls_failed(message, "tls_not_offered"));
        }
        _ => {
            return Err(tls_failed(
                format!("{to}: what answers does not speak PostgreSQL's protocol"),
                "not_postgres",
            ));
        }
    }
    let encrypting = cx.dialer.start_tls(stream, &to, &tls, by.remaining());
    let encrypted = by.run(&cx.call, Stage::Tls, encrypting).await?;
    let encrypted = encrypted.map_err(|error| connector_api::unreachable::unreachable(&error))?;
    let session = encrypted.session();
    let verified = match (session.verified(), tls.verify) {
        (true, Verify::Full) => "verified",
        (true, _) => "chain verified, name not checked",
        (false, _) => "encrypted, not verified",
    };
    let report =
        StageReport::new(Stage::Tls, started.elapsed(), format!("{}, {verified}", session.version()));
    cx.passed(match session.verified() {
        true => report,
        false => {
            report.with_warning("the server's certificate is not checked; sslmode=verify-full checks it")
        }
    });
    let certificate = Some(session.peer_certificate_der().to_vec());
    Ok(Wire { stream: Box::new(encrypted), certificate, route: Route { place, tls: Some(tls) } })
}

async fn ask_for_tls(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> std::io::Result<u8> {
    stream.write_all(&SSL_REQUEST).await?;
    stream.read_u8().await
}

fn broken(to: &Destination, error: &std::io::Error) -> Error {
    tls_failed(
        format!("{to}: the server ended the connection when asked for TLS"),
        dial::Kind::of_io(error).code(),
    )
}

fn tls_failed(message: String, kind: &str) -> Error {
    Error::new(ErrorCode::SourceUnreachable, message).with("stage", "tls").with("kind", kind)
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
        // With a CA given, libpq checks the chain also for `require` (documentation, section 34.19.1).
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
    /// A new stream to the same place, protected the same way.
    pub(super) async fn again(&self, dialer: &dial::Dialer, limit: Duration) -> Result<BoxedStream> {
        let failed = |error: dial::DialError| connector_api::unreachable::unreachable(&error);
        let (to, address) = match &self.place {
            Place::Socket(path) => {
                return Ok(Box::new(dialer.connect_unix(path, limit).await.map_err(&failed)?));
            }
            Place::Address(to, address) => (to, address),
        };
        let mut stream = dialer.connect_address(*address, limit).await.map_err(&failed)?;
        let Some(tls) = &self.tls else { return Ok(Box::new(stream)) };
        match ask_for_tls(&mut stream).await.map_err(|error| broken(to, &error))? {
            b'S' => Ok(Box::new(dialer.start_tls(stream, to, tls, limit).await.map_err(&failed)?)),
            _ => Err(tls_failed(
                format!("{to}: TLS was offered before and is not any more"),
                "tls_not_offered",
            )),
        }
    }
}
