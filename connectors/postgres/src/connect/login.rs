//! Startup and authentication on an open stream.

use std::time::Instant;

use aws_lc_rs::digest;
use connector_api::{ConnectDeadline, OpenContext, Stage, StageReport};
use connector_model::error::{Error, ErrorCode, Result};
use secrecy::ExposeSecret;
use tokio::task::JoinHandle;
use tokio_postgres::config::{SslMode as LibrarySslMode, SslNegotiation};
use tokio_postgres::{Client, Config};

use super::cancel::CancelRoute;
use super::established::Established;
use super::probe::{Probe, probe};
use super::wire::{Wire, connect};
use crate::config::{Endpoint, Settings, Wanted};
use crate::family::Family;

/// A connection that is logged in.
pub(crate) struct Login {
    pub(crate) client: Client,
    pub(crate) connection: Connection,
    pub(crate) cancel: CancelRoute,
    pub(crate) probe: Probe,
    /// When the session has to be ready.
    pub(crate) by: ConnectDeadline,
}

/// The task that moves the connection's bytes. It ends with this handle: a dropped client alone would live on while
/// responses are pending.
pub(crate) struct Connection(JoinHandle<()>);

impl Drop for Connection {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Connects to the first endpoint that answers and has the role that is wanted.
///
/// # Errors
/// What the last endpoint answered.
pub(crate) async fn open(cx: &OpenContext, family: &Family, settings: &Settings) -> Result<Login> {
    let passes: &[Wanted] = match settings.wanted {
        Wanted::PreferStandby => &[Wanted::Standby, Wanted::Any],
        Wanted::Any => &[Wanted::Any],
        Wanted::ReadWrite => &[Wanted::ReadWrite],
        Wanted::ReadOnly => &[Wanted::ReadOnly],
        Wanted::Primary => &[Wanted::Primary],
        Wanted::Standby => &[Wanted::Standby],
    };
    let mut last = Error::config("host", "is not set");
    let mut left = u32::try_from(passes.len() * settings.endpoints.len()).unwrap_or(u32::MAX);
    for wanted in passes {
        for endpoint in &settings.endpoints {
            // A silent server must leave the ones after it their share of the time.
            let share = cx.call.remaining() / left.max(1);
            left = left.saturating_sub(1);
            // Each server has the time, as for libpq.
            let by = ConnectDeadline::after(settings.connect_timeout.min(share));
            match attempt(cx, family, settings, endpoint, by).await {
                Ok(login) if login.probe.has_role(*wanted) => return Ok(login),
                Ok(_) => last = wrong_role(*wanted),
                Err(error) => last = error,
            }
            if cx.call.check().is_err() {
                // What the last attempt ended with says where it was.
                return Err(last);
            }
        }
    }
    Err(last)
}

/// One server, within its share of the time.
async fn attempt(
    cx: &OpenContext,
    family: &Family,
    settings: &Settings,
    endpoint: &Endpoint,
    by: ConnectDeadline,
) -> Result<Login> {
    let always_pooled = settings.always_pooled || family.pools(endpoint);
    let wire = connect(cx, settings, endpoint, by).await?;
    login(cx, settings, always_pooled, wire, by).await
}

fn wrong_role(wanted: Wanted) -> Error {
    let message = format!("no server of the list is what `targetSessionAttrs` asks for ({wanted:?})");
    Error::new(ErrorCode::SourceUnreachable, message).with("stage", Stage::Query.as_str())
}

async fn login(
    cx: &OpenContext,
    settings: &Settings,
    always_pooled: bool,
    wire: Wire,
    by: ConnectDeadline,
) -> Result<Login> {
    let started = Instant::now();
    let encrypted = wire.certificate.is_some();
    let established = Established { binding: wire.certificate.as_deref().and_then(end_point_digest) };
    let mut config = Config::new();
    config
        .user(&settings.user)
        .dbname(&settings.database)
        .application_name(&*cx.application)
        .channel_binding(settings.channel_binding)
        // The stream is encrypted already; "direct" says that no further SSLRequest is to be sent.
        .ssl_mode(if encrypted { LibrarySslMode::Require } else { LibrarySslMode::Disable })
        .ssl_negotiation(if encrypted { SslNegotiation::Direct } else { SslNegotiation::Postgres });
    if let Some(password) = &settings.password {
        config.password(password.expose_secret());
    }
    let startup = by.run(&cx.call, Stage::Auth, config.connect_raw(wire.stream, established)).await?;
    let (client, connection) = startup.map_err(|error| refused(&error, settings))?;
    let connection = Connection(tokio::spawn(async move {
        // What ends a connection is told to whoever waits for a response on it.
        let _ = connection.await;
    }));
    cx.passed(StageReport::new(Stage::Auth, started.elapsed(), format!("user {}", settings.user)));
    let started = Instant::now();
    let token = client.cancel_token();
    let probe = by.run(&cx.call, Stage::Query, probe(&client, &token, always_pooled)).await??;
    cx.passed(StageReport::new(Stage::Query, started.elapsed(), probe.note()));
    let cancel = CancelRoute { dialer: cx.dialer.clone(), route: wire.route, token };
    Ok(Login { client, connection, cancel, probe, by })
}

/// A failed login, with the names the server judged by; never the password.
fn refused(error: &tokio_postgres::Error, settings: &Settings) -> Error {
    let io = std::error::Error::source(error).is_some_and(|source| source.is::<std::io::Error>());
    let failed = if error.as_db_error().is_some() || error.is_closed() || io {
        crate::error::failed(error, Stage::Auth)
    } else {
        // The two sides did not come to terms: no password, a method that is not spoken here, a server that could
        // not prove that it knows the password.
        let message = match settings.password {
            None => "the server asks for a password and none is set".to_owned(),
            Some(_) => format!("the login failed: {error}"),
        };
        Error::new(ErrorCode::SourceAuthFailed, message).with("stage", Stage::Auth.as_str())
    };
    failed.with("user", settings.user.clone()).with("database", settings.database.clone())
}

/// The hash of the server's certificate that SCRAM-SHA-256-PLUS is bound to (RFC 5929, section 4.1): the hash
/// function of the certificate's signature, SHA-256 where that is MD5 or SHA-1; none where it has no single one.
fn end_point_digest(certificate: &[u8]) -> Option<Vec<u8>> {
    let (_, parsed) = x509_parser::parse_x509_certificate(certificate).ok()?;
    let algorithm = match parsed.signature_algorithm.algorithm.to_id_string().as_str() {
        // md5/sha1/sha256WithRSAEncryption, ecdsa-with-SHA1/SHA256
        "1.2.840.113549.1.1.4"
        | "1.2.840.113549.1.1.5"
        | "1.2.840.113549.1.1.11"
        | "1.2.840.10045.4.1"
        | "1.2.840.10045.4.3.2" => &digest::SHA256,
        "1.2.840.113549.1.1.12" | "1.2.840.10045.4.3.3" => &digest::SHA384,
        "1.2.840.113549.1.1.13" | "1.2.840.10045.4.3.4" => &digest::SHA512,
        _ => return None,
    };
    Some(digest::digest(algorithm, certificate).as_ref().to_vec())
}
