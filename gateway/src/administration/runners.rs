//! Runners, their tokens and what they serve.

use std::collections::HashMap;

use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::{Actor, Administration, ChangeError, checked_name, entry};
use crate::directory::assigned;
use crate::sessions::{Closing, Session};
use crate::store::{Moment, NewKey, NewRunner, Page, RunnerRecord, SourceRecord};
use crate::tokens::{NewToken, TokenKind};

/// A runner and the token that opens its socket.
#[derive(Debug, Clone)]
pub struct CreatedRunner {
    /// The runner.
    pub runner: RunnerRecord,
    /// Its token, shown only now.
    pub token: NewToken,
}

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
    /// Creates a runner and its token.
    ///
    /// # Errors
    /// When the name is malformed or taken, or the store fails.
    pub async fn create_runner(&self, actor: &Actor, name: &str) -> Result<CreatedRunner, ChangeError> {
        let runner =
            NewRunner { id: Uuid::now_v7(), org_id: self.home.org_id, name: checked_name("name", name)? };
        let token = NewToken::generate(TokenKind::Runner, &self.home.org_slug);
        let key = self.runner_key(runner.id, &token);
        let audit =
            entry(actor, "runner.create", "runner", runner.id.to_string(), json!({ "name": runner.name }));
        let record = self.store.create_runner(&runner, &key, &audit).await?;
        self.directory.changed();
        Ok(CreatedRunner { runner: record, token })
    }

    /// Gives a runner a new token. The old one is refused from now on, and sockets it opened are closed.
    ///
    /// # Errors
    /// When there is no such runner, it is revoked, or the store fails.
    pub async fn rotate_runner(&self, actor: &Actor, id_or_name: &str) -> Result<CreatedRunner, ChangeError> {
        let runner = self.runner(id_or_name).await?;
        if runner.revoked_at.is_some() {
            return Err(ChangeError::Revoked { name: runner.name });
        }
        let token = NewToken::generate(TokenKind::Runner, &self.home.org_slug);
        let key = self.runner_key(runner.id, &token);
        let audit = entry(actor, "runner.rotate", "runner", runner.id.to_string(), json!({}));
        self.store.rotate_runner(runner.id, &key, &audit).await?;
        self.directory.changed();
        self.registry.close_runner(runner.id, Closing::REPLACED);
        Ok(CreatedRunner { runner, token })
    }

    /// Revokes a runner: its sockets are closed and its tokens refused, both from now on.
    ///
    /// # Errors
    /// When there is no such runner or the store fails.
    pub async fn revoke_runner(&self, actor: &Actor, id_or_name: &str) -> Result<RunnerRecord, ChangeError> {
        let runner = self.runner(id_or_name).await?;
        let audit = entry(actor, "runner.revoke", "runner", runner.id.to_string(), json!({}));
        self.store.revoke_runner(runner.id, &audit).await?;
        self.directory.changed();
        self.registry.close_runner(runner.id, Closing::REVOKED);
        self.runner(&runner.id.to_string()).await
    }

    /// The runner with this id or name.
    ///
    /// # Errors
    /// When there is none or the store fails.
    pub async fn runner(&self, id_or_name: &str) -> Result<RunnerRecord, ChangeError> {
        let found = self.store.runner(id_or_name).await?;
        found.ok_or_else(|| ChangeError::NotFound { what: "runner", name: id_or_name.to_owned() })
    }

    /// Lets a runner serve a source, and tells its live sockets. Doing it twice changes nothing.
    ///
    /// # Errors
    /// When there is no such runner or source, the runner is revoked, or the store fails.
    pub async fn assign(&self, actor: &Actor, runner: &str, source: &str) -> Result<(), ChangeError> {
        let (runner, source) = (self.runner(runner).await?, self.source(source).await?);
        if runner.revoked_at.is_some() {
            return Err(ChangeError::Revoked { name: runner.name });
        }
        let audit =
            entry(actor, "runner.assign", "runner", runner.id.to_string(), json!({ "source": source.name }));
        if self.store.assign(runner.id, source.id, &audit).await? {
            self.directory.changed();
            self.tell_runner(runner.id).await?;
        }
        Ok(())
    }

    /// Takes a source from a runner, and tells its live sockets. Doing it twice changes nothing.
    ///
    /// # Errors
    /// When there is no such runner or source, or the store fails.
    pub async fn unassign(&self, actor: &Actor, runner: &str, source: &str) -> Result<(), ChangeError> {
        let (runner, source) = (self.runner(runner).await?, self.source(source).await?);
        let audit = entry(
            actor,
            "runner.unassign",
            "runner",
            runner.id.to_string(),
            json!({ "source": source.name }),
        );
        if self.store.unassign(runner.id, source.id, &audit).await? {
            self.directory.changed();
            self.tell_runner(runner.id).await?;
        }
        Ok(())
    }

    /// The sources that a runner serves.
    ///
    /// # Errors
    /// When there is no such runner or the store fails.
    pub async fn assignments(&self, runner: &str) -> Result<Vec<SourceRecord>, ChangeError> {
        let runner = self.runner(runner).await?;
        Ok(self.store.sources_of(runner.id).await?)
    }

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

    /// Sends a runner's live sockets the sources it has now.
    pub(super) async fn tell_runner(&self, runner: Uuid) -> Result<(), ChangeError> {
        let _order = self.assignments.lock().await;
        let sources = self.store.sources_of(runner).await?;
        for session in self.registry.of(&[runner]) {
            session.assignments_changed(sources.iter().map(assigned).collect()).await;
        }
        Ok(())
    }

    fn runner_key(&self, runner: Uuid, token: &NewToken) -> NewKey {
        NewKey {
            id: Uuid::now_v7(),
            org_id: self.home.org_id,
            environment_id: None,
            kind: TokenKind::Runner,
            runner_id: Some(runner),
            name: None,
            hash: token.hash,
            prefix: token.prefix.clone(),
            last4: token.last4.clone(),
        }
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
fn report(name: &str, sessions: &[std::sync::Arc<Session>]) -> SourceReport {
    let known: Vec<_> = sessions
        .iter()
        .filter_map(|session| session.health_of(name))
        .filter(|health| health.state != runner_protocol::SourceState::Unknown)
        .collect();
    let works = known.iter().any(|health| health.state == runner_protocol::SourceState::Ok);
    let state = match (works, known.is_empty()) {
        (true, _) => "ok",
        (false, false) => "failing",
        (false, true) => "unknown",
    };
    let code = if works { None } else { known.into_iter().find_map(|health| health.code) };
    SourceReport { name: name.to_owned(), state, code }
}
