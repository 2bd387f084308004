//! What stands around a job's statement, direct and through a pooler.

use std::time::Duration;

use crate::connect::Mode;

/// How one statement is surrounded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Around {
    /// Sent before it, in the same flush; nothing when the session's own settings do.
    pub(super) begin: Option<String>,
    /// Whether `COMMIT` goes in the same flush, or follows later.
    pub(super) commit: Commit,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Commit {
    /// There is no transaction to end.
    None,
    /// Together with the statement.
    WithStatement,
    /// After the count that sees the same rows.
    Later,
}

/// The surroundings of a statement. `snapshot` keeps the transaction open, so that a count that follows sees what the
/// rows saw; `settings` pins what the text form of values depends on.
pub(super) fn around(mode: Mode, snapshot: bool, settings: bool, timeout: Duration) -> Around {
    match (mode, snapshot) {
        (Mode::Direct, false) => Around { begin: None, commit: Commit::None },
        (Mode::Direct, true) => {
            let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY".to_owned();
            Around { begin: Some(begin), commit: Commit::Later }
        }
        (Mode::Pooled, snapshot) => {
            let level = if snapshot { " ISOLATION LEVEL REPEATABLE READ" } else { "" };
            // Only SET LOCAL: what outlives the transaction would be found by the pooler's next client.
            let mut begin = format!(
                "BEGIN{level} READ ONLY; SET LOCAL statement_timeout = {}",
                timeout.as_millis().max(1)
            );
            if settings {
                for setting in TEXT_SETTINGS {
                    begin.push_str("; SET LOCAL ");
                    begin.push_str(setting);
                }
            }
            Around {
                begin: Some(begin),
                commit: if snapshot { Commit::Later } else { Commit::WithStatement },
            }
        }
    }
}

/// What the text form of a value depends on.
const TEXT_SETTINGS: [&str; 5] = [
    "TimeZone = 'UTC'",
    "DateStyle = 'ISO'",
    "IntervalStyle = 'postgres'",
    "bytea_output = 'hex'",
    "extra_float_digits = 1",
];

/// What a direct session sets once, right after login.
pub(super) fn session_settings(backstop: Duration) -> String {
    let mut text = String::from("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY");
    for setting in TEXT_SETTINGS {
        text.push_str("; SET ");
        text.push_str(setting);
    }
    text.push_str("; ");
    text.push_str(&statement_timeout(backstop));
    text
}

/// Sets a direct session's statement timeout.
pub(super) fn statement_timeout(limit: Duration) -> String {
    format!("SET statement_timeout = {}", limit.as_millis().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_sent_through_a_pooler_outlives_its_transaction() {
        for snapshot in [false, true] {
            for settings in [false, true] {
                let around = around(Mode::Pooled, snapshot, settings, Duration::from_secs(3));
                let begin = around.begin.unwrap();
                let mut parts = begin.split("; ");
                assert!(parts.next().unwrap().starts_with("BEGIN") && begin.contains("READ ONLY"));
                assert!(parts.all(|part| part.starts_with("SET LOCAL ")), "{begin}");
                assert_ne!(around.commit, Commit::None);
            }
        }
    }
}
