//! How runners stand, for a person to read.

use std::collections::HashMap;
use std::sync::Arc;

use runner_protocol::SourceState;
use serde::Serialize;
use uuid::Uuid;

use super::{Administration, ChangeError};
use crate::sessions::Session;
use crate::store::{Moment, Page, RunnerRecord};

/// How a runner stands, in the one word a person reads first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum RunnerState {
    /// A live socket and nothing wrong.
    #[serde(rename = "online")]
    Online,
    /// A live socket, but a source fails or no connector for it is loaded.
    #[serde(rename = "degraded")]
    Degraded,
    /// Every live socket is finishing its work.
    #[serde(rename = "draining")]
    Draining,
    /// No live socket.
    #[serde(rename = "offline")]
    Offline,
    /// Created, and never seen.
    #[serde(rename = "never connected")]
    NeverConnected,
    /// No longer allowed.
    #[serde(rename = "revoked")]
    Revoked,
}

impl RunnerState {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Degraded => "degraded",
            Self::Draining => "draining",
            Self::Offline => "offline",
            Self::NeverConnected => "never connected",
            Self::Revoked => "revoked",
        }
    }

    /// The word where it may hold no space.
    pub(crate) const fn css_class(self) -> &'static str {
        match self {
            Self::NeverConnected => "never-connected",
            other => other.as_str(),
        }
    }
}

/// A source as one runner stands to it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SourceReport {
    /// The source's name.
    pub name: String,
    /// `ok`, `failing` or `unknown`.
    pub state: &'static str,
    /// The code of its last failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
}

/// A runner, its sockets and its sources.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RunnerOverview {
    /// The runner.
    #[serde(flatten)]
    pub runner: RunnerRecord,
    /// How it stands.
    pub state: RunnerState,
    /// The version that its newest socket reported.
    pub version: Option<String>,
    /// Live sockets.
    pub sessions: usize,
    /// Jobs in flight over them.
    pub active_jobs: usize,
    /// The sources assigned to it.
    pub sources: Vec<SourceReport>,
}

impl Administration {
    /// One page of runners with their state.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn runners(&self, page: Page) -> Result<Vec<RunnerOverview>, ChangeError> {
        let runners = self.store.runners(page).await?;
        let mut overviews = Vec::with_capacity(runners.len());
        let mut assigned: HashMap<Uuid, Vec<(String, String)>> = HashMap::new();
        for (runner, source, bridge) in self.store.assignments().await? {
            assigned.entry(runner).or_default().push((source, bridge));
        }
        for runner in runners {
            let sources = assigned.remove(&runner.id).unwrap_or_default();
            overviews.push(self.overview(runner, &sources));
        }
        Ok(overviews)
    }

    /// One runner with its state.
    ///
    /// # Errors
    /// When there is none or the store fails.
    pub async fn runner_overview(&self, id_or_name: &str) -> Result<RunnerOverview, ChangeError> {
        let runner = self.runner(id_or_name).await?;
        let sources = self.store.sources_of(runner.id).await?;
        let sources: Vec<(String, String)> =
            sources.into_iter().map(|source| (source.name, source.bridge)).collect();
        Ok(self.overview(runner, &sources))
    }

    fn overview(&self, mut runner: RunnerRecord, assigned: &[(String, String)]) -> RunnerOverview {
        let sessions = self.registry.of(&[runner.id]);
        let sources: Vec<SourceReport> = assigned.iter().map(|(name, _)| report(name, &sessions)).collect();
        let lacking =
            assigned.iter().any(|(_, bridge)| !sessions.iter().any(|session| session.serves(bridge)));
        let state = if runner.revoked_at.is_some() {
            RunnerState::Revoked
        } else if sessions.is_empty() {
            if runner.last_seen_at.is_some() { RunnerState::Offline } else { RunnerState::NeverConnected }
        } else if sessions.iter().all(|session| session.is_draining()) {
            RunnerState::Draining
        } else if lacking || sources.iter().any(|source| source.state == "failing") {
            RunnerState::Degraded
        } else {
            RunnerState::Online
        };
        let newest = sessions.iter().max_by_key(|session| session.connected_at);
        if let Some(heard) = sessions.iter().map(|session| session.silent_ms()).min() {
            let heard = i64::try_from(heard).unwrap_or(i64::MAX);
            runner.last_seen_at = Some(Moment(jiff::Timestamp::now().as_millisecond().saturating_sub(heard)));
        }
        RunnerOverview {
            state,
            version: newest.and_then(|session| session.runtime_version.clone()),
            sessions: sessions.len(),
            active_jobs: sessions.iter().map(|session| session.in_flight()).sum(),
            sources,
            runner,
        }
    }
}

/// What the sockets of one runner last said of a source: failing only if all that know it say so.
fn report(name: &str, sessions: &[Arc<Session>]) -> SourceReport {
    let known: Vec<_> = sessions
        .iter()
        .filter_map(|session| session.health_of(name))
        .filter(|health| health.state != SourceState::Unknown)
        .collect();
    let works = known.iter().any(|health| health.state == SourceState::Ok);
    let state = match (works, known.is_empty()) {
        (true, _) => "ok",
        (false, false) => "failing",
        (false, true) => "unknown",
    };
    let code = if works { None } else { known.into_iter().find_map(|health| health.code) };
    SourceReport { name: name.to_owned(), state, code }
}
