//! A module as it lies on disk: what can be said of it before anything of it runs.
//!
//! - `anatomy`: its imports, its exports and its manifest's bytes, found by walking its sections
//! - `manifest`: those bytes as a [`ModuleManifest`], held to what a manifest may say
//! - `digest`: which file it is
//! - `policy`: what the operator says of it
//! - `signature`: whether the key that the operator named has signed it
//! - `refused`: why it is not loaded

mod anatomy;
mod digest;
mod manifest;
mod policy;
mod refused;
mod signature;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use connector_model::manifest::pool_fields;
use connector_model::module::ModuleManifest;

pub use anatomy::{Anatomy, SOURCE_INTERFACE};
pub use digest::Digest;
pub use manifest::manifest_of;
pub use policy::{DEFAULT_MEMORY, DEFAULT_RUNNING, DEFAULT_SESSIONS, ModulePolicy, PolicyError, PolicyOf};
pub use refused::Refused;
pub use signature::{SIGNATURE_SUFFIX, SigningKey};

/// The largest file that is taken for a module: a Python interpreter with its library has 18 MB.
pub const MAX_MODULE_BYTES: u64 = 128 * 1024 * 1024;

/// A module that was read and found in order.
#[derive(Debug, Clone)]
pub struct Module {
    /// What it says of itself, with the fields that size its pool behind its own.
    pub manifest: ModuleManifest,
    /// The manifest as it stands in the file.
    pub raw_manifest: Box<str>,
    /// Which file it is.
    pub digest: Digest,
    /// The interfaces that it asks for, as named in the file.
    pub imports: Vec<String>,
    /// Where it was read from.
    pub path: PathBuf,
    /// What the operator says of it.
    pub policy: ModulePolicy,
}

impl Module {
    /// Looks a module over: its world, its manifest, its digest and its signature against the policy. Runs nothing, opens
    /// nothing. `policy` is what the operator says of this file, or of a module of the bridge name that it has;
    /// `signature` is the text of the file beside it, where there is one.
    ///
    /// # Errors
    /// The first thing that speaks against it.
    pub fn examine(
        bytes: &[u8],
        path: PathBuf,
        policy: impl PolicyOf,
        signature: Option<&str>,
    ) -> Result<Module, Refused> {
        let digest = Digest::of(bytes);
        let is_admitted = |policy: &ModulePolicy| {
            policy.admits(digest)?;
            policy.signature.as_ref().map_or(Ok(()), |key| key.verify(bytes, signature))
        };
        // Where the operator pinned the file, nothing of another one is parsed.
        let of_file = policy.of_file();
        of_file.as_ref().map_or(Ok(()), is_admitted)?;
        let anatomy = Anatomy::read(bytes)?;
        anatomy.is_connector()?;
        let (mut manifest, raw_manifest) = manifest::of_anatomy(&anatomy)?;
        let policy = match of_file {
            Some(policy) => policy,
            None => {
                let policy = policy.of_bridge(&manifest.manifest.package_name);
                is_admitted(&policy)?;
                policy
            }
        };
        manifest.manifest.fields.extend(pool_fields());
        let imports = anatomy.imports.into_iter().map(str::to_owned).collect();
        Ok(Module { manifest, raw_manifest, digest, imports, path, policy })
    }

    /// The bridge name that it serves.
    pub fn bridge(&self) -> &str {
        &self.manifest.manifest.package_name
    }
}
