//! Who may do what, from memory.
//!
//! The path of a query asks two questions, whose key is this and which runners serve that source, and neither
//! may wait for the database. Answers are kept for [`KEEP`]; whatever this instance changes is forgotten at once,
//! so that a revocation takes effect with the answer that confirms it.

mod cache;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use runner_protocol::AssignedSource;
use secrecy::{ExposeSecret as _, SecretString};
use uuid::Uuid;

use crate::store::{CredentialsLocation, KeyRecord, SourceRecord, Store, StoreError};
use crate::tokens::{TokenHash, TokenKind};
use cache::Cache;

/// How long an answer is good: the time after which another instance's change is seen here.
const KEEP: Duration = Duration::from_secs(10);

/// A key that opens something.
#[derive(Debug, Clone)]
pub(crate) struct Key {
    /// Its id; `None` for the admin token that the environment gives.
    pub(crate) id: Option<Uuid>,
    /// What it opens.
    pub(crate) kind: TokenKind,
    /// The environment that a service key opens.
    pub(crate) environment_id: Option<Uuid>,
    /// The runner whose socket a runner key opens.
    pub(crate) runner_id: Option<Uuid>,
    /// Whether it has been revoked.
    pub(crate) revoked: bool,
}

/// A source, and who serves it.
#[derive(Debug)]
pub(crate) struct Route {
    /// The source.
    pub(crate) source: SourceRecord,
    /// The source as a runner is told of it.
    pub(crate) assigned: AssignedSource,
    /// The runners that serve it.
    pub(crate) runners: Vec<Uuid>,
    /// Their names, for messages.
    pub(crate) runner_names: Vec<String>,
}

/// Cached answers of the store.
pub(crate) struct Directory {
    store: Arc<dyn Store>,
    keys: Cache<TokenHash, Key>,
    routes: Cache<(Uuid, String), Arc<Route>>,
    /// The hash of the admin token that the environment gives, if it gives one.
    given_admin: Option<TokenHash>,
    used: Mutex<HashSet<Uuid>>,
}

impl Directory {
    /// A directory over `store`. `admin_token` is the one that the environment gives.
    pub(crate) fn new(store: Arc<dyn Store>, admin_token: Option<&SecretString>) -> Self {
        Self {
            store,
            keys: Cache::new(KEEP),
            routes: Cache::new(KEEP),
            given_admin: admin_token.and_then(|token| TokenHash::of(token.expose_secret())),
            used: Mutex::default(),
        }
    }

    /// The key with this hash, revoked or not.
    ///
    /// # Errors
    /// When it is not in memory and the store fails.
    pub(crate) async fn key(&self, hash: TokenHash) -> Result<Option<Key>, StoreError> {
        if self.given_admin == Some(hash) {
            return Ok(Some(Key {
                id: None,
                kind: TokenKind::Admin,
                environment_id: None,
                runner_id: None,
                revoked: false,
            }));
        }
        let generation = match self.keys.get(&hash) {
            Ok(key) => return Ok(Some(self.note_use(key))),
            Err(generation) => generation,
        };
        let Some(key) = self.store.key_by_hash(&hash).await?.and_then(key) else { return Ok(None) };
        self.keys.insert(hash, key.clone(), generation);
        Ok(Some(self.note_use(key)))
    }

    /// The source of this environment with this id or name, and who serves it.
    ///
    /// # Errors
    /// When it is not in memory and the store fails.
    pub(crate) async fn route(
        &self,
        environment: Uuid,
        name: &str,
    ) -> Result<Option<Arc<Route>>, StoreError> {
        let entry = (environment, name.to_owned());
        let generation = match self.routes.get(&entry) {
            Ok(route) => return Ok(Some(route)),
            Err(generation) => generation,
        };
        let Some(source) = self.store.source(environment, name).await? else { return Ok(None) };
        let runners = self.store.runners_of(source.id).await?;
        let route = Arc::new(Route {
            assigned: assigned(&source),
            source,
            runner_names: runners.iter().map(|runner| runner.name.clone()).collect(),
            runners: runners.into_iter().map(|runner| runner.id).collect(),
        });
        self.routes.insert(entry, Arc::clone(&route), generation);
        Ok(Some(route))
    }

    /// Something has changed here: every answer is looked up again.
    pub(crate) fn changed(&self) {
        self.keys.clear();
        self.routes.clear();
    }

    /// The keys used since the last call.
    pub(crate) fn take_used_keys(&self) -> Vec<Uuid> {
        std::mem::take(&mut *self.used.lock().unwrap_or_else(PoisonError::into_inner)).into_iter().collect()
    }

    fn note_use(&self, key: Key) -> Key {
        if let Some(id) = key.id.filter(|_| !key.revoked) {
            self.used.lock().unwrap_or_else(PoisonError::into_inner).insert(id);
        }
        key
    }
}

/// A source as a runner is told of it.
pub(crate) fn assigned(source: &SourceRecord) -> AssignedSource {
    AssignedSource {
        id: source.id.to_string(),
        name: source.name.clone(),
        bridge: source.bridge.clone(),
        credentials_location: match source.credentials_location {
            CredentialsLocation::Managed => runner_protocol::CredentialsLocation::Managed,
            CredentialsLocation::RunnerLocal => runner_protocol::CredentialsLocation::RunnerLocal,
        },
        config: None,
    }
}

fn key(record: KeyRecord) -> Option<Key> {
    Some(Key {
        id: Some(record.id),
        kind: TokenKind::from_word(&record.kind)?,
        environment_id: record.environment_id,
        runner_id: record.runner_id,
        revoked: record.revoked_at.is_some(),
    })
}
