//! Who is asking, and whether they may.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::http::{HeaderMap, header, request::Parts};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use uuid::Uuid;

use super::errors::ApiError;
use super::peer::Peer;
use crate::administration::Actor;
use crate::app::App;
use crate::directory::Key;
use crate::store::AuditEntry;
use crate::tokens::{TokenHash, TokenKind};

const BEARER: &str = r#"Bearer realm="semilayer-gateway""#;
const BASIC: &str = r#"Basic realm="semilayer-gateway", charset="UTF-8""#;

/// A caller that holds an admin token.
pub(super) struct Admin(pub(super) Actor);

/// A person in a browser that holds an admin token: HTTP Basic, any user, the token as password.
pub(super) struct AdminPage;

/// A caller that may run jobs on the sources of an environment.
pub(super) struct Caller {
    /// The environment.
    pub(super) environment: Uuid,
    /// Whether it is an administrator, who may only test.
    pub(super) is_admin: bool,
}

impl FromRequestParts<Arc<App>> for Admin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let key = authenticate(parts, app, bearer(&parts.headers), BEARER).await?;
        match key.kind {
            TokenKind::Admin => Ok(Self(actor(&key))),
            _ => Err(ApiError::forbidden("this needs an admin token")),
        }
    }
}

impl FromRequestParts<Arc<App>> for AdminPage {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let key = authenticate(parts, app, basic_password(&parts.headers), BASIC).await?;
        match key.kind {
            TokenKind::Admin => Ok(Self),
            _ => Err(ApiError::unauthorized("this page needs the admin token as password", BASIC)),
        }
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, ApiError> {
        let key = authenticate(parts, app, bearer(&parts.headers), BEARER).await?;
        match (key.kind, key.environment_id) {
            (TokenKind::Service, Some(environment)) => Ok(Self { environment, is_admin: false }),
            (TokenKind::Admin, _) => {
                Ok(Self { environment: app.administration.home.environment_id, is_admin: true })
            }
            _ => {
                Err(ApiError::forbidden("a runner's token opens its socket and nothing else; use an sk_ key"))
            }
        }
    }
}

/// Finds the key, or refuses, and counts and records the refusal.
async fn authenticate(
    parts: &Parts,
    app: &App,
    token: Option<String>,
    challenge: &'static str,
) -> Result<Key, ApiError> {
    let Some(token) = token else {
        // Nothing was tried, so nothing is recorded: every browser begins like this.
        return Err(ApiError::unauthorized("no token: send Authorization with one", challenge));
    };
    let key = match TokenHash::of(&token) {
        Some(hash) => app.directory.key(hash).await?,
        None => None,
    };
    let reason = match key {
        Some(key) if !key.revoked => return Ok(key),
        Some(_) => "revoked",
        None => "bad token",
    };
    let address = match parts.extensions.get::<Peer>() {
        Some(peer) => peer.address(&parts.headers, app.behind_proxy),
        None => return Err(ApiError::unauthorized("the token is not known", challenge)),
    };
    app.refusals.note(address).map_err(ApiError::too_many_refusals)?;
    let entry = AuditEntry {
        actor: address.to_string(),
        action: "auth.refused",
        subject_type: "key",
        subject_id: None,
        detail: json!({ "reason": reason, "at": parts.uri.path() }),
    };
    app.store.audit(&entry).await?;
    Err(ApiError::unauthorized("the token is not known, or has been revoked", challenge))
}

fn actor(key: &Key) -> Actor {
    Actor(key.id.map_or_else(|| "admin token of the environment".to_owned(), |id| format!("key {id}")))
}

fn credentials<'a>(headers: &'a HeaderMap, scheme: &str) -> Option<&'a str> {
    let (name, rest) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    name.eq_ignore_ascii_case(scheme).then(|| rest.trim())
}

fn bearer(headers: &HeaderMap) -> Option<String> {
    credentials(headers, "bearer").map(str::to_owned)
}

fn basic_password(headers: &HeaderMap) -> Option<String> {
    let decoded = STANDARD.decode(credentials(headers, "basic")?).ok()?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(_, password)| password.to_owned())
}
