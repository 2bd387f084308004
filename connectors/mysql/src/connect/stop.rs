//! Stopping what a session's connection is doing.

use std::sync::Arc;
use std::time::Duration;

use connector_api::Stage;
use connector_model::error::{Error, ErrorCode, Result};
use connector_sql::Statement;
use dial::Dialer;

use super::login::authenticate;
use super::route::Route;
use crate::config::Settings;
use crate::error::failed;
use crate::session::{Statements, fetch, run};

/// How long it may take in all.
const LIMIT: Duration = Duration::from_secs(5);

/// How to reach the server of one session a second time.
#[derive(Clone)]
pub(crate) struct StopRoute {
    pub(super) dialer: Dialer,
    pub(super) route: Route,
    pub(super) settings: Settings,
    pub(super) application: Arc<str>,
    /// The server that the session is connected to.
    pub(super) server: String,
    pub(super) connection: Option<u64>,
}

impl StopRoute {
    /// Whether the session's statement can be stopped from beside it.
    pub(crate) fn is_known(&self) -> bool {
        self.connection.is_some()
    }

    /// Stops the statement that the session's connection is running, from a second connection to the same address.
    /// When this returns, the server has marked the connection; nothing of the request is under way any more.
    ///
    /// # Errors
    /// Nothing was stopped: the server was not reached, is another one, or said no.
    pub(crate) async fn stop(&self) -> Result<()> {
        match tokio::time::timeout(LIMIT, self.request()).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Error::new(ErrorCode::SourceUnreachable, "stopping the statement took too long")),
        }
    }

    async fn request(&self) -> Result<()> {
        let Some(connection) = self.connection else {
            return Err(Error::internal("there is no connection to be named"));
        };
        let greeted = self.route.again(&self.dialer, LIMIT).await?;
        let mut wire = authenticate(greeted, &self.settings, &self.application).await?;
        let refused = |failure| failed(&failure, Stage::Query);
        // A balancer may lead this connection to another server, where the same id is somebody else's.
        let text = "SELECT CONCAT_WS('/', @@hostname, @@port, @@server_id, @@datadir)".to_owned();
        let identity = Statement { text, params: Vec::new() };
        let rows = fetch(&mut wire, &mut Statements::default(), &identity).await.map_err(refused)?;
        if rows.first().and_then(|row| row.first()?.as_deref()) != Some(self.server.as_str()) {
            return Err(Error::new(ErrorCode::SourceUnreachable, "the address leads to another server now"));
        }
        run(&mut wire, &format!("KILL QUERY {connection}")).await.map_err(refused)?;
        // How the second connection ends does not matter any more.
        let _ = wire.quit().await;
        Ok(())
    }
}
