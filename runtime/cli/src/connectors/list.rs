//! `connectors list`: what is served, and what is not and why.

use std::io::{self, Write};

use connector_host::Refused;
use connector_host::load::{LoadedModule, ModuleReport, Modules, Standing};
use serde_json::{Value, json};

use super::ConnectorsError;
use super::facts;
use super::loading::Loaded;
use crate::exit::Exit;
use crate::settings::ModuleSettings;

/// Prints the drivers and modules; ends with [`Exit::Source`] when a module is there that cannot be used.
pub(super) async fn run(
    settings: &ModuleSettings,
    as_json: bool,
    out: &mut dyn Write,
) -> Result<Exit, ConnectorsError> {
    let loaded = Loaded::load(settings).await;
    let reports = loaded.modules().map(Modules::reports).unwrap_or_default();
    let problems = loaded.modules().map(Modules::problems).unwrap_or_default();
    if as_json {
        writeln!(out, "{:#}", json(&loaded, &reports, &problems)?)?;
    } else {
        text(settings, &loaded, &reports, &problems, out)?;
    }
    let all_well = reports.iter().all(|report| report.refused().is_none());
    Ok(if all_well { Exit::Ok } else { Exit::Source })
}

/// The drivers and modules as one object; why there is none, if two of one name are there.
pub(crate) fn listed(loaded: &Loaded) -> Value {
    let reports = loaded.modules().map(Modules::reports).unwrap_or_default();
    let problems = loaded.modules().map(Modules::problems).unwrap_or_default();
    json(loaded, &reports, &problems).unwrap_or_else(|error| json!({ "error": error.to_string() }))
}

fn text(
    settings: &ModuleSettings,
    loaded: &Loaded,
    reports: &[ModuleReport],
    problems: &[String],
    out: &mut dyn Write,
) -> Result<(), ConnectorsError> {
    for connector in loaded.bridges()?.connectors() {
        if loaded.module_of(connector).is_none() {
            let manifest = connector.manifest();
            writeln!(out, "{}  {}  built in", manifest.package_name, manifest.version)?;
        }
    }
    for report in reports {
        match &report.standing {
            Standing::Loaded(module) => served(module, report, out)?,
            Standing::Refused(refused) => not_served(refused, report, out)?,
            Standing::Outdated { loaded, refused } => {
                served(loaded, report, out)?;
                not_served(refused, report, out)?;
            }
        }
    }
    if reports.is_empty() {
        match &settings.folder {
            Some(folder) => writeln!(out, "no module in {}", folder.display())?,
            None => writeln!(
                out,
                "no folder for modules: mount one at /connectors, or name it with --connectors-dir"
            )?,
        }
    }
    for problem in problems {
        writeln!(out, "! {problem}")?;
    }
    Ok(())
}

fn served(loaded: &LoadedModule, report: &ModuleReport, out: &mut dyn Write) -> io::Result<()> {
    let module = &loaded.module;
    let version = &module.manifest.manifest.version;
    writeln!(out, "{}  {version}  {}", module.bridge(), report.path.display())?;
    for (name, text) in facts::lines(module).iter().filter(|(name, _)| *name != "bridge") {
        writeln!(out, "  {:<11} {text}", format!("{name}:"))?;
    }
    Ok(())
}

fn not_served(refused: &Refused, report: &ModuleReport, out: &mut dyn Write) -> io::Result<()> {
    writeln!(out, "✗ {}: {refused}", report.path.display())?;
    writeln!(out, "    → {}", refused.remedy())
}

fn json(loaded: &Loaded, reports: &[ModuleReport], problems: &[String]) -> Result<Value, ConnectorsError> {
    let bridges = loaded.bridges()?;
    let drivers: Vec<Value> = bridges
        .connectors()
        .filter(|connector| loaded.module_of(connector).is_none())
        .map(|connector| {
            let manifest = connector.manifest();
            json!({ "bridge": manifest.package_name, "version": manifest.version, "manifest": manifest })
        })
        .collect();
    let modules: Vec<Value> = reports
        .iter()
        .map(|report| {
            json!({
                "name": report.name,
                "file": report.path.display().to_string(),
                "loaded": report.loaded().map(|loaded| facts::json(&loaded.module)),
                "refused": report.refused().map(|refused| json!({
                    "code": refused.code(), "message": refused.to_string(), "remedy": refused.remedy(),
                })),
            })
        })
        .collect();
    Ok(json!({ "drivers": drivers, "modules": modules, "problems": problems }))
}
