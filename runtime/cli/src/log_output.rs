//! The log's lines.
//!
//! Text lines are the time (RFC 3339, UTC), the level, the message and then the fields: scripts look for the published
//! words right after the level. Records of the `log` crate never get here; libraries write secrets to it.

use std::fmt;

use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::settings::{LogFormat, Logging};

/// The log has a receiver already.
#[derive(Debug, thiserror::Error)]
#[error("this process already has a log")]
pub struct AlreadyInstalled;

/// Sends the process's log to standard output.
///
/// # Errors
/// [`AlreadyInstalled`].
pub fn install(logging: Logging) -> Result<(), AlreadyInstalled> {
    let lines = tracing_subscriber::fmt()
        .with_env_filter(logging.filter)
        .with_writer(std::io::stdout)
        .with_ansi(false)
        .log_internal_errors(false);
    // Not `init`: that would also bridge the `log` crate.
    let installed = match logging.format {
        LogFormat::Text => tracing::subscriber::set_global_default(lines.event_format(TextLine).finish()),
        LogFormat::Json => {
            let lines = lines.json().flatten_event(true).with_current_span(true).with_span_list(false);
            tracing::subscriber::set_global_default(lines.finish())
        }
    };
    installed.map_err(|_| AlreadyInstalled)
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
