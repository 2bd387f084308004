//! `policy check`: whether this machine's policy would let a job through, and why not.

use std::io::{self, Write};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use connector_api::{CallContext, OpenContext, Session};
use connector_model::error::{Error, ErrorCode, Result};
use connector_model::nearest::suggestion;
use connector_model::request::{self, Kind, Request};
use runner_engine::{
    Assignment, Credentials, Decision, Policies, Policy, ResolvedSource, find_sources, same_source,
};
use serde_json::{Map, Value, json};

use crate::arguments::CheckFlags;
use crate::connectors::{self, loading::Loaded};
use crate::exit::Exit;
use crate::settings::layers::read_bounded;
use crate::settings::{ConfigError, Layers, SourceSettings, connection};

/// The largest job that there is, and some room.
const MAX_BYTES: u64 = 17 * 1024 * 1024;
/// How long the source may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);
const KEYS: [&str; 5] = ["bridge", "kind", "options", "source", "target"];

/// A job as the file has it.
struct JobFile {
    source: String,
    bridge: Option<String>,
    kind: String,
    request: Request,
}

/// What came of it.
enum Outcome {
    Allowed(Decision),
    /// Some rule needs the database, which nobody asked.
    Open(Decision),
    Refused(Error),
    /// The database could not be asked.
    Unknown(Error),
}

/// Judges the job of the file and prints the decision.
///
/// # Errors
/// A configuration that cannot be used, in the inner one; the output's in the outer.
pub async fn run(
    asked: &CheckFlags,
    layers: &Layers,
    out: &mut dyn Write,
    err: &mut dyn Write,
) -> io::Result<std::result::Result<Exit, ConfigError>> {
    let prepared = SourceSettings::read(layers)
        .and_then(|settings| Ok((Policies::unrecorded(&settings.policy)?, settings)));
    let (policies, settings) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return Ok(Err(error)),
    };
    let job = match read(&asked.job) {
        Ok(job) => job,
        Err(problem) => {
            writeln!(err, "error: --job {}: {problem}", asked.job.display())?;
            return Ok(Ok(Exit::Config));
        }
    };
    let outcome = match judge(asked, layers, &settings, &policies.of(&job.source), &job).await {
        Ok(outcome) => outcome,
        Err(error) => return Ok(Err(error)),
    };
    if asked.json {
        writeln!(out, "{:#}", as_json(&job, &outcome))?;
    } else {
        as_text(&job, &outcome, out)?;
    }
    Ok(Ok(match outcome {
        Outcome::Allowed(_) => Exit::Ok,
        Outcome::Refused(_) => Exit::Refused,
        Outcome::Open(_) | Outcome::Unknown(_) => Exit::Failed,
    }))
}

async fn judge(
    asked: &CheckFlags,
    layers: &Layers,
    settings: &SourceSettings,
    policy: &Policy,
    job: &JobFile,
) -> std::result::Result<Outcome, ConfigError> {
    let preview = match policy.preview(&job.kind, &job.request) {
        Ok(preview) if !preview.is_open => return Ok(Outcome::Allowed(preview)),
        Ok(preview) => preview,
        Err(error) => return Ok(Outcome::Refused(error)),
    };
    if asked.offline {
        return Ok(Outcome::Open(preview));
    }
    let modules = connectors::settings(layers)?;
    let dialer = connection::dialer(&connection::ca_files(layers))?;
    let loaded = Loaded::load(&modules).await;
    let call = CallContext::within(PATIENCE);
    let explained = async {
        let resolved = resolve(settings, &loaded, job)?;
        let context = OpenContext {
            dialer,
            filter: resolved.filter.clone(),
            paths: resolved.paths.clone(),
            application: Arc::from("semilayer-runner/policy"),
            call: call.clone(),
            observer: None,
        };
        let mut session: Box<dyn Session> = resolved.source()?.open(&context).await?;
        policy.explain(&job.kind, &job.request, &mut *session, &call).await
    };
    Ok(match explained.await {
        Ok(decision) => Outcome::Allowed(decision),
        // Only the policy's own refusals name a rule of it; the address rules of the source have theirs.
        Err(error) if is_refusal(&error) => Outcome::Refused(error),
        Err(error) => Outcome::Unknown(error),
    })
}

fn is_refusal(error: &Error) -> bool {
    let rule = error.detail().get("rule").and_then(Value::as_str);
    error.code() == ErrorCode::PolicyDenied && rule.is_some_and(|rule| rule.starts_with("policy."))
}

