//! A source's stages, as its connector's own `open` passes them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use connector_api::{
    CallContext, OpenContext, PathRules, Session, Source, Stage, StageObserver, StageReport,
};
use connector_model::error::{Error, ErrorCode};
use dial::{AddressFilter, Dialer};
use tokio::time::{Instant, timeout};

use crate::check::{Area, Check, Status};
use crate::remedy;

/// How long one source has.
pub(crate) const SOURCE_LIMIT: Duration = Duration::from_secs(10);
/// How much longer a connector has to end by itself after that.
const GRACE: Duration = Duration::from_millis(500);

/// A source that is to be examined.
pub struct SourceSubject {
    /// Its name.
    pub name: String,
    /// The source ready to be opened, or why its configuration does not make one.
    pub openable: Result<Openable, Error>,
}

/// A source ready to be opened.
pub struct Openable {
    /// The source.
    pub source: Box<dyn Source>,
    /// What it is configured by, for a person: driver and variables.
    pub origin: String,
    /// Which addresses it may reach.
    pub filter: AddressFilter,
    /// Which files and sockets it may open.
    pub paths: PathRules,
}

/// A source as its opening found it.
pub struct Opened {
    /// Its stages, up to the first failure; those behind it are skipped.
    pub checks: Vec<Check>,
    /// The session, where it opened.
    pub session: Option<Box<dyn Session>>,
}

/// Collects what the connector reports.
#[derive(Default)]
struct Passed(Mutex<Vec<StageReport>>);

impl StageObserver for Passed {
    fn passed(&self, report: StageReport) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(report);
    }
}

/// Opens the source as a job would, and tells its stages up to the first failure.
pub async fn examine(subject: SourceSubject, dialer: Dialer, application: Arc<str>) -> Vec<Check> {
    open(subject, dialer, application).await.checks
}

/// The same, and hands over the session.
pub async fn open(subject: SourceSubject, dialer: Dialer, application: Arc<str>) -> Opened {
    let SourceSubject { name, openable } = subject;
    let check = |stage: &str, status, text: &str| Check::new(Area::Source(name.clone()), stage, status, text);
    let openable = match openable {
        Ok(openable) => openable,
        Err(error) => {
            let stage = Stage::Config.as_str();
            let failed = check(stage, Status::Failed, error.message()).with_remedy(remedy::of_source(&error));
            let mut checks = vec![failed];
            checks.extend(skipped(&name, stage, &[]));
            return Opened { checks, session: None };
        }
    };
    let Openable { source, origin, filter, paths } = openable;
    let began = Instant::now();
    let observed = Arc::new(Passed::default());
    let call = CallContext::within(SOURCE_LIMIT);
    let observer: Arc<dyn StageObserver> = observed.clone();
    let cx = OpenContext { dialer, filter, paths, application, call, observer: Some(observer) };
    let opened = match timeout(SOURCE_LIMIT + GRACE, source.open(&cx)).await {
        Ok(opened) => opened,
        Err(_) => Err(out_of_time()),
    };

    let reports = std::mem::take(&mut *observed.0.lock().unwrap_or_else(PoisonError::into_inner));
    let passed: Vec<Stage> = reports.iter().map(|report| report.stage).collect();
    // A name is known to have resolved only when its addresses have answered, or have not.
    let failed_in = began.elapsed().saturating_sub(reports.iter().map(|report| report.elapsed).sum());
    let mut checks = vec![check(Stage::Config.as_str(), Status::Passed, &origin)];
    // The configuration was judged before the connector could say so.
    for report in reports.into_iter().filter(|report| report.stage != Stage::Config) {
        let StageReport { stage, elapsed, note, warning } = report;
        let found = match &warning {
            None => check(stage.as_str(), Status::Passed, &note),
            Some(warning) => check(stage.as_str(), Status::Warning, &format!("{note} — {warning}")),
        };
        checks.push(found.with_elapsed(elapsed));
    }
    let error = match opened {
        Ok(session) => return Opened { checks, session: Some(session) },
        Err(error) => error,
    };
    let error = match error.code() {
        ErrorCode::QueryTimeout if !error.detail().contains_key("kind") => {
            late(&error, passed.last().copied())
        }
        _ => error,
    };
    let stage = error.detail().get("stage").and_then(|stage| stage.as_str()).unwrap_or("open").to_owned();
    let mut failed = check(&stage, Status::Failed, &described(&error))
        .with_elapsed(failed_in)
        .with_remedy(remedy::of_source(&error));
    if let Some(hint) = error.detail().get("hint").and_then(|hint| hint.as_str()) {
        failed = failed.with_detail(format!("the server adds: {hint}"));
    }
    checks.push(failed);
    checks.extend(skipped(&name, &stage, &passed));
    Opened { checks, session: None }
}

/// The stages behind the one that failed. One whose name is no stage's (an address rule) comes after the last that passed.
fn skipped(name: &str, failed: &str, passed: &[Stage]) -> Vec<Check> {
    let failed_stage = Stage::from_name(failed).unwrap_or_else(|| following(passed.last().copied()));
    // Of several hosts an earlier one may have come further.
    let behind = Stage::ALL.into_iter().filter(|stage| *stage > failed_stage && !passed.contains(stage));
    let text = format!("not tried: {failed} failed");
    behind
        .map(|stage| {
            Check::new(Area::Source(name.to_owned()), stage.as_str(), Status::Skipped, text.as_str())
        })
        .collect()
}

/// The message, with the database's own code where there is one.
fn described(error: &Error) -> String {
    match error.detail().get("nativeCode").and_then(|code| code.as_str()) {
        Some(code) => format!("{} ({code})", error.message()),
        None => error.message().to_owned(),
    }
}

fn out_of_time() -> Error {
    Error::new(ErrorCode::QueryTimeout, "no time left")
}

/// The time ran out: in the stage after the last that passed, if nobody says otherwise.
fn late(error: &Error, last: Option<Stage>) -> Error {
    let stage = match error.detail().get("stage").and_then(|stage| stage.as_str()) {
        Some(stage) => stage,
        None => following(last).as_str(),
    };
    let message = format!("no answer within {} s", SOURCE_LIMIT.as_secs());
    Error::new(ErrorCode::SourceUnreachable, message).with("stage", stage).with("kind", "timed_out")
}

const fn following(last: Option<Stage>) -> Stage {
    match last {
        None | Some(Stage::Config) => Stage::Dns,
        Some(Stage::Dns) => Stage::Tcp,
        Some(Stage::Tcp | Stage::Tls) => Stage::Auth,
        Some(Stage::Auth) => Stage::Query,
        Some(Stage::Query | Stage::ReadOnly) => Stage::ReadOnly,
    }
}
