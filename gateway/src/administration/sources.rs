//! Sources.

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{Actor, Administration, ChangeError, checked_name, entry};
use crate::bridge::full_name;
use crate::store::{CredentialsLocation, NewSource, Page, SourceRecord};

/// The deadline of a source's jobs unless someone says otherwise, in milliseconds: the protocol's own default.
#[allow(clippy::cast_possible_truncation)] // 30,000.
const DEFAULT_TIMEOUT_MS: u32 = runner_protocol::limits::DEFAULT_DEADLINE_MS as u32;
/// The longest deadline that a source may have by default: an hour.
const LONGEST_TIMEOUT_MS: u32 = 3_600_000;
/// The longest name of a bridge.
const LONGEST_BRIDGE: usize = 214;

/// A source to be connected.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SourceRequest {
    /// Its name, unique in the environment.
    pub name: String,
    /// The bridge that speaks to it, by full or short name.
    pub bridge: String,
    /// Where its credentials live. This build takes `runner-local` only.
    #[serde(default = "runner_local")]
    pub credentials_location: CredentialsLocation,
    /// The deadline of its jobs unless the caller names one, in milliseconds.
    #[serde(default)]
    pub timeout_ms: Option<u32>,
}

const fn runner_local() -> CredentialsLocation {
    CredentialsLocation::RunnerLocal
}

impl SourceRequest {
    /// A source whose credentials stay with its runner.
    pub fn runner_local(name: impl Into<String>, bridge: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            bridge: bridge.into(),
            credentials_location: CredentialsLocation::RunnerLocal,
            timeout_ms: None,
        }
    }
}

impl Administration {
    /// Connects a source.
    ///
    /// # Errors
    /// When a value is not acceptable, the name is taken, or the store fails.
    pub async fn connect_source(
        &self,
        actor: &Actor,
        request: &SourceRequest,
    ) -> Result<SourceRecord, ChangeError> {
        if request.credentials_location == CredentialsLocation::Managed {
            return Err(ChangeError::Invalid {
                field: "credentialsLocation",
                problem: "this build keeps no credentials; use `runner-local` and set them on the runner"
                    .to_owned(),
            });
        }
        let timeout_ms = request.timeout_ms.unwrap_or(DEFAULT_TIMEOUT_MS);
        if timeout_ms == 0 || timeout_ms > LONGEST_TIMEOUT_MS {
            return Err(ChangeError::Invalid {
                field: "timeoutMs",
                problem: format!("1 to {LONGEST_TIMEOUT_MS} milliseconds"),
            });
        }
        let source = NewSource {
            id: Uuid::now_v7(),
            environment_id: self.home.environment_id,
            name: checked_name("name", &request.name)?,
            bridge: checked_bridge(&request.bridge)?,
            credentials_location: request.credentials_location,
            timeout_ms,
        };
        let detail = json!({ "name": source.name, "bridge": source.bridge });
        let audit = entry(actor, "source.connect", "source", source.id.to_string(), detail);
        let record = self.store.create_source(&source, &audit).await?;
        self.directory.changed();
        Ok(record)
    }

    /// The source with this id or name.
    ///
    /// # Errors
    /// When there is none or the store fails.
    pub async fn source(&self, id_or_name: &str) -> Result<SourceRecord, ChangeError> {
        let found = self.store.source(self.home.environment_id, id_or_name).await?;
        found.ok_or_else(|| ChangeError::NotFound { what: "source", name: id_or_name.to_owned() })
    }

    /// One page of sources.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn sources(&self, page: Page) -> Result<Vec<SourceRecord>, ChangeError> {
        Ok(self.store.sources(page).await?)
    }

    /// Deletes a source, and tells the runners that served it.
    ///
    /// # Errors
    /// When there is none or the store fails.
    pub async fn delete_source(&self, actor: &Actor, id_or_name: &str) -> Result<(), ChangeError> {
        let source = self.source(id_or_name).await?;
        let runners = self.store.runners_of(source.id).await?;
        let audit =
            entry(actor, "source.delete", "source", source.id.to_string(), json!({ "name": source.name }));
        if !self.store.delete_source(source.id, &audit).await? {
            return Err(ChangeError::NotFound { what: "source", name: id_or_name.to_owned() });
        }
        self.directory.changed();
        for runner in runners {
            self.tell_runner(runner.id).await?;
        }
        Ok(())
    }
}

fn checked_bridge(name: &str) -> Result<String, ChangeError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'@' | b'/');
    if name.is_empty() || name.len() > LONGEST_BRIDGE || !name.bytes().all(allowed) {
        return Err(ChangeError::Invalid {
            field: "bridge",
            problem: "a package name such as `@semilayer/bridge-postgres`, or its short form `postgres`"
                .to_owned(),
        });
    }
    Ok(full_name(name))
}
