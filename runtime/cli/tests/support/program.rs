//! The program as a process.

use std::path::Path;
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

use super::gateway::PATIENCE;

/// A token that no output may show.
pub(crate) const TOKEN: &str = "rk_hunter2-0123456789-abcdefghij-klmnop";

/// The program with an environment of its own, in a folder of its own.
pub(crate) fn program(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_semilayer-runner"));
    command.args(arguments).env_clear().envs(variables.iter().copied());
    command
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    command
}

/// What a program that ended has left.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

pub(crate) async fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Ended {
    let output = program(folder, arguments, variables).output();
    let output = tokio::time::timeout(PATIENCE, output).await.expect("the program does not end").unwrap();
    Ended {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// A program that runs, with its log.
pub(crate) struct Running {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    pub(crate) seen: String,
}

impl Running {
    pub(crate) fn start(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut child = program(folder, arguments, variables).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Running { child, lines, seen: String::new() }
    }

    /// Reads the log up to a line with this text, and returns the line.
    pub(crate) async fn logged(&mut self, text: &str) -> String {
        loop {
            let line = tokio::time::timeout(PATIENCE, self.lines.next_line()).await;
            let line = line.unwrap_or_else(|_| panic!("never logged: {text}\n{}", self.seen)).unwrap();
            let line = line.unwrap_or_else(|| panic!("ended without: {text}\n{}", self.seen));
            self.seen.push_str(&line);
            self.seen.push('\n');
            if line.contains(text) {
                return line;
            }
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id().unwrap()
    }

    pub(crate) fn signal(&self, signal: rustix::process::Signal) {
        let pid = rustix::process::Pid::from_raw(i32::try_from(self.pid()).unwrap()).unwrap();
        rustix::process::kill_process(pid, signal).unwrap();
    }

    /// Waits for the end; the rest of the log and of standard error is in the answer.
    pub(crate) async fn ended(mut self) -> Ended {
        let rest = async {
            while let Some(line) = self.lines.next_line().await.unwrap() {
                self.seen.push_str(&line);
                self.seen.push('\n');
            }
            let mut err = String::new();
            self.child.stderr.take().unwrap().read_to_string(&mut err).await.unwrap();
            (self.child.wait().await.unwrap(), err)
        };
        let (status, err) = tokio::time::timeout(PATIENCE, rest).await.expect("the program does not end");
        Ended { code: status.code(), out: self.seen, err }
    }
}

/// An SQLite file with a thousand rows in `things`.
pub(crate) fn database(folder: &Path) -> String {
    let path = folder.join("shop.db");
    let connection = rusqlite::Connection::open(&path).unwrap();
    connection
        .execute_batch(
            "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT NOT NULL);
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
             INSERT INTO things SELECT i, 'secret-row-' || i FROM n;",
        )
        .unwrap();
    path.to_str().unwrap().to_owned()
}
