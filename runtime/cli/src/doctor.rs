//! `doctor`: what the program was told, handed to the checks.

use std::io::{self, Write};
use std::sync::Arc;

use connector_host::load::{ModuleReport, Modules, Standing};
use connector_model::error::{Error, ErrorCode};
use connector_model::manifest::short_name;
use connector_model::nearest::suggestion;
use dial::Dialer;
use runner_doctor::{
    Area, Check, Gateway, ModuleFacts, ModuleFault, ModuleSubject, Openable, Report, SourceSubject, Status,
    Subject, Verdict, examine, json, text,
};
use runner_engine::{Found, FoundSource};

use crate::arguments::DoctorFlags;
use crate::connectors::{self, facts, loading::Loaded};
use crate::exit::Exit;
use crate::settings::{
    ConfigError, Connection, Layers, Logging, Serving, SourceSettings, connection, telemetry,
};
use crate::{mask, sources, start};

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
    let prepared = match layers {
        Ok(layers) => prepare(asked, &layers).await,
        Err(error) => Err(error),
    };
    let report = match prepared {
        Ok(subject) => examine(subject).await,
        Err(error) => Report { checks: vec![broken(&error)] },
    };
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

/// What is to be examined. A configuration that does not do for the gateway still does for the sources.
///
/// # Errors
/// What makes any examination impossible.
async fn prepare(asked: &DoctorFlags, layers: &Layers) -> Result<Subject, ConfigError> {
    let settings = SourceSettings::read(layers)?;
    let modules = connectors::settings(layers)?;
    let dialer = connection::dialer(&connection::ca_files(layers))?;
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
            if let Some(oddity) = &connection.route.oddity {
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
        let skipped = |name| Check::new(Area::Gateway, name, Status::Skipped, "left out (--offline)");
        known.extend(["reachable", "handshake"].map(skipped));
    }
    let found = sources::find(&settings, &loaded)?;
    for warning in &found.warnings {
        known.push(Check::new(Area::Config, CONFIG, Status::Warning, warning.to_string()));
    }
    for problem in loaded.modules().map(Modules::problems).unwrap_or_default() {
        known.push(Check::new(Area::Config, "connectors", Status::Warning, problem));
    }
    let reports = loaded.modules().map(Modules::reports).unwrap_or_default();
    let subjects = subjects(asked, found);
    if subjects.is_empty() {
        let none =
            "no source is configured on this machine (those whose configuration the gateway holds need none)";
        known.push(Check::new(Area::Config, "sources", Status::Passed, none));
    }
    Ok(Subject {
        known,
        gateway: gateway.filter(|_| !asked.offline),
        sources: subjects,
        modules: reports.into_iter().map(module).collect(),
        dialer,
        application: Arc::from(format!("semilayer-runner/{short_id}")),
    })
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
    telemetry::collector(layers, &connection)?;
    let gateway = Gateway {
        settings: connection.link()?,
        connect: connection.connect(dialer)?,
        proxy_from: connection.route.proxy.as_ref().map(|proxy| proxy.origin.to_string()),
        direct_because: connection.route.direct_because.clone(),
        hello: start::hello(&loaded.bridges()?, loaded, serving.max_jobs),
    };
    Ok((connection, gateway))
}

/// The sources that were found, or those of them that were asked for.
fn subjects(asked: &DoctorFlags, found: Found) -> Vec<SourceSubject> {
    if asked.sources.is_empty() {
        return found.sources.into_iter().map(subject).collect();
    }
    let names: Vec<String> = found.sources.iter().map(|source| source.name.clone()).collect();
    let mut chosen: Vec<SourceSubject> =
        found.sources.into_iter().filter(|source| is_asked(asked, &source.name)).map(subject).collect();
    for name in asked.sources.iter().filter(|name| !names.iter().any(|found| is_same(found, name))) {
        let variable = format!("SEMILAYER_SOURCE_{}_URL", spelled(name));
        let hint = suggestion(name, names.iter().map(String::as_str));
        let message = format!("no variable and no entry of the file configures it: set {variable}{hint}");
        let openable = Err(Error::new(ErrorCode::SourceNotConfigured, message));
        chosen.push(SourceSubject { name: name.clone(), openable });
    }
    chosen
}

fn is_asked(asked: &DoctorFlags, found: &str) -> bool {
    asked.sources.iter().any(|name| is_same(found, name))
}

/// A source that is known from variables only has their spelling.
fn is_same(found: &str, asked: &str) -> bool {
    spelled(found) == spelled(asked)
}

/// A source's name as it stands in variables.
fn spelled(name: &str) -> String {
    let spell = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    name.chars().map(spell).collect()
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

fn subject(found: FoundSource) -> SourceSubject {
    let FoundSource { name, variables, resolved, .. } = found;
    let openable = resolved.and_then(|resolved| {
        let source = resolved.source()?;
        let driver = short_name(resolved.driver());
        let origin = if variables.is_empty() {
            format!("{driver}, from the configuration file")
        } else {
            format!("{driver}, from {}", variables.join(", "))
        };
        Ok(Openable { source, origin, filter: resolved.filter, paths: resolved.paths })
    });
    SourceSubject { name, openable }
}
