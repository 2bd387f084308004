//! What a program prints, kept to be searched.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::watch;

/// Lines kept; older ones go. A chatty test prints a few thousand.
const MAX_LINES: usize = 50_000;

/// Where a line was printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// A printed line, without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it was printed.
    pub origin: Origin,
    /// What was printed; bytes that are not UTF-8 are replaced.
    pub text: String,
}

#[derive(Debug)]
pub(crate) struct Output {
    state: Mutex<State>,
    changed: watch::Sender<()>,
}

#[derive(Debug, Default)]
struct State {
    lines: VecDeque<Line>,
    open: usize,
}

impl Output {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), changed: watch::Sender::new(()) })
    }

    /// Reads a pipe to its end on a thread of its own.
    pub(crate) fn collect(
        self: &Arc<Self>,
        origin: Origin,
        pipe: impl Read + Send + 'static,
    ) -> std::io::Result<()> {
        self.update(|state| state.open += 1);
        let output = self.clone();
        let read = move || {
            let mut reader = BufReader::new(pipe);
            let mut line = Vec::new();
            while reader.read_until(b'\n', &mut line).is_ok_and(|read| read > 0) {
                let text = String::from_utf8_lossy(line.trim_ascii_end()).into_owned();
                output.update(|state| {
                    if state.lines.len() == MAX_LINES {
                        state.lines.pop_front();
                    }
                    state.lines.push_back(Line { origin, text });
                });
                line.clear();
            }
            output.update(|state| state.open -= 1);
        };
        std::thread::Builder::new().name("output".to_owned()).spawn(read).map(drop)
    }

    fn update(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.changed.send_replace(());
    }

    fn read<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn lines(&self) -> Vec<Line> {
        self.read(|state| state.lines.iter().cloned().collect())
    }

    /// The last lines, as a text for an error.
    pub(crate) fn tail(&self) -> String {
        const SHOWN: usize = 40;
        self.read(|state| {
            let skipped = state.lines.len().saturating_sub(SHOWN);
            state.lines.iter().skip(skipped).map(|line| format!("  | {}\n", line.text)).collect()
        })
    }

    /// Waits for a line, printed before or after the call; `None` when the program's output has ended.
    pub(crate) async fn find(&self, wanted: impl Fn(&Line) -> bool) -> Option<Line> {
        let mut changes = self.changed.subscribe();
        loop {
            changes.mark_unchanged();
            let (found, ended) =
                self.read(|state| (state.lines.iter().find(|line| wanted(line)).cloned(), state.open == 0));
            if found.is_some() || ended {
                return found;
            }
            changes.changed().await.ok()?;
        }
    }

    /// Waits until both pipes are closed, so that no line is missing any more.
    pub(crate) async fn ended(&self) {
        let _none = self.find(|_| false).await;
    }
}