/// The source as this machine configures it.
fn resolve(settings: &SourceSettings, loaded: &Loaded, job: &JobFile) -> Result<ResolvedSource> {
    let bridges = loaded.bridges().map_err(|error| Error::internal(error.to_string()))?;
    let assigned = job.bridge.as_ref().map(|bridge| Assignment {
        id: String::new(),
        name: job.source.clone(),
        bridge: bridge.clone(),
        credentials: Credentials::RunnerLocal,
    });
    let found = find_sources(
        &settings.resolver(bridges),
        &settings.file,
        assigned.as_ref().map(std::slice::from_ref),
    );
    match found.sources.iter().find(|source| same_source(&source.name, &job.source)) {
        Some(source) => source.resolved.clone(),
        None => {
            let hint = suggestion(&job.source, found.sources.iter().map(|source| source.name.as_str()));
            let message = format!("the source \"{}\" is not configured on this machine{hint}", job.source);
            Err(Error::new(ErrorCode::SourceNotConfigured, message).with("source", job.source.as_str()))
        }
    }
}

fn read(path: &Path) -> std::result::Result<JobFile, String> {
    let text = read_bounded(path, MAX_BYTES).map_err(|error| error.to_string())?;
    let json: Value = serde_json::from_str(&text).map_err(|error| format!("it is no JSON: {error}"))?;
    let Value::Object(json) = json else {
        return Err(format!("it must be an object of {}", KEYS.join(", ")));
    };
    if let Some(unknown) = json.keys().find(|key| !KEYS.contains(&key.as_str())) {
        return Err(format!("there is no such key: \"{unknown}\"{}", suggestion(unknown, KEYS)));
    }
    let source = text_of(&json, "source")?.ok_or("\"source\" is needed: the name of a source")?;
    let kind = text_of(&json, "kind")?.ok_or("\"kind\" is needed, such as \"query\"")?;
    let Some(known) = Kind::from_name(&kind) else {
        let hint = suggestion(&kind, Kind::ALL.map(Kind::as_str));
        return Err(format!("no kind of job is called \"{kind}\"{hint}"));
    };
    let bridge = text_of(&json, "bridge")?;
    let options = json.get("options").map(Value::to_string);
    let called = bridge.as_deref().unwrap_or("the source");
    let request = request::parse(known, text_of(&json, "target")?.as_deref(), options.as_deref(), called);
    let request = request.map_err(|error| error.message().to_owned())?;
    Ok(JobFile { source, bridge, kind, request })
}

fn text_of(json: &Map<String, Value>, key: &str) -> std::result::Result<Option<String>, String> {
    match json.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("\"{key}\" must be a text")),
    }
}

fn as_text(job: &JobFile, outcome: &Outcome, out: &mut dyn Write) -> io::Result<()> {
    let target = job.request.target().map(|target| format!(" of \"{target}\"")).unwrap_or_default();
    let what = format!("{}{target} on the source \"{}\"", job.kind, job.source);
    let notes = match outcome {
        Outcome::Allowed(decision) => {
            writeln!(out, "✓ allowed  {what}")?;
            &decision.notes
        }
        Outcome::Open(decision) => {
            writeln!(out, "! open     {what}")?;
            writeln!(
                out,
                "           rules for targets and columns need the target's schema, and the database was not asked (--offline)"
            )?;
            &decision.notes
        }
        Outcome::Refused(error) => {
            writeln!(out, "✗ refused  {what}")?;
            return writeln!(out, "           {}: {}", rule(error), error.message());
        }
        Outcome::Unknown(error) => {
            writeln!(out, "! open     {what}")?;
            writeln!(
                out,
                "           rules for targets and columns need the target's schema, and the source did not say it:"
            )?;
            return writeln!(out, "           {}: {}", error.code(), error.message());
        }
    };
    for note in notes {
        writeln!(out, "           {note}")?;
    }
    Ok(())
}

fn rule(error: &Error) -> &str {
    error.detail().get("rule").and_then(Value::as_str).unwrap_or("policy")
}

fn as_json(job: &JobFile, outcome: &Outcome) -> Value {
    let job = json!({ "source": job.source, "kind": job.kind, "target": job.request.target() });
    match outcome {
        Outcome::Allowed(Decision { notes, .. }) => {
            json!({ "decision": "allowed", "job": job, "notes": notes })
        }
        Outcome::Open(Decision { notes, .. }) => json!({ "decision": "open", "job": job, "notes": notes }),
        Outcome::Refused(error) => json!({
            "decision": "refused",
            "job": job,
            "rule": rule(error),
            "setting": error.detail().get("setting"),
            "message": error.message(),
        }),
        Outcome::Unknown(error) => json!({
            "decision": "open",
            "job": job,
            "error": { "code": error.code().as_str(), "message": error.message() },
        }),
    }
}
