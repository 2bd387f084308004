//! The runner's program. What it does is in the library.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::process::ExitCode;

use semilayer_runner::{Process, Variables};

fn main() -> ExitCode {
    let mut process = Process {
        arguments: std::env::args_os().collect(),
        variables: Variables::new(std::env::vars_os()),
        folders: vec![PathBuf::from("."), PathBuf::from("/etc/semilayer")],
        is_terminal: io::stdout().is_terminal(),
        // Not locked: the log is written to it from every thread.
        out: &mut io::stdout(),
        err: &mut io::stderr(),
    };
    ExitCode::from(semilayer_runner::run(&mut process).code())
}
