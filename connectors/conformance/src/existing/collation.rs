//! Columns of text that a database compares by a collation of its own. The oracle compares bytes, so it has no opinion
//! of those: they become columns that are returned and not compared, and the report says so.

use connector_memory::Value;
use connector_model::request::Kind;
use connector_model::target::LogicalType;
use serde_json::{Value as Json, json};

use super::Tester;
use super::typed::Loaded;
use crate::job::{Job, Outcome};

/// Looks at every column of text, and takes those that are compared otherwise out of the comparison.
pub(super) async fn find(tester: &mut Tester<'_>, loaded: &mut Loaded) {
    let target = loaded.table.name.clone();
    for at in 0..loaded.table.columns.len() {
        let Some(column) = loaded.table.columns.get(at) else { continue };
        if column.logical_type != LogicalType::Text {
            continue;
        }
        let name = column.name.clone();
        let texts: Vec<String> = loaded.table.rows.iter().filter_map(|row| text(row.get(at)?)).collect();
        let collated = ordered_otherwise(tester, &target, &name, &texts).await
            || equal_otherwise(tester, &target, &name, &texts).await;
        if !collated {
            continue;
        }
        tester.report.note(format!(
            "column \"{name}\" is compared by a collation of the database's own: it is returned, and not compared"
        ));
        if let Some(column) = loaded.table.columns.get_mut(at) {
            column.logical_type = LogicalType::Array;
        }
        for cell in loaded.table.rows.iter_mut().filter_map(|row| row.get_mut(at)) {
            if let Value::Text(text) = cell {
                *cell = Value::Json(json!(text).to_string());
            }
        }
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    }
}

/// Whether the column is sorted in another sequence than that of its bytes, and in one that a collation can have. What is
/// sorted in none is no collation but a fault, and is left for the comparison to find.
async fn ordered_otherwise(tester: &mut Tester<'_>, target: &str, name: &str, texts: &[String]) -> bool {
    if !tester.capabilities.order_by_pushdown {
        return false;
    }
    let job = Job::new(
        Kind::Query,
        target,
        json!({"orderBy": [{"field": name, "dir": "asc"}], "includeTotal": false}),
    );
    let Outcome::Rows(rows, _) = tester.ask(&job).await else { return false };
    let came: Vec<&str> = rows.iter().filter_map(|row| row.get(name)?.as_str()).collect();
    if came.len() != texts.len() || came.is_sorted() {
        return false;
    }
    // How letters beyond ASCII are placed is not known here; the others say enough.
    let known = || came.iter().filter(|text| text.is_ascii());
    known().is_sorted_by_key(|text| text.to_ascii_lowercase())
        || known().is_sorted_by_key(|text| {
            text.chars()
                .filter(char::is_ascii_alphanumeric)
                .map(|c| c.to_ascii_lowercase())
                .collect::<String>()
        })
}

/// Whether a text is found by the same letters in the other case.
async fn equal_otherwise(tester: &mut Tester<'_>, target: &str, name: &str, texts: &[String]) -> bool {
    if !tester.capabilities.where_pushdown {
        return false;
    }
    let flipped = texts.iter().find_map(|text| {
        let flipped: String = text.chars().map(flip).collect();
        (flipped != *text && !texts.contains(&flipped)).then_some(flipped)
    });
    let Some(flipped) = flipped else { return false };
    let alike = texts.iter().filter(|text| text.eq_ignore_ascii_case(&flipped)).count();
    let job =
        Job::new(Kind::Query, target, json!({"where": {name: {"$eq": flipped}}, "includeTotal": false}));
    let Outcome::Rows(rows, _) = tester.ask(&job).await else { return false };
    let is_alike = |row: &Json| {
        row.get(name).and_then(Json::as_str).is_some_and(|text| text.eq_ignore_ascii_case(&flipped))
    };
    rows.len() == alike && rows.iter().all(is_alike)
}

fn flip(c: char) -> char {
    if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
}
