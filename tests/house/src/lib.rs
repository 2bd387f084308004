//! Reads the dependency table of `docs/architecture.md`.

use std::collections::{BTreeMap, BTreeSet};

/// The line that stands before the table.
const MARK: &str = "<!-- dependency table: held against `cargo metadata` by tests/house -->";

/// Which of our crates each of our crates may depend on, as the document says.
///
/// # Errors
/// What is wrong with the table.
pub fn table(document: &str) -> Result<BTreeMap<String, BTreeSet<String>>, String> {
    let (_, after) =
        document.split_once(MARK).ok_or("docs/architecture.md has lost the mark before its table")?;
    let rows = after.trim_start().lines().take_while(|line| line.starts_with('|')).skip(2);
    let mut table = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, knows, ..] = cells.as_slice() else {
            return Err(format!("a row without two cells: {row}"));
        };
        let known = names(knows);
        let [name] = names(name)
            .into_iter()
            .collect::<Vec<_>>()
            .try_into()
            .map_err(|_| format!("no crate in: {row}"))?;
        table.insert(name, known);
    }
    if table.is_empty() { Err("the table is empty".to_owned()) } else { Ok(table) }
}

/// The names in backquotes.
fn names(cell: &str) -> BTreeSet<String> {
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}
