//! `config`: what is set and by what, and what may be.
//!
//! - `rows`: every setting with its value, as far as that may be shown, and its origin
//! - `of_sources`, `of_connectors`: the same of sources and connector modules
//! - `show`: the rows, for people and for machines
//! - [`schema`]: what the configuration file may hold, as a JSON schema

mod of_connectors;
mod of_sources;
mod rows;
pub mod schema;
mod show;

use std::io::{self, Write};

use serde_json::Value;

use crate::connectors::{self, loading::Loaded};
use crate::exit::Exit;
use crate::settings::{ConfigError, Layers, Settings, SourceSettings};
use crate::sources;
use rows::Row;

/// What there is to show.
pub(crate) struct Shown {
    file: Option<String>,
    rows: Vec<Row>,
    /// What is odd about it.
    warnings: Vec<String>,
    /// Why `start` would end with code 2.
    problems: Vec<String>,
}

impl Shown {
    /// Gathers it; what cannot be read is a problem among the others. Opens nothing. Needs a tokio runtime.
    pub(crate) async fn of(layers: &Layers) -> Shown {
        let mut shown = Shown {
            file: layers.file.path.as_ref().map(|path| path.display().to_string()),
            rows: rows::of_runner(layers),
            warnings: Vec::new(),
            problems: Vec::new(),
        };
        shown
            .warnings
            .extend(crate::settings::known::unread(&layers.variables).iter().map(ToString::to_string));
        if let Err(error) = Settings::read(layers) {
            shown.problems.push(error.to_string());
        }
        if let Err(error) = shown.add_sources(layers).await {
            let problem = error.to_string();
            // Most likely the one that the settings have.
            if !shown.problems.contains(&problem) {
                shown.problems.push(problem);
            }
        }
        shown.rows.extend(of_connectors::rows(layers));
        shown
    }

    async fn add_sources(&mut self, layers: &Layers) -> Result<(), ConfigError> {
        let settings = SourceSettings::read(layers)?;
        let modules = connectors::settings(layers)?;
        let loaded = Loaded::load(&modules).await;
        let found = sources::find(&settings, &loaded)?;
        for source in &found.sources {
            self.rows.extend(of_sources::rows(source, layers));
            if let Err(error) = sources::validated(&source.resolved) {
                self.problems.push(format!("[sources.{}] {}", source.name, error.message()));
            }
        }
        self.warnings.extend(found.warnings.iter().map(ToString::to_string));
        Ok(())
    }

    /// Prints it; with `effective` the settings too that nobody set. Ends with [`Exit::Config`] when the configuration
    /// cannot be used.
    ///
    /// # Errors
    /// Those of the output.
    pub(crate) fn print(&self, effective: bool, as_json: bool, out: &mut dyn Write) -> io::Result<Exit> {
        if as_json {
            writeln!(out, "{:#}", self.to_json(effective))?;
        } else {
            show::text(self, effective, out)?;
        }
        Ok(if self.problems.is_empty() { Exit::Ok } else { Exit::Config })
    }

    /// One object.
    pub(crate) fn to_json(&self, effective: bool) -> Value {
        show::json(self, effective)
    }
}
