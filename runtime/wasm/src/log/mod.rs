//! What a module says: its log lines and its standard output, bounded in length and number.

mod imports;
mod lines;
mod rate;
mod secrets;
mod shown;
mod stdio;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use rate::Rate;
pub use secrets::Secrets;
pub(crate) use shown::shown;
pub(crate) use stdio::Stdio;

/// Characters of one line. Longer ones are data that somebody printed.
const MAX_LINE: usize = 2_000;
/// Fields of one line; more are left out.
const MAX_FIELDS: usize = 16;
/// Characters of a field's name.
const MAX_FIELD_NAME: usize = 64;
/// Characters of a field's value.
const MAX_FIELD_VALUE: usize = 500;
/// Bytes of a text that are looked at at all: what is shown of it, and a secret that ends behind that.
const MAX_SEARCHED: usize = 64 * 1024;
/// Lines of standard error that are kept for the error of a trap: a panic takes two or three.
const KEPT_LINES: usize = 4;

/// How much a line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Debug,
    Info,
    Warn,
    Error,
}

/// Where one instance's lines go. A clone is the same place.
#[derive(Clone)]
pub(crate) struct Log(Arc<Place>);

struct Place {
    /// The connector's short name, the operator's word for it.
    connector: Arc<str>,
    /// What no line may show.
    secrets: Secrets,
    state: Mutex<State>,
}

struct State {
    rate: Rate,
    /// The latest lines of standard error.
    last: VecDeque<String>,
}

impl Log {
    /// The lines of one instance of that connector, with the secrets of its source hidden.
    pub(crate) fn new(connector: impl Into<Arc<str>>, secrets: Secrets) -> Log {
        let state = State { rate: Rate::default(), last: VecDeque::new() };
        Log(Arc::new(Place { connector: connector.into(), secrets, state: Mutex::new(state) }))
    }

    /// A text of the guest, fit to be shown to whoever sent the job: as [`shown`], and with the secrets of its source
    /// hidden.
    pub(crate) fn shown(&self, text: &str, longest: usize) -> String {
        let searched = text.floor_char_boundary(MAX_SEARCHED);
        let text = text.get(..searched).unwrap_or_default();
        shown(&self.0.secrets.hide(text), longest)
    }

    /// One line with fields, unless there have been too many this second; those are counted and the count is a line.
    pub(crate) fn emit(&self, level: Level, message: &str, fields: &[(String, String)]) {
        let now = Instant::now();
        let (passes, left_out) = {
            let mut state = self.state();
            (state.rate.passes(now), state.rate.take_left_out(now))
        };
        if left_out > 0 {
            self.report(left_out);
        }
        if passes {
            self.write(level, &self.shown(message, MAX_LINE), &self.in_a_row(fields));
        }
    }

    /// The instance's standard output, as lines of level info.
    pub(crate) fn stdout(&self) -> Stdio {
        Stdio::new(self.clone(), stdio::Stream::Output)
    }

    /// The instance's standard error, as lines of level warn.
    pub(crate) fn stderr(&self) -> Stdio {
        Stdio::new(self.clone(), stdio::Stream::Error)
    }

    /// The latest lines of standard error, escaped, in their order: after a trap, what a panic said.
    pub(crate) fn last_words(&self) -> Option<String> {
        let state = self.state();
        let words: Vec<&str> = state.last.iter().map(String::as_str).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }

    fn keep(&self, line: &str) {
        // What the standard library of Rust adds to every panic helps nobody here.
        if line.trim().is_empty() || line.starts_with("note: run with `RUST_BACKTRACE") {
            return;
        }
        let words = self.shown(line.trim(), MAX_FIELD_VALUE);
        let mut state = self.state();
        if state.last.len() == KEPT_LINES {
            state.last.pop_front();
        }
        state.last.push_back(words);
    }

    /// Fields as `name=value`, in one text: their names are the guest's, and a log's own fields must not be among them.
    fn in_a_row(&self, fields: &[(String, String)]) -> String {
        let mut row = String::new();
        for (name, value) in fields.iter().take(MAX_FIELDS) {
            let space = if row.is_empty() { "" } else { " " };
            // Writing to a text cannot fail.
            let _ = write!(
                row,
                "{space}{}={}",
                self.shown(name, MAX_FIELD_NAME),
                self.shown(value, MAX_FIELD_VALUE)
            );
        }
        if fields.len() > MAX_FIELDS {
            row.push_str(" …");
        }
        row
    }

    fn report(&self, left_out: u64) {
        let connector = &*self.0.connector;
        tracing::warn!(
            target: "semilayer::connector",
            connector,
            left_out,
            "the connector writes more log lines than are taken; some were left out"
        );
    }

    fn write(&self, level: Level, message: &str, fields: &str) {
        let connector = &*self.0.connector;
        let fields = (!fields.is_empty()).then_some(fields);
        match level {
            Level::Debug => tracing::debug!(target: "semilayer::connector", connector, fields, "{message}"),
            Level::Info => tracing::info!(target: "semilayer::connector", connector, fields, "{message}"),
            Level::Warn => tracing::warn!(target: "semilayer::connector", connector, fields, "{message}"),
            Level::Error => tracing::error!(target: "semilayer::connector", connector, fields, "{message}"),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let left_out = self.state.get_mut().map_or(0, |state| state.rate.left_out());
        if left_out > 0 {
            let connector = &*self.connector;
            tracing::warn!(
                target: "semilayer::connector",
                connector,
                left_out,
                "the connector wrote more log lines than are taken; some were left out"
            );
        }
    }
}
