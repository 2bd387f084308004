//! The stream to the server: a socket, encrypted as far as the configuration asks.

use std::time::Instant;

use connector_api::unreachable::unreachable;
use connector_api::{ConnectDeadline, OpenContext, PathRules, Stage, StageReport, read_pem};
use connector_model::error::{Error, ErrorCode, Result};
use dial::{BoxedStream, CaCertificates, Destination, TlsOptions, TlsSession, Verify};
use tokio::io::{AsyncRead, AsyncWrite};

use super::handshake::{HandshakeOver, Wrapped};
use super::port::{Handle, Port};
use super::prelogin::{Word, ask, without_tls};
use super::shared::Shared;
use crate::config::{Encryption, Settings};

/// Connects, and comes to terms on encryption.
pub(super) async fn connect(
    cx: &OpenContext,
    settings: &Settings,
    to: &Destination,
    by: ConnectDeadline,
) -> Result<(Port, Handle)> {
    let tls = tls_options(settings, &cx.paths).await?;
    let connected = cx.connect(to, settings.family, by.remaining()).await?;
    let started = Instant::now();
    let mut stream = connected.stream;
    let wanted = match settings.encryption {
        Encryption::Verified | Encryption::Unverified => Word::On,
        Encryption::LoginOnly => Word::Off,
    };
    let answer = ask(&mut stream, wanted, settings.instance.as_deref());
    let word = by.run(&cx.call, Stage::Tls, answer).await?.map_err(|error| broken(to, &error))?;
    let report = |note: String| StageReport::new(Stage::Tls, started.elapsed(), note);
    let (stream, after_login): (BoxedStream, Option<BoxedStream>) = match (settings.encryption, word) {
        (Encryption::LoginOnly, Word::NotSupported) => {
            let warning = "the server offers no TLS: everything, the password included, travels in clear";
            cx.passed(report("off".to_owned()).with_warning(warning));
            (Box::new(stream), None)
        }
        (Encryption::LoginOnly, Word::Off) => {
            let bare = Shared::new(stream);
            let (encrypted, session) = start_tls(cx, to, &tls, by, bare.clone()).await?;
            let warning = "`encrypt` is false: only the login is encrypted, and to whom is not checked";
            cx.passed(report(format!("{}, login only", session.version())).with_warning(warning));
            (encrypted, Some(Box::new(bare)))
        }
        (_, Word::On | Word::Required) => {
            let (encrypted, session) = start_tls(cx, to, &tls, by, stream).await?;
            cx.passed(match session.verified() {
                true => report(format!("{}, verified", session.version())),
                false => report(format!("{}, encrypted, not verified", session.version())).with_warning(
                    "the server's certificate is not checked; leave `encrypt` on and `trustServerCertificate` off, \
                     and give its authority in `sslrootcert` if it is not a public one",
                ),
            });
            (encrypted, None)
        }
        (_, Word::Off | Word::NotSupported) => {
            let message = format!(
                "{to}: the server offers no TLS, and `encrypt` asks for it; give the server a certificate, or set \
                 encrypt=false if the network itself is trusted"
            );
            return Err(failed(message, "tls_not_offered"));
        }
    };
    Ok(Port::new(stream, after_login, without_tls()))
}

async fn start_tls<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    cx: &OpenContext,
    to: &Destination,
    tls: &TlsOptions,
    by: ConnectDeadline,
    stream: S,
) -> Result<(BoxedStream, TlsSession)> {
    let over = HandshakeOver::default();
    let wrapped = Wrapped::new(stream, over.clone());
    let encrypted = cx.call.run(cx.dialer.start_tls(wrapped, to, tls, by.remaining())).await;
    let encrypted = encrypted.map_err(|stopped| stopped.with("stage", Stage::Tls.as_str()))?;
    let encrypted = encrypted.map_err(|error| unreachable(&error))?;
    over.declare();
    let session = encrypted.session().clone();
    Ok((Box::new(encrypted), session))
}

fn broken(to: &Destination, error: &std::io::Error) -> Error {
    if error.kind() == std::io::ErrorKind::InvalidData {
        return failed(format!("{to}: what answers does not speak SQL Server's protocol"), "not_mssql");
    }
    let message = format!("{to}: the server ended the connection before the login");
    failed(message, dial::Kind::of_io(error).code())
}

fn failed(message: String, kind: &str) -> Error {
    Error::new(ErrorCode::SourceUnreachable, message).with("stage", Stage::Tls.as_str()).with("kind", kind)
}

/// How TLS is to be spoken.
async fn tls_options(settings: &Settings, paths: &PathRules) -> Result<TlsOptions> {
    let authorities = match &settings.root_certificate {
        Some(root) => {
            let parsed = CaCertificates::from_pem(&read_pem("sslrootcert", root, paths).await?);
            Some(parsed.map_err(|error| Error::config("sslrootcert", error))?)
        }
        None => None,
    };
    let verify = match settings.encryption {
        Encryption::Verified => Verify::Full,
        Encryption::Unverified | Encryption::LoginOnly => Verify::None,
    };
    let server_name = settings.certificate_name.clone();
    Ok(TlsOptions { server_name, verify, authorities, ..TlsOptions::default() })
}
