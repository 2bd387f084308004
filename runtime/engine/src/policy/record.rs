//! One line of the audit log.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use connector_model::error::{Error, ErrorCode};
use connector_model::request::{Mention, Request, Which};
use jiff::Timestamp;
use serde_json::json;

use super::audit::AuditLog;

/// The most columns of a line.
const MOST_COLUMNS: usize = 256;
/// The most characters of a name in a line: the gateway chooses those, and a job may be 16 MiB.
const MOST_CHARACTERS: usize = 256;

/// What a job has sent so far.
#[derive(Debug, Default)]
pub(crate) struct Left {
    rows: AtomicU64,
    bytes: AtomicU64,
}

impl Left {
    /// Counts a chunk.
    pub(crate) fn add(&self, rows: u64, bytes: u64) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Rows and bytes.
    pub(crate) fn so_far(&self) -> (u64, u64) {
        (self.rows.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

/// What is known of a job while it runs, for its line.
#[derive(Debug, Default)]
pub(crate) struct Trace {
    /// What it has sent.
    pub(crate) left: Left,
    /// The columns that it names; `*` is all of them.
    columns: OnceLock<Vec<String>>,
}

impl Trace {
    /// Notes which columns a request names.
    pub(crate) fn names(&self, request: &Request) {
        let mut columns: Vec<String> = Vec::new();
        let mut note = |name: String| {
            let full = columns.len() >= MOST_COLUMNS;
            if !full && !columns.contains(&name) {
                columns.push(name);
            }
        };
        let visited: Result<(), std::convert::Infallible> =
            request.visit_columns(&mut |Mention { which, .. }| {
                match which {
                    Which::AllShown => note("*".to_owned()),
                    Which::Shown(column) | Which::Examined(column) => note(cut(column)),
                    Which::Joined { alias, column } => note(cut(&format!("{alias}.{column}"))),
                    Which::Key | Which::Identity => {}
                }
                Ok(())
            });
        match visited {
            Ok(()) => {}
            Err(never) => match never {},
        }
        // Only the first request counts, and a job has one.
        let _known = self.columns.set(columns);
    }
}

/// What becomes a line when the job ends.
pub(crate) struct Record {
    pub(crate) log: Arc<AuditLog>,
    pub(crate) target: Option<String>,
    pub(crate) trace: Arc<Trace>,
}

impl Record {
    /// Writes the line.
    pub(crate) fn end(&self, id: &str, source: &str, kind: &str, ms: u64, failed: Option<&Error>) {
        let (rows, bytes) = self.trace.left.so_far();
        let mut line = json!({
            "time": format!("{:.3}", Timestamp::now()),
            "job": cut(id),
            "source": cut(source),
            "kind": cut(kind),
            "target": self.target.as_deref().map(cut),
            "columns": self.trace.columns.get(),
            "rows": rows,
            "bytes": bytes,
            "ms": ms,
            "outcome": failed.map_or("DONE", |error| error.code().as_str()),
        });
        let denied = failed.filter(|error| error.code() == ErrorCode::PolicyDenied);
        if let (Some(error), Some(line)) = (denied, line.as_object_mut()) {
            for key in ["rule", "setting"] {
                line.extend(error.detail().get(key).map(|value| (key.to_owned(), value.clone())));
            }
        }
        self.log.add(line.to_string());
    }
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(MOST_CHARACTERS) {
        Some((end, _)) => format!("{}…", text.get(..end).unwrap_or_default()),
        None => text.to_owned(),
    }
}
