//! From the first byte to the login.

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::login::Login;
use super::options::{SqlServerEncryption, SqlServerError, SqlServerFault};
use super::packet::{DEFAULT_PACKET_SIZE, Kind, Writer, header, read_message};
use super::prelogin::{self, Encryption};
use super::record::SqlServerSession;
use super::secure::{self, Framed, Stream};
use super::server::Shared;
use super::tokens::{self, Done, change};
use crate::postgres::{APP_PASSWORD, APP_USER};
use crate::tsql::SqlError;

/// A connection that is logged in.
#[derive(Debug)]
pub(super) struct LoggedIn {
    pub(super) stream: Stream,
    pub(super) writer: Writer,
    pub(super) database: String,
    pub(super) application: String,
}

/// Greets a client; `None` when it was turned away.
pub(super) async fn greet(
    shared: &Arc<Shared>,
    tcp: TcpStream,
    (spid, epoch): (u16, u64),
) -> Result<Option<LoggedIn>> {
    tcp.set_nodelay(true)?;
    let mut stream = Framed::new(tcp);
    if shared.has_fault(|fault| *fault == SqlServerFault::SilentAtPrelogin) {
        shared.over(epoch).await;
        return Ok(None);
    }
    let Some(message) = read_message(&mut stream).await? else { return Ok(None) };
    if message.kind != Kind::Prelogin {
        bail!("a client that begins with {:?}", message.kind);
    }
    if shared.has_fault(|fault| *fault == SqlServerFault::CloseAtPrelogin) {
        return Ok(None);
    }
    let agreed = agree(shared.encryption(), prelogin::requested(&message.payload)?);
    let answer = prelogin::answer(agreed);
    let mut packet = Vec::new();
    header(&mut packet, Kind::Response, answer.len(), true, 0, 1)?;
    packet.extend_from_slice(&answer);
    stream.write_all(&packet).await?;
    stream.flush().await?;
    if shared.has_fault(|fault| *fault == SqlServerFault::CloseAtTls) {
        return Ok(None);
    }
    let stream = match agreed {
        Encryption::NotSupported => Stream::Plain(stream),
        _ => secure::accept(shared.tls(), stream).await?,
    };
    log_in(shared, stream, spid, agreed).await
}

/// The table of MS-TDS 2.2.6.5.
const fn agree(server: SqlServerEncryption, client: Encryption) -> Encryption {
    match (server, client) {
        (SqlServerEncryption::NotSupported, _)
        | (SqlServerEncryption::Supported, Encryption::NotSupported) => Encryption::NotSupported,
        (SqlServerEncryption::Supported, Encryption::Off) => Encryption::Off,
        (SqlServerEncryption::Required, Encryption::Off | Encryption::NotSupported) => Encryption::Required,
        (_, Encryption::On | Encryption::Required) => Encryption::On,
    }
}

async fn log_in(
    shared: &Arc<Shared>,
    mut stream: Stream,
    spid: u16,
    agreed: Encryption,
) -> Result<Option<LoggedIn>> {
    let Some(message) = read_message(&mut stream).await? else { return Ok(None) };
    if message.kind != Kind::Login {
        bail!("{:?} instead of a login", message.kind);
    }
    if shared.has_fault(|fault| *fault == SqlServerFault::CloseAtLogin) {
        return Ok(None);
    }
    let login = Login::parse(&message.payload)?;
    let login_encrypted = stream.is_encrypted();
    if agreed == Encryption::Off {
        stream = stream.into_plain();
    }
    let refusal = refusal(shared, &login);
    shared.records.add_session(SqlServerSession {
        spid,
        user: login.user.clone(),
        application: login.application.clone(),
        host: login.host.clone(),
        database: login.database.clone(),
        read_only_intent: login.read_only,
        login_encrypted,
        encrypted: stream.is_encrypted(),
        refused: refusal.first().map(|error| error.number),
        ended: false,
    });
    let mut writer = Writer::new(spid);
    if !refusal.is_empty() {
        for error in &refusal {
            tokens::error(writer.buffer(), error);
        }
        tokens::done(writer.buffer(), Done::Batch, tokens::ERROR, 0, 0);
        writer.finish(&mut stream).await?;
        stream.shutdown().await?;
        return Ok(None);
    }
    let database = if login.database.is_empty() { APP_USER.to_owned() } else { login.database.clone() };
    welcome(&mut writer, &login, &database);
    let elsewhere = shared.find_fault(|fault| match fault {
        SqlServerFault::RedirectLogin { host, port } => Some((host.clone(), *port)),
        _ => None,
    });
    if let Some((host, port)) = elsewhere {
        tokens::routing(writer.buffer(), &host, port);
    }
    tokens::done(writer.buffer(), Done::Batch, 0, 0, 0);
    writer.finish(&mut stream).await.context("answering a login")?;
    writer.packet_size = packet_size(&login);
    Ok(Some(LoggedIn { stream, writer, database, application: login.application }))
}

/// The size a client asks for, within what the protocol allows.
fn packet_size(login: &Login) -> usize {
    match usize::try_from(login.packet_size).unwrap_or(0) {
        0 => DEFAULT_PACKET_SIZE,
        size => size.clamp(512, 32_767),
    }
}

/// Why a client is not let in.
fn refusal(shared: &Shared, login: &Login) -> Vec<SqlError> {
    let injected = shared.find_fault(|fault| match fault {
        SqlServerFault::FailLogin(error) => Some(error.clone()),
        _ => None,
    });
    if let Some(error) = injected {
        return vec![of_fault(&error)];
    }
    let failed =
        SqlError { class: 14, ..SqlError::new(18456, format!("Login failed for user '{}'.", login.user)) };
    if login.user != APP_USER || login.password != APP_PASSWORD {
        return vec![failed];
    }
    if !login.database.is_empty() && !shared.engine.has_database(&login.database) {
        let message =
            format!("Cannot open database \"{}\" requested by the login. The login failed.", login.database);
        return vec![SqlError { class: 11, ..SqlError::new(4060, message) }, failed];
    }
    Vec::new()
}

/// The error that a test wants.
pub(super) fn of_fault(error: &SqlServerError) -> SqlError {
    SqlError { state: error.state, class: error.class, ..SqlError::new(error.number, error.message.clone()) }
}

fn welcome(writer: &mut Writer, login: &Login, database: &str) {
    let size = packet_size(login).to_string();
    let out = writer.buffer();
    tokens::environment(out, change::DATABASE, database, "master");
    let changed = format!("Changed database context to '{database}'.");
    tokens::error(out, &SqlError { class: 10, state: 2, ..SqlError::new(5701, changed) });
    tokens::environment_bytes(out, change::COLLATION, &tokens::COLLATION, &[]);
    tokens::environment(out, change::LANGUAGE, "us_english", "");
    let language = "Changed language setting to us_english.";
    tokens::error(out, &SqlError { class: 10, ..SqlError::new(5703, language) });
    // TDS 7.4 and 7.3 are all the same to the double; it answers with the client's version.
    tokens::login_ack(out, login.version.min(0x7400_0004));
    tokens::environment(out, change::PACKET_SIZE, &size, &DEFAULT_PACKET_SIZE.to_string());
}
