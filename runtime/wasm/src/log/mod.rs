//! What a module says: its log lines and its standard output, bounded in length and number.

mod forms;
mod imports;
mod lines;
mod rate;
mod secrets;
mod shown;
mod stdio;
#[cfg(test)]
mod tests;
mod voice;

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub(crate) use secrets::Secrets;
pub(crate) use shown::shown;
pub(crate) use stdio::Stdio;
pub(crate) use voice::Voice;

/// Characters of one line. Longer ones are data that somebody printed.
const MAX_LINE: usize = 2_000;
/// Fields of one line; more are left out.
const MAX_FIELDS: usize = 16;
/// Characters of a field's name.
const MAX_FIELD_NAME: usize = 64;
/// Characters of a field's value.
const MAX_FIELD_VALUE: usize = 500;
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
    /// Whose lines they are, and how many there may be.
    voice: Voice,
    /// What no line may show.
    secrets: Secrets,
    /// The latest lines of standard error.
    last: Mutex<VecDeque<String>>,
}

impl Log {
    /// The lines of one instance of a module, with the secrets of its source hidden.
    pub(crate) fn new(voice: Voice, secrets: Secrets) -> Log {
        Log(Arc::new(Place { voice, secrets, last: Mutex::default() }))
    }

    /// What none of its texts may show.
    pub(crate) fn secrets(&self) -> &Secrets {
        &self.0.secrets
    }

    fn shown(&self, text: &str, longest: usize) -> String {
        self.0.secrets.shown(text, longest)
    }

    /// One line with fields, unless the module has written too many this second.
    pub(crate) fn emit(&self, level: Level, message: &str, fields: &[(String, String)]) {
        if self.0.voice.passes() {
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
        let last = self.last();
        let words: Vec<&str> = last.iter().map(String::as_str).collect();
        (!words.is_empty()).then(|| words.join("; "))
    }

    fn keep(&self, line: &str) {
        // What the standard library of Rust adds to every panic helps nobody here.
        if line.trim().is_empty() || line.starts_with("note: run with `RUST_BACKTRACE") {
            return;
        }
        let words = self.shown(line, MAX_FIELD_VALUE);
        let mut last = self.last();
        if last.len() == KEPT_LINES {
            last.pop_front();
        }
        last.push_back(words.trim().to_owned());
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

    fn write(&self, level: Level, message: &str, fields: &str) {
        let connector = &*self.0.voice.connector();
        let fields = (!fields.is_empty()).then_some(fields);
        match level {
            Level::Debug => tracing::debug!(target: "semilayer::connector", connector, fields, "{message}"),
            Level::Info => tracing::info!(target: "semilayer::connector", connector, fields, "{message}"),
            Level::Warn => tracing::warn!(target: "semilayer::connector", connector, fields, "{message}"),
            Level::Error => tracing::error!(target: "semilayer::connector", connector, fields, "{message}"),
        }
    }

    fn last(&self) -> MutexGuard<'_, VecDeque<String>> {
        self.0.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.voice.ended();
    }
}
