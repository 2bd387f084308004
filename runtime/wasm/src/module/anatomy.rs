//! What a component's sections show without compiling or running any of it.

use connector_model::module::MANIFEST_SECTION;
use wasmparser::{Encoding, Parser, Payload};

use super::refused::Refused;

/// The interface that a connector exports, without its version.
const INTERFACE: &str = "semilayer:connector/source";
/// The interface that this host calls.
pub const SOURCE_INTERFACE: &str = "semilayer:connector/source@0.1.0";

/// How deep components and modules may lie in one another. Tools nest three or four deep; the walk remembers every level.
const MAX_DEPTH: usize = 32;
/// Imports and exports that are remembered, each kind; a connector has two dozen.
const MAX_NAMES: usize = 1_000;

/// What a component's sections show. Names are as in the file.
#[derive(Debug, Clone, Default)]
pub struct Anatomy<'m> {
    /// The interfaces that it asks for.
    pub imports: Vec<&'m str>,
    /// What it offers.
    pub exports: Vec<&'m str>,
    /// The content of every manifest section, in the component or in a module within it.
    pub manifests: Vec<&'m [u8]>,
}

impl<'m> Anatomy<'m> {
    /// Walks the sections of a file.
    ///
    /// # Errors
    /// [`Refused::NotAComponent`] and [`Refused::Broken`].
    pub fn read(bytes: &'m [u8]) -> Result<Anatomy<'m>, Refused> {
        if !bytes.starts_with(b"\0asm") {
            return Err(Refused::NotAComponent("it is no WebAssembly file"));
        }
        let mut anatomy = Anatomy::default();
        // The whole file is the first level.
        let mut depth = 1_usize;
        for payload in Parser::new(0).parse_all(bytes) {
            match payload.map_err(|error| broken(&error))? {
                Payload::Version { encoding: Encoding::Module, .. } if depth == 1 => {
                    return Err(Refused::NotAComponent("it is a core module and no component"));
                }
                Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => {
                    depth += 1;
                    if depth > MAX_DEPTH {
                        return Err(Refused::NotAComponent("its parts are nested deeper than any tool does"));
                    }
                }
                Payload::End(_) => depth = depth.saturating_sub(1),
                Payload::CustomSection(section) if section.name() == MANIFEST_SECTION => {
                    keep(&mut anatomy.manifests, section.data())?;
                }
                Payload::ComponentImportSection(section) if depth == 1 => {
                    for import in section {
                        keep(&mut anatomy.imports, import.map_err(|error| broken(&error))?.name.name)?;
                    }
                }
                Payload::ComponentExportSection(section) if depth == 1 => {
                    for export in section {
                        keep(&mut anatomy.exports, export.map_err(|error| broken(&error))?.name.name)?;
                    }
                }
                _ => {}
            }
        }
        Ok(anatomy)
    }

    /// Whether it is a connector of the version that this host speaks.
    ///
    /// # Errors
    /// [`Refused::World`] naming what it is instead.
    pub fn is_connector(&self) -> Result<(), Refused> {
        if self.exports.contains(&SOURCE_INTERFACE) {
            return Ok(());
        }
        let other = self.exports.iter().find_map(|name| name.strip_prefix(INTERFACE)?.strip_prefix('@'));
        let found = match (other, self.exports.as_slice()) {
            (Some(version), _) => {
                format!("it is written for version {} of that interface", shown(version))
            }
            (None, []) => "it exports nothing at all".to_owned(),
            (None, names) => {
                // A hint, not a list: what else it may be does not matter here.
                let names: Vec<String> = names.iter().take(3).map(|name| shown(name)).collect();
                format!("it is a component of another kind, with {}", names.join(", "))
            }
        };
        Err(Refused::World { wanted: SOURCE_INTERFACE.to_owned(), found })
    }
}

fn keep<T>(kept: &mut Vec<T>, item: T) -> Result<(), Refused> {
    if kept.len() == MAX_NAMES {
        return Err(Refused::NotAComponent("it has more imports, exports or manifests than any connector"));
    }
    kept.push(item);
    Ok(())
}

fn broken(error: &wasmparser::BinaryReaderError) -> Refused {
    let offset = u64::try_from(error.offset()).unwrap_or(u64::MAX);
    Refused::Broken { offset, problem: shown(error.message()) }
}

/// A text from the file, fit for a line of a log.
fn shown(text: &str) -> String {
    const LONGEST: usize = 120;
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST).collect()
}
