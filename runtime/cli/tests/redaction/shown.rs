//! The commands, in this process, so that many configurations can be tried; with the log of everything at its loudest.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use clap::Parser;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use semilayer_runner::arguments::Arguments;
use semilayer_runner::settings::{Connection, Layers, Settings, SourceSettings};
use semilayer_runner::{Process, Variables};
use tracing_subscriber::fmt::MakeWriter;

use crate::configuration::{Written, configuration};
use crate::hold;
use crate::support::bundle::unpacked;

/// Commands that show something. Doctor and the bundle try the gateway and every source.
const COMMANDS: [&[&str]; 12] = [
    &["status"],
    &["sources"],
    &["sources", "--json"],
    &["config", "show"],
    &["config", "show", "--effective"],
    &["config", "show", "--effective", "--json"],
    &["doctor"],
    &["doctor", "--json", "--offline"],
    &["test-source", "s0", "--target", "t"],
    &["test-source", "s0", "--json"],
    &["connectors", "list", "--json"],
    &["diag", "--offline", "--logs", "runner.log", "--out", "bundle.tar.gz"],
];

/// Takes every line of the log.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Log;

    fn make_writer(&self) -> Log {
        self.clone()
    }
}

fn run(folder: &Path, command: &[&str], written: &Written) -> (String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let inside = |argument: &&str| match *argument {
        name @ ("runner.log" | "bundle.tar.gz") => folder.join(name).into_os_string(),
        other => other.into(),
    };
    let arguments = std::iter::once("semilayer-runner".into())
        .chain(command.iter().map(inside))
        .chain(written.arguments.iter().map(Into::into));
    let mut process = Process {
        arguments: arguments.collect(),
        variables: Variables::new(written.os_variables()),
        folders: vec![folder.to_owned()],
        is_terminal: false,
        out: &mut out,
        err: &mut err,
    };
    semilayer_runner::run(&mut process);
    (String::from_utf8_lossy(&out).into_owned(), String::from_utf8_lossy(&err).into_owned())
}

/// What `Debug` says of everything that is made of the configuration, and what its errors say.
fn debugged(folder: PathBuf, written: &Written) -> String {
    let arguments = std::iter::once("semilayer-runner").chain(written.arguments.iter().map(String::as_str));
    let flags = Arguments::parse_from(arguments).flags;
    let variables = Variables::new(written.os_variables());
    let layers = match Layers::read(flags, variables, &[folder]) {
        Ok(layers) => layers,
        Err(error) => return format!("{error} {error:?}"),
    };
    format!(
        "{layers:?} {:?} {:?} {:?}",
        Connection::read(&layers),
        Settings::read(&layers),
        SourceSettings::read(&layers)
    )
}

#[test]
fn no_command_no_log_line_and_no_bundle_shows_a_secret() {
    let log = Log::default();
    let lines = tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(log.clone());
    tracing::subscriber::set_global_default(lines.finish()).unwrap();
    let mut runner = TestRunner::new(Config { cases: 48, failure_persistence: None, ..Config::default() });
    let tried = runner.run(&configuration(), |configuration| {
        let folder = tempfile::tempdir().unwrap();
        let written = configuration.write(folder.path(), "ws://127.0.0.1:1/connect");
        std::fs::write(folder.path().join("runner.log"), written.values.join("\nline ")).unwrap();
        hold("Debug", &debugged(folder.path().to_owned(), &written));
        for command in COMMANDS {
            let (out, err) = run(folder.path(), command, &written);
            hold(&format!("{command:?}"), &out);
            hold(&format!("{command:?}, standard error"), &err);
        }
        let bundle = std::fs::read(folder.path().join("bundle.tar.gz")).unwrap();
        for (name, text) in unpacked(&bundle) {
            hold(&format!("{name} in the bundle"), &text);
        }
        hold("the log", &String::from_utf8_lossy(&std::mem::take(&mut *log.0.lock().unwrap())));
        prop_assert!(true);
        Ok(())
    });
    tried.unwrap();
}
