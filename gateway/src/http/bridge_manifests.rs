//! `/v1/bridge-manifests`: what a form for a source of each bridge needs to know.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use runner_protocol::{ConnectorKind, codes};
use serde::Serialize;
use serde_json::value::RawValue;

use super::errors::ApiError;
use crate::app::App;
use crate::bridge::full_name;
use crate::sessions::{Offered, Session};

/// The manifests of the runner's own drivers, an array. Runners send those of modules only, and a source can be made before
/// any runner has connected. A test of the runner's holds this against the drivers.
const DRIVERS: &str = include_str!("drivers.json");

/// A bridge, who serves it, and its manifest.
#[derive(Debug, Serialize)]
struct Bridge {
    /// Its name, in full.
    name: String,
    /// `native` or `wasm`.
    kind: ConnectorKind,
    /// Connected runners that serve it.
    runners: usize,
    /// The versions that they have, in order.
    versions: BTreeSet<String>,
    /// The digests of the files that they have, for a module.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    digests: BTreeSet<String>,
    /// What the form needs to know; null when no runner has sent it.
    manifest: Option<Box<RawValue>>,
}

/// Every bridge that is known.
#[derive(Debug, Serialize)]
pub(super) struct Known {
    bridges: Vec<Bridge>,
}

/// `GET /v1/bridge-manifests`.
pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Json<Known>, ApiError> {
    let sessions = app.registry.all();
    // The newest speaks for a module that several runners have in several versions.
    let mut sessions: Vec<&Session> = sessions.iter().map(Arc::as_ref).collect();
    sessions.sort_by_key(|session| std::cmp::Reverse(session.connected_at));
    let mut bridges = drivers()?;
    for session in sessions {
        for offered in session.connectors() {
            add(&mut bridges, offered);
        }
    }
    Ok(Json(Known { bridges: bridges.into_values().collect() }))
}

/// The drivers, served by nobody yet.
fn drivers() -> Result<BTreeMap<String, Bridge>, ApiError> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        package_name: String,
    }
    let broken = |error: serde_json::Error| {
        ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            codes::INTERNAL,
            format!("the drivers' manifests: {error}"),
        )
    };
    let manifests: Vec<Box<RawValue>> = serde_json::from_str(DRIVERS).map_err(broken)?;
    let bridge = |manifest: Box<RawValue>| {
        let Named { package_name: name } = serde_json::from_str(manifest.get()).map_err(broken)?;
        let bridge = Bridge {
            name: name.clone(),
            kind: ConnectorKind::Native,
            runners: 0,
            versions: BTreeSet::new(),
            digests: BTreeSet::new(),
            manifest: Some(manifest),
        };
        Ok((name, bridge))
    };
    manifests.into_iter().map(bridge).collect()
}

/// Counts a runner's connector. What is known of a bridge stays: no runner can give a driver's form another shape.
fn add(bridges: &mut BTreeMap<String, Bridge>, offered: &Offered) {
    let name = full_name(&offered.name);
    let bridge = bridges.entry(name.clone()).or_insert_with(|| Bridge {
        name,
        kind: offered.kind,
        runners: 0,
        versions: BTreeSet::new(),
        digests: BTreeSet::new(),
        manifest: None,
    });
    bridge.runners += 1;
    bridge.versions.insert(offered.version.clone());
    bridge.digests.extend(offered.digest.clone());
    if bridge.manifest.is_none() {
        let raw = offered.manifest.as_deref().map(|text| RawValue::from_string(text.to_owned()));
        bridge.manifest = raw.and_then(Result::ok);
    }
}
