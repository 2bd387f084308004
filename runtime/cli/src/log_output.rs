//! The log's lines.
//!
//! Text lines are the time (RFC 3339, UTC), the level, the message and then the fields: scripts look for the published
//! words right after the level. Records of the `log` crate never get here; libraries write secrets to it.

use std::fmt;

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::log_lines;
pub use crate::log_lines::LinesGuard;
use crate::settings::{LogFormat, Logging};

/// Why there is no log.
#[derive(Debug, thiserror::Error)]
pub enum LogError {
    /// The log has a receiver already.
    #[error("this process already has a log")]
    AlreadyInstalled,
    /// The thread that writes it cannot be started.
    #[error("the log's thread cannot start: {0}")]
    NoThread(std::io::Error),
}

/// Sends the process's log to standard output, until the guard is dropped.
///
/// # Errors
/// [`LogError`].
pub fn install(logging: Logging) -> Result<LinesGuard, LogError> {
    let (writer, guard) = log_lines::lines(std::io::stdout()).map_err(LogError::NoThread)?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(logging.filter)
        .with_writer(writer)
        .with_ansi(false)
        .log_internal_errors(false);
    // Not `init`: that would also bridge the `log` crate.
    let installed = match logging.format {
        LogFormat::Text => {
            let lines = lines.event_format(TextLine).fmt_fields(TextFields);
            tracing::subscriber::set_global_default(lines.finish())
        }
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_current_span(true).with_span_list(false);
            tracing::subscriber::set_global_default(lines.finish())
        }
    };
    installed.map(|()| guard).map_err(|_| LogError::AlreadyInstalled)
}

/// Fields that repeat what the message says, for readers of JSON; text lines are longer without them already.
const SAID: [&str; 8] = ["capabilities", "cause", "gateway", "job", "reason", "runner", "signal", "url"];

/// A text line's message and fields.
struct TextFields;

impl<'w> FormatFields<'w> for TextFields {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'w>, fields: R) -> fmt::Result {
        let mut text = Text { writer, separator: "", written: Ok(()) };
        fields.record(&mut text);
        text.written
    }
}

struct Text<'w> {
    writer: Writer<'w>,
    separator: &'static str,
    written: fmt::Result,
}

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let name = field.name();
        if self.written.is_err() || SAID.contains(&name) {
            return;
        }
        self.written = match name {
            "message" => write!(self.writer, "{}{value:?}", self.separator),
            name => write!(self.writer, "{}{name}={value:?}", self.separator),
        };
        self.separator = " ";
    }
}

/// A text line.
struct TextLine;

impl<S, N> FormatEvent<S, N> for TextLine
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        SystemTime.format_time(&mut writer)?;
        write!(writer, " {:>5} ", event.metadata().level())?;
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}
