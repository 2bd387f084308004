//! One value under a rule.

use super::{ColumnRule, KeyedHash, REDACTED, scan};
use crate::json;

impl ColumnRule {
    /// Makes of the JSON value that was written from `start` on what the rule says.
    pub(crate) fn settle(&self, out: &mut Vec<u8>, start: usize) {
        match self {
            ColumnRule::Keep => {}
            ColumnRule::Hash(hash) => {
                let digest = digest(hash.as_ref(), out.get(start..).unwrap_or_default());
                out.truncate(start);
                write_digest(out, digest);
            }
            ColumnRule::Redact | ColumnRule::Null | ColumnRule::Drop => {
                out.truncate(start);
                self.write(out, &[]);
            }
        }
    }

    /// Appends what stands in the place of this JSON value.
    pub(super) fn write(&self, out: &mut Vec<u8>, value: &[u8]) {
        match self {
            ColumnRule::Keep => out.extend_from_slice(value),
            ColumnRule::Hash(hash) => write_digest(out, digest(hash.as_ref(), value)),
            ColumnRule::Redact => out.extend_from_slice(REDACTED),
            ColumnRule::Null => json::null(out),
            ColumnRule::Drop => {}
        }
    }
}

/// `None` for null.
fn digest(hash: &dyn KeyedHash, value: &[u8]) -> Option<[u8; 32]> {
    let value = value.trim_ascii();
    if value == b"null" {
        return None;
    }
    let inner = value.strip_prefix(b"\"").and_then(|rest| rest.strip_suffix(b"\""));
    let text = inner.and_then(scan::unescaped);
    Some(hash.digest(text.as_deref().unwrap_or(value)))
}

fn write_digest(out: &mut Vec<u8>, digest: Option<[u8; 32]>) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let Some(digest) = digest else { return json::null(out) };
    let digit = |nibble: u8| HEX.get(usize::from(nibble & 0xf)).copied().unwrap_or(b'0');
    out.push(b'"');
    out.extend(digest.iter().flat_map(|byte| [digit(byte >> 4), digit(*byte)]));
    out.push(b'"');
}
