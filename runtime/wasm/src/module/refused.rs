//! Why a module is not loaded.

use std::time::Duration;

use connector_model::error::Error;

use super::digest::Digest;

/// Why a module is not loaded. `Display` is for the operator, and never holds a secret.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Refused {
    /// The file cannot be read.
    #[error("the file cannot be read: {0}")]
    Unreadable(String),
    /// The file is longer than any module.
    #[error("the file is larger than {limit} bytes")]
    TooLarge {
        /// The limit.
        limit: u64,
    },
    /// It is no WebAssembly component.
    #[error("{0}")]
    NotAComponent(&'static str),
    /// It is cut off, or damaged.
    #[error("the component is damaged at byte {offset}: {problem}")]
    Broken {
        /// Where.
        offset: u64,
        /// What is wrong there.
        problem: String,
    },
    /// It is a component for something else, or for another version.
    #[error("it exports no {wanted}; {found}")]
    World {
        /// The interface that a connector exports.
        wanted: String,
        /// What it has in its place.
        found: String,
    },
    /// It says nothing of itself, or something that cannot be.
    #[error("its manifest: {0}")]
    Manifest(String),
    /// The operator asked for another file.
    #[error("its SHA-256 is {found}, and the configuration asks for {wanted}")]
    Digest {
        /// The digest that the operator named.
        wanted: Digest,
        /// The file's.
        found: Digest,
    },
    /// The operator wants every module pinned, and this one is not.
    #[error("the configuration says require_pins, and pins no module with its SHA-256 {found}")]
    Unpinned {
        /// The file's digest.
        found: Digest,
    },
    /// It is not signed as the operator asked.
    #[error("{0}")]
    Signature(String),
    /// Somebody else serves its bridge.
    #[error("the bridge name \"{name}\" belongs to {owner}; the module has to take another")]
    NameTaken {
        /// The short name.
        name: String,
        /// Who serves it.
        owner: String,
    },
    /// It cannot be compiled.
    #[error("it cannot be compiled: {0}")]
    Compile(String),
    /// Compiling it took too long.
    #[error("compiling it took longer than {} s", .0.as_secs())]
    CompileTime(Duration),
    /// It asks the host for something that is not there, or cannot be made an instance of.
    #[error("{0}")]
    Unusable(#[from] Error),
}

impl Refused {
    /// The reason's stable name.
    pub const fn code(&self) -> &'static str {
        match self {
            Refused::Unreadable(_) => "unreadable",
            Refused::TooLarge { .. } => "too_large",
            Refused::NotAComponent(_) => "not_a_component",
            Refused::Broken { .. } => "broken",
            Refused::World { .. } => "other_world",
            Refused::Manifest(_) => "manifest",
            Refused::Digest { .. } => "digest",
            Refused::Unpinned { .. } => "unpinned",
            Refused::Signature(_) => "signature",
            Refused::NameTaken { .. } => "name_taken",
            Refused::Compile(_) => "compile",
            Refused::CompileTime(_) => "compile_time",
            Refused::Unusable(_) => "unusable",
        }
    }

    /// What the operator can do about it.
    pub const fn remedy(&self) -> &'static str {
        match self {
            Refused::Unreadable(_) => "see that the file is there, and that the runner's user may read it",
            Refused::TooLarge { .. } => "build it optimised for size, and without debug information",
            Refused::NotAComponent(_) => {
                "build it for the target wasm32-wasip2, which makes components, and mount the .wasm file that it writes"
            }
            Refused::Broken { .. } => {
                "copy the file again, whole, and compare its SHA-256 with its publisher's"
            }
            Refused::World { .. } => {
                "build it with a version of the SDK that this runner knows, or update the older of the two"
            }
            Refused::Manifest(_) => {
                "tell its author; a module built with the SDK has a manifest that is in order"
            }
            Refused::Digest { .. } => {
                "mount the file that was meant, or change sha256 in the configuration if the new one is meant"
            }
            Refused::Unpinned { .. } => {
                "if it is the file that was meant, add [connectors.NAME] with its sha256, or with the signature of its publisher's key"
            }
            Refused::Signature(_) => {
                "put the publisher's .minisig beside the file, and compare the key in the configuration with the publisher's"
            }
            Refused::NameTaken { .. } => "remove one of the two, or have the module built under another name",
            Refused::Compile(_) | Refused::CompileTime(_) | Refused::Unusable(_) => {
                "tell its author; semilayer-runner connectors compile FILE shows the same"
            }
        }
    }
}
