//! `doctor`: what the program was told, handed to the checks.

use std::io::{self, Write};
use std::sync::Arc;

use connector_host::load::{ModuleReport, Modules, Standing};
use dial::Dialer;
use runner_doctor::{
    Area, Assigned, Check, Gateway, ModuleFacts, ModuleFault, ModuleSubject, Report, Status, Subject,
    Verdict, WhenAssigned, examine_with, json, text,
};
use runner_engine::{Assignment, FileSources, Found, FoundSource, Resolver, SourceWarning, find_sources};

use crate::arguments::DoctorFlags;
use crate::connectors::{self, facts, loading::Loaded};
use crate::exit::Exit;
use crate::settings::known::unread;
use crate::settings::{ConfigError, Connection, Layers, Logging, Serving, SourceSettings, connection};
use crate::{mask, sources, start, subjects};

/// What the checks are called that are about the configuration.
const CONFIG: &str = "config";

/// Runs the checks and prints what they found.
///
/// # Errors
/// Those of the output.
pub async fn run(
    asked: &DoctorFlags,
    layers: Result<Layers, ConfigError>,
    is_terminal: bool,
    out: &mut dyn Write,
) -> io::Result<Exit> {
    let report = report(asked, &layers).await;
    if asked.json {
        writeln!(out, "{:#}", json::to_json(&report))?;
    } else {
        write!(out, "{}", text::Text { report: &report, colour: is_terminal })?;
    }
    Ok(match report.verdict() {
        Verdict::Config => Exit::Config,
        Verdict::Gateway => Exit::Failed,
        Verdict::Source => Exit::Source,
        Verdict::Healthy => Exit::Ok,
    })
}

/// What the checks found.
pub(crate) async fn report(asked: &DoctorFlags, layers: &Result<Layers, ConfigError>) -> Report {
    let prepared = match layers {
        Ok(layers) => prepare(asked, layers).await,
        Err(error) => return Report { checks: vec![broken(error)] },
    };
    match prepared {
        Ok((subject, when_assigned)) => examine_with(subject, Some(when_assigned)).await,
        Err(error) => Report { checks: vec![broken(&error)] },
    }
}

/// What is to be examined. A configuration that does not do for the gateway still does for the sources.
///
/// # Errors
/// What makes any examination impossible.
async fn prepare(asked: &DoctorFlags, layers: &Layers) -> Result<(Subject, WhenAssigned), ConfigError> {
    let settings = SourceSettings::read(layers)?;
    let modules = connectors::settings(layers)?;
    let dialer = connection::dialer(&connection::ca_files(layers)?)?;
    let loaded = Loaded::load(&modules).await;
    let mut known = Vec::new();
    let (gateway, short_id) = match identity(layers, &dialer, &loaded) {
        Ok((connection, gateway)) => {
            let id = &connection.runner_id.value;
            let loaded = format!("loaded (runner {}) — env vars resolved", mask::short_id(id));
            known.push(Check::new(Area::Config, CONFIG, Status::Passed, loaded));
            if let Some(oddity) = connection.token_oddity() {
                known.push(Check::new(Area::Config, CONFIG, Status::Warning, oddity));
            }
            (Some(gateway), id.chars().take(8).collect())
        }
        Err(error) => {
            known.push(broken(&error));
            (None, "doctor".to_owned())
        }
    };
    if asked.offline {
        known.extend(skipped("left out (--offline)"));
    } else if gateway.is_none() {
        known.extend(skipped("not tried: the configuration does not do"));
    }
    for unread in unread(&layers.variables) {
        known.push(Check::new(Area::Config, CONFIG, Status::Warning, unread.to_string()));
    }
    let found = sources::find(&settings, &loaded)?;
    for warning in &found.warnings {
        known.push(Check::new(Area::Config, CONFIG, Status::Warning, warning.to_string()));
    }
    for problem in loaded.modules().map(Modules::problems).unwrap_or_default() {
        known.push(Check::new(Area::Config, "connectors", Status::Warning, problem));
    }
    let reports = loaded.modules().map(Modules::reports).unwrap_or_default();
    let local = |source: &FoundSource| Local { name: source.name.clone(), resolves: source.resolved.is_ok() };
    let local = found.sources.iter().map(local).collect();
    let resolver = settings.resolver(loaded.bridges()?);
    let when_assigned = when_assigned(asked.sources.clone(), resolver, settings.file.clone(), local);
    let subjects = subjects::chosen(&asked.sources, found);
    if subjects.is_empty() {
        let none =
            "no source is configured on this machine (those whose configuration the gateway holds need none)";
        known.push(Check::new(Area::Config, "sources", Status::Passed, none));
    }
    let subject = Subject {
        known,
        gateway: gateway.filter(|_| !asked.offline),
        sources: subjects,
        modules: reports.into_iter().map(module).collect(),
        dialer,
        application: Arc::from(format!("semilayer-runner/{short_id}")),
    };
    Ok((subject, when_assigned))
}

