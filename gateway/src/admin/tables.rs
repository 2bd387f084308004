//! Answers for a person: aligned columns, and the few words that are shown only once.

use std::io::Write;

use serde_json::Value;

use super::arguments::{Action, KeyAction, RunnerAction, SourceAction};
use crate::command::say;

/// A column: its head, and how to find its text in an entry.
type Column = (&'static str, fn(&Value) -> String);

const RUNNERS: &[Column] = &[
    ("NAME", |one| text(one, "name")),
    ("STATE", |one| text(one, "state")),
    ("LAST SEEN", |one| text(one, "lastSeenAt")),
    ("VERSION", |one| text(one, "version")),
    ("SOURCES", |one| names(one.get("sources"))),
    ("JOBS", |one| text(one, "activeJobs")),
    ("ID", |one| text(one, "id")),
];
const SOURCES: &[Column] = &[
    ("NAME", |one| text(one, "name")),
    ("BRIDGE", |one| text(one, "bridge")),
    ("CREDENTIALS", |one| text(one, "credentialsLocation")),
    ("TIMEOUT MS", |one| text(one, "timeoutMs")),
    ("ID", |one| text(one, "id")),
];
const KEYS: &[Column] = &[
    ("KEY", |one| format!("{}_…{}", text(one, "prefix"), text(one, "last4"))),
    ("NAME", |one| text(one, "name")),
    ("CREATED", |one| text(one, "createdAt")),
    ("LAST USED", |one| text(one, "lastUsedAt")),
    ("REVOKED", |one| text(one, "revokedAt")),
    ("ID", |one| text(one, "id")),
];
const JOBS: &[Column] = &[
    ("DISPATCHED", |one| text(one, "dispatchedAt")),
    ("STATUS", |one| text(one, "status")),
    ("RUNNER", |one| text(one, "runner")),
    ("SOURCE", |one| text(one, "source")),
    ("KIND", |one| text(one, "kind")),
    ("TARGET", |one| text(one, "target")),
    ("ROWS", |one| text(one, "rows")),
    ("CODE", |one| text(one, "errorCode")),
    ("ID", |one| text(one, "id")),
];
const AUDIT: &[Column] = &[
    ("AT", |one| text(one, "at")),
    ("ACTOR", |one| text(one, "actor")),
    ("ACTION", |one| text(one, "action")),
    ("SUBJECT", |one| format!("{} {}", text(one, "subjectType"), text(one, "subjectId"))),
    ("DETAIL", |one| text(one, "detail")),
];

/// Prints an answer.
pub(super) fn print(action: &Action, body: &Value, out: &mut (dyn Write + Send)) {
    match action {
        Action::Runners { action } => match action {
            RunnerAction::List => table(body.get("runners"), RUNNERS, out),
            RunnerAction::Create { .. } | RunnerAction::Rotate { .. } => runner_environment(body, out),
            RunnerAction::Revoke { runner } => say(out, format_args!("runner {runner} is revoked")),
            RunnerAction::Assign { runner, .. } | RunnerAction::Unassign { runner, .. } => {
                say(out, format_args!("runner {runner} serves: {}", names(body.get("sources"))));
            }
        },
        Action::Sources { action } => match action {
            SourceAction::List => table(body.get("sources"), SOURCES, out),
            SourceAction::Connect { name, .. } => {
                say(
                    out,
                    format_args!("source {name} is connected; next: admin runners assign <runner> {name}"),
                );
            }
            SourceAction::Delete { name } => say(out, format_args!("source {name} is deleted")),
        },
        Action::Keys { action } => match action {
            KeyAction::List => table(body.get("keys"), KEYS, out),
            KeyAction::Create { .. } => {
                say(out, "shown only this once:");
                say(out, text(body, "token"));
            }
            KeyAction::Revoke { id } => say(out, format_args!("key {id} is revoked")),
        },
        Action::Jobs { .. } => table(body.get("jobs"), JOBS, out),
        Action::Audit { .. } => table(body.get("entries"), AUDIT, out),
    }
}

/// The variables to start a runner with.
fn runner_environment(body: &Value, out: &mut (dyn Write + Send)) {
    let id = body.get("runner").map(|runner| text(runner, "id")).unwrap_or_default();
    say(out, "# shown only this once");
    say(out, format_args!("SEMILAYER_RUNNER_ID={id}"));
    say(out, format_args!("SEMILAYER_RUNNER_TOKEN={}", text(body, "token")));
    say(out, format_args!("SEMILAYER_GATEWAY_URL={}", text(body, "gatewayUrl")));
}

fn table(entries: Option<&Value>, columns: &[Column], out: &mut (dyn Write + Send)) {
    let entries = entries.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut rows = vec![columns.iter().map(|(head, _)| (*head).to_owned()).collect::<Vec<_>>()];
    rows.extend(entries.iter().map(|entry| columns.iter().map(|(_, cell)| cell(entry)).collect()));
    let mut widths = vec![0; columns.len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    for row in rows {
        let line: Vec<String> =
            row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}", width = *width)).collect();
        say(out, line.join("  ").trim_end());
    }
}

/// A field as text; control characters, which a stranger may have put there, are shown escaped.
fn text(entry: &Value, name: &str) -> String {
    let shown = match entry.get(name) {
        None | Some(Value::Null) => "-".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    if shown.chars().any(char::is_control) { shown.escape_debug().to_string() } else { shown }
}

fn names(list: Option<&Value>) -> String {
    let names: Vec<String> =
        list.and_then(Value::as_array).into_iter().flatten().map(|one| text(one, "name")).collect();
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_are_aligned_and_missing_values_are_dashes() {
        let body = json!([{ "name": "a", "bridge": "b" }, { "name": "longer", "bridge": "b\u{1b}[1m" }]);
        let mut out = Vec::new();
        table(Some(&body), &SOURCES[..3], &mut out);
        let shown = String::from_utf8(out).expect("text");
        assert_eq!(shown, "NAME    BRIDGE      CREDENTIALS\na       b           -\nlonger  b\\u{1b}[1m  -\n");
    }

    #[test]
    fn a_new_runner_is_printed_as_the_variables_to_start_it_with() {
        let body = json!({ "runner": { "id": "7" }, "token": "rk_x", "gatewayUrl": "wss://g/connect" });
        let mut out = Vec::new();
        runner_environment(&body, &mut out);
        let shown = String::from_utf8(out).expect("text");
        assert_eq!(
            shown,
            "# shown only this once\nSEMILAYER_RUNNER_ID=7\nSEMILAYER_RUNNER_TOKEN=rk_x\nSEMILAYER_GATEWAY_URL=wss://g/connect\n"
        );
    }
}
