//! The configured sources as what doctor examines and `test-source` opens.

use connector_model::error::{Error, ErrorCode};
use connector_model::manifest::short_name;
use connector_model::nearest::suggestion;
use runner_doctor::{Openable, SourceSubject};
use runner_engine::{Found, FoundSource, variable_name};

/// The sources that were found, or those of them that were asked for. One that was asked for and not found says so.
pub(crate) fn chosen(asked: &[String], found: Found) -> Vec<SourceSubject> {
    if asked.is_empty() {
        return found.sources.into_iter().map(subject).collect();
    }
    let names: Vec<String> = found.sources.iter().map(|source| source.name.clone()).collect();
    let mut chosen: Vec<SourceSubject> =
        found.sources.into_iter().filter(|source| is_asked(asked, &source.name)).map(subject).collect();
    let absent = asked.iter().filter(|name| !names.iter().any(|found| is_same(found, name)));
    chosen.extend(
        absent.map(|name| SourceSubject { name: name.clone(), openable: Err(missing(name, &names)) }),
    );
    chosen
}

/// Whether a source of that name was asked for; without a name all are.
pub(crate) fn is_asked(asked: &[String], found: &str) -> bool {
    asked.is_empty() || asked.iter().any(|name| is_same(found, name))
}

/// Whether two names are one source: one that is known from variables only has their spelling.
pub(crate) fn is_same(one: &str, other: &str) -> bool {
    variable_name(one) == variable_name(other)
}

fn missing(name: &str, names: &[String]) -> Error {
    let variable = format!("SEMILAYER_SOURCE_{}_URL", variable_name(name));
    let hint = suggestion(name, names.iter().map(String::as_str));
    let message = format!("no variable and no entry of the file configures it: set {variable}{hint}");
    Error::new(ErrorCode::SourceNotConfigured, message)
}

/// What there is to open of a source.
pub(crate) fn subject(found: FoundSource) -> SourceSubject {
    let FoundSource { name, variables, resolved, .. } = found;
    let openable = resolved.and_then(|resolved| {
        let source = resolved.source()?;
        let driver = short_name(resolved.driver());
        let origin = if !variables.is_empty() {
            format!("{driver}, from {}", variables.join(", "))
        } else if resolved.origins.is_empty() {
            format!("{driver}, from the gateway (managed)")
        } else {
            format!("{driver}, from the configuration file")
        };
        Ok(Openable { source, origin, filter: resolved.filter, paths: resolved.paths })
    });
    SourceSubject { name, openable }
}
