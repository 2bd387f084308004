//! The document and its tables.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read as _, Seek as _, Write as _};
use std::path::Path;

use crate::Sample;

/// Fails unless the document's table of this engine is made of these answers; writes it when asked to.
pub(crate) fn holds(engine: &str, samples: &[Sample], answers: &[String]) {
    assert_eq!(samples.len(), answers.len());
    let mut table = String::from("| type | value | JSON |\n|---|---|---|\n");
    for ((of, value), json) in samples.iter().zip(answers) {
        writeln!(table, "| `{of}` | {} | {} |", code(value), code(json)).unwrap();
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/values.md");
    let mut file = File::options().read(true).write(true).open(&path).unwrap();
    // Tests of several engines run beside each other.
    file.lock().unwrap();
    let mut document = String::new();
    file.read_to_string(&mut document).unwrap();
    let begin = format!("<!-- {engine}: made by tests/drivers/tests/values -->\n");
    let (head, rest) =
        document.split_once(&begin).unwrap_or_else(|| panic!("docs/values.md has no line {begin}"));
    let (found, tail) = rest.split_once("<!-- end -->").expect("docs/values.md: a table without an end");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        file.set_len(0).unwrap();
        file.rewind().unwrap();
        file.write_all(format!("{head}{begin}{table}<!-- end -->{tail}").as_bytes()).unwrap();
        return;
    }
    for (line, expected) in found.lines().zip(table.lines()) {
        assert_eq!(line, expected, "docs/values.md is not what {engine} answers; UPDATE_DOCS=1 writes it");
    }
    assert_eq!(found, table, "docs/values.md is not what {engine} answers; UPDATE_DOCS=1 writes it");
}

/// Code in a table's cell: with a fence that the text does not hold, and no bar of its own.
fn code(text: &str) -> String {
    let text = text.replace('|', "\\|").replace('\n', "⏎");
    if text.contains('`') { format!("`` {text} ``") } else { format!("`{text}`") }
}
