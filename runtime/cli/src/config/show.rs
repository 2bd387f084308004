//! The rows, for people and for machines.

use std::io::{self, Write};

use serde_json::json;

use super::Shown;
use super::rows::{Row, Value};
use crate::settings::Origin;

/// The longest value that the columns are aligned for.
const WIDEST_VALUE: usize = 44;

/// A section each, a line for each setting: key, value, origin.
pub(super) fn text(shown: &Shown, effective: bool, out: &mut dyn Write) -> io::Result<()> {
    match &shown.file {
        Some(path) => writeln!(out, "configuration file: {path}")?,
        None => writeln!(out, "configuration file: none")?,
    }
    let rows: Vec<&Row> = shown.rows.iter().filter(|row| is_shown(row, effective)).collect();
    for section in rows.chunk_by(|one, other| one.section == other.section) {
        let Some(first) = section.first() else { continue };
        writeln!(out, "\n[{}]", first.section)?;
        let key = width(section.iter().map(|row| row.key.as_str()), usize::MAX);
        let value = width(section.iter().map(|row| row.value.text()), WIDEST_VALUE);
        for row in section {
            writeln!(out, "  {:<key$}  {:<value$}  {}", row.key, row.value.text(), origin(&row.origin))?;
        }
    }
    if rows.is_empty() {
        writeln!(out, "\nnothing is set; --effective shows the defaults")?;
    }
    if !shown.warnings.is_empty() || !shown.problems.is_empty() {
        writeln!(out)?;
    }
    for warning in &shown.warnings {
        writeln!(out, "! {warning}")?;
    }
    for problem in &shown.problems {
        writeln!(out, "✗ {problem}")?;
    }
    Ok(())
}

/// The same as one object.
pub(super) fn json(shown: &Shown, effective: bool) -> serde_json::Value {
    let rows = shown.rows.iter().filter(|row| is_shown(row, effective)).map(|row| {
        let (value, problem) = match &row.value {
            Value::Shown(text) => (Some(text.as_str()), None),
            Value::Missing => (None, Some("required and not set")),
            Value::Unreadable(problem) => (None, Some(problem.as_str())),
        };
        json!({
            "section": row.section, "key": row.key, "value": value, "problem": problem,
            "origin": origin_json(&row.origin),
        })
    });
    json!({
        "file": shown.file,
        "settings": rows.collect::<Vec<_>>(),
        "warnings": shown.warnings,
        "problems": shown.problems,
    })
}

/// What nobody set is shown where all that is in force is asked for; what is missing always.
fn is_shown(row: &Row, effective: bool) -> bool {
    effective || row.origin != Origin::Default || !matches!(row.value, Value::Shown(_))
}

fn width<'t>(texts: impl Iterator<Item = &'t str>, most: usize) -> usize {
    texts.map(|text| text.chars().count()).filter(|width| *width <= most).max().unwrap_or_default()
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::SecretFile { variable, path } => format!("{variable} ({})", path.display()),
        other => other.to_string(),
    }
}

fn origin_json(origin: &Origin) -> serde_json::Value {
    match origin {
        Origin::Flag(flag) => json!({ "kind": "flag", "name": flag }),
        Origin::Variable(name) => json!({ "kind": "variable", "name": name }),
        Origin::SecretFile { variable, path } => {
            json!({ "kind": "secret-file", "name": variable, "path": path.display().to_string() })
        }
        Origin::File { entry, path } => {
            json!({ "kind": "file", "name": entry, "path": path.display().to_string() })
        }
        Origin::Default => json!({ "kind": "default" }),
    }
}

impl Value {
    fn text(&self) -> &str {
        match self {
            Value::Shown(text) => text,
            Value::Missing => "(required and not set)",
            Value::Unreadable(_) => "(cannot be read)",
        }
    }
}
