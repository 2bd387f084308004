//! Runners, their tokens and what they serve.

use serde_json::json;
use uuid::Uuid;

use super::{Actor, Administration, ChangeError, checked_name, entry};
use crate::directory::assigned;
use crate::sessions::Closing;
use crate::store::{NewKey, NewRunner, RunnerRecord, SourceRecord};
use crate::tokens::{NewToken, TokenKind};

/// A runner and the token that opens its socket.
#[derive(Debug, Clone)]
pub struct CreatedRunner {
    /// The runner.
    pub runner: RunnerRecord,
    /// Its token, shown only now.
    pub token: NewToken,
}

impl Administration {
    /// Creates a runner and its token.
    ///
    /// # Errors
    /// When the name is malformed or taken, or the store fails.
    pub async fn create_runner(&self, actor: &Actor, name: &str) -> Result<CreatedRunner, ChangeError> {
        let runner =
            NewRunner { id: Uuid::new_v4(), org_id: self.home.org_id, name: checked_name("name", name)? };
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
}
