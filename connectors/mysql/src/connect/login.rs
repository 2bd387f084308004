//! Authentication, and the first query.

use std::time::Instant;

use connector_api::{ConnectDeadline, OpenContext, Stage, StageReport};
use connector_model::error::{Error, ErrorCode, Result};
use secrecy::ExposeSecret;

use super::probe::{Probe, probe};
use super::route::{Greeted, connect};
use super::stop::StopRoute;
use crate::config::Settings;
use crate::error::failed;
use crate::session::Statements;
use crate::wire::{Credentials, LoginError, Wire, log_in};

/// A connection that is logged in and ready for jobs.
pub(crate) struct Login {
    pub(crate) wire: Wire,
    pub(crate) statements: Statements,
    pub(crate) stop: StopRoute,
    pub(crate) probe: Probe,
    /// When the session has to be ready.
    pub(crate) by: ConnectDeadline,
}

/// Connects and logs in.
///
/// # Errors
/// `SOURCE_UNREACHABLE` or `SOURCE_AUTH_FAILED` with `detail.stage`; `CANCELLED` and `QUERY_TIMEOUT`.
pub(crate) async fn open(cx: &OpenContext, settings: &Settings) -> Result<Login> {
    let by = ConnectDeadline::after(settings.connect_timeout);
    let (greeted, route) = connect(cx, settings, by).await?;
    let started = Instant::now();
    let version = greeted.greeting.version.clone();
    let announced = greeted.greeting.connection;
    let logging_in = authenticate(greeted, settings, &cx.application);
    let mut wire = by.run(&cx.call, Stage::Auth, logging_in).await??;
    let note = match &settings.database {
        Some(database) => format!("{} on database {database}", settings.user),
        None => settings.user.clone(),
    };
    cx.passed(StageReport::new(Stage::Auth, started.elapsed(), note));
    let started = Instant::now();
    let mut statements = Statements::default();
    let probing = probe(&mut wire, &mut statements, &version, announced);
    let probe = by.run(&cx.call, Stage::Query, probing).await??;
    cx.passed(StageReport::new(Stage::Query, started.elapsed(), probe.note()));
    let stop = StopRoute {
        dialer: cx.dialer.clone(),
        route,
        settings: settings.clone(),
        application: cx.application.clone(),
        server: probe.server.clone(),
        connection: probe.connection,
    };
    Ok(Login { wire, statements, stop, probe, by })
}

/// Proves the password.
///
/// # Errors
/// With the names that the server judged by; never the password.
pub(super) async fn authenticate(greeted: Greeted, settings: &Settings, application: &str) -> Result<Wire> {
    let Greeted { packets, greeting, secrecy, encrypted } = greeted;
    let credentials = Credentials {
        user: &settings.user,
        password: settings.password.as_ref().map_or("", |password| password.expose_secret()),
        database: settings.database.as_deref(),
        application,
    };
    let logged_in = log_in(packets, &greeting, &credentials, secrecy, encrypted).await;
    logged_in.map_err(|error| {
        let error = refused(&error).with("user", settings.user.clone());
        match &settings.database {
            Some(database) => error.with("database", database.clone()),
            None => error,
        }
    })
}

fn refused(error: &LoginError) -> Error {
    let message = match error {
        LoginError::Failure(failure) => return failed(failure, Stage::Auth),
        LoginError::WouldTellPassword(plugin) => format!(
            "the account uses the plugin {plugin}, which needs the password itself, and this connection does not keep it secret: connect with sslmode=verify-full (or verify-ca with the server's own sslrootcert), or give the account mysql_native_password, caching_sha2_password or ed25519"
        ),
        LoginError::UnknownPlugin(plugin) => format!(
            "the account uses the plugin {plugin}, which is not supported; give it caching_sha2_password, mysql_native_password or (MariaDB) ed25519"
        ),
    };
    Error::new(ErrorCode::SourceAuthFailed, message).with("stage", Stage::Auth.as_str())
}
