//! What is at the other end: the server itself or a pooler before it, and the server's role.

use connector_api::Stage;
use connector_model::error::{Error, Result};
use tokio::io::AsyncReadExt;
use tokio_postgres::types::Type;
use tokio_postgres::{CancelToken, Client};

use super::established::Established;
use crate::config::Wanted;

/// The first query of every session.
const QUERY: &str = "SELECT pg_catalog.pg_backend_pid(), pg_catalog.current_setting('server_version'), \
     pg_catalog.pg_is_in_recovery(), pg_catalog.current_setting('transaction_read_only'), \
     pg_catalog.current_setting('crdb_version', true)";

/// Who keeps the state of this session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mode {
    /// One server process for as long as the session lives.
    Direct,
    /// A pooler, which may hand the server process to somebody else after each transaction.
    Pooled,
}

/// What the first query found.
#[derive(Debug, Clone)]
pub(crate) struct Probe {
    pub(crate) mode: Mode,
    /// The server's own version, and CockroachDB's name before it where it is one.
    pub(crate) version: String,
    cockroach: bool,
    in_recovery: bool,
    read_only: bool,
}

impl Probe {
    pub(super) fn has_role(&self, wanted: Wanted) -> bool {
        match wanted {
            Wanted::Any | Wanted::PreferStandby => true,
            Wanted::ReadWrite => !self.read_only,
            Wanted::ReadOnly => self.read_only,
            Wanted::Primary => !self.in_recovery,
            Wanted::Standby => self.in_recovery,
        }
    }

    /// For a person: version, role, and whether a pooler was seen.
    pub(super) fn note(&self) -> String {
        let role = if self.in_recovery { ", standby" } else { "" };
        let pooler = if self.mode == Mode::Pooled { ", through a pooler" } else { "" };
        let product = if self.cockroach { "" } else { "PostgreSQL " };
        format!("{product}{}{role}{pooler}", self.version)
    }
}

/// Asks the server who it is. A pooler answers the login with a process id of its own, so the id that the query
/// gives is another one: nothing has to be configured.
pub(super) async fn probe(client: &Client, token: &CancelToken, always_pooled: bool) -> Result<Probe> {
    let failed = |error: tokio_postgres::Error| crate::error::failed(&error, Stage::Query);
    let rows = client.query_typed(QUERY, &[] as &[(&(dyn tokio_postgres::types::ToSql + Sync), Type)]);
    let rows = rows.await.map_err(failed)?;
    let row = rows.first().ok_or_else(|| Error::internal("the first query returned no row"))?;
    let process: i32 = row.try_get(0).map_err(failed)?;
    let read_only: String = row.try_get(3).map_err(failed)?;
    let cockroach: Option<String> = row.try_get(4).map_err(failed)?;
    let direct = !always_pooled && announced_process(token).await? == process;
    Ok(Probe {
        mode: if direct { Mode::Direct } else { Mode::Pooled },
        cockroach: cockroach.is_some(),
        version: cockroach.map_or_else(|| row.try_get(1).map_err(failed), Ok)?,
        in_recovery: row.try_get(2).map_err(failed)?,
        read_only: read_only == "on",
    })
}

/// The process id of the login's BackendKeyData. The library keeps it for cancel requests only, so one is written
/// into memory and read there: length, request code, process id, key (PostgreSQL documentation, section 55.7).
async fn announced_process(token: &CancelToken) -> Result<i32> {
    let (mut near, far) = tokio::io::duplex(64);
    let written = token.cancel_query_raw(far, Established::default()).await;
    written.map_err(|error| crate::error::failed(&error, Stage::Query))?;
    let mut request = [0; 16];
    let read = near.read_exact(&mut request).await;
    read.map_err(|_| Error::internal("a cancel request was shorter than the protocol says"))?;
    let [_, _, _, _, _, _, _, _, a, b, c, d, ..] = request;
    Ok(i32::from_be_bytes([a, b, c, d]))
}
