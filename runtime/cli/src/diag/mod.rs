//! `diag`: a support bundle. Everything in it can be read before it is sent, and none of it is a secret.
//!
//! - `archive`: the files as a .tar.gz
//! - `logs`: the end of a log
//! - `machine`: which program this is, and what it runs on
//! - `secrets`: what is taken out of every text, whoever wrote it

mod archive;
mod logs;
mod machine;
mod secrets;

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use connector_host::Secrets;
use jiff::Timestamp;
use runner_doctor::{Report, json, text};
use secrecy::ExposeSecret;
use serde_json::Value;

use crate::arguments::{DiagFlags, DoctorFlags};
use crate::config::Shown;
use crate::connectors::loading::Loaded;
use crate::connectors::{self, listed};
use crate::exit::Exit;
use crate::settings::layers::Names;
use crate::settings::{ConfigError, Layers};
use crate::{doctor, drivers, mask};
use archive::Bundled;

/// What stands for standard input and output.
const STANDARD: &str = "-";

const ID: Names = Names { flag: "--id", variable: "SEMILAYER_RUNNER_ID", key: "id" };

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum DiagError {
    /// It cannot be written.
    #[error("the bundle cannot be written to {}: {error}; --out names another place, and - is standard output", path.display())]
    Write {
        /// Where to.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The log cannot be read.
    #[error("the log {} cannot be read: {error}", path.display())]
    Logs {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

/// Gathers the bundle and writes it. A configuration that cannot be used is no hindrance: it is what the bundle is about then.
/// Needs a tokio runtime.
///
/// # Errors
/// [`DiagError`].
pub(crate) async fn run(
    asked: &DiagFlags,
    layers: &Result<Layers, ConfigError>,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> Result<Exit, DiagError> {
    let began = Timestamp::now();
    let log = asked.logs.as_deref().map(logs::end_of).transpose()?;
    let id = layers.as_ref().ok().and_then(|layers| {
        let flag = layers.flags.id.as_deref();
        Some(layers.text(flag, ID).ok()??.value)
    });
    let mut files: Vec<(&'static str, Content)> = Vec::new();
    let secrets = match layers {
        Ok(layers) => of_configuration(layers, &mut files).await,
        Err(error) => {
            files.push(("config.txt", Content::Text(format!("✗ {error}\n"))));
            Secrets::default()
        }
    };
    let checks = DoctorFlags { sources: Vec::new(), json: true, offline: asked.offline };
    let report: Report = doctor::report(&checks, layers).await;
    files.push(("doctor.json", Content::Json(json::to_json(&report))));
    files.push(("doctor.txt", Content::Text(text::Text { report: &report, colour: false }.to_string())));
    files.push(("log.txt", Content::Text(log.unwrap_or_else(|| logs::NONE.to_owned()))));
    files.insert(0, ("about.json", Content::Json(machine::about(id.as_deref(), began))));
    let files: Vec<(&str, String)> =
        files.into_iter().map(|(name, content)| (name, content.without(&secrets))).collect();
    let short_id: String = id.as_deref().map(mask::file_name).unwrap_or_else(|| "unnamed".to_owned());
    let bundled = archive::bundle(&files, &short_id, began);
    match asked.out.as_deref() {
        Some(path) if path == Path::new(STANDARD) => {
            let failed = |error| DiagError::Write { path: path.to_owned(), error };
            out.write_all(&bundled.bytes).and_then(|()| out.flush()).map_err(failed)?;
            told(&bundled, "standard output", err)
        }
        given => {
            let path = given.map_or_else(|| PathBuf::from(&bundled.name), Path::to_owned);
            let failed = |error| DiagError::Write { path: path.clone(), error };
            archive::write_private(&path, &bundled.bytes).map_err(failed)?;
            told(&bundled, &path.display().to_string(), out)
        }
    }
    .map_err(|error| DiagError::Write { path: PathBuf::from(STANDARD), error })?;
    Ok(Exit::Ok)
}

/// What a file of the bundle holds.
enum Content {
    Text(String),
    Json(Value),
}

impl Content {
    /// The text of the file, with every secret hidden. JSON stays JSON.
    fn without(self, secrets: &Secrets) -> String {
        match self {
            Content::Text(text) => secrets.hide(&text).into_owned(),
            Content::Json(mut value) => {
                hide(&mut value, secrets);
                format!("{value:#}\n")
            }
        }
    }
}

fn hide(value: &mut Value, secrets: &Secrets) {
    match value {
        Value::String(text) => *text = secrets.hide(text).into_owned(),
        Value::Array(values) => values.iter_mut().for_each(|value| hide(value, secrets)),
        Value::Object(entries) => entries.values_mut().for_each(|value| hide(value, secrets)),
        _ => {}
    }
}

/// Says what is inside, and where it is.
fn told(bundled: &Bundled, place: &str, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "wrote {} bytes to {place}; inside, in {}/:", bundled.bytes.len(), bundled.folder)?;
    for (name, about) in archive::CONTENTS {
        writeln!(out, "  {name:<16} {about}")?;
    }
    writeln!(
        out,
        "It holds no token, no password and no row; look through it before you send it: tar xzf FILE"
    )
}

/// The configuration, the variables' names and the connectors; returns what is secret in them.
async fn of_configuration(layers: &Layers, files: &mut Vec<(&'static str, Content)>) -> Secrets {
    let shown = Shown::of(layers).await;
    let mut text = Vec::new();
    // A vector takes everything.
    let _written = shown.print(true, false, &mut text);
    files.push(("config.json", Content::Json(shown.to_json(true))));
    files.push(("config.txt", Content::Text(String::from_utf8_lossy(&text).into_owned())));
    let names: Vec<&str> = layers.variables.names().collect();
    files.push(("variables.txt", Content::Text(names.join("\n") + "\n")));
    let (connectors, served) = match connectors::settings(layers) {
        Ok(modules) => {
            let loaded = Loaded::load(&modules).await;
            (listed(&loaded), loaded.served())
        }
        Err(error) => (serde_json::json!({ "error": error.to_string() }), drivers::served()),
    };
    files.push(("connectors.json", Content::Json(connectors)));
    secrets::of(layers, &served)
}

/// A secret in clear, for whoever has to hide it.
fn clear(secret: &secrecy::SecretString) -> &str {
    secret.expose_secret()
}
