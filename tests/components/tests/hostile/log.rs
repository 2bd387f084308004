//! A flood of log lines: so many a second, each on one line, and the rest counted.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use tracing_subscriber::fmt::MakeWriter;

use crate::asked::ask;
use crate::beside::{Beside, LONG};

/// The lines that a module may write in a second, all its sessions together, as the host has it.
const LINES_A_SECOND: usize = 20;

/// Sessions that flood the log at once: twice as many are fewer than a module may fail in a row.
const SESSIONS: usize = 2;

/// What was logged.
#[derive(Clone, Default)]
pub(crate) struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    /// Everything that this process logs from now on, as JSON.
    pub(crate) fn capture() -> Written {
        let written = Written::default();
        tracing_subscriber::fmt().json().with_writer(written.clone()).init();
        written
    }

    /// So far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Written {
    type Writer = Written;

    fn make_writer(&'a self) -> Written {
        self.clone()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_log_lines_is_a_few_and_a_number() {
    let written = Written::capture();
    let beside = Beside::begin().await;
    for target in ["logs", "prints"] {
        written.0.lock().unwrap().clear();
        let begun = Instant::now();
        let floods = (0..SESSIONS).map(|_| async {
            // Whether it comes to its end or its running time does.
            assert!(ask(beside.session().await.as_mut(), target, LONG).await.is_err(), "{target}");
        });
        futures_util::future::join_all(floods).await;
        // A second begins with its first line: so many, and parts of two more.
        let seconds = begun.elapsed().as_secs() as usize + 2;
        let log = written.text();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains("forged")).collect();
        assert!(!lines.is_empty(), "{target}: {log}");
        assert!(lines.len() <= seconds * LINES_A_SECOND, "{target}: {} lines in {seconds} s", lines.len());
        let counts = log.lines().filter(|line| line.contains("left_out")).count();
        assert!((1..=seconds).contains(&counts), "{target}: {counts} counts in {seconds} s");
        for line in &lines {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            for (name, value) in line["fields"].as_object().unwrap() {
                let text = value.as_str().unwrap();
                // A log in plain text has nothing that would escape it.
                assert!(!text.chars().any(char::is_control), "{name}: {text:?}");
                assert!(text.len() < 64 * 1024, "{name} has {} bytes", text.len());
            }
        }
    }
    beside.end().await;
}