/// What there is to say of a gateway that is not tried.
fn skipped(why: &str) -> [Check; 3] {
    ["reachable", "handshake", "assignment"].map(|name| Check::new(Area::Gateway, name, Status::Skipped, why))
}

fn broken(error: &ConfigError) -> Check {
    Check::new(Area::Config, CONFIG, Status::Failed, error.to_string())
}

/// Who this runner is, and the way to its gateway. Everything that `start` reads is read, so that what it would refuse is
/// found here.
fn identity(layers: &Layers, dialer: &Dialer, loaded: &Loaded) -> Result<(Connection, Gateway), ConfigError> {
    let connection = Connection::read(layers)?;
    let serving = Serving::read(layers)?;
    Logging::read(layers)?;
    let gateway = Gateway {
        settings: connection.link()?,
        dialer: dialer.clone(),
        tls: connection.tls()?,
        hello: start::hello(&loaded.bridges()?, loaded, serving.max_jobs),
    };
    Ok((connection, gateway))
}

/// A source that was found on this machine.
struct Local {
    name: String,
    resolves: bool,
}

/// What the gateway's assignments add: sources that are assigned and not examined yet, and what is odd about the variables
/// now that it is known which are needed.
fn when_assigned(
    asked: Vec<String>,
    resolver: Resolver,
    file: FileSources,
    local: Vec<Local>,
) -> WhenAssigned {
    Box::new(move |assigned| {
        let assignments: Vec<Assignment> = assigned.into_vec().into_iter().map(start::assignment).collect();
        let Found { sources, warnings } = find_sources(&resolver, &file, Some(&assignments));
        let is_new = |source: &FoundSource| {
            let examined =
                || local.iter().any(|local| local.resolves && subjects::is_same(&local.name, &source.name));
            // A managed one has its configuration from the gateway, whatever stands here under its name.
            let managed = assignments.iter().any(|one| one.name == source.name && one.is_managed());
            source.assigned && subjects::is_asked(&asked, &source.name) && (managed || !examined())
        };
        let sources = sources.into_iter().filter(is_new).map(|mut source| {
            // It takes the place of what was found under its variables.
            if let Some(local) = local.iter().find(|local| subjects::is_same(&local.name, &source.name)) {
                source.name.clone_from(&local.name);
            }
            subjects::subject(source)
        });
        let sources = sources.collect();
        // That a source is not configured is a failure of its own.
        let odd = warnings.iter().filter(|warning| {
            matches!(warning, SourceWarning::Unused { .. } | SourceWarning::ManagedWithVariables { .. })
        });
        let checks =
            odd.map(|warning| Check::new(Area::Config, CONFIG, Status::Warning, warning.to_string()));
        Assigned { checks: checks.collect(), sources }
    })
}

/// A module's file, as loading it found it.
fn module(report: ModuleReport) -> ModuleSubject {
    let file = report.path.display();
    let found = match &report.standing {
        Standing::Loaded(loaded) => {
            let module = &loaded.module;
            let loads = format!("{} {} from {file}", module.bridge(), module.manifest.manifest.version);
            let facts =
                facts::lines(module).into_iter().filter(|(name, _)| !matches!(*name, "bridge" | "shown as"));
            Ok(ModuleFacts { loads, facts: facts.collect() })
        }
        Standing::Refused(refused) | Standing::Outdated { refused, .. } => {
            Err(ModuleFault { text: format!("{file}: {refused}"), remedy: refused.remedy().to_owned() })
        }
    };
    ModuleSubject { name: report.name, found }
}
