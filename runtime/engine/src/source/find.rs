//! Everything that the environment and the file configure, for `sources`, `doctor` and the warnings at start.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector_api::Connector;
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::nearest::nearest;

use super::environment::{Variable, owner, read_secret, without_file_suffix};
use super::file::FileSources;
use super::naming::{DRIVER, PREFIX, expected_variable, spellings, variable_name};
use super::resolve::{ResolvedSource, Resolver};
use super::warning::SourceWarning;
use crate::assignment::Assignment;

/// What was found.
#[derive(Debug)]
pub struct Found {
    /// The sources: the assigned ones, then the others by name.
    pub sources: Vec<FoundSource>,
    /// What is odd about them.
    pub warnings: Vec<SourceWarning>,
}

/// One source that is assigned or configured here.
#[derive(Debug)]
pub struct FoundSource {
    /// Its name; one that is known from variables only is their spelling in lower case.
    pub name: String,
    /// Whether the gateway assigned it; always false when no assignments were given.
    pub assigned: bool,
    /// Its variables, by name.
    pub variables: Vec<String>,
    /// What it resolves to, or why it does not.
    pub resolved: Result<ResolvedSource>,
}

/// Finds every source that is assigned, in the file, or recognisable in the environment. `assigned` is `None` as
/// long as the gateway has not said what is assigned: then nothing is reported as unused or missing.
pub fn find_sources(resolver: &Resolver, file: &FileSources, assigned: Option<&[Assignment]>) -> Found {
    let assignments = assigned.unwrap_or_default();
    let mut names: Vec<String> = Vec::new();
    let known_names = assignments.iter().map(|assignment| &assignment.name).chain(file.keys());
    for name in known_names {
        if !names.contains(name) {
            names.push(name.clone());
        }
    }
    // A job knows these names only, so they are resolved here just as they will be there.
    let declared: Vec<String> = names.iter().map(|name| variable_name(name)).collect();
    names.extend(unnamed(resolver, &declared));
    let known: Vec<String> = names.iter().map(|name| variable_name(name)).collect();

    let mut found = Found { sources: Vec::new(), warnings: same_variables(&names) };
    for (position, name) in names.iter().enumerate() {
        let known = if position < declared.len() { &declared } else { &known };
        let assignment = assignments.iter().find(|assignment| assignment.name == *name);
        let variables: Vec<String> = resolver
            .environment
            .of_source(&variable_name(name), known)
            .iter()
            .map(|variable| variable.name.to_owned())
            .collect();
        let resolved = match assignment {
            Some(assignment) => resolver.resolve(assignment, file, known),
            None => inferred(resolver, name, file, known)
                .and_then(|connector| resolver.local(name, &connector, file, known)),
        };
        if let Ok(resolved) = &resolved {
            found.warnings.extend(resolved.warnings.iter().cloned());
        }
        match assignment {
            Some(assignment) => {
                found.warnings.extend(assigned_oddity(resolver, assignment, file, &variables, known));
            }
            None if assigned.is_some() => {
                let nearest = nearly_named(name, assignments);
                found.warnings.extend(variables.iter().map(|variable| SourceWarning::Unused {
                    variable: variable.clone(),
                    nearest: nearest.clone(),
                }));
            }
            None => {}
        }
        found.sources.push(FoundSource {
            name: name.clone(),
            assigned: assignment.is_some(),
            variables,
            resolved,
        });
    }
    found.warnings.extend(alike(&names));
    found.warnings.extend(ambiguous(resolver, &names));
    found.warnings.extend(unread(resolver, &known));
    found
}

/// Names that only the variables show: each is what stands before the longest key that a connector knows.
fn unnamed(resolver: &Resolver, known: &[String]) -> BTreeSet<String> {
    let mut keys: Vec<String> = resolver
        .bridges
        .connectors()
        .flat_map(|connector| connector.manifest().fields.iter().flat_map(spellings))
        .chain([DRIVER.to_owned()])
        .collect();
    keys.sort_unstable_by_key(|key| std::cmp::Reverse(key.len()));
    keys.dedup();
    let name_before = |rest: &str| {
        let key = keys.iter().find_map(|key| rest.strip_suffix(key.as_str())?.strip_suffix('_'));
        key.filter(|name| !name.is_empty()).map(str::to_ascii_lowercase)
    };
    resolver
        .environment
        .of_sources()
        .filter(|(_, rest)| owner(rest, known).is_none())
        // `MAIN_PASSWORD_FILE` is a password of `main`, although some connector knows a key `file`.
        .filter_map(|(_, rest)| {
            without_file_suffix(rest).and_then(&name_before).or_else(|| name_before(rest))
        })
        .collect()
}

/// The connector of a source that is not assigned: the one named for it, else the one that knows its URL's scheme,
/// else the only one that has all of its settings.
fn inferred(
    resolver: &Resolver,
    name: &str,
    file: &FileSources,
    known: &[String],
) -> Result<Arc<dyn Connector>> {
    if let Some((driver, _)) = resolver.named_driver(name, file, known)? {
        return resolver.bridges.find(&driver).cloned();
    }
    if let Some(scheme) = url_scheme(resolver, name, file, known)? {
        // Relatives of one database share its scheme; the first loaded is the general one.
        return resolver.bridges.of_scheme(&scheme).next().cloned().ok_or_else(|| {
            let message =
                format!("the source \"{name}\": no connector is loaded for URLs of the scheme {scheme}://");
            Error::new(ErrorCode::UnknownBridge, message).with("source", name)
        });
    }
    let mut fitting = resolver.bridges.connectors().filter(|connector| {
        let local = resolver.local(name, connector, file, known);
        local.is_ok_and(|resolved| resolved.warnings.is_empty())
    });
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Ok(only.clone()),
        _ => {
            let variable = format!("{PREFIX}{}_{DRIVER}", variable_name(name));
            let message =
                format!("the source \"{name}\": which driver it needs is not clear; set {variable}");
            Err(Error::new(ErrorCode::SourceNotConfigured, message).with("variable", variable))
        }
    }
}

