//! `test-source`: one source opened as a job would open it, asked for a sign of life and for what it has.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use connector_api::{CallContext, Chunks, RowSink, Session, SinkLimits};
use connector_model::error::{Error, Result};
use connector_model::filter::Filter;
use connector_model::json::Envelope;
use connector_model::request::Query;
use connector_model::target::{Target, TargetColumn};
use runner_doctor::source::Opened;
use runner_doctor::{Area, Check, Status, json, remedy, source, text};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::arguments::TestSourceFlags;
use crate::connectors::{self, loading::Loaded};
use crate::exit::Exit;
use crate::settings::{ConfigError, Layers, SourceSettings, connection};
use crate::{sources, subjects};

/// How long each question may take.
const LIMIT: Duration = Duration::from_secs(30);
/// Names of targets that are shown; `--json` has all.
const NAMES_SHOWN: usize = 10;

/// What came of it.
struct Tested {
    name: String,
    checks: Vec<Check>,
    targets: Option<Vec<Target>>,
    columns: Option<Vec<TargetColumn>>,
    /// Whether it is the configuration that does not do.
    misconfigured: bool,
}

/// Opens the source, asks it, and prints what came of it.
///
/// # Errors
/// A configuration that cannot be read.
pub(crate) async fn run(
    asked: &TestSourceFlags,
    layers: &Layers,
) -> std::result::Result<Report, ConfigError> {
    let settings = SourceSettings::read(layers)?;
    let modules = connectors::settings(layers)?;
    let dialer = connection::dialer(&connection::ca_files(layers)?)?;
    let loaded = Loaded::load(&modules).await;
    let found = sources::find(&settings, &loaded)?;
    let chosen = subjects::chosen(std::slice::from_ref(&asked.name), found).into_iter().next();
    let Some(subject) = chosen else { return Ok(Report { tested: None, json: asked.json }) };
    let name = subject.name.clone();
    let misconfigured = subject.openable.is_err();
    let Opened { checks, session } =
        source::open(subject, dialer, Arc::from("semilayer-runner/test-source")).await;
    let mut tested = Tested { name, checks, targets: None, columns: None, misconfigured };
    if let Some(mut session) = session {
        tested.ask(session.as_mut(), asked.target.as_deref()).await;
    }
    Ok(Report { tested: Some(tested), json: asked.json })
}

impl Tested {
    /// Goes on until something fails.
    async fn ask(&mut self, session: &mut dyn Session, target: Option<&str>) {
        let began = Instant::now();
        match session.ping(&CallContext::within(LIMIT)).await {
            Ok(server) => {
                let text = format!("the job `test` passes: {} {}", server.product, server.version);
                self.passed("test", text.trim_end().to_owned(), began);
            }
            Err(error) => return self.failed("test", &error, began),
        }
        let began = Instant::now();
        match session.list_targets(&CallContext::within(LIMIT)).await {
            Ok(targets) => {
                self.passed("targets", listed(&targets), began);
                self.targets = Some(targets);
            }
            Err(error) => return self.failed("targets", &error, began),
        }
        let Some(target) = target else { return };
        let began = Instant::now();
        match read_one(session, target).await {
            Ok((rows, columns)) => {
                let rows = if rows == 0 { "it can be read and is empty" } else { "one row was read" };
                let text = format!("{target}: {rows}; {} columns", columns.len());
                self.passed("target", text, began);
                self.columns = Some(columns);
            }
            Err(error) => self.failed("target", &error, began),
        }
    }

    fn passed(&mut self, name: &str, text: String, began: Instant) {
        let check = Check::new(Area::Source(self.name.clone()), name, Status::Passed, text);
        self.checks.push(check.with_elapsed(began.elapsed()));
    }

    fn failed(&mut self, name: &str, error: &Error, began: Instant) {
        let text = match error.detail().get("nativeCode").and_then(Value::as_str) {
            Some(code) => format!("{} ({code})", error.message()),
            None => error.message().to_owned(),
        };
        let check = Check::new(Area::Source(self.name.clone()), name, Status::Failed, text);
        let check = check.with_remedy(remedy::of_source(error));
        self.checks.push(check.with_elapsed(began.elapsed()));
    }

