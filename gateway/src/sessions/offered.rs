//! What a runner says of the connectors behind its bridges.

use std::collections::HashSet;
use std::sync::Arc;

use runner_protocol::limits::MAX_MANIFEST_BYTES;
use runner_protocol::{ConnectorInfo, ConnectorKind, Hello};

/// Connectors kept from one hello; the rest are left out. There are some dozens of databases.
const MAX_CONNECTORS: usize = 256;
/// Bytes of manifests kept from one hello: a usual one has four thousand.
const MAX_MANIFESTS_BYTES: usize = 512 * 1024;
/// Longest text that is kept of what a runner says of itself, in bytes.
const LONGEST_TEXT: usize = 256;

/// A connector as a live runner offers it.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    /// Its bridge name, in full.
    pub(crate) name: String,
    /// Its version.
    pub(crate) version: String,
    /// How it is built.
    pub(crate) kind: ConnectorKind,
    /// Which file it is, for a module.
    pub(crate) digest: Option<String>,
    /// Its manifest as a JSON object, for a module.
    pub(crate) manifest: Option<Arc<str>>,
}

/// The connectors of a hello, within bounds.
pub(super) fn offered(hello: &Hello) -> Vec<Offered> {
    let mut left = MAX_MANIFESTS_BYTES;
    let mut names = HashSet::new();
    let of_length = |text: &str| text.len() <= LONGEST_TEXT;
    hello
        .connectors
        .iter()
        .filter(|one| of_length(&one.name) && of_length(&one.version) && names.insert(one.name.as_str()))
        .take(MAX_CONNECTORS)
        .map(|one| Offered {
            name: one.name.clone(),
            version: one.version.clone(),
            kind: one.kind,
            digest: one.digest.clone().filter(|digest| of_length(digest)),
            manifest: manifest(one, &mut left),
        })
        .collect()
}

fn manifest(info: &ConnectorInfo, left: &mut usize) -> Option<Arc<str>> {
    let text = info.manifest.as_ref()?.get();
    if text.len() > MAX_MANIFEST_BYTES || !text.starts_with('{') {
        return None;
    }
    *left = left.checked_sub(text.len())?;
    Some(Arc::from(text))
}

#[cfg(test)]
mod tests {
    use runner_protocol::Opaque;

    use super::*;

    fn module(name: &str, manifest: &str) -> ConnectorInfo {
        ConnectorInfo {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
            kind: ConnectorKind::Wasm,
            digest: Some("ab".to_owned()),
            manifest: Some(Opaque::from_text(manifest.to_owned()).unwrap()),
        }
    }

    #[test]
    fn what_is_kept_of_a_hello_is_bounded() {
        let large = format!("{{\"a\":\"{}\"}}", "x".repeat(60_000));
        let mut connectors: Vec<ConnectorInfo> =
            (0..300).map(|n| module(&format!("@acme/bridge-{n}"), &large)).collect();
        connectors.insert(0, module("list", "[]"));
        connectors.insert(1, module("twice", "{\"first\":1}"));
        connectors.insert(2, module("twice", "{}"));
        connectors.insert(3, module(&"n".repeat(300), "{}"));
        connectors.insert(4, module("over", &format!("{{\"a\":\"{}\"}}", "x".repeat(70_000))));
        let kept = offered(&Hello { connectors, ..Hello::default() });
        assert_eq!(kept.len(), MAX_CONNECTORS);
        let manifests: Vec<&str> = kept.iter().filter_map(|one| one.manifest.as_deref()).collect();
        assert_eq!(manifests.len(), 1 + MAX_MANIFESTS_BYTES / 60_008);
        assert_eq!(manifests[0], "{\"first\":1}");
        assert_eq!(kept[0].manifest, None, "not an object");
    }
}
