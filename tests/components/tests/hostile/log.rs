//! A flood of log lines: so many a second, each on one line, and the rest counted.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

use crate::asked::ask;
use crate::beside::{Beside, LONG};

/// The lines of a module that are few enough, for each second or part of one.
const LINES_A_SECOND: usize = 400;

/// What was logged.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

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
    let written = Written::default();
    tracing_subscriber::fmt().json().with_writer(written.clone()).init();
    let beside = Beside::begin().await;
    for target in ["logs", "prints"] {
        written.0.lock().unwrap().clear();
        let begun = Instant::now();
        // Whether it comes to its end or its running time does.
        let outcome = ask(beside.session().await.as_mut(), target, LONG).await;
        assert!(outcome.is_err(), "{target}");
        let seconds = begun.elapsed().as_secs() as usize + 1;
        tokio::time::sleep(Duration::from_millis(50)).await;
        let log = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines: Vec<&str> = log.lines().filter(|line| line.contains("forged")).collect();
        assert!(!lines.is_empty(), "{target}: {log}");
        assert!(lines.len() <= seconds * LINES_A_SECOND, "{target}: {} lines in {seconds} s", lines.len());
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
