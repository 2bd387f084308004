//! `connectors`: the drivers and modules that there are, one module's file looked into, compiled, or begun.
//!
//! - [`arguments`]: the command line
//! - `list`: what is served, and what is not and why
//! - `inspect`: what a file says of itself and what it would be granted
//! - `compile`: a file's machine code, made and kept
//! - `test`: a file held against the contract, over a real source
//! - `new`: a folder with a connector that works, to be made into another
//! - `facts`: what there is to say of a module, in words
//! - [`loading`]: drivers and modules together

pub mod arguments;
mod compile;
pub(crate) mod facts;
mod inspect;
mod list;
pub mod loading;
mod new;
mod test;

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;

use connector_conformance::ExistingOptions;
use connector_host::load::Compiler;

pub use arguments::ConnectorsCommand;
pub(crate) use list::listed;

use crate::exit::Exit;
use crate::settings::{ConfigError, Layers, ModuleSettings, Setting};

/// This program as it was started, though its file may have been replaced since (proc(5)).
const THIS_PROGRAM: &str = "/proc/self/exe";

/// What starts this program to compile a module.
fn compiler() -> Compiler {
    let arguments = ["connectors", "compile", "--pipe"].map(OsString::from).to_vec();
    Compiler::Child { program: PathBuf::from(THIS_PROGRAM), arguments }
}

/// Where modules are and what the operator says of them; another process of this program compiles them.
///
/// # Errors
/// As [`ModuleSettings::read`].
pub(crate) fn settings(layers: &Layers) -> Result<ModuleSettings, ConfigError> {
    Ok(ModuleSettings { compiler: compiler(), ..ModuleSettings::read(layers)? })
}

/// Why a command has no answer.
#[derive(Debug, thiserror::Error)]
pub enum ConnectorsError {
    /// The output cannot be written.
    #[error("the output cannot be written: {0}")]
    Output(#[from] io::Error),
    /// Two drivers of this program claim one name.
    #[error(transparent)]
    Drivers(#[from] runner_engine::NameTaken),
}

/// Runs one of the commands; `ca_files` are trusted besides the system's authorities where it connects. Needs a tokio
/// runtime.
///
/// # Errors
/// Those of the output.
pub async fn run(
    command: ConnectorsCommand,
    settings: &ModuleSettings,
    ca_files: &[Setting<PathBuf>],
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, ConnectorsError> {
    match command {
        ConnectorsCommand::List { json } => list::run(settings, json, out).await,
        ConnectorsCommand::Inspect { file, json } => Ok(inspect::run(settings, &file, json, out, err).await?),
        ConnectorsCommand::Test { file, config, target, cases, seed } => {
            let options = ExistingOptions { target, cases, seed };
            let asked = test::Asked { file: &file, settings: arguments::settings(&config), options };
            Ok(test::run(settings, ca_files, asked, out, err).await?)
        }
        ConnectorsCommand::Compile { file: Some(file), pipe: false } => {
            Ok(compile::run(settings, &file, out, err).await?)
        }
        ConnectorsCommand::Compile { .. } => Ok(compile::for_parent(err)?),
        ConnectorsCommand::New { name, template, sdk } => {
            Ok(new::run(&name, &template, sdk.as_deref(), out, err)?)
        }
    }
}
