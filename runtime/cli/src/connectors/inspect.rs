//! `connectors inspect`: what a file says of itself and what it would be granted. Nothing of it is compiled or run.

use std::io::{self, Write};
use std::path::Path;

use connector_host::Refused;
use connector_host::load::examine_file;
use connector_model::manifest::short_name;
use serde_json::json;

use super::facts;
use super::loading::driver_claims;
use crate::exit::Exit;
use crate::settings::ModuleSettings;

/// Prints it; ends with [`Exit::Source`] when the file would not be loaded.
pub(super) async fn run(
    settings: &ModuleSettings,
    file: &Path,
    as_json: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    let claims = driver_claims();
    let module = match examine_file(&settings.load(claims.clone()), file).await {
        Ok(module) => module,
        Err(refused) => return refuse(file, &refused, as_json, out, err),
    };
    if as_json {
        writeln!(out, "{:#}", facts::json(&module))?;
    } else {
        for (name, text) in facts::lines(&module) {
            writeln!(out, "{:<11} {text}", format!("{name}:"))?;
        }
        writeln!(out, "fields:")?;
        for line in facts::fields(&module) {
            writeln!(out, "  {line}")?;
        }
    }
    let short = short_name(module.bridge());
    if let Some(claim) = claims.into_iter().find(|claim| claim.name == short) {
        let refused = Refused::NameTaken { name: claim.name, owner: claim.owner };
        writeln!(err, "error: {}: {refused}; {}", file.display(), refused.remedy())?;
        return Ok(Exit::Source);
    }
    Ok(Exit::Ok)
}

/// Says why a file is not loaded.
pub(super) fn refuse(
    file: &Path,
    refused: &Refused,
    as_json: bool,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<Exit> {
    if as_json {
        let answer = json!({
            "file": file.display().to_string(),
            "refused": { "code": refused.code(), "message": refused.to_string(), "remedy": refused.remedy() },
        });
        writeln!(out, "{answer:#}")?;
    } else {
        writeln!(err, "error: {}: {refused}; {}", file.display(), refused.remedy())?;
    }
    Ok(Exit::Source)
}
