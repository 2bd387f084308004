//! `connectors test`: a file held against the contract, over a source that exists. What it answers is compared with what an
//! oracle answers that has loaded the same rows.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use connector_api::{CallContext, OpenContext, PathRules, Session, Source};
use connector_conformance::{ExistingOptions, ExistingReport, Sessions, existing};
use connector_host::load::load_file;
use connector_model::config::{Config, Origin};
use connector_model::error::{Error, ErrorCode, Result};
use dial::{AddressFilter, Dialer};

use super::inspect::refuse;
use super::loading::driver_claims;
use crate::exit::Exit;
use crate::settings::{ModuleSettings, Setting, connection};

/// How long opening one session may take.
const OPENING: Duration = Duration::from_secs(30);

/// What is asked for.
pub(super) struct Asked<'a> {
    pub(super) file: &'a Path,
    pub(super) settings: Vec<(&'a str, &'a str)>,
    pub(super) options: ExistingOptions,
}

/// Prints what came of it; ends with [`Exit::Source`] when the file is not loaded, the source cannot be used or an answer is
/// wrong, and with [`Exit::Config`] for a setting that the module does not have.
pub(super) async fn run(
    settings: &ModuleSettings,
    ca_files: &[Setting<PathBuf>],
    asked: Asked<'_>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let dialer = match connection::dialer(ca_files) {
        Ok(dialer) => dialer,
        Err(error) => {
            writeln!(err, "error: {error}")?;
            return Ok(Exit::Config);
        }
    };
    let module = match load_file(&settings.load(driver_claims()), asked.file).await {
        Ok(module) => module,
        Err(refused) => return refuse(asked.file, &refused, false, out, err),
    };
    let manifest = module.connector.manifest();
    let source = Config::from_texts(manifest, Origin::Local, asked.settings)
        .and_then(|config| module.connector.source(config));
    let tested = match source {
        Ok(source) => {
            let opener = Opener { source, dialer };
            existing(&opener, module.module.bridge(), &manifest.capabilities, &asked.options).await
        }
        Err(error) => Err(error),
    };
    match tested {
        Ok(report) => shown(&report, out),
        Err(error) => failed(&error, err),
    }
}

fn shown(report: &ExistingReport, out: &mut dyn Write) -> io::Result<Exit> {
    writeln!(out, "{report}")?;
    Ok(if report.passed() { Exit::Ok } else { Exit::Source })
}

fn failed(error: &Error, err: &mut dyn Write) -> io::Result<Exit> {
    writeln!(err, "error: {error}")?;
    Ok(match error.code() {
        ErrorCode::SourceNotConfigured => Exit::Config,
        _ => Exit::Source,
    })
}

/// Opens sessions as a job would, where the operator who typed the command may reach whatever the module's grant allows.
struct Opener {
    source: Box<dyn Source>,
    dialer: Dialer,
}

#[async_trait]
impl Sessions for Opener {
    async fn open(&self) -> Result<Box<dyn Session>> {
        let context = OpenContext {
            dialer: self.dialer.clone(),
            filter: AddressFilter::unrestricted(),
            paths: PathRules::Unrestricted,
            application: "semilayer-runner/test".into(),
            call: CallContext::within(OPENING),
            observer: None,
        };
        self.source.open(&context).await
    }
}
