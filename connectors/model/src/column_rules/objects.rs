//! Rows that are JSON text already, under rules: read once from left to right, copied but for what a rule touches.

use std::ops::Range;
use std::sync::Arc;

use super::{ColumnRule, ColumnRules, scan};
use crate::error::{Error, Result};

/// How many keys of a row are remembered, each with its rule: rows mostly have the keys of the row before, in that
/// row's order. The keys behind these are looked up each time.
const REMEMBERED: usize = 256;

/// Keys longer than this many bytes are not remembered.
const REMEMBERED_BYTES: usize = 128;

/// Applies rules to rows that come as text.
#[derive(Debug)]
pub(crate) struct Rewriter {
    rules: Arc<ColumnRules>,
    /// The key that stood at each position of the row before, as it was written, and its rule.
    seen: Vec<(Vec<u8>, Option<ColumnRule>)>,
}

impl Rewriter {
    pub(crate) fn new(rules: Arc<ColumnRules>) -> Self {
        Rewriter { rules, seen: Vec::new() }
    }

    /// What becomes of a column that is written cell by cell.
    pub(crate) fn of(&self, name: &str) -> Option<ColumnRule> {
        self.rules.of(name).cloned()
    }

    /// Appends `rows` objects, which are separated by commas. Every key is read as what it means, however it is
    /// escaped, and as often as it stands there. When it fails, nothing was appended.
    pub(crate) fn append(&mut self, out: &mut Vec<u8>, rows: u32, objects: &[u8]) -> Result<()> {
        let start = out.len();
        let mut walk = Walk { text: objects, at: scan::after_space(objects, 0), copied: 0, out };
        if self.rows(&mut walk, rows).is_some() {
            return Ok(());
        }
        out.truncate(start);
        // Whoever takes text from a module has checked it; what drivers write is right by construction.
        Err(Error::internal(format!(
            "what should be {rows} JSON objects is something else; the rules of columns cannot be applied to it"
        )))
    }

    fn rows(&mut self, walk: &mut Walk<'_, '_>, rows: u32) -> Option<()> {
        for row in 0..rows {
            if row > 0 {
                walk.expect(b',')?;
            }
            self.row(walk)?;
        }
        if walk.at != walk.text.len() {
            return None;
        }
        walk.copy_until(walk.text.len())
    }

    fn row(&mut self, walk: &mut Walk<'_, '_>) -> Option<()> {
        walk.expect(b'{')?;
        if walk.next_is(b'}') {
            return walk.expect(b'}');
        }
        let mut kept = false;
        // Where what goes with a dropped member begins: the comma before it, or itself.
        let mut from = walk.at;
        for position in 0.. {
            let start = walk.at;
            let (key, value) = walk.member()?;
            match self.rule(position, key)? {
                Some(ColumnRule::Drop) => {
                    if kept || position == 0 {
                        walk.copy_until(from)?;
                    }
                    walk.copied = value.end;
                }
                rule => {
                    if !kept && position > 0 {
                        walk.copied = start;
                    }
                    if let Some(rule) = rule {
                        walk.copy_until(value.start)?;
                        walk.copied = value.end;
                        rule.write(walk.out, walk.text.get(value)?);
                    }
                    kept = true;
                }
            }
            if walk.next_is(b'}') {
                break;
            }
            from = walk.at;
            walk.expect(b',')?;
        }
        walk.expect(b'}')
    }

    /// The rule for the key that stands at this position, as it is written.
    fn rule(&mut self, position: usize, written: &[u8]) -> Option<Option<&ColumnRule>> {
        let remembered = position < REMEMBERED && written.len() <= REMEMBERED_BYTES;
        if !remembered {
            return Some(self.rules.of(&name(written)?));
        }
        if self.seen.len() <= position {
            self.seen.resize(position + 1, (Vec::new(), self.rules.of("").cloned()));
        }
        let (key, rule) = self.seen.get_mut(position)?;
        if key != written {
            *rule = self.rules.of(&name(written)?).cloned();
            key.clear();
            key.extend_from_slice(written);
        }
        Some(rule.as_ref())
    }
}

/// Where a pass over the text stands.
struct Walk<'t, 'o> {
    text: &'t [u8],
    /// The next token's first byte, or the end.
    at: usize,
    /// What comes before this was appended, or left out.
    copied: usize,
    out: &'o mut Vec<u8>,
}

impl<'t> Walk<'t, '_> {
    fn next_is(&self, byte: u8) -> bool {
        self.text.get(self.at) == Some(&byte)
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        if !self.next_is(byte) {
            return None;
        }
        self.at = scan::after_space(self.text, self.at + 1);
        Some(())
    }

    /// Passes over a key and its value: the key as it is written, and where the value stands.
    fn member(&mut self) -> Option<(&'t [u8], Range<usize>)> {
        if !self.next_is(b'"') {
            return None;
        }
        let end = scan::string_end(self.text, self.at)?;
        let key = self.text.get(self.at + 1..end - 1)?;
        self.at = scan::after_space(self.text, end);
        self.expect(b':')?;
        let value = self.at..scan::value_end(self.text, self.at)?;
        self.at = scan::after_space(self.text, value.end);
        Some((key, value))
    }

    fn copy_until(&mut self, end: usize) -> Option<()> {
        self.out.extend_from_slice(self.text.get(self.copied..end)?);
        self.copied = end;
        Some(())
    }
}

/// The name that a key means; what is no UTF-8 means no column.
fn name(written: &[u8]) -> Option<String> {
    scan::unescaped(written).map(|name| String::from_utf8_lossy(&name).into_owned())
}
