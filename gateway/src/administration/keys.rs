//! Service and admin keys.

use serde::Deserialize;
use serde_json::json;
use uuid::Uuid;

use super::{Actor, Administration, ChangeError, entry};
use crate::store::{KeyRecord, NewKey, Page};
use crate::tokens::{NewToken, TokenKind};

/// The longest label of a key.
const LONGEST_LABEL: usize = 100;

/// A key and its text.
#[derive(Debug, Clone)]
pub struct CreatedKey {
    /// The key.
    pub key: KeyRecord,
    /// Its text, shown only now.
    pub token: NewToken,
}

/// A key to be made.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyRequest {
    /// `sk` or `admin`.
    pub kind: String,
    /// A label, for telling keys apart.
    #[serde(default)]
    pub name: Option<String>,
}

impl Administration {
    /// Makes a service key for the environment, or an admin key.
    ///
    /// # Errors
    /// When the kind is neither, the label is too long, or the store fails.
    pub async fn create_key(&self, actor: &Actor, request: &KeyRequest) -> Result<CreatedKey, ChangeError> {
        let kind = match TokenKind::from_word(&request.kind) {
            Some(kind @ (TokenKind::Service | TokenKind::Admin)) => kind,
            Some(TokenKind::Runner) => {
                return Err(ChangeError::Invalid {
                    field: "kind",
                    problem: "a runner's token comes with the runner; create or rotate that".to_owned(),
                });
            }
            None => {
                return Err(ChangeError::Invalid { field: "kind", problem: "`sk` or `admin`".to_owned() });
            }
        };
        if request.name.as_ref().is_some_and(|name| name.len() > LONGEST_LABEL) {
            return Err(ChangeError::Invalid {
                field: "name",
                problem: format!("at most {LONGEST_LABEL} bytes"),
            });
        }
        let token = NewToken::generate(kind, &self.home.environment_slug);
        let key = NewKey {
            id: Uuid::now_v7(),
            org_id: self.home.org_id,
            environment_id: (kind == TokenKind::Service).then_some(self.home.environment_id),
            kind,
            runner_id: None,
            name: request.name.clone(),
            hash: token.hash,
            prefix: token.prefix.clone(),
            last4: token.last4.clone(),
        };
        let detail = json!({ "kind": kind.as_str(), "name": request.name });
        let audit = entry(actor, "key.create", "key", key.id.to_string(), detail);
        let key = self.store.create_key(&key, &audit).await?;
        self.directory.changed();
        Ok(CreatedKey { key, token })
    }

    /// One page of keys.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn keys(&self, page: Page) -> Result<Vec<KeyRecord>, ChangeError> {
        Ok(self.store.keys(page).await?)
    }

    /// Revokes a key; it is refused from now on, and sockets it opened are closed.
    ///
    /// # Errors
    /// When there is no such key or the store fails.
    pub async fn revoke_key(&self, actor: &Actor, id: Uuid) -> Result<KeyRecord, ChangeError> {
        let audit = entry(actor, "key.revoke", "key", id.to_string(), json!({}));
        let revoked = self.store.revoke_key(id, &audit).await?;
        self.directory.changed();
        let key = revoked.ok_or_else(|| ChangeError::NotFound { what: "key", name: id.to_string() })?;
        if let Some(runner) = key.runner_id {
            self.registry.close_runner(runner, crate::sessions::Closing::REPLACED);
        }
        Ok(key)
    }
}
