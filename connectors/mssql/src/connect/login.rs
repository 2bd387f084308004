//! The login on an open stream, and what the server says of itself.

use std::time::{Duration, Instant};

use connector_api::{ConnectDeadline, OpenContext, Stage, StageReport};
use connector_model::error::{Error, ErrorCode, Result};
use dial::Destination;
use secrecy::ExposeSecret;
use tiberius::{AuthMethod, Config, EncryptionLevel};
use tokio_util::compat::{Compat, TokioAsyncReadCompatExt};
use tracing::Dispatch;
use tracing::instrument::WithSubscriber;

use super::browser;
use super::port::{Handle, Port};
use super::wire::connect;
use crate::config::{DEFAULT_PORT, Settings};

/// The library's client on our stream.
pub(crate) type Client = tiberius::Client<Compat<Port>>;

/// How often a login is tried: a gateway names the database's own server, that one a replica, which names nobody.
const REDIRECTS: usize = 4;
/// The packet size asked for; what Microsoft's own libraries ask for, and below what TLS may carry in one record.
const PACKET_BYTES: u32 = 8_000;

/// A connection that is logged in.
pub(crate) struct Login {
    pub(crate) client: Client,
    pub(crate) handle: Handle,
    /// When the session has to be ready.
    pub(crate) by: ConnectDeadline,
}

/// Connects and logs in; the Browser and the servers that the login is sent on to share the time.
pub(crate) async fn open(cx: &OpenContext, settings: &Settings) -> Result<Login> {
    let by = ConnectDeadline::after(settings.connect_timeout);
    let port = match (settings.port, &settings.instance) {
        (Some(port), _) => port,
        (None, Some(instance)) => browser::port(cx, settings, instance, by).await?,
        (None, None) => DEFAULT_PORT,
    };
    let mut to = Destination::new(settings.host.clone(), port);
    for _ in 0..REDIRECTS {
        let (port, handle) = connect(cx, settings, &to, by).await?;
        let started = Instant::now();
        // The library would log that there is no TLS, which it cannot see.
        let login = tiberius::Client::connect(library_config(cx, settings, &to), port.compat())
            .with_subscriber(Dispatch::none());
        match by.run(&cx.call, Stage::Auth, login).await? {
            Ok(client) => {
                cx.passed(StageReport::new(
                    Stage::Auth,
                    started.elapsed(),
                    format!("user {}", settings.user),
                ));
                return Ok(Login { client, handle, by });
            }
            // The address that the server names is dialled as any other: it passes the source's address rules.
            Err(tiberius::error::Error::Routing { host, port }) => {
                let host = host.split('\\').next().unwrap_or_default().to_owned();
                to = Destination::new(host, port);
            }
            Err(error) => return Err(refused(&error, settings)),
        }
    }
    let message = format!("the login was sent on {REDIRECTS} times, at last to {to}");
    Err(Error::new(ErrorCode::SourceUnreachable, message).with("stage", Stage::Auth.as_str()))
}

fn library_config(cx: &OpenContext, settings: &Settings, to: &Destination) -> Config {
    let mut config = Config::new();
    config.host(to.host());
    config.port(to.port());
    if let Some(database) = &settings.database {
        config.database(database);
    }
    config.authentication(AuthMethod::sql_server(&settings.user, settings.password.expose_secret()));
    config.application_name(&*cx.application);
    // With it an availability group may send the session to a replica that is there to be read.
    config.readonly(settings.read_only_intent);
    config.packet_size(PACKET_BYTES);
    // The stream is protected already, and the deadline is kept by whoever asks.
    config.encryption(EncryptionLevel::NotSupported);
    config.handshake_timeout(None::<Duration>);
    config.command_timeout(None::<Duration>);
    config.lossy_utf16_decoding(true);
    config
}

/// A failed login, with the names the server judged by; never the password.
fn refused(error: &tiberius::error::Error, settings: &Settings) -> Error {
    let failed = crate::error::failed(error, Stage::Auth).with("user", settings.user.clone());
    let failed = match intent_refused(error) {
        Some(hint) => failed.with("hint", hint),
        None => failed,
    };
    match &settings.database {
        Some(database) => failed.with("database", database.clone()),
        None => failed,
    }
}

/// What helps where a replica does not take what was asked for ("Configure read-only access to a secondary replica").
fn intent_refused(error: &tiberius::error::Error) -> Option<&'static str> {
    match error.code() {
        Some(978) => Some("the replica takes only sessions that ask to read: set applicationIntent=readOnly"),
        Some(979) => {
            Some("the primary takes no sessions that ask to read: remove applicationIntent=readOnly")
        }
        _ => None,
    }
}