fn url_scheme(
    resolver: &Resolver,
    name: &str,
    file: &FileSources,
    known: &[String],
) -> Result<Option<String>> {
    use secrecy::ExposeSecret;
    let scheme = |url: &str| url.split_once("://").map(|(scheme, _)| scheme.to_owned());
    for Variable { name, key } in resolver.environment.of_source(&variable_name(name), known) {
        let value = resolver.environment.value(name).unwrap_or_default();
        let is_url = |key: &str| matches!(key, "URL" | "CONNECTION_STRING");
        if is_url(key) {
            return Ok(scheme(value));
        }
        if without_file_suffix(key).is_some_and(is_url) {
            return Ok(scheme(&read_secret(name, value)?));
        }
    }
    let entries = file.get(name).map(|source| &source.entries);
    let url = entries.and_then(|entries| entries.get("url").or_else(|| entries.get("connectionString")));
    Ok(url.and_then(|url| scheme(url.expose_secret())))
}

fn assigned_oddity(
    resolver: &Resolver,
    assignment: &Assignment,
    file: &FileSources,
    variables: &[String],
    known: &[String],
) -> Option<SourceWarning> {
    let source = assignment.name.clone();
    if assignment.is_managed() {
        let variables = variables.to_vec();
        return (!variables.is_empty()).then_some(SourceWarning::ManagedWithVariables { source, variables });
    }
    if !variables.is_empty() || file.contains_key(&source) {
        return None;
    }
    let connector = resolver.bridges.find(&assignment.bridge).ok()?;
    let expected = expected_variable(&source, connector.manifest());
    let nearly = resolver.nearly(&expected, known);
    Some(SourceWarning::NotConfigured { source, expected, nearly })
}

/// What the variables of the assigned source begin with whose name is most like this one.
fn nearly_named(name: &str, assignments: &[Assignment]) -> Option<String> {
    let spelled: Vec<String> = assignments.iter().map(|assignment| variable_name(&assignment.name)).collect();
    let alike = nearest(&variable_name(name), spelled.iter().map(String::as_str));
    alike.first().map(|name| format!("{PREFIX}{name}_…"))
}

fn same_variables(names: &[String]) -> Vec<SourceWarning> {
    let mut by_spelling: BTreeMap<String, &String> = BTreeMap::new();
    let mut warnings = Vec::new();
    for name in names {
        let spelled = variable_name(name);
        match by_spelling.get(&spelled) {
            Some(first) => warnings.push(SourceWarning::SameVariables {
                sources: [(*first).clone(), name.clone()],
                prefix: format!("{PREFIX}{spelled}_"),
            }),
            None => {
                by_spelling.insert(spelled, name);
            }
        }
    }
    warnings
}

/// Names that only separators tell apart: `primarydb` and `primary-db`.
fn alike(names: &[String]) -> Vec<SourceWarning> {
    let mut by_letters: BTreeMap<String, &String> = BTreeMap::new();
    let mut warnings = Vec::new();
    for name in names {
        let letters = variable_name(name).replace('_', "");
        match by_letters.get(&letters) {
            // Those that are spelled quite the same are told by their variables.
            Some(first) if variable_name(first) != variable_name(name) => {
                warnings.push(SourceWarning::Alike { sources: [(*first).clone(), name.clone()] });
            }
            Some(_) => {}
            None => {
                by_letters.insert(letters, name);
            }
        }
    }
    warnings
}

fn ambiguous(resolver: &Resolver, names: &[String]) -> Vec<SourceWarning> {
    let mut warnings = Vec::new();
    for (variable, rest) in resolver.environment.of_sources() {
        let mut fitting: Vec<&String> =
            names.iter().filter(|name| owner(rest, &[variable_name(name)]).is_some()).collect();
        fitting.sort_by_key(|name| std::cmp::Reverse(name.len()));
        let Some((longest, others)) = fitting.split_first() else { continue };
        if let Some(other) = others.iter().find(|other| variable_name(other) != variable_name(longest)) {
            warnings.push(SourceWarning::Ambiguous {
                variable: variable.to_owned(),
                owner: (*longest).clone(),
                other: (**other).clone(),
            });
        }
    }
    warnings
}

/// Variables that begin like a source's and belong to none.
fn unread(resolver: &Resolver, known: &[String]) -> Vec<SourceWarning> {
    let unread = resolver.environment.of_sources().filter(|(_, rest)| owner(rest, known).is_none());
    unread
        .map(|(variable, rest)| {
            let alike = nearest(rest, known.iter().map(String::as_str));
            let nearest = alike.first().map(|name| format!("{PREFIX}{name}_…"));
            SourceWarning::Unused { variable: variable.to_owned(), nearest }
        })
        .collect()
}