    fn passes(&self) -> bool {
        self.checks.iter().all(|check| check.status != Status::Failed)
    }
}

fn listed(targets: &[Target]) -> String {
    let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).take(NAMES_SHOWN).collect();
    match targets.len() {
        0 => "none: this login can read nothing here".to_owned(),
        count if count > names.len() => format!("{count}: {}, …", names.join(", ")),
        count => format!("{count}: {}", names.join(", ")),
    }
}

/// Asks for the target's columns, and reads one row of it. Of the row nothing is kept.
async fn read_one(session: &mut dyn Session, target: &str) -> Result<(u64, Vec<TargetColumn>)> {
    let schema = session.introspect(&CallContext::within(LIMIT), target).await?;
    let mut forgotten = Forgotten;
    let mut out = RowSink::new(&mut forgotten, SinkLimits::default());
    let query = Query {
        target: target.to_owned(),
        select: None,
        filter: Filter::TRUE,
        joins: Vec::new(),
        order_by: Vec::new(),
        limit: Some(1),
        offset: 0,
        cursor: None,
        include_total: false,
    };
    session.query(&CallContext::within(LIMIT), &query, &mut out).await?;
    out.flush().await?;
    Ok((out.rows(), schema.columns))
}

/// Where rows go that nobody is to see.
struct Forgotten;

#[async_trait]
impl Chunks for Forgotten {
    fn envelope(&self) -> Envelope {
        Envelope::default()
    }

    async fn send(&mut self, _chunk: Vec<u8>) -> Result<()> {
        Ok(())
    }
}

/// What is printed.
pub(crate) struct Report {
    tested: Option<Tested>,
    json: bool,
}

impl Report {
    /// Prints it. Ends with [`Exit::Config`] for a configuration that does not do, and with [`Exit::Source`] for
    /// whatever else failed.
    ///
    /// # Errors
    /// Those of the output.
    pub(crate) fn print(&self, colour: bool, out: &mut dyn Write) -> io::Result<Exit> {
        let Some(tested) = &self.tested else { return Ok(Exit::Config) };
        let exit = match (tested.passes(), tested.misconfigured) {
            (true, _) => Exit::Ok,
            (false, true) => Exit::Config,
            (false, false) => Exit::Source,
        };
        if self.json {
            writeln!(out, "{:#}", tested.to_json(exit))?;
            return Ok(exit);
        }
        write!(out, "{}", text::Lines { checks: &tested.checks, colour })?;
        for column in tested.columns.iter().flatten() {
            let key = if column.primary_key { "  (key)" } else { "" };
            let nullable = if column.nullable { "  null" } else { "" };
            let line = format!("    {:<24} {}{nullable}{key}", column.name, column.native_type);
            writeln!(out, "{}", line.replace(char::is_control, " "))?;
        }
        if exit == Exit::Ok {
            writeln!(out, "The source \"{}\" can be used.", tested.name)?;
        }
        Ok(exit)
    }
}

impl Tested {
    fn to_json(&self, exit: Exit) -> Value {
        let targets = self.targets.as_ref().map(|targets| {
            let names: Vec<&str> = targets.iter().map(|target| target.name.as_str()).collect();
            json!({ "count": names.len(), "names": names })
        });
        let columns = self.columns.as_ref().map(|columns| {
            let column = |column: &TargetColumn| {
                json!({
                    "name": column.name, "type": column.native_type, "nullable": column.nullable,
                    "primaryKey": column.primary_key,
                })
            };
            columns.iter().map(column).collect::<Vec<_>>()
        });
        json!({
            "source": self.name,
            "usable": exit == Exit::Ok,
            "exitCode": exit.code(),
            "checks": self.checks.iter().map(json::check).collect::<Vec<_>>(),
            "targets": targets,
            "columns": columns,
        })
    }
}
