//! Answers other than rows, too long or of the wrong bytes.

use crate::error;
use crate::exports::semilayer::connector::source::{Error, Target, TargetSchema};
use crate::semilayer::connector::log::{Level, emit};
use crate::semilayer::connector::types::{LogicalType, TargetColumn};

/// The text that several answers point to at once.
const SHARED_BYTES: usize = 1 << 20;

pub fn target(name: &str) -> Target {
    Target { name: name.into(), schema: None, kind: "table".into(), estimated_rows: None }
}

/// More targets than any server has.
pub fn million_targets() -> Vec<Target> {
    (0..1_000_000).map(|_| target("t")).collect()
}

/// Targets whose names are all the same megabyte of this guest's memory: small here, terabytes for whoever copies.
pub fn aliased_targets() -> Vec<Target> {
    let text: &'static mut [u8] = Vec::leak(vec![b'a'; SHARED_BYTES]);
    let address = text.as_mut_ptr();
    let aliased = || {
        // SAFETY: there is none; one text is given away many times, and nothing in here frees it.
        unsafe { String::from_raw_parts(address, SHARED_BYTES, SHARED_BYTES) }
    };
    (0..1 << 20)
        .map(|_| Target { name: aliased(), schema: None, kind: String::new(), estimated_rows: None })
        .collect()
}

/// Columns in their hundreds of thousands, where the name asks for them.
pub fn schema(name: String) -> TargetSchema {
    let count = if name == "columns-million" { 500_000 } else { 1 };
    let column = |at: usize| TargetColumn {
        name: if at == 0 { "id".into() } else { at.to_string() },
        native_type: String::new(),
        logical_type: LogicalType::Integer,
        nullable: false,
        primary_key: at == 0,
    };
    TargetSchema {
        kind: "table".into(),
        columns: (0..count).map(column).collect(),
        primary_key: vec!["id".into()],
        key: vec!["id".into()],
        row_count: None,
        name,
    }
}

/// An error that is no sentence.
pub fn long() -> Error {
    error("long", "e".repeat(100_000_000))
}

/// An error with the configuration in it, and with what turns one log line into several.
pub fn with_secret(config: &str) -> Error {
    let mut error = error("co\r\nde", format!("\u{1b}[31mred\r\n2026-01-01 INFO forged line\u{0} {config}"));
    error.detail = (0..10_000).map(|at| (format!("key\n{at}"), config.to_owned())).collect();
    error
}

/// Writes the configuration into the log by every way that there is, the last of them in a line without an end.
pub fn told(config: &str) -> (&'static str, String) {
    let field = (config.to_owned(), config.to_owned());
    emit(Level::Error, config, &[field]);
    println!("{config}");
    eprintln!("{config}");
    for at in 0..64 {
        eprint!("{}{config}", "x".repeat(1000 + at));
    }
    ("told", config.to_owned())
}

/// An error whose message is no text.
pub fn no_string() -> Error {
    // SAFETY: there is none; the host is told that these bytes are a string.
    error("bytes", unsafe { String::from_utf8_unchecked(vec![0xff, 0xfe, 0x80]) })
}
